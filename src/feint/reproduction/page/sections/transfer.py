"""Numbers of transfer.md.jinja: transfer between reactors, and the paper's hypothesis about it."""

from math import nan
from typing import Any

import polars as pl

from feint.reproduction import metrics
from feint.reproduction.page import figures
from feint.reproduction.page.figures import NAMES
from feint.reproduction.page.markdown import Images
from feint.reproduction.page.sections.success import LARGEST, SAME, one_row
from feint.reproduction.results import Results


def transfer(r: Results, images: Images) -> dict[str, Any]:
    """Values of transfer.md.jinja."""
    criteria = ("recognised", "table1_joint")
    rates = metrics.rates(r.judged("transfer"), ["surrogate", "victim", "eps"], criteria)
    recognised = rates.filter(LARGEST, pl.col("criterion") == "recognised")
    for name, value, title in (
        ("transfer-reduction", "distance_reduction", "distance reduction, median"),
        ("transfer-success", "success_rate_if_clean_fails", "success rate if clean fails"),
    ):
        images.draw(name, figures.matrix, recognised, value, title)
    images.draw("transfer-along", figures.along, r.table("gradient_alignment"))
    noise = recognised.group_by("victim").agg(pl.col("noise_success_rate_if_clean_fails").mean())
    reductions = recognised.select("surrogate", "victim", "distance_reduction").rows()
    by_pair: dict[tuple[str, str], float] = {(s, v): x for s, v, x in reductions}
    twins = [(name, f"{name}-second-seed") for name in ("tcn", "deepgru")]
    return {
        "eps": recognised["eps"][0],
        "noise": [(NAMES[name], rate) for name, rate in noise.sort("victim").rows()],
        "reduction": lambda surrogate, victim: by_pair.get((surrogate, victim)),
        "second_seeds": [(NAMES[a], by_pair[(a, b)]) for a, b in twins if (a, b) in by_pair],
        "early_stops": _early_stops(r),
        "cosines": _cosines(r.table("gradient_alignment")),
    }


def _early_stops(r: Results) -> list[dict[str, Any]]:
    """For each surrogate, the distance reduction on itself and on the other, by steps."""
    rows = r.judged("early_stops")
    rates = metrics.rates(rows, ["steps", "surrogate", "victim"], ("recognised",))
    found = []
    for surrogate, victim in (("tcn", "deepgru"), ("deepgru", "tcn")):
        steps = []
        for n in sorted(set(rates["steps"]), key=int):
            own = one_row(rates, steps=n, surrogate=surrogate, victim=surrogate)
            other = one_row(rates, steps=n, surrogate=surrogate, victim=victim)
            steps.append((n, own["distance_reduction"], other["distance_reduction"]))
        found.append({"name": NAMES[surrogate], "steps": steps})
    return found


def _cosines(gradients: pl.DataFrame) -> dict[str, float]:
    """Median cosines of the gradients: of both reactors at the start, of each end and its start."""
    start = gradients.filter(pl.col("position") == 0, ~SAME)
    end = gradients.filter(pl.col("position") == 1, SAME)
    agree = dict(start.group_by("surrogate").agg(pl.col("cosine_to_surrogate").median()).rows())
    turned = dict(end.group_by("surrogate").agg(pl.col("cosine_to_start").median()).rows())
    return {
        "both": agree.get("tcn", nan),
        "tcn": turned.get("tcn", nan),
        "deepgru": turned.get("deepgru", nan),
    }
