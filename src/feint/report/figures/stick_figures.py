"""Draws a case as stick figures: an animation (GIF) and a film strip (SVG)."""

from dataclasses import dataclass
from io import BytesIO
from textwrap import shorten

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from feint.report.cases.case import Case, Motion, goal_text
from feint.report.charts.svg import ACTOR, INK, PALE, REACTOR, style, to_svg
from feint.skeleton import Skeleton

MOMENTS = 8
PAUSE_MS = 1500
LOOKS: dict[str, tuple[float, float, tuple[float, ...]]] = {
    "solid": (2.6, 1.0, ()),
    "ghost": (1.8, 0.3, ()),
    "target": (1.3, 0.75, (2.2, 1.6)),
}
"""Line width, opacity and dashes of a person."""
MARGIN = 0.12
"""Metres around the people."""


@dataclass(frozen=True)
class View:
    """A projection on two axes, with signs: the camera's view, or the view from the side."""

    across: int
    up: int
    signs: tuple[float, float]

    def project(self, motion: Motion) -> np.ndarray:
        """The motion as (frames, joints, 2), in metres."""
        seen: np.ndarray = motion[..., [self.across, self.up]].numpy() * np.array(self.signs)
        return seen


def front_view(skeleton: Skeleton) -> View:
    """The camera's view: the first axis to the right, the second up."""
    return View(0, 1, (-1.0 if skeleton.scale[0] < 0 else 1.0, 1.0))


def side_view(skeleton: Skeleton) -> View:
    """The view from the side, depth to the right; the front view of data without depth."""
    if len(skeleton.axes) < 3:
        return front_view(skeleton)
    return View(len(skeleton.axes) - 1, 1, (1.0, 1.0))


@dataclass(frozen=True)
class Box:
    """The part of the world that all panels show."""

    left: float
    right: float
    low: float
    high: float

    @staticmethod
    def around(*seen: np.ndarray) -> "Box":
        """The box of all positions in all frames."""
        points = np.concatenate([one.reshape(-1, 2) for one in seen])
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            points = np.zeros((1, 2))
        low, high = points.min(axis=0) - MARGIN, points.max(axis=0) + MARGIN
        return Box(float(low[0]), float(high[0]), float(low[1]), float(high[1]))

    @property
    def width(self) -> float:
        """Metres across."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Metres up."""
        return self.high - self.low


class StickFigure:
    """One person in one panel: the bones as one broken line, the head as a dot."""

    def __init__(
        self, axes: Axes, skeleton: Skeleton, seen: np.ndarray, colour: str, kind: str = "solid"
    ) -> None:
        width, alpha, dashes = LOOKS[kind]
        self.seen = seen
        self.pairs = [(skeleton.joint(a), skeleton.joint(b)) for a, b in skeleton.bones]
        self.head = skeleton.head
        self.line = Line2D([], [], color=colour, lw=width, alpha=alpha, solid_capstyle="round")
        axes.add_line(self.line)
        self.dot = Line2D([], [], color=colour, marker="o", ms=2.3 * width, ls="", alpha=alpha)
        if dashes:
            self.line.set_dashes(dashes)
            self.dot.set_markerfacecolor("none")
        axes.add_line(self.dot)

    def show(self, frame: int) -> None:
        """Show a frame."""
        here = self.seen[frame]
        gap = np.full(2, np.nan)
        path = np.array([p for a, b in self.pairs for p in (here[a], here[b], gap)])
        self.line.set_data(path[:, 0], path[:, 1])
        if self.head is not None:
            self.dot.set_data(here[self.head, :1], here[self.head, 1:])


def gif(case: Case) -> tuple[bytes, bytes]:
    """The animation as GIF, and its last frame as PNG for readers who prefer no motion."""
    images = render_frames(case)
    still = BytesIO()
    images[-1].quantize(64).save(still, format="PNG", optimize=True)
    return _animated(images, case.skeleton.fps), still.getvalue()


def render_frames(case: Case, dpi: int = 90) -> list[Image.Image]:
    """Every frame of the animation."""
    view = front_view(case.skeleton)
    seen = {n: view.project(getattr(case, n)) for n in _MOTIONS}
    box = Box.around(*seen.values())
    panel = min(max(6.0 * box.height / box.width, 1.6), 3.4)
    width = min(max(panel * box.width / box.height, 4.4), 6.0)
    with style():
        figure = Figure(figsize=(width, 2 * (panel + 0.36)), dpi=dpi)
        canvas = FigureCanvasAgg(figure)
        share = panel / (panel + 0.36) / 2
        people = []
        attacked = shorten(f"attacked: {goal_text(case.row)}", 48, placeholder=" ...")
        for i, title in enumerate(("no attack", attacked)):
            axes = figure.add_axes((0.0, 0.5 - 0.5 * i, 1.0, share))
            setup_axes(axes, box)
            axes.set_title(title, loc="left", x=0.02, fontsize=13, color=INK)
            people += _draw_people(axes, case.skeleton, seen, adversarial=i == 1)
        clock = figure.text(0.98, 0.985, "", ha="right", va="top", fontsize=11, color=INK)
        images = []
        for frame in range(len(case.actor)):
            for person in people:
                person.show(frame)
            clock.set_text(f"{frame / case.skeleton.fps:.1f} s")
            canvas.draw()
            images.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
    return images


def filmstrip_svg(case: Case) -> str:
    """The film strip as SVG."""
    with style():
        return to_svg(filmstrip(case))


def filmstrip(case: Case) -> Figure:
    """The film strip: time from left to right, three rows."""
    frames = sorted({round(f) for f in np.linspace(0, len(case.actor) - 1, MOMENTS)})
    view, aside = front_view(case.skeleton), side_view(case.skeleton)
    seen = {n: view.project(getattr(case, n)) for n in _MOTIONS}
    beside = {n: aside.project(getattr(case, n)) for n in ("actor", "actor_adv")}
    box, depth = Box.around(*seen.values()), Box.around(*beside.values())
    cell = 1.35
    tall = [cell * box.height / box.width] * 2
    tall.append(min(cell * depth.height / depth.width, 1.5))
    tall = [min(max(one, 0.7), 2.4) for one in tall]
    with style():
        figure = Figure(figsize=(0.35 + cell * len(frames), sum(tall) + 0.75))
        grid = figure.add_gridspec(
            3, len(frames), height_ratios=tall, left=0.04, right=0.995, top=0.94, bottom=0.01,
            wspace=0.06, hspace=0.1,
        )  # fmt: skip
        alone = "actor in depth" if len(case.skeleton.axes) > 2 else "actor alone"
        for row, title in enumerate(("no attack", "attacked", alone)):
            for column, frame in enumerate(frames):
                axes = figure.add_subplot(grid[row, column])
                setup_axes(axes, box if row < 2 else depth)
                if row < 2:
                    people = _draw_people(axes, case.skeleton, seen, adversarial=row == 1)
                else:
                    people = [
                        StickFigure(axes, case.skeleton, beside["actor"], INK, "ghost"),
                        StickFigure(axes, case.skeleton, beside["actor_adv"], ACTOR),
                    ]
                for person in people:
                    person.line.set_linewidth(person.line.get_linewidth() * 0.62)
                    person.dot.set_markersize(person.dot.get_markersize() * 0.62)
                    person.show(frame)
                if row == 0:
                    axes.set_title(f"{frame / case.skeleton.fps:.1f} s", fontsize=9, color=INK)
                if column == 0:
                    axes.text(
                        -0.06, 0.5, title, transform=axes.transAxes, rotation=90, ha="right",
                        va="center", fontsize=9, color=INK,
                    )  # fmt: skip
        return figure


_MOTIONS = ("actor", "actor_adv", "answer", "answer_adv", "target")


def _draw_people(
    axes: Axes, skeleton: Skeleton, seen: dict[str, np.ndarray], adversarial: bool
) -> list[StickFigure]:
    """The people of a panel, the faint ones behind."""
    if not adversarial:
        return [
            StickFigure(axes, skeleton, seen["actor"], ACTOR),
            StickFigure(axes, skeleton, seen["answer"], REACTOR),
        ]
    return [
        StickFigure(axes, skeleton, seen["actor"], INK, "ghost"),
        StickFigure(axes, skeleton, seen["target"], INK, "target"),
        StickFigure(axes, skeleton, seen["actor_adv"], ACTOR),
        StickFigure(axes, skeleton, seen["answer_adv"], REACTOR),
    ]


def setup_axes(axes: Axes, box: Box) -> None:
    """Scale the axes to the box, and draw a floor."""
    axes.set_xlim(box.left, box.right)
    axes.set_ylim(box.low, box.high)
    axes.set_aspect("equal")
    axes.axis("off")
    floor = box.low + MARGIN
    axes.add_line(Line2D([box.left, box.right], [floor, floor], color=PALE, lw=1, zorder=0))


def _animated(images: list[Image.Image], fps: float) -> bytes:
    """One palette for all frames, so that colours do not flicker; a pause at the end."""
    step = max(20, 10 * round(1000 / fps / 10))
    tall = Image.new("RGB", (images[0].width, 2 * images[0].height))
    tall.paste(images[0], (0, 0))
    tall.paste(images[-1], (0, images[0].height))
    palette = tall.quantize(64)
    first, *others = [_in(palette, one) for one in images]
    buffer = BytesIO()
    first.save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=others,
        duration=[*[step] * len(others), PAUSE_MS],
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()


def _in(palette: Image.Image, image: Image.Image) -> Image.Image:
    """The image in a palette, with a pure white background, which quantising would tint."""
    colours = np.array(palette.getpalette()).reshape(-1, 3)
    whitest = int(colours.sum(axis=1).argmax())
    colours[whitest] = 255
    quantised = image.quantize(palette=palette, dither=Image.Dither.NONE)
    paper = (np.asarray(image) == 255).all(axis=-1)
    quantised.paste(whitest, mask=Image.fromarray(paper))
    quantised.putpalette(colours.flatten().tolist())
    return quantised
