"""Figures and animations as bytes of pdf, svg, png and mp4 files; the same for the same case.

A new format of files is added here and in `cli/figures.py`.
"""

import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from feint.errors import FeintError
from feint.io.optional import need
from feint.report.cases.case import Case
from feint.report.charts.svg import style, to_svg
from feint.report.figures.stick_figures import PAUSE_MS, render_frames

DPI = 200


def figure(drawn: Figure, form: str, dpi: int = DPI) -> bytes:
    """The figure as "pdf", "svg" or "png", without a date or the writer's name."""
    with style():
        if form == "svg":
            return to_svg(drawn).encode()
        buffer = BytesIO()
        if form == "pdf":
            from matplotlib.backends.backend_pdf import FigureCanvasPdf

            FigureCanvasPdf(drawn)
            nothing = dict.fromkeys(("CreationDate", "Creator", "Producer"))
            drawn.savefig(buffer, format="pdf", facecolor="white", metadata=nothing)
        else:
            FigureCanvasAgg(drawn)
            drawn.savefig(
                buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None}
            )
        return buffer.getvalue()


def mp4(case: Case) -> bytes:
    """The animation as a video (H.264) that holds its last frame for a while.

    Raises:
        FeintError: imageio-ffmpeg is not installed, or its ffmpeg does not work.
    """
    need("A video", "imageio_ffmpeg")
    import imageio_ffmpeg

    images = [_even(one) for one in render_frames(case, dpi=150)]
    fps = case.skeleton.fps
    images += images[-1:] * round(PAUSE_MS / 1000 * fps)
    plain = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    plain += ["-movflags", "+faststart", "-threads", "1"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.mp4"
        try:
            writer = imageio_ffmpeg.write_frames(
                str(path), images[0].size, fps=fps, codec="libx264", quality=8,
                macro_block_size=2, output_params=plain, ffmpeg_log_level="error",
            )  # fmt: skip
            writer.send(None)
            for one in images:
                writer.send(np.ascontiguousarray(one))
            writer.close()
            return path.read_bytes()
        except (OSError, RuntimeError) as error:
            raise FeintError(
                f"ffmpeg wrote no video ({error}). Expected the one of imageio-ffmpeg, or one that "
                "$IMAGEIO_FFMPEG_EXE names; --format gif needs none.",
                code="no-video",
            ) from error


def _even(image: Image.Image) -> Image.Image:
    """Pad with white to an even width and height, which H.264 needs."""
    size = (image.width + image.width % 2, image.height + image.height % 2)
    whole = Image.new("RGB", size, "white")
    whole.paste(image, (0, 0))
    return whole
