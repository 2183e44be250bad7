"""What drawing needs beyond feint's own dependencies."""

import importlib.util

from feint.errors import FeintError

PACKAGES = {
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
    "PIL": "pillow",
    "imageio_ffmpeg": "imageio-ffmpeg",
}
"""Module to package; all are in the extra `report`, but for ffmpeg, which is large: `video`."""


def need(what: str, *modules: str) -> None:
    """Raise FeintError if a module that `what` needs is not installed."""
    missing = [PACKAGES[name] for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        extra = "video" if "imageio-ffmpeg" in missing else "report"
        raise FeintError(
            f"{what} needs {', '.join(missing)}, which is not installed. "
            f"Expected: pip install 'feint[{extra}]'"
        )
