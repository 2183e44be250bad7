"""Success rates from rows: decided here, beside their baselines, and counted nowhere else.

    judged = judge(rows, tolerance)
    table = success_rates(judged, by=("surrogate", "victim", "attack", "eps"))

`judge` says row by row what is a success, also without an attack and under random noise.
`success_rates` counts that.  Tables, charts, pages and the reproduction call these two.  Another
way to judge an answer is another `Criterion`.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from feint.evaluation.attack_task import AWAY, IS_ATTACK, IS_NOISE, NONE
from feint.evaluation.bootstrap import rate_interval
from feint.evaluation.criteria import Criterion
from feint.evaluation.rows import TASK_KEY

INTERACTION = pl.col("sequence").str.replace(r"/[^/]*$", "")
"""The interaction that a row's sequence is one side of: the cluster of the intervals."""
BY = ("surrogate", "victim", "attack", "eps")
"""A success rate a model, attack and eps, over all targets."""
BY_TARGET = ("surrogate", "victim", "target", "attack", "eps")
MEANS = ("error_cm", "perturbation_cm", "perturbation_max_cm", "bone_length_change")
"""Columns of rows whose means are shown with the rates, where the rows have them."""


def judge(rows: pl.DataFrame, criterion: Criterion, key: Sequence[str] = TASK_KEY) -> pl.DataFrame:
    """Say of every row whether it is a success, with an attack, without one and under noise.

    Rows whose true class is the target are left out: there is nothing to attack.

    Args:
        rows: of `scoring.score`: attacked, under noise, and without an attack.
        criterion: decides; a `Tolerance`, for example.
        key: columns that name what was attacked; its row without an attack has the same.

    Returns:
        the rows, and
        success: this row's answer is a success;
        clean_success: the answer to the same sequence without an attack is one;
        noise_success: any noise of the same eps makes it one (null where none was tried);
        distance, clean_distance: to the target, by the criterion;
        distance_reduction: 1 - distance / clean_distance (null for an untargeted attack).
    """
    rows = rows.filter(pl.col("true_class") != pl.col("target"))
    judged = rows.with_columns(
        criterion.success(rows).alias("success"), distance=criterion.distance
    )
    clean = judged.filter(pl.col("attack") == NONE).select(
        *key, clean_success="success", clean_distance="distance"
    )
    noise = judged.filter(IS_NOISE).group_by(*key, "eps").agg(noise_success=pl.col("success").any())
    reduction = 1 - pl.col("distance") / pl.col("clean_distance")
    return (
        judged.join(clean, on=key, how="left", validate="m:1", maintain_order="left")
        .join(noise, on=[*key, "eps"], how="left", validate="m:1", maintain_order="left")
        .with_columns(distance_reduction=pl.when(pl.col("target") != AWAY).then(reduction))
    )


_CLEAN_FAILS = ~pl.col("clean_success")
_SHARES = {
    "success_rate": pl.col("success"),
    "clean_success_rate": pl.col("clean_success"),
    "noise_success_rate": pl.col("noise_success"),
    "success_rate_if_clean_fails": pl.col("success").filter(_CLEAN_FAILS),
    "noise_success_rate_if_clean_fails": pl.col("noise_success").filter(_CLEAN_FAILS),
}


def success_rates(
    judged: pl.DataFrame,
    by: Sequence[str] = BY,
    intervals: Sequence[str] = ("success_rate_if_clean_fails",),
) -> pl.DataFrame:
    """Success rates with the baselines beside them.

    Args:
        judged: of `judge`; rows without an attack are baselines, and are not counted themselves.
        by: columns that define the groups.
        intervals: rates that get a 95 % interval: a bootstrap over interactions.

    Returns:
        the columns of `by`, sorted by them, then
        n: how many were attacked; success_rate: the share that is a success;
        clean_success_rate: the same without an attack;
        noise_success_rate: the same under random noise of that eps, whichever kind succeeds (null
        where none was tried);
        n_clean_failures: how many fail without an attack; success_rate_if_clean_fails and
        noise_success_rate_if_clean_fails: the shares of these (null without any);
        distance_reduction: the median (null for an untargeted attack);
        <rate>_low, <rate>_high of every rate in `intervals`, and the means of `MEANS`.
    """
    means = [name for name in MEANS if name in judged.columns]
    table = (
        judged.filter(pl.col("attack") != NONE)
        .with_columns(_interaction=INTERACTION)
        .group_by(list(by))
        .agg(
            n=pl.len(),
            n_clean_failures=_CLEAN_FAILS.sum(),
            **{name: share.mean() for name, share in _SHARES.items()},
            distance_reduction=pl.col("distance_reduction").median(),
            **{name: pl.col(name).mean() for name in means},
            **{f"_{name}": _SHARES[name].cast(pl.Float64) for name in intervals},
            **{f"_{name}_of": _clusters(name) for name in intervals},
        )
        .sort(list(by))
    )
    for name in intervals:
        ends = [_interval(*one) for one in table.select(f"_{name}", f"_{name}_of").iter_rows()]
        for side, values in zip(("low", "high"), zip(*ends, strict=True), strict=False):
            table = table.with_columns(pl.Series(f"{name}_{side}", values, dtype=pl.Float64))
        if not ends:
            nothing = pl.lit(None, pl.Float64)
            table = table.with_columns(**{f"{name}_{s}": nothing for s in ("low", "high")})
    return table.drop(f"_{name}{end}" for name in intervals for end in ("", "_of"))


def _clusters(rate: str) -> pl.Expr:
    """The interactions of the rows that a rate is of."""
    of = pl.col("_interaction")
    return of.filter(_CLEAN_FAILS) if rate.endswith("if_clean_fails") else of


def _interval(values: list[float | None], clusters: list[str]) -> tuple[float | None, float | None]:
    """Of what is known; none of nothing."""
    known = [i for i, value in enumerate(values) if value is not None]
    if not known:
        return None, None
    hits = np.array([values[i] for i in known], dtype=float)
    return rate_interval(hits, [clusters[i] for i in known])


def minimal_eps_quartiles(rows: pl.DataFrame) -> pl.DataFrame:
    """The smallest sufficient eps by model and target, from the rows of a search.

    Args:
        rows: of `scoring.minimal_rows`.

    Returns:
        surrogate, target; n: sequences of other classes; clean_success_rate: the share that is a
        success without a perturbation; success_rate: the share for which the largest eps or less
        suffices; of those that need a perturbation, the eps that suffices for a quarter, for half
        and for three quarters (null: more than was tried).
    """

    def sufficient(share: float) -> pl.Expr:
        tried = pl.col("eps").fill_null(float("inf")).filter(pl.col("eps").fill_null(1) > 0)
        least = tried.quantile(share, "higher")
        return pl.when(least.is_finite()).then(least)

    return (
        rows.filter(pl.col("true_class") != pl.col("target"))
        .group_by("surrogate", "target")
        .agg(
            n=pl.len(),
            clean_success_rate=(pl.col("eps").fill_null(1) == 0).mean(),
            success_rate=pl.col("eps").is_not_null().mean(),
            quarter=sufficient(0.25),
            half=sufficient(0.5),
            three_quarters=sufficient(0.75),
        )
        .sort("surrogate", "target")
    )


def quartiles(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Cases and quartiles of a column by kind ("none", "random noise", the attack) and eps."""
    return (
        rows.filter(pl.col(column).is_finite())
        .with_columns(
            kind=pl.when(IS_NOISE).then(pl.lit("random noise")).otherwise(pl.col("attack"))
        )
        .group_by("kind", "eps")
        .agg(
            cases=pl.len(),
            low=pl.col(column).quantile(0.25, "linear"),
            middle=pl.col(column).median(),
            high=pl.col(column).quantile(0.75, "linear"),
        )
        .sort("kind", "eps")
    )


def summarise(table: pl.DataFrame, unit: str, away: bool = False) -> list[str]:
    """One sentence a model: the white-box result at the largest eps, beside its baselines.

    Args:
        table: of `success_rates`, by `BY`.
        unit: of eps, in words.
        away: the attack was untargeted.
    """
    near, far = "the target", "count as it"
    if away:
        near, far = "led away", "count as led away"
    white = table.filter(IS_ATTACK & (pl.col("surrogate") == pl.col("victim")))
    sentences = []
    for one in white.filter(pl.col("eps") == pl.col("eps").max()).iter_rows(named=True):
        if not one["n_clean_failures"]:
            sentences.append(f"{one['victim']}: every answer counts as {near} by itself.")
            continue
        noise = "random noise was not tried"
        if one["noise_success_rate_if_clean_fails"] is not None:
            share = one["noise_success_rate_if_clean_fails"]
            noise = f"random noise of the same size {share:.0%}"
        low, high = (one[f"success_rate_if_clean_fails_{side}"] for side in ("low", "high"))
        sentences.append(
            f"{one['victim']}: a change of at most {one['eps']:g} {unit} makes "
            f"{one['success_rate_if_clean_fails']:.0%} of the answers that were not {near} {far} "
            f"(95\u00a0% interval {low:.0%}-{high:.0%}, n = {one['n_clean_failures']}); "
            f"{noise}. Without an attack {one['clean_success_rate']:.0%} of all {one['n']} "
            "already did."
        )
    return sentences
