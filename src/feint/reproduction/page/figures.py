"""The figures of the page as PNG, drawn from tables of results.  No model runs here.

The sections ask for them (`sections/motion.py`); a new figure is a function here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from feint.io.text import percent
from feint.report.cases.case import Case
from feint.report.charts.svg import ACTOR, ATTACKED, INK, NOISE, REACTOR, eps_axis, style, with_grid
from feint.report.figures import export, paper
from feint.report.figures.stick_figures import filmstrip
from feint.skeleton import SBU_15

COLOURS = {"table1_frame": NOISE, "table1_joint": ACTOR, "recognised": ATTACKED}
CRITERION_LABELS = {
    "table1_frame": "Table 1's kappa, frame norm",
    "table1_joint": "Table 1's kappa, joint norm",
    "recognised": "recognised as the target",
}
DEPTH = 100 * SBU_15.scale[SBU_15.axes.index("z")]
"""cm per unit of eps along SBU's depth."""
PAPER_SAYS = {
    ("tcn", "white"): ([0.375, 0.45], 1.0, "about 100%"),
    ("deepgru", "white"): ([0.225, 0.3], 1.0, "about 100%"),
    ("deepgru", "black"): ([0.375, 0.45], 0.8, "more than 80%"),
    ("tcn", "black"): ([0.075, 0.45], 0.3, "about 30%"),
}
"""The paper's rates in Figure 5 (section 6), by victim: eps from and to, the rate, and its text."""
NAMES = {
    "tcn": "TCN",
    "deepgru": "DeepGRU",
    "tcn-second-seed": "TCN, second seed",
    "deepgru-second-seed": "DeepGRU, second seed",
    "tcn-regularised": "TCN, regularised",
    "deepgru-regularised": "DeepGRU, regularised",
}


def png(figure: Figure) -> bytes:
    """A figure as PNG, in the page's resolution."""
    return export.figure(figure, "png", dpi=110)


def fig5(rates: pl.DataFrame, kind: str) -> bytes:
    """Attack success rate against eps by three criteria, with baselines; one panel per victim.

    Args:
        rates: rates of `metrics.rates` of one preset, by surrogate, victim and eps.
        kind: "white" (the surrogate is the victim) or "black".
    """
    same = pl.col("surrogate") == pl.col("victim")
    some = rates.filter(same if kind == "white" else ~same)
    victims = [v for v in ("tcn", "deepgru") if v in set(some["victim"])]
    with style():
        figure = Figure(figsize=(4.6 * len(victims), 4.3), layout="constrained")
        for i, victim in enumerate(victims):
            axes = figure.add_subplot(1, len(victims), i + 1)
            mine = some.filter(pl.col("victim") == victim)
            _curves(axes, mine)
            surrogate = mine["surrogate"][0]
            title = NAMES[victim] if kind == "white" else f"{NAMES[surrogate]} -> {NAMES[victim]}"
            axes.set_title(f"{title} (paper: {PAPER_SAYS[(victim, kind)][2]})", fontsize=10)
            _paper_rate(axes, victim, kind)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=7.5,
                      frameon=False)  # fmt: skip
        return png(figure)


def _curves(axes: Axes, some: pl.DataFrame) -> None:
    for criterion, colour in COLOURS.items():
        line = some.filter(pl.col("criterion") == criterion).sort("eps")
        eps = line["eps"].to_numpy()
        low, high = (_numbers(line[f"success_rate_{end}"]) for end in ("low", "high"))
        axes.fill_between(eps, low, high, color=colour, alpha=0.15, lw=0)
        axes.plot(eps, _numbers(line["success_rate"]), color=colour, marker="o", ms=4, lw=2,
                  label=CRITERION_LABELS[criterion])  # fmt: skip
        axes.plot(eps, _numbers(line["clean_success_rate"]), color=colour, lw=1.4, ls=(0, (5, 3)),
                  label="    without an attack")  # fmt: skip
        axes.plot(eps, _numbers(line["noise_success_rate"]), color=colour, lw=1.2, ls=":",
                  marker="s", ms=3, label="    under random noise")  # fmt: skip
    axes.set_ylim(-0.02, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel("attack success rate")
    eps_axis(with_grid(axes), eps, "data units", ("depth", DEPTH))


def _paper_rate(axes: Axes, victim: str, kind: str) -> None:
    (begin, end), rate, _ = PAPER_SAYS[(victim, kind)]
    axes.plot([begin, end], [rate, rate], color="black", lw=3.5, alpha=0.55, solid_capstyle="butt",
              label="the paper's rate")  # fmt: skip


def _numbers(values: pl.Series) -> np.ndarray:
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()


RATES = ("success_rate", "clean_success_rate", "noise_success_rate")


def by_target(rates: pl.DataFrame) -> bytes:
    """Success rate of every target by the recogniser, with and without an attack."""
    some = rates.filter(
        pl.col("criterion") == "recognised", pl.col("surrogate") == pl.col("victim")
    )
    victims = [v for v in ("tcn", "deepgru") if v in set(some["victim"])]
    with style():
        figure = Figure(figsize=(4.4 * len(victims), 3.4), layout="constrained")
        for i, victim in enumerate(victims):
            mine = some.filter(pl.col("victim") == victim).sort("target")
            axes = figure.add_subplot(1, len(victims), i + 1)
            at = np.arange(len(mine))
            attacked, clean, noise = (_numbers(mine[name]) for name in RATES)
            axes.barh(at + 0.2, attacked, 0.36, color=ATTACKED, label="attacked")
            axes.barh(at - 0.2, clean, 0.36, color=NOISE, label="no attack")
            axes.plot(noise, at - 0.2, "k|", ms=8, label="random noise")
            axes.set_yticks(at, mine["target"].to_list())
            axes.set_xlim(0, 1)
            axes.xaxis.set_major_formatter(PercentFormatter(1.0))
            axes.set_title(NAMES[victim], fontsize=10)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False
        )
        return png(figure)


def matrix(table: pl.DataFrame, value: str, title: str) -> bytes:
    """A matrix of shares: one row per surrogate, one column per victim."""
    surrogates = [n for n in NAMES if n in set(table["surrogate"])]
    victims = [n for n in NAMES if n in set(table["victim"])]
    at: dict[tuple[str, str], Any] = {
        (s, v): x for s, v, x in table.select("surrogate", "victim", value).rows()
    }
    grid = np.array([[at.get((s, v)) for v in victims] for s in surrogates], dtype=float)
    with style():
        size = (1.5 + 1.15 * len(victims), 1.3 + 0.62 * len(surrogates))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(grid, cmap="Blues", vmin=0, vmax=max(0.8, float(np.nanmax(grid))))
        for i in range(len(surrogates)):
            for j in range(len(victims)):
                if np.isfinite(grid[i, j]):
                    dark = grid[i, j] > 0.5
                    axes.text(j, i, percent(grid[i, j]), ha="center", va="center",
                              color="white" if dark else INK)  # fmt: skip
        axes.set_xticks(range(len(victims)), [NAMES[v].replace(", ", "\n") for v in victims],
                        fontsize=7.5)  # fmt: skip
        axes.set_yticks(range(len(surrogates)), [NAMES[s].replace(", ", "\n") for s in surrogates],
                        fontsize=7.5)  # fmt: skip
        axes.set_xlabel("victim")
        axes.set_ylabel("surrogate")
        axes.set_title(title, fontsize=9)
        return png(figure)


ALONG_PANELS = (
    ("loss", "distance to the target, share of the clean distance"),
    ("cosine_to_start", "cosine of the gradient and the one at the start"),
    ("cosine_to_surrogate", "cosine of the gradient and the surrogate's"),
)


def along(gradients: pl.DataFrame) -> bytes:
    """Losses and gradients between the clean and the perturbed input, on both reactors."""
    surrogates = [n for n in NAMES if n in set(gradients["surrogate"])]
    with style():
        figure = Figure(figsize=(10.5, 3.3), layout="constrained")
        for i, (column, title) in enumerate(ALONG_PANELS):
            axes = figure.add_subplot(1, 3, i + 1)
            for surrogate in surrogates:
                for victim in surrogates:
                    if column == "cosine_to_surrogate" and victim == surrogate:
                        continue
                    line = _median_line(gradients, surrogate, victim, column)
                    axes.plot(
                        line["position"].to_numpy(), line[column].to_numpy(), marker="o", ms=4,
                        lw=2, color=ACTOR if surrogate == "tcn" else ATTACKED,
                        ls="-" if victim == surrogate else "--",
                        label=f"surrogate {NAMES[surrogate]}, victim {NAMES[victim]}",
                    )  # fmt: skip
            axes.set_xlabel("position: 0 clean, 1 perturbed")
            axes.set_title(title, fontsize=8.5)
            with_grid(axes)
            if column == "loss":
                axes.set_ylim(bottom=0)
                handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8,
                      frameon=False)  # fmt: skip
        return png(figure)


def _median_line(gradients: pl.DataFrame, surrogate: str, victim: str, column: str) -> pl.DataFrame:
    """The median of a column by position; a loss is relative to the one at the clean input."""
    some = gradients.filter(pl.col("surrogate") == surrogate, pl.col("victim") == victim)
    if column == "loss":
        key = ["surrogate", "victim", "target", "eps", "sequence"]
        first = some.filter(pl.col("position") == 0).select(*key, first="loss")
        some = some.join(first, on=key).with_columns(loss=pl.col("loss") / pl.col("first"))
    return some.group_by("position").agg(pl.col(column).median()).sort("position")


def recognition(rows: pl.DataFrame, curves: pl.DataFrame) -> bytes:
    """Share of recognised outputs against distance, in bins, and the fitted curve."""
    with style():
        figure = Figure(figsize=(8.6, 3.3), layout="constrained")
        panels = (("error_cm", "absolute"), ("error_facing_cm", "root-relative, one direction"))
        for i, (kind, words) in enumerate(panels):
            axes = figure.add_subplot(1, 2, i + 1)
            curve = curves.filter(
                pl.col("distance") == kind,
                pl.col("target") == "all",
                pl.col("recogniser") == "recognised",
            ).row(0, named=True)
            d = rows[kind].to_numpy()
            edges = np.quantile(d, np.linspace(0, 1, 13))
            place = np.clip(np.searchsorted(edges, d, side="right") - 1, 0, 11)
            hit = rows["recognised"].cast(pl.Float64).to_numpy()
            shares = [hit[place == b].mean() if (place == b).any() else np.nan for b in range(12)]
            middle = [np.median(d[place == b]) if (place == b).any() else np.nan for b in range(12)]
            axes.plot(middle, shares, "o", color=INK, ms=5, label="outputs, in twelve bins")
            if np.isfinite(curve["threshold"]):
                x = np.linspace(0, float(d.max()), 200)
                p = 1 / (1 + np.exp((x - curve["threshold"]) / curve["width"]))
                axes.plot(x, p, color=ATTACKED, lw=2, label="logistic fit")
                axes.axvline(curve["threshold"], color=ATTACKED, ls="--", lw=1.2,
                             label=f"tolerance {curve['threshold']:.1f} cm")  # fmt: skip
                if np.isfinite(curve["low"]):
                    axes.axvspan(curve["low"], curve["high"], color=ATTACKED, alpha=0.15, lw=0)
            axes.set_xlim(0, float(np.quantile(d, 0.995)))
            axes.set_ylim(-0.02, 1.02)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
            axes.set_xlabel(f"distance to the target, cm per joint ({words})", fontsize=8.5)
            axes.set_ylabel("recognised as the target")
            axes.legend(fontsize=7.5, frameon=False)
        return png(figure)


def smoothness(table: pl.DataFrame) -> bytes:
    """Distance reduction against the actor's acceleration: a line per update rule."""
    colours = {"sign": ATTACKED, "adam": ACTOR, "strong": REACTOR}
    with style():
        figure = Figure(figsize=(5.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        for rule, colour in colours.items():
            line = table.filter(pl.col("update_rule") == rule).sort("smoothness")
            if not len(line):
                continue
            reduction = _numbers(line["distance_reduction"])
            axes.plot(_numbers(line["acceleration"]), reduction, color=colour,
                      marker="o", lw=1.5, label=rule)  # fmt: skip
            points = line.select("smoothness", "acceleration", "distance_reduction")
            for weight, x, y in points.rows():
                axes.annotate(f"{weight:g}", (x, y), xytext=(4, 3), textcoords="offset points",
                              fontsize=7.5, color=colour)  # fmt: skip
        natural = float(table["natural"][0])
        axes.axvline(natural, color="black", ls=(0, (5, 3)), lw=1.2, label="as recorded")
        axes.set_xlabel("95th percentile of the actor's acceleration (m/s2), mean over sequences")
        axes.set_ylabel("distance reduction")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.legend(fontsize=8, frameon=False, title="update rule; numbers: lambda",
                    title_fontsize=7.5)  # fmt: skip
        return png(figure)


def _people(motion: pl.DataFrame, who: str) -> torch.Tensor:
    """(frames, joints, 3) in metres."""
    some = motion.sort("frame", "joint")
    frames = some["frame"].n_unique()
    flat = some.select(f"{who}_x", f"{who}_y", f"{who}_z").to_numpy()
    return torch.from_numpy(flat.copy()).float().reshape(frames, -1, 3)


def case(motion: pl.DataFrame) -> bytes:
    """Figures 1 to 3: the recording above, the attack below, the actor's depth at the bottom."""
    row = motion.row(0, named=True)
    names = ("actor", "actor_adv", "answer", "answer_adv", "target")
    shown = Case(row, row, "", SBU_15, *(_people(motion, name) for name in names))
    return png(filmstrip(shown))


def depth(motions: Sequence[tuple[str, pl.DataFrame]]) -> bytes:
    """Figure 4: the perturbed actor from the side, depth to the right; one row per setting."""
    rows = [
        paper.FilmRow(title, SBU_15, _people(motion, "actor"), _people(motion, "actor_adv"))
        for title, motion in motions
    ]
    return png(paper.figure4(rows))
