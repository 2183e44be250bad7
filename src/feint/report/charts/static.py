"""Draws a `Chart` with matplotlib: for paper, for a page without JavaScript, and as a file.

A panel for each model, or one panel where no control chooses a model; of every slider the last
option, of every other list the first. What is drawn is said in chart.py.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from feint.report.charts.chart import COLOURS, Axis, Chart, Control, Curve, Line, Section
from feint.report.charts.svg import INK, SIZE, legend_below, style, to_svg, with_grid

PANELS = "model"
"""The control that gets a panel for each of its options."""
MARKERS = 300
"""At most so many points of a line without a stroke."""


def draw(section: Section, chart: Chart) -> str:
    """The chart as SVG text.

    Args:
        section: of the chart, for its controls.
        chart: one of the section's.
    """
    controls = [one for one in section.controls if one.name in chart.controls]
    at = {one.name: len(one.options) - 1 if one.slider else 0 for one in controls}
    panels = next((one.options for one in controls if one.name == PANELS), ("",))
    with style():
        across, down = min(len(panels), 2), -(-len(panels) // 2)
        size = (SIZE[0] * across, SIZE[1] * down + 0.3 + (0.35 if chart.x.above else 0))
        figure = Figure(figsize=size, layout="constrained")
        found: list[Axes] = []
        for i, name in enumerate(panels):
            axes = with_grid(figure.add_subplot(down, across, i + 1))
            shown = at | {PANELS: i}
            curves = [one for one in chart.curves if one.at.items() <= shown.items()]
            _panel(axes, chart, curves)
            if len(panels) > 1:
                axes.set_title(name, fontsize=9.5, color=INK)
            found.append(axes)
        fullest = max(found, key=lambda axes: len(axes.get_legend_handles_labels()[1]))
        legend_below(figure, fullest, 2 if len(chart.lines) < 5 else 3)
        return to_svg(figure)


def chosen(section: Section, chart: Chart) -> str:
    """What the picture shows of the sliders, in words; empty without one."""
    sliders: list[Control] = [
        one for one in section.controls if one.slider and one.name in chart.controls
    ]
    return ", ".join(f"{one.label.lower()} {one.options[-1]}" for one in sliders)


def _panel(axes: Axes, chart: Chart, curves: Sequence[Curve]) -> None:
    for curve in sorted(curves, key=lambda one: -one.line):
        _curve(axes, chart.lines[curve.line], curve, chart.steps)
    _axis(axes, "x", chart.x)
    _axis(axes, "y", chart.y)
    if chart.x.above is not None and axes.get_xscale() == "linear":
        label, factor = chart.x.above
        there: Any = lambda eps: eps * factor  # noqa: E731
        back: Any = lambda cm: cm / factor  # noqa: E731
        above = axes.secondary_xaxis("top", functions=(there, back))
        above.set_xlabel(label)
        above.xaxis.set_major_locator(MaxNLocator(6))


def _curve(axes: Axes, line: Line, curve: Curve, steps: bool) -> None:
    colour = COLOURS[line.colour]
    x, y = np.array(curve.x, dtype=float), np.array(curve.y, dtype=float)
    if not line.width:
        stride = -(-len(x) // MARKERS) or 1
        x, y = x[::stride], y[::stride]
    elif len(curve.low):
        axes.fill_between(x, curve.low, curve.high, color=colour, alpha=line.fill, lw=0)
    axes.plot(
        x,
        y,
        color=colour,
        lw=0.85 * line.width,
        ls=("none" if not line.width else (0, (5, 3)) if line.dashed else "-"),
        marker="o" if line.marker else "",
        ms=4,
        mew=0.8,
        drawstyle="steps-post" if steps else "default",
        label=line.name,
        markerfacecolor="none" if line.marker == "ring" else colour,
    )


def _axis(axes: Axes, name: str, axis: Axis) -> None:
    one = axes.xaxis if name == "x" else axes.yaxis
    if axis.log:
        (axes.set_xscale if name == "x" else axes.set_yscale)("log")
        one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    elif axis.format == "percent":
        one.set_major_formatter(PercentFormatter(1.0))
    (axes.set_xlabel if name == "x" else axes.set_ylabel)(axis.label)
    if axis.low is not None or axis.high is not None:
        (axes.set_xlim if name == "x" else axes.set_ylim)(axis.low, axis.high)
    elif name == "x" and axis.log:
        axes.margins(x=0)
