"""`Chart` and `Section`: what a chart of the report says and shows, written once.

A section of the page has a title, an introduction, controls and one or several charts. A chart has
axes, lines and curves. The page's script draws it (frontend/src/line-chart.js), and matplotlib
draws it for paper and for pages without JavaScript (static.py). Neither knows a title, an axis or a
line of its own. How to add a chart: docs/adding-a-chart.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

COLOURS = {
    "attacked": "#D55E00",
    "noise": "#7A7A7A",
    "clean": "#000000",
    "actor": "#0072B2",
    "reactor": "#009E73",
    "first": "#0072B2",
    "second": "#C45200",
    "third": "#00805D",
    "fourth": "#A3457F",
    "fifth": "#8A6A00",
}
"""On paper. The page has CSS variables of the same names, for light and for dark screens."""
MODEL_COLOURS = ("first", "second", "third", "fourth", "fifth")

At = Mapping[str, int]
"""Where something is shown: the chosen option of each control named; empty: everywhere."""


@dataclass(frozen=True)
class Line:
    """The name and the look of a line, or of points where `marker` is given without a line.

    Attributes:
        name: in the legend, the tooltip and the table.
        colour: a key of `COLOURS`.
        width: in pixels; 0 draws no line.
        dashed: draw dashes.
        marker: "dot", "ring", or "" for none.
        fill: opacity of the band between low and high.
    """

    name: str
    colour: str
    width: float = 2.0
    dashed: bool = False
    marker: Literal["", "dot", "ring"] = ""
    fill: float = 0.18


ATTACK = Line("attack", "attacked", 2.4, marker="dot")
NOISE = Line("random noise", "noise", 2.0, marker="dot")
CLEAN = Line("no attack", "clean", 1.6, dashed=True, fill=0.09)


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
        label: what it counts, with its unit.
        format: how a value is written: "number" with three digits, "percent", or "count" for whole
            numbers.
        tip: how the tooltip writes a value, "at most {} cm".
        low, high: the ends; those of the curves if None.
        log: logarithmic.
        above: label and factor of a second scale on top, or None.
    """

    label: str
    format: Literal["number", "percent", "count"] = "number"
    tip: str = "{}"
    low: float | None = None
    high: float | None = None
    log: bool = False
    above: tuple[str, float] | None = None


SHARE = {"format": "percent", "low": 0.0, "high": 1.02}
"""Of an axis of shares."""


@dataclass(frozen=True)
class Control:
    """A list to choose from, or a slider, with a label.

    Attributes:
        name: of the control, short: charts say by it where a curve is shown.
        label: what the reader sees.
        options: as text.
        slider: it is a slider, and begins at its end; a list begins at its first option.
    """

    name: str
    label: str
    options: tuple[str, ...]
    slider: bool = False


@dataclass(frozen=True)
class Curve:
    """The values of a line.

    Attributes:
        line: the position of its `Line` in the chart.
        x, y: the values.
        low, high: a band around y; both empty for none.
        at: where it is shown.
    """

    line: int
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    at: At = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The numbers of a chart, as text.  Without one, the page lists the curves' values."""

    at: At
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Bar:
    """A bar of counts: (kind, label, count) for each of its parts."""

    name: str
    parts: Sequence[tuple[str, str, int]]
    at: At = field(default_factory=dict)


@dataclass(frozen=True)
class Chart:
    """One chart: its axes, its lines and what they show.

    Attributes:
        id: names its file.
        view: its name in a section of several charts.
        x, y: the axes.
        lines: every line that it may show.
        curves: the values.
        controls: names of the section's controls that change it.
        steps: curves are steps: a value holds until the next one.
        texts: a sentence that says what is seen, and where it is shown.
        empty: what to say where there is no curve.
        tables, bars: see `Table` and `Bar`.
        alt: the picture in words.
    """

    id: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    curves: Sequence[Curve] = ()
    controls: Sequence[str] = ()
    view: str = ""
    steps: bool = False
    texts: Sequence[tuple[At, str]] = ()
    empty: str = "There is nothing to draw."
    tables: Sequence[Table] = ()
    bars: Sequence[Bar] = ()
    alt: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        id: of its element and for links.
        title, text: above the charts.
        charts: one is shown at a time.
        controls: of all charts together.
        kind: which script draws it; "lines" draws every chart as it is described here.
        place: where in the page: after the "success" chart, among the "outputs" or among the
            "perturbation".
    """

    id: str
    title: str
    text: str
    charts: tuple[Chart, ...]
    controls: tuple[Control, ...] = ()
    kind: str = "lines"
    place: Literal["success", "outputs", "perturbation"] = "outputs"

    def to_dict(self) -> dict[str, Any]:
        """For the page's script: numbers with four digits, None for what is not finite."""
        return {
            "id": self.id,
            "kind": self.kind,
            "controls": [asdict(one) for one in self.controls],
            "charts": [_chart(one) for one in self.charts],
        }


def _chart(chart: Chart) -> dict[str, Any]:
    return {
        "view": chart.view,
        "x": asdict(chart.x),
        "y": asdict(chart.y),
        "lines": [asdict(one) for one in chart.lines],
        "controls": list(chart.controls),
        "steps": chart.steps,
        "texts": [{"at": dict(at), "text": text} for at, text in chart.texts],
        "empty": chart.empty,
        "tables": [asdict(one) for one in chart.tables],
        "bars": [asdict(one) for one in chart.bars],
        "curves": [
            {
                "line": one.line,
                "at": dict(one.at),
                **{name: short(getattr(one, name)) for name in ("x", "y", "low", "high")},
            }
            for one in chart.curves
        ],
    }


def short(values: Sequence[float]) -> list[float | int | None]:
    """Values with four digits, to keep a page small; None for NaN and infinity."""
    return [_short(float(one)) for one in values]


def _short(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    value = float(f"{value:.4g}")
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
