"""What rows come to: success rates beside their baselines, decided here and nowhere earlier."""

import polars as pl

from feint.evaluation.attack_task import AWAY, IS_ATTACK, IS_NOISE
from feint.evaluation.bootstrap import cluster_interval
from feint.evaluation.tolerance import Tolerance

INTERACTION = pl.col("sequence").str.replace(r"/[^/]*$", "")
"""The interaction a row's sequence is a side of."""


def rates(rows: pl.DataFrame, tolerance: Tolerance, by_target: bool = False) -> pl.DataFrame:
    """Success rates of the attack at every eps, with the baselines beside them.

    Sequences whose own class is the target's are left out: they have nothing to be moved to.

    Returns:
        source, victim, (target,) attack, eps, then
        n: sequences asked; reached: the share that counts as the target;
        clean: the same without an attack;
        noise: the same under random noise of that eps, any of the kinds tried (null without);
        failed: how many did not count without an attack; moved: the share of *these* the attack
        made count, with low and high, its 95 % interval (bootstrap over interactions);
        moved_noise: the share of these that noise made count;
        closed: share of the distance to the target closed, the median over sequences (null
        where it was not to be closed: untargeted);
        error_cm, change_cm, change_max_cm, bones: means, where the rows have them.
    """
    judged = rows.filter(pl.col("true_class") != pl.col("target"))
    judged = judged.with_columns(tolerance.reached(judged))
    task = ["surrogate", "victim", "target", "sequence"]
    measured = pl.col(f"distance_{tolerance.norm}")
    clean = judged.filter(pl.col("attack") == "none").select(
        *task, clean=pl.col("reached"), clean_distance=measured
    )
    noise = judged.filter(IS_NOISE).group_by([*task, "eps"]).agg(noise=pl.col("reached").any())
    asked = (
        judged.filter(pl.col("attack") != "none")
        .join(clean, on=task, how="left", validate="m:1")
        .join(noise, on=[*task, "eps"], how="left", validate="m:1")
        .with_columns(
            interaction=INTERACTION,
            closed=pl.when(pl.col("target") != AWAY).then(1 - measured / pl.col("clean_distance")),
        )
    )
    keys = ["surrogate", "victim", *(["target"] if by_target else []), "attack", "eps"]
    told = [
        c
        for c in ("error_cm", "perturbation_cm", "perturbation_max_cm", "bone_length_change")
        if c in rows.columns
    ]
    failed = ~pl.col("clean")
    out = asked.group_by(keys).agg(
        n=pl.len(),
        reached=pl.col("reached").mean(),
        clean=pl.col("clean").mean(),
        noise=pl.col("noise").mean(),
        failed=failed.sum(),
        moved=pl.col("reached").filter(failed).mean(),
        moved_noise=pl.col("noise").filter(failed).mean(),
        closed=pl.col("closed").median(),
        **{c: pl.col(c).mean() for c in told},
        _hits=pl.col("reached").filter(failed).cast(pl.Float64),
        _of=pl.col("interaction").filter(failed),
    )
    intervals = [
        cluster_interval(hits.to_numpy(), of.to_list())
        for hits, of in zip(out["_hits"], out["_of"], strict=True)
    ]
    return (
        out.with_columns(
            low=pl.Series([low for low, _ in intervals], dtype=pl.Float64),
            high=pl.Series([high for _, high in intervals], dtype=pl.Float64),
        )
        .drop("_hits", "_of")
        .sort(keys)
    )


def smallest(rows: pl.DataFrame) -> pl.DataFrame:
    """What the sequences of a search needed, by model and target (`Run.minimal`).

    Returns:
        source, target, n: sequences of other classes; none: the share that needed no change;
        reached: the share the largest eps or less was enough for; of those that needed a change,
        the eps enough for a quarter, for half and for three quarters (null: more than was tried).
    """

    def enough(share: float) -> pl.Expr:
        tried = pl.col("eps").fill_null(float("inf")).filter(pl.col("eps").fill_null(1) > 0)
        least = tried.quantile(share, "higher")
        return pl.when(least.is_finite()).then(least)

    return (
        rows.filter(pl.col("true_class") != pl.col("target"))
        .group_by("surrogate", "target")
        .agg(
            n=pl.len(),
            none=(pl.col("eps").fill_null(1) == 0).mean(),
            reached=pl.col("eps").is_not_null().mean(),
            quarter=enough(0.25),
            half=enough(0.5),
            three_quarters=enough(0.75),
        )
        .sort("surrogate", "target")
    )


def quartiles(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Cases and quartiles of a column by kind ("none", "random noise", "attack") and eps."""
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


def verdict(table: pl.DataFrame, unit: str, away: bool = False) -> list[str]:
    """A sentence a model: the white-box result at the largest eps, beside its baselines.

    Args:
        table: of `rates`, over all targets.
        unit: of eps, in words.
        away: the attack was untargeted.
    """
    near, far = "the target", "count as it"
    if away:
        near, far = "led away", "count as led away"
    white = table.filter(IS_ATTACK & (pl.col("surrogate") == pl.col("victim")))
    sentences = []
    for one in white.filter(pl.col("eps") == pl.col("eps").max()).iter_rows(named=True):
        if not one["failed"]:
            sentences.append(f"{one['victim']}: every answer counts as {near} by itself.")
            continue
        noise = "random noise was not tried"
        if one["moved_noise"] is not None:
            noise = f"random noise of the same size {one['moved_noise']:.0%}"
        sentences.append(
            f"{one['victim']}: a change of at most {one['eps']:g} {unit} makes "
            f"{one['moved']:.0%} of the answers that were not {near} {far} "
            f"(95\u00a0% interval {one['low']:.0%}-{one['high']:.0%}, n = {one['failed']}); "
            f"{noise}. Without an attack {one['clean']:.0%} of all {one['n']} already did."
        )
    return sentences
