"""Numbers about success criteria: recogniser.md.jinja, tolerance.md.jinja and table1.md.jinja."""

from typing import Any

import polars as pl

from feint.evaluation import table1 as table1_module
from feint.evaluation.attack_task import IS_ATTACK, IS_NOISE, NONE
from feint.evaluation.table1 import TABLE_1_DISTANCES, TABLE_1_VOTES
from feint.io.text import number, percent
from feint.reproduction import metrics
from feint.reproduction.page import figures
from feint.reproduction.page.figures import NAMES
from feint.reproduction.page.markdown import Images
from feint.reproduction.page.sections.success import LARGEST, MODELS, SAME, one_row
from feint.reproduction.results import Results

OTHER_CLASS = pl.col("true_class") != pl.col("target")
STRONG = pl.col("preset") == "strong"


def accuracy(table: pl.DataFrame, recogniser: str, what: str) -> float | None:
    """The accuracy of a recogniser on one kind of input; None if it was not tested on it."""
    some = table.filter(pl.col("recogniser") == recogniser, pl.col("what") == what)
    return metrics.mean(some["true_class"] == some["recognised_as"])


def recogniser(r: Results, images: Images) -> dict[str, Any]:
    """Values of recogniser.md.jinja."""
    table = r.table("recogniser")
    rows = []
    for what in table["what"].unique(maintain_order=True):
        kind, _, name = what.partition(": ")
        shown = f"{kind}: {NAMES[name]}" if name in NAMES else what
        n = len(table.filter(pl.col("what") == what, pl.col("recogniser") == "real"))
        both = [percent(accuracy(table, one, what)) for one in ("real", "both")]
        rows.append([shown, str(n), *both])
    real = table.filter(
        pl.col("recogniser") == "real", pl.col("what") == "real reactions, held out"
    )
    right = (pl.col("true_class") == pl.col("recognised_as")).mean().alias("right")
    by_class = real.group_by("true_class").agg(right).sort("true_class").rows()
    return {"rows": rows, "settings": r.about["recogniser"], "by_class": by_class}


def tolerance(r: Results, images: Images) -> dict[str, Any]:
    """Values of tolerance.md.jinja."""
    rows = r.fig5.filter(~IS_NOISE, OTHER_CLASS, SAME, STRONG)
    curves = r.table("recognition_curves")
    images.draw("recognition-curve", figures.recognition, rows, curves)
    clean = r.fig5_rates.filter(STRONG, SAME, LARGEST)
    shares = {
        name: clean.filter(pl.col("criterion") == name)["clean_success_rate"].mean()
        for name in ("table1_frame", "table1_joint")
    }
    own = curves.filter(
        pl.col("target") != "all",
        pl.col("recogniser") == "recognised",
        pl.col("distance") == "error_facing_cm",
    )
    return {
        "clean_rows": _clean_rows(r),
        **shares,
        "curve_rows": _curve_rows(curves.filter(pl.col("target") == "all")),
        "by_target": own.select("target", "threshold").rows(),
        "auc_rows": _auc_rows(r.table("distance_auc")),
    }


def _clean_rows(r: Results) -> list[list[str]]:
    """Table 1's kappa beside the distances and success rates of clean outputs."""
    rates = r.fig5_target_rates.filter(STRONG, SAME, LARGEST)
    clean = r.fig5.filter(pl.col("attack") == NONE, OTHER_CLASS, STRONG)
    clean = clean.unique(["victim", "target", "sequence"])
    kappa = table1_module.paper()
    rows = []
    for target in sorted(set(rates["target"])):
        for victim in MODELS:
            some = clean.filter(pl.col("target") == target, pl.col("victim") == victim)
            if not len(some):
                continue
            cells = [target, NAMES[victim], number(kappa.of(target), 2)]
            for norm in ("frame", "joint"):
                one = one_row(rates, target=target, victim=victim, criterion=f"table1_{norm}")
                cells.append(number(metrics.mean(some[f"distance_{norm}"])))
                cells.append(percent(one["clean_success_rate"]))
            rows.append(cells)
    return rows


def _curve_rows(curves: pl.DataFrame) -> list[list[str]]:
    recognisers = {"recognised": "real reactions", "recognised_both": "also outputs"}
    return [
        [
            recognisers[one["recogniser"]],
            metrics.DISTANCES[one["distance"]],
            number(one["threshold"]),
            f"{number(one['low'])}-{number(one['high'])}",
            percent(one["recognised"]),
            number(one["auc"], 2),
            f"{one['n']:,}",
        ]
        for one in curves.iter_rows(named=True)
    ]


def _auc_rows(table: pl.DataFrame) -> list[list[str]]:
    rows = []
    for one in table.unique("alignment", maintain_order=True).iter_rows(named=True):
        at = {
            (sides, roles): one_row(table, alignment=one["alignment"], sides=sides, roles=roles)
            for sides in ("one", "both")
            for roles in ("mixed", "apart")
        }
        last = at[("both", "apart")]
        medians = f"{number(last['same_cm'])} / {number(last['different_cm'])} cm"
        cells = [number(each["auc"], 2) for each in at.values()]
        rows.append([one["description"], *cells, medians])
    return rows


def table1(r: Results, images: Images) -> dict[str, Any]:
    """Values of table1.md.jinja."""
    rows = r.fig5.filter(IS_ATTACK, SAME, OTHER_CLASS, STRONG)
    epsilons = sorted(set(rows["eps"]))
    lines = []
    for target in TABLE_1_DISTANCES:
        if target not in set(rows["target"]):
            continue
        votes = zip(TABLE_1_DISTANCES[target], TABLE_1_VOTES[target], strict=True)
        lines.append([target, "paper: distance (votes)", *(f"{d:g} ({v})" for d, v in votes)])
        for victim in MODELS:
            some = rows.filter(pl.col("target") == target, pl.col("victim") == victim)
            means = [_means(some.filter(pl.col("eps") == eps)) for eps in epsilons]
            lines.append([target, f"{NAMES[victim]}: frame / joint (recognised)", *means])
    width = max((len(line) for line in lines), default=2) - 2
    heads = [f"{eps:g}" for eps in (epsilons if width == len(epsilons) else range(width))]
    return {"heads": heads, "rows": [line for line in lines if len(line) == len(heads) + 2]}


def _means(some: pl.DataFrame) -> str:
    frame, joint = (number(metrics.mean(some[f"distance_{n}"])) for n in ("frame", "joint"))
    return f"{frame} / {joint} ({percent(metrics.mean(some['recognised']))})"
