"""Success by several criteria, beside every null: the table "What counts as success".

    table = rates_by_criterion(rows, nulls, criteria)

The attack's answers, the answers without an attack and under random noise, and the null answers of
the same rows are judged by the same criteria.  A null that passes a criterion shows that the
criterion does not measure the action.  White box, at the largest eps.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.evaluation.bootstrap import paired_interval, rate_interval
from feint.evaluation.criteria import NamedCriterion
from feint.evaluation.nulls import PREFIX, TITLES
from feint.evaluation.rows import TASK_KEY
from feint.evaluation.success_rates import INTERACTION, judge

ATTACK, CLEAN, NOISE = "attack", "no attack", "random noise"
SCHEMA = {
    "model": pl.String,
    "criterion": pl.String,
    "answer": pl.String,
    "n": pl.Int64,
    "success_rate": pl.Float64,
    "success_rate_low": pl.Float64,
    "success_rate_high": pl.Float64,
    "strongest": pl.Boolean,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
}


def rates_by_criterion(
    rows: pl.DataFrame, nulls: pl.DataFrame | None, criteria: Sequence[NamedCriterion]
) -> pl.DataFrame:
    """Success rates of attacked and of null answers to the same sequences, by each criterion.

    Args:
        rows: of one targeted attack, and of its baselines.
        nulls: the rows of the null answers, if there are any.
        criteria: each usable on these rows.

    Returns:
        model; criterion: its name; answer: "attack", "no attack", "random noise", or a value of
        `nulls.TITLES`; n; success_rate with its 95 % interval; strongest: this null has the
        highest rate; in the attack's row difference: its rate minus that of the strongest null on
        the same rows, with a 95 % interval (a bootstrap over interactions).
    """
    white = rows.filter(pl.col("surrogate") == pl.col("victim"))
    found = []
    for criterion in criteria:
        judged = judge(white, criterion).filter(IS_ATTACK)
        judged = judged.filter(pl.col("eps") == pl.col("eps").max())
        nothing = judged.head(0).select(*TASK_KEY, "attack", "success")
        both = nothing if nulls is None else _judged_nulls(nulls, criterion)
        for (model,), some in judged.group_by("victim", maintain_order=True):
            found += list(_of_model(str(model), criterion.name, some, both))
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def _judged_nulls(nulls: pl.DataFrame, criterion: NamedCriterion) -> pl.DataFrame:
    return nulls.select(*TASK_KEY, "attack", criterion.success(nulls).alias("success"))


def _of_model(
    model: str, criterion: str, attacked: pl.DataFrame, nulls: pl.DataFrame
) -> Iterator[dict[str, Any]]:
    """The rows of one model and criterion: the attack first."""
    clusters = attacked.select(INTERACTION).to_series().to_list()
    hits = {ATTACK: attacked["success"], CLEAN: attacked["clean_success"]}
    hits |= {NOISE: attacked["noise_success"]}
    for name, title in TITLES.items():
        own = nulls.filter(pl.col("attack") == PREFIX + name).select(*TASK_KEY, null="success")
        hits[title] = attacked.select(TASK_KEY).join(
            own, on=TASK_KEY, how="left", maintain_order="left"
        )["null"]
    values = {
        answer: one.cast(pl.Float64).to_numpy()
        for answer, one in hits.items()
        if not one.has_nulls()
    }
    rates = {answer: float(one.mean()) for answer, one in values.items()}
    strongest = max((a for a in rates if a != ATTACK), key=lambda answer: rates[answer])
    difference = values[ATTACK] - values[strongest]
    for answer, one in values.items():
        row: dict[str, Any] = dict.fromkeys(SCHEMA)
        low, high = rate_interval(one, clusters)
        row |= {"model": model, "criterion": criterion, "answer": answer, "n": len(one)}
        row |= {"success_rate": rates[answer], "strongest": answer == strongest}
        row |= {"success_rate_low": low, "success_rate_high": high}
        if answer == ATTACK:
            ends = paired_interval(difference, clusters)
            row |= {"difference": float(np.mean(difference))}
            row |= {"difference_low": ends[0], "difference_high": ends[1]}
        yield row


def share_that_is_strict(
    rows: pl.DataFrame, lenient: NamedCriterion, strict: NamedCriterion
) -> dict[str, tuple[int, float | None]]:
    """Of the white-box successes at the largest eps by one criterion, the share by another too.

    Returns:
        by model: how many are successes by the first, and the share (None without any).
    """
    white = rows.filter(pl.col("surrogate") == pl.col("victim"))
    found: dict[str, tuple[int, float | None]] = {}
    judged = judge(white, lenient).with_columns(strict=judge(white, strict)["success"])
    judged = judged.filter(IS_ATTACK).filter(pl.col("eps") == pl.col("eps").max())
    for (model,), some in judged.group_by("victim", maintain_order=True):
        near = some.filter("success")
        share = float(near["strict"].mean()) if len(near) else None  # type: ignore[arg-type]
        found[str(model)] = len(near), share
    return found
