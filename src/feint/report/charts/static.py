"""The page's charts as pictures: for paper, for a page without JavaScript, and as files."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from feint.evaluation.attack_task import IS_ATTACK
from feint.report.charts.distance_curves import CENTIMETRES, CaseSample
from feint.report.charts.minimal_eps import MinimalEps, MinimalEpsByModel
from feint.report.charts.smoothness import Smoothness
from feint.report.charts.svg import (  # fmt: skip
    ACTOR,
    ATTACKED,
    INK,
    NOISE,
    PALE,
    REACTOR,
    SIZE,
    eps_axis,
    legend_below,
    style,
    to_svg,
    with_grid,
)

DOTS = 300
"""At most so many of a kind."""


def _panels(names: Sequence[str], draw: Callable[[Axes, str], None], columns: int) -> str:
    """A panel a model beside one another, two in a row, and what their lines are beneath."""
    with style():
        across_, down = min(len(names), 2), -(-len(names) // 2)
        figure = Figure(figsize=(SIZE[0] * across_, SIZE[1] * down + 0.3), layout="constrained")
        found: dict[str, Axes] = {}
        for i, name in enumerate(names):
            axes = with_grid(figure.add_subplot(down, across_, i + 1))
            draw(axes, name)
            if len(names) > 1:
                axes.set_title(name, fontsize=9.5, color=INK)
            found[name] = axes
        fullest = max(found.values(), key=lambda axes: len(axes.get_legend_handles_labels()[1]))
        legend_below(figure, fullest, columns)
        return to_svg(figure)


def smallest(found: MinimalEpsByModel, unit: str) -> str:
    """The share of sequences that count as the target at an eps or less, all targets together."""
    models = list(dict.fromkeys(one.model for one in found.parts))

    def draw(axes: Axes, model: str) -> None:
        parts = [one for one in found.parts if one.model == model]
        asked = sum(one.asked for one in parts)
        never = asked - sum(one.none + len(one.eps) for one in parts)
        if all(one.noise is not None for one in parts):
            _steps(axes, parts, lambda one: one.noise or (), found.largest, NOISE, "random noise")
        _steps(axes, parts, lambda one: one.eps, found.largest, ATTACKED, "attack")
        axes.axhline(sum(one.none for one in parts) / asked, color="black", ls=(0, (5, 3)), lw=1.2,
                     label="none needed")  # fmt: skip
        axes.axhspan(1 - never / asked, 1, color=PALE, alpha=0.5, lw=0, label="never")
        _shares(axes, "count as the target")
        eps_axis(axes, np.array([0.0, found.largest]), unit, None)
        axes.set_xlabel(f"smallest eps ({unit})")

    return _panels(models, draw, 2)


def _steps(
    axes: Axes,
    parts: Sequence[MinimalEps],
    read: Callable[[MinimalEps], tuple[float, ...]],
    largest: float,
    colour: str,
    told: str,
) -> None:
    values = np.sort(np.array([eps for one in parts for eps in read(one)]))
    none, asked = sum(one.none for one in parts), sum(one.asked for one in parts)
    at = np.concatenate([[0.0], values, [1.03 * largest]])
    shares = np.concatenate([[none], none + np.arange(1, len(values) + 1), [none + len(values)]])
    axes.plot(at, shares / asked, color=colour, lw=2, drawstyle="steps-post", label=told)


def over_time(found: CaseSample, models: Sequence[str], eps: float) -> str:
    """Median and quartiles of the distance to the target, frame by frame."""
    unit = "cm a joint" if found.in_cm else "data units"

    def draw(axes: Axes, model: str) -> None:
        looks = (("none", 0.0, "black", "no attack"), ("noise", eps, NOISE, "random noise"))
        for kind, at, colour, told in (*looks, ("attack", eps, ATTACKED, "attack")):
            one = found.curves.get((model, kind, at))
            if one is not None:
                frames = np.array(one.frames) + 1
                dashes = (0, (5, 3)) if kind == "none" else "-"
                axes.fill_between(frames, one.low, one.high, color=colour, alpha=0.12, lw=0)
                axes.plot(frames, one.middle, color=colour, lw=1.8, ls=dashes, label=told)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("frame")
        axes.set_ylabel(f"to the target, {unit}")

    return _panels(models, draw, 3)


def moved(found: CaseSample, models: Sequence[str], eps: float) -> str:
    """How far joints are moved beside how far they move: shares at or below so many cm."""

    def draw(axes: Axes, model: str) -> None:
        curves = (
            (found.over_sequence.get(model), REACTOR, "-", "by itself, over the sequence"),
            (found.frame_to_frame.get(model), ACTOR, "-", "by itself, from frame to frame"),
            (found.displacements.get((model, "noise", eps)), NOISE, ":", "moved by random noise"),
            (found.displacements.get((model, "attack", eps)), ATTACKED, "-", "moved by the attack"),
        )
        ends = []
        for one, colour, dashes, told in curves:
            if one is not None and one.shares:
                shares = np.array(one.shares)
                ends.append(float(CENTIMETRES[min(int((shares < 1).sum()), len(shares) - 1)]))
                axes.plot(CENTIMETRES, shares, color=colour, lw=2, ls=dashes, label=told)
        axes.set_xscale("log")
        axes.set_xlim(CENTIMETRES[0], max(ends, default=CENTIMETRES[-1]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda cm, _: f"{cm:g}"))
        axes.set_xlabel("cm")
        _shares(axes, "of joints")

    return _panels(models, draw, 2)


def smoothness(found: Smoothness, models: Sequence[str], eps: float) -> str:
    """Closed of the distance against acceleration added: a dot a row."""

    def draw(axes: Axes, model: str) -> None:
        mine = found.points.filter(pl.col("victim") == model, pl.col("eps") == eps)
        attack = mine.filter(IS_ATTACK)
        for some, colour, face, told in (
            (mine.filter(~IS_ATTACK), PALE, PALE, "random noise"),
            (attack.filter(~pl.col("reached")), ATTACKED, "none", "attack, does not count"),
            (attack.filter(pl.col("reached")), ATTACKED, ATTACKED, "attack, counts"),
        ):
            few = some[:: -(-len(some) // DOTS) or 1]
            axes.scatter(few["added"], few["closed"].clip(-1, 1), s=12, edgecolors=colour,
                         facecolors=face, lw=0.8, label=told)  # fmt: skip
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel("acceleration added, m/s²")
        axes.set_ylabel("of the distance closed")

    return _panels(models, draw, 3)


def _shares(axes: Axes, told: str) -> None:
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel(told)
