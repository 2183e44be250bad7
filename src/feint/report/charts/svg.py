"""The style of every figure, and the chart of success rates over eps for paper (Figure 5).

Charts that are described by a `Chart` are drawn by static.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import matplotlib
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from feint.report.charts.chart import ATTACK, CLEAN
from feint.report.charts.chart import NOISE as NOISE_LINE

ACTOR, REACTOR = "#0072B2", "#009E73"
ATTACKED, NOISE, INK, PALE = "#D55E00", "#7A7A7A", "#222222", "#C8C8C8"
SIZE = (4.3, 3.1)


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib settings of all figures; the caller's settings are restored."""
    settings: dict[str, Any] = {
        "font.size": 9,
        "font.family": "DejaVu Sans",
        "axes.edgecolor": NOISE,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "feint",
        "svg.fonttype": "path",
        "text.parse_math": False,
        "backend": "agg",
    }
    everything: Any = {**matplotlib.rcParamsDefault, **settings}
    with matplotlib.rc_context(everything):
        yield


def to_svg(figure: Figure) -> str:
    """The figure as SVG text, the same for the same figure."""
    FigureCanvasAgg(figure)
    buffer = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing, facecolor="white")
    return buffer.getvalue()


def success_svg(
    curve: pl.DataFrame, unit: str, depth: tuple[str, float] | None = None, legend: bool = True
) -> str:
    """Success rates over eps for one surrogate and victim, as SVG.

    Args:
        curve, unit, depth: as in `curves`.
        legend: draw it.
    """
    with style():
        figure, axes = _panel(legend, depth is not None)
        draw_success(axes, curve, unit, depth)
        if legend:
            legend_below(figure, axes, 2)
        return to_svg(figure)


def draw_success(
    axes: Axes, curve: pl.DataFrame, unit: str, depth: tuple[str, float] | None = None
) -> None:
    """Draw success against eps for one surrogate and victim, with what is there without an attack.

    Args:
        axes: where to.
        curve: rows of `success_rates.rates`, the attack's alone.
        unit: of eps.
        depth: an axis and its cm per unit of eps, for a second scale.
    """
    curve = curve.sort("eps")
    eps = np.array([0.0, *curve["eps"]])

    def line(name: str, first: float) -> np.ndarray:
        values = curve[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return np.concatenate([[first], values])

    clean = float(np.nanmean(line("clean_success_rate", np.nan))) if len(curve) else float("nan")
    axes.axhline(clean, color="black", ls=(0, (5, 3)), lw=1.2, label=f"{CLEAN.name}, all")
    axes.plot(
        eps,
        line("noise_success_rate", clean),
        color=NOISE,
        lw=1,
        ls=":",
        label=f"{NOISE_LINE.name}, all",
    )
    axes.plot(
        eps, line("noise_success_rate_if_clean_fails", 0.0), color=NOISE, lw=1.8, marker="s",
        ms=3.5, label=f"{NOISE_LINE.name}, if clean fails",
    )  # fmt: skip
    axes.plot(
        eps, line("success_rate", clean), color=ATTACKED, lw=1, ls=":", label=f"{ATTACK.name}, all"
    )
    low, high = (line(f"success_rate_if_clean_fails_{side}", 0.0) for side in ("low", "high"))
    axes.fill_between(eps, low, high, color=ATTACKED, alpha=0.15, lw=0, label="95 % interval")
    axes.plot(
        eps, line("success_rate_if_clean_fails", 0.0), color=ATTACKED, lw=2.2, marker="o", ms=4.5,
        label=f"{ATTACK.name}, if clean fails",
    )  # fmt: skip
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel("attack success rate")
    eps_axis(axes, eps, unit, depth)


def with_grid(axes: Axes) -> Axes:
    """The axes with faint horizontal lines behind everything."""
    axes.grid(axis="y", color="#E6E6E6", lw=0.8)
    axes.set_axisbelow(True)
    return axes


def _panel(legend: bool, scale: bool) -> tuple[Figure, Axes]:
    height = SIZE[1] - (0 if legend else 0.5) + (0.35 if scale else 0)
    figure = Figure(figsize=(SIZE[0], height), layout="constrained")
    return figure, with_grid(figure.add_subplot())


def eps_axis(axes: Axes, eps: np.ndarray, unit: str, depth: tuple[str, float] | None) -> None:
    """The axis of eps, and a second one in cm where eps is not in cm itself."""
    largest = float(eps.max()) if len(eps) and eps.max() > 0 else 1.0
    axes.set_xlim(0, largest * 1.03)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(f"eps ({unit})")
    if depth is not None:
        axis, scale = depth
        there: Any = lambda eps: eps * scale  # noqa: E731
        back: Any = lambda cm: cm / scale  # noqa: E731
        above = axes.secondary_xaxis("top", functions=(there, back))
        above.set_xlabel(f"cm along {axis}")
        above.xaxis.set_major_locator(MaxNLocator(6))


def legend_below(figure: Figure, axes: Axes, columns: int) -> None:
    """One legend under the figure."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles[::-1], labels[::-1], loc="outside lower center", ncols=columns, fontsize=7.5,
        frameon=False, handlelength=2.4, columnspacing=1.4,
    )  # fmt: skip
