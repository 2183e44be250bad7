"""Line plots of one attacked window of a table: outputs, target and attacked inputs over time.

`series_page.py` shows them; `cases/series_case.py` chooses the windows.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feint.columns import Columns
from feint.report.charts.svg import ACTOR, ATTACKED, INK, NOISE, REACTOR, style, to_svg

if TYPE_CHECKING:
    from feint.report.cases.series_case import Lines

MOST = 12
"""Columns that are drawn, at most."""


def window(lines: "Lines", columns: Columns, attacked: list[str], reference: str = "") -> str:
    """The outputs on top, below them every attacked input column, as SVG.

    Blue and green are without an attack, orange is attacked, the dashed line is the target.

    Args:
        reference: of an untargeted attack, what the outputs are led away from, in words: it is
            drawn already, as one of the other lines.
    """
    outputs = columns.outputs[:MOST]
    inputs = [name for name in columns.inputs if name in attacked][:MOST]
    across = 2
    below = -(-len(inputs) // across)
    heights = [2.6] * len(outputs) + [1.45] * below
    with style():
        figure = Figure(figsize=(9.4, sum(heights) + 0.5), layout="constrained")
        grid = figure.add_gridspec(len(heights), across, height_ratios=heights)
        time = np.arange(len(lines.seen))
        for k, name in enumerate(outputs):
            axes = figure.add_subplot(grid[k, :])
            _answered(axes, lines, columns, k, name, time + columns.horizon, reference)
        for i, name in enumerate(inputs):
            place = grid[len(outputs) + i // across, i % across]
            _seen(figure.add_subplot(place), lines, columns, name, time, legend=i == 0)
        figure.supxlabel(f"{columns.step} of the window", fontsize=9, color=INK)
        return to_svg(figure)


def _answered(
    axes: Axes,
    lines: "Lines",
    columns: Columns,
    k: int,
    name: str,
    time: np.ndarray,
    reference: str,
) -> None:
    drawn: tuple[tuple[Any, str, dict[str, Any]], ...] = (
        (lines.true, "true output", {"color": NOISE, "lw": 1.0}),
        (lines.target, "the target", {"color": INK, "lw": 1.4, "ls": "--"}),
        (lines.answer, "output, no attack", {"color": REACTOR, "lw": 1.8}),
        (lines.answer_adv, "output, attacked", {"color": ATTACKED, "lw": 1.8}),
    )
    for values, label, how in drawn:
        if reference and values is lines.target:
            continue
        axes.plot(time, values[:, k].numpy(), label=label, **how)
    unit = columns.output_units[k]
    axes.set_title(f"output: {name}{f', {unit}' if unit else ''}", fontsize=9, loc="left")
    axes.grid(color="#e6e6e6", lw=0.6)
    axes.legend(ncols=4, fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.08))


def _seen(
    axes: Axes, lines: "Lines", columns: Columns, name: str, time: np.ndarray, legend: bool
) -> None:
    k = columns.inputs.index(name)
    axes.plot(time, lines.seen[:, k].numpy(), color=ACTOR, lw=1.4, label="input, as recorded")
    changed = lines.seen_adv[:, k].numpy()
    axes.plot(time, changed, color=ATTACKED, lw=1.0, label="input, attacked")
    unit = columns.input_units[k]
    axes.set_title(f"input: {name}{f', {unit}' if unit else ''}", fontsize=9, loc="left")
    axes.grid(color="#e6e6e6", lw=0.6)
    if legend:
        axes.legend(ncols=2, fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1, 0.98))
