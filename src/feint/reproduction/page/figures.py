"""The figures of the page, from tables of results alone; PNG."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from feint.report.cases.case import Case
from feint.report.charts.svg import ACTOR, ATTACKED, INK, NOISE, REACTOR, eps_axis, style, with_grid
from feint.report.figures import export, paper
from feint.report.figures.stick_figures import filmstrip
from feint.skeleton import SBU_15

COLOURS = {"literal": NOISE, "joint": ACTOR, "recognised": ATTACKED}
WORDS = {
    "literal": "Table 1's kappa, frame norm",
    "joint": "Table 1's kappa, joint norm",
    "recognised": "recogniser names the target",
}
DEPTH = 100 * SBU_15.scale[SBU_15.axes.index("z")]
"""cm per unit of eps along SBU's depth."""
TOLD = {
    ("tcn", "white"): ([0.375, 0.45], 1.0, "paper: about 100 %"),
    ("deepgru", "white"): ([0.225, 0.3], 1.0, "paper: about 100 %"),
    ("deepgru", "black"): ([0.375, 0.45], 0.8, "paper: more than 80 %"),
    ("tcn", "black"): ([0.075, 0.45], 0.3, "paper: about 30 %"),
}
"""What the paper says of Figure 5, by victim: eps from, eps to, and the rate (section 6)."""
NAMES = {
    "tcn": "TCN",
    "deepgru": "DeepGRU",
    "tcn-again": "TCN, another seed",
    "deepgru-again": "DeepGRU, another seed",
    "tcn-regular": "TCN, regularised",
    "deepgru-regular": "DeepGRU, regularised",
}


def png(figure: Figure) -> bytes:
    """The figure as PNG, small enough for a page."""
    return export.figure(figure, "png", dpi=110)


def fig5(rates: pl.DataFrame, kind: str) -> bytes:
    """Success against eps, a panel a victim, by three yardsticks with their baselines.

    Args:
        rates: of `measures.rates`, one preset, by surrogate, victim and eps.
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
            axes.set_title(f"{title} ({TOLD[(victim, kind)][2]})", fontsize=10)
            _told(axes, victim, kind)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=7.5,
                      frameon=False)  # fmt: skip
        return png(figure)


def _curves(axes: Axes, some: pl.DataFrame) -> None:
    for yardstick, colour in COLOURS.items():
        line = some.filter(pl.col("yardstick") == yardstick).sort("eps")
        eps = line["eps"].to_numpy()
        axes.fill_between(eps, _numbers(line["reached_low"]), _numbers(line["reached_high"]),
                          color=colour, alpha=0.15, lw=0)  # fmt: skip
        axes.plot(eps, _numbers(line["reached"]), color=colour, marker="o", ms=4, lw=2,
                  label=WORDS[yardstick])  # fmt: skip
        axes.plot(eps, _numbers(line["clean"]), color=colour, lw=1.4, ls=(0, (5, 3)),
                  label="    without an attack")  # fmt: skip
        axes.plot(eps, _numbers(line["noise"]), color=colour, lw=1.2, ls=":", marker="s", ms=3,
                  label="    under random noise")  # fmt: skip
    axes.set_ylim(-0.02, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel("counts as the target, of all")
    eps_axis(with_grid(axes), eps, "data units", ("depth", DEPTH))


def _told(axes: Axes, victim: str, kind: str) -> None:
    (begin, end), rate, _ = TOLD[(victim, kind)]
    axes.plot([begin, end], [rate, rate], color="black", lw=3.5, alpha=0.55, solid_capstyle="butt",
              label="what the paper reports")  # fmt: skip


def _numbers(values: pl.Series) -> np.ndarray:
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def by_target(rates: pl.DataFrame) -> bytes:
    """The recognised rate of every target, with and without an attack, at the largest eps."""
    some = rates.filter(
        pl.col("yardstick") == "recognised", pl.col("surrogate") == pl.col("victim")
    )
    victims = [v for v in ("tcn", "deepgru") if v in set(some["victim"])]
    with style():
        figure = Figure(figsize=(4.4 * len(victims), 3.4), layout="constrained")
        for i, victim in enumerate(victims):
            mine = some.filter(pl.col("victim") == victim).sort("target")
            axes = figure.add_subplot(1, len(victims), i + 1)
            at = np.arange(len(mine))
            axes.barh(at + 0.2, _numbers(mine["reached"]), 0.36, color=ATTACKED, label="attacked")
            axes.barh(at - 0.2, _numbers(mine["clean"]), 0.36, color=NOISE, label="no attack")
            axes.plot(_numbers(mine["noise"]), at - 0.2, "k|", ms=8, label="random noise")
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
    """Sources down, victims across: a share in every field."""
    sources = [n for n in NAMES if n in set(table["surrogate"])]
    victims = [n for n in NAMES if n in set(table["victim"])]
    at: dict[tuple[str, str], Any] = {
        (s, v): x for s, v, x in table.select("surrogate", "victim", value).rows()
    }
    grid = np.array([[at.get((s, v)) for v in victims] for s in sources], dtype=float)
    with style():
        size = (1.5 + 1.15 * len(victims), 1.3 + 0.62 * len(sources))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(grid, cmap="Blues", vmin=0, vmax=max(0.8, float(np.nanmax(grid))))
        for i in range(len(sources)):
            for j in range(len(victims)):
                if np.isfinite(grid[i, j]):
                    dark = grid[i, j] > 0.5
                    axes.text(j, i, _whole(grid[i, j]), ha="center", va="center",
                              color="white" if dark else INK)  # fmt: skip
        axes.set_xticks(range(len(victims)), [NAMES[v].replace(", ", "\n") for v in victims],
                        fontsize=7.5)  # fmt: skip
        axes.set_yticks(range(len(sources)), [NAMES[s].replace(", ", "\n") for s in sources],
                        fontsize=7.5)  # fmt: skip
        axes.set_xlabel("answered by")
        axes.set_ylabel("crafted on")
        axes.set_title(title, fontsize=9)
        return png(figure)


def _whole(share: float) -> str:
    return f"{share:.0%}".replace("-0%", "0%")


def along(gradients: pl.DataFrame) -> bytes:
    """The loss on the way from the clean input to the attacked one, on both reactors."""
    sources = [n for n in NAMES if n in set(gradients["surrogate"])]
    panels = [("loss", "distance to the target, share of clean"), ("turned", "own gradient against the one at the start (cosine)"), ("agrees", "gradient against the surrogate's (cosine)")]  # fmt: skip  # noqa: E501
    with style():
        figure = Figure(figsize=(10.5, 3.3), layout="constrained")
        for i, (column, words) in enumerate(panels):
            axes = figure.add_subplot(1, 3, i + 1)
            for surrogate in sources:
                for victim in sources:
                    if column == "agrees" and victim == surrogate:
                        continue
                    some = gradients.filter(
                        pl.col("surrogate") == surrogate, pl.col("victim") == victim
                    )
                    if column == "loss":
                        key = ["surrogate", "victim", "target", "eps", "sequence"]
                        first = some.filter(pl.col("at") == 0).select(*key, first="loss")
                        some = some.join(first, on=key).with_columns(
                            loss=pl.col("loss") / pl.col("first")
                        )
                    line = some.group_by("at").agg(pl.col(column).median()).sort("at")
                    axes.plot(
                        line["at"].to_numpy(), line[column].to_numpy(), marker="o", ms=4, lw=2,
                        color=ACTOR if surrogate == "tcn" else ATTACKED,
                        ls="-" if victim == surrogate else "--",
                        label=f"crafted on {NAMES[surrogate]}, seen by {NAMES[victim]}",
                    )  # fmt: skip
            axes.set_xlabel("share of the way to the attacked input")
            axes.set_title(words, fontsize=8.5)
            with_grid(axes)
            if column == "loss":
                axes.set_ylim(bottom=0)
                handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8,
                      frameon=False)  # fmt: skip
        return png(figure)


def recognition(rows: pl.DataFrame, curves: pl.DataFrame) -> bytes:
    """Recognised against distance: shares in bins, and the fitted curve with its kappa."""
    with style():
        figure = Figure(figsize=(8.6, 3.3), layout="constrained")
        told = (("error_cm", "as asked"), ("error_facing_cm", "root-relative, one direction"))
        for i, (form, words) in enumerate(told):
            axes = figure.add_subplot(1, 2, i + 1)
            curve = curves.filter(
                pl.col("distance") == form,
                pl.col("target") == "all",
                pl.col("recogniser") == "recognised",
            ).row(0, named=True)
            d = rows[form].to_numpy()
            edges = np.quantile(d, np.linspace(0, 1, 13))
            place = np.clip(np.searchsorted(edges, d, side="right") - 1, 0, 11)
            hit = rows["recognised"].cast(pl.Float64).to_numpy()
            shares = [hit[place == b].mean() if (place == b).any() else np.nan for b in range(12)]
            middle = [np.median(d[place == b]) if (place == b).any() else np.nan for b in range(12)]
            axes.plot(middle, shares, "o", color=INK, ms=5, label="answers, in twelfths")
            if np.isfinite(curve["kappa"]):
                x = np.linspace(0, float(d.max()), 200)
                p = 1 / (1 + np.exp((x - curve["kappa"]) / curve["width"]))
                axes.plot(x, p, color=ATTACKED, lw=2, label="logistic fit")
                axes.axvline(curve["kappa"], color=ATTACKED, ls="--", lw=1.2,
                             label=f"kappa = {curve['kappa']:.1f} cm")  # fmt: skip
                if np.isfinite(curve["low"]):
                    axes.axvspan(curve["low"], curve["high"], color=ATTACKED, alpha=0.15, lw=0)
            axes.set_xlim(0, float(np.quantile(d, 0.995)))
            axes.set_ylim(-0.02, 1.02)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
            axes.set_xlabel(f"distance to the target, cm a joint ({words})", fontsize=8.5)
            axes.set_ylabel("recognised as the target")
            axes.legend(fontsize=7.5, frameon=False)
        return png(figure)


def smoothness(table: pl.DataFrame) -> bytes:
    """Success against the actor's acceleration, a line an update rule, a point a lambda."""
    colours = {"sign": ATTACKED, "adam": ACTOR, "strong": REACTOR}
    with style():
        figure = Figure(figsize=(5.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        for rule, colour in colours.items():
            line = table.filter(pl.col("rule") == rule).sort("weight")
            if not len(line):
                continue
            axes.plot(_numbers(line["acceleration"]), _numbers(line["closed"]), color=colour,
                      marker="o", lw=1.5, label=rule)  # fmt: skip
            for weight, x, y in line.select("weight", "acceleration", "closed").rows():
                axes.annotate(f"{weight:g}", (x, y), xytext=(4, 3), textcoords="offset points",
                              fontsize=7.5, color=colour)  # fmt: skip
        natural = float(table["natural"][0])
        axes.axvline(natural, color="black", ls=(0, (5, 3)), lw=1.2, label="as recorded")
        axes.set_xlabel("95th percentile of the actor's acceleration (m/s2), mean over sequences")
        axes.set_ylabel("share of the distance closed")
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
    """Original above, adversarial below, the actor in depth beneath: Figures 1 to 3."""
    row = motion.row(0, named=True)
    told = Case(
        row,
        row,
        "",
        SBU_15,
        *(_people(motion, w) for w in ("actor", "actor_adv", "answer", "answer_adv", "wanted")),
    )
    return png(filmstrip(told))


def depth(motions: Sequence[tuple[str, pl.DataFrame]]) -> bytes:
    """Figure 4: the attacked actor from the side, depth to the right, a row a setting."""
    walks = [
        paper.FilmRow(words, SBU_15, _people(motion, "actor"), _people(motion, "actor_adv"))
        for words, motion in motions
    ]
    return png(paper.figure4(walks))
