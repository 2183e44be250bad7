"""Numbers of Figures 1 to 4: smoothness (smoothness.md.jinja) and case studies (cases.md.jinja)."""

from typing import Any

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK, NONE
from feint.io.text import percent
from feint.reproduction import metrics
from feint.reproduction.page import figures
from feint.reproduction.page.figures import NAMES
from feint.reproduction.page.markdown import Images
from feint.reproduction.page.sections.success import one_row
from feint.reproduction.profiles import UPDATE_RULES
from feint.reproduction.results import Results

QUANTITIES = ("acceleration", "jerk")


def smoothness(r: Results, images: Images) -> dict[str, Any]:
    """Values of smoothness.md.jinja."""
    rows = r.judged("fig4").with_columns(pl.col("smoothness").cast(pl.Float64))
    attacked = rows.filter(IS_ATTACK, pl.col("true_class") != pl.col("target"))
    clean = rows.filter(pl.col("attack") == NONE)
    recorded = {name: metrics.mean(clean[name]) for name in QUANTITIES}
    _save_depth(r, images)
    lines, points = _smoothness_rows(r, rows, attacked)
    table = pl.DataFrame(points).with_columns(natural=pl.lit(recorded["acceleration"]))
    images.draw("fig4-tradeoff", figures.smoothness, table)
    return {
        "shown": attacked.sort("target", "sequence").row(0, named=True),
        "rows": lines,
        "eps": max(attacked["eps"].to_list()),
        "targets": sorted(set(rows["target"])),
        "n_sequences": attacked["sequence"].n_unique(),
        "recorded": recorded,
    }


def _save_depth(r: Results, images: Images) -> None:
    """Draw Figure 4 if the recorded motion is among the results."""
    if not r.has("fig4-motion"):
        return
    motion = r.table("fig4-motion")
    chosen = [
        (f"{rule}, lambda {weight:g}", motion.filter(pl.col("case") == f"{rule} {weight:g}"))
        for rule in ("sign", "strong")
        for weight in (0.0, 0.1)
    ]
    images.draw("fig4", figures.depth, [(name, some) for name, some in chosen if len(some)])


def _smoothness_rows(
    r: Results, rows: pl.DataFrame, attacked: pl.DataFrame
) -> tuple[list[list[str]], list[dict[str, Any]]]:
    """The cells of the table, and the points of the chart."""
    rates = metrics.rates(rows, ["update_rule", "smoothness"])
    natural = r.table("natural-motion")
    lines, points = [], []
    for rule in UPDATE_RULES:
        for weight in sorted(set(rows["smoothness"])):
            key = {"update_rule": rule, "smoothness": weight}
            some = attacked.filter(*(pl.col(n) == v for n, v in key.items()))
            if not len(some):
                continue
            recognised = one_row(rates, **key, criterion="recognised")
            joint = one_row(rates, **key, criterion="table1_joint")
            values = {name: some[name].drop_nans().to_numpy() for name in QUANTITIES}
            lines.append(
                [
                    rule,
                    f"{weight:g}",
                    percent(recognised["distance_reduction"]),
                    _rates(recognised),
                    _rates(joint),
                    *(
                        f"{of.mean():.0f} ({metrics.natural_percentile(of, natural, name):.1f})"
                        for name, of in values.items()
                    ),
                    percent(metrics.mean(some["bone_length_change"])),
                ]
            )
            mean = float(values["acceleration"].mean())
            reduction = recognised["distance_reduction"]
            points.append({**key, "acceleration": mean, "distance_reduction": reduction})
    return lines, points


def _rates(one: dict[str, Any]) -> str:
    noise = percent(one["noise_success_rate"])
    return f"{percent(one['clean_success_rate'])} -> {percent(one['success_rate'])} ({noise})"


def cases(r: Results, images: Images) -> dict[str, Any]:
    """Values of cases.md.jinja."""
    chosen = r.table("cases")
    motion = r.table("cases-motion") if r.has("cases-motion") else None
    found = []
    for case in chosen["case"].unique(maintain_order=True):
        shown = []
        for one in chosen.filter(pl.col("case") == case).iter_rows(named=True):
            image = f"case-{case.partition(':')[0]}-{one['kind']}"
            if motion is not None:
                mine = motion.filter(pl.col("case") == f"{case}: {one['kind']}")
                images.draw(image, figures.case, mine)
            shown.append({**one, "image": image, "victim": NAMES[one["victim"]]})
        found.append({"name": case, "shown": shown})
    return {"cases": found}
