"""Figures 4 and 5 of the paper, in its layout, from any run.  Figures 1 to 3 are film strips.

`stick_figures.py` draws the people; a new figure of the paper is a function here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from feint.errors import FeintError
from feint.evaluation.attack_task import IS_ATTACK
from feint.report.cases.case import Case, Motion
from feint.report.charts.svg import ACTOR, INK, draw_success, legend_below, style, with_grid
from feint.report.figures.stick_figures import Box, StickFigure, View, setup_axes, side_view
from feint.report.run_data import RunData
from feint.skeleton import Skeleton

MOMENTS = 10


@dataclass(frozen=True, eq=False)
class FilmRow:
    """One row of Figure 4: an attacked actor, the recording behind it, and the row's label."""

    label: str
    skeleton: Skeleton
    actor: Motion
    actor_adv: Motion

    @staticmethod
    def of(case: Case, label: str) -> "FilmRow":
        """The row of a case."""
        return FilmRow(label, case.skeleton, case.actor, case.actor_adv)

    @property
    def view(self) -> View:
        """Depth to the right."""
        return side_view(self.skeleton)

    def times(self) -> list[tuple[int, str]]:
        """The frames that are drawn, and their times."""
        frames = np.linspace(0, len(self.actor_adv) - 1, MOMENTS).round().astype(int)
        return [(int(frame), f"{frame / self.skeleton.fps:.1f} s") for frame in frames]


def figure4(rows: Sequence[FilmRow]) -> Figure:
    """Figure 4: the attacked actor from the side, depth to the right."""
    seen = [(one.view.project(one.actor_adv), one.view.project(one.actor)) for one in rows]
    box = Box.around(*(one for both in seen for one in both))
    cell = 1.05
    with style():
        tall = min(cell * box.height / box.width, 1.7)
        figure = Figure(figsize=(0.9 + cell * MOMENTS, (tall + 0.1) * len(seen) + 0.3))
        grid = figure.add_gridspec(len(seen), MOMENTS, left=0.085, right=0.995, top=0.95,
                                   bottom=0.01, wspace=0.04, hspace=0.08)  # fmt: skip
        for i, (row, (adv, clean)) in enumerate(zip(rows, seen, strict=True)):
            timed = i == 0 or row.times() != rows[i - 1].times()
            for j, (frame, when) in enumerate(row.times()):
                axes = figure.add_subplot(grid[i, j])
                setup_axes(axes, box)
                for person in (
                    StickFigure(axes, row.skeleton, clean, INK, "ghost"),
                    StickFigure(axes, row.skeleton, adv, ACTOR),
                ):
                    person.line.set_linewidth(person.line.get_linewidth() * 0.6)
                    person.dot.set_markersize(person.dot.get_markersize() * 0.6)
                    person.show(frame)
                if timed:
                    axes.set_title(when, fontsize=8, color=INK)
                if j == 0:
                    axes.text(-0.08, 0.5, row.label, transform=axes.transAxes, ha="right",
                              va="center", fontsize=8.5, rotation=90)  # fmt: skip
        return figure


def figure5(run: RunData, victim: str | None = None, target: str | None = None) -> Figure:
    """Figure 5: success rates over eps, a row for each victim; white box left, transfer right.

    Every panel has the rates without an attack and under random noise.

    Args:
        run: of the run.
        victim: only this model's row.
        target: only this target; all together if not given.

    Raises:
        FeintError: there is nothing to draw.
    """
    rates = run.rates if target is None else run.rates_by_target
    some = rates.filter(IS_ATTACK)
    targets = sorted(set(run.rates_by_target["target"]))
    victims = [name for name in run.models if name in set(some["victim"])]
    if target is not None:
        some = some.filter(pl.col("target") == target)
    if victim is not None:
        some = some.filter(pl.col("victim") == victim)
    if not len(some):
        given = [f"{k} {v}" for k, v in (("target", target), ("victim", victim)) if v is not None]
        has = (
            f"targets {', '.join(targets)}; victims {', '.join(victims)}"
            if targets
            else "no attacked sequence: every test sequence is of the target's own class"
        )
        raise FeintError(
            f"There is no success rate{' with ' + ' and '.join(given) if given else ''} to draw in "
            f"{run.folder}. It has {has}.",
            code="no-such-case",
        )
    shown = [name for name in victims if name in set(some["victim"])]
    pairs = {
        name: sorted(
            set(some.filter(pl.col("victim") == name)["surrogate"]),
            key=lambda surrogate, name=name: (surrogate != name, run.models.index(surrogate)),  # type: ignore[misc]
        )
        for name in shown
    }
    columns = max(len(sources) for sources in pairs.values())
    with style():
        figure = Figure(
            figsize=(max(4.0 * columns, 4.3), 2.7 * len(shown) + 0.8), layout="constrained"
        )
        for i, name in enumerate(shown):
            for j, surrogate in enumerate(pairs[name]):
                axes = with_grid(figure.add_subplot(len(shown), columns, i * columns + j + 1))
                curve = some.filter(pl.col("victim") == name, pl.col("surrogate") == surrogate)
                draw_success(axes, curve, run.units.eps, run.units.cm_axis)
                own = surrogate == name
                title = f"{name}, white box" if own else f"surrogate {surrogate}, victim {name}"
                axes.set_title(title, fontsize=9.5, color=INK)
        legend_below(figure, axes, min(2 * columns, 4))
        return figure
