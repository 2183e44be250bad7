"""The smallest eps that each sequence needs, from a search for it or from the grid of the run."""

from dataclasses import dataclass

import polars as pl

from feint.errors import DamagedError
from feint.evaluation.attack_task import IS_ATTACK, IS_NOISE
from feint.report.run_data import RunData


@dataclass(frozen=True)
class MinimalEps:
    """What the sequences of one model and target need.

    Attributes:
        model, target: which.
        asked: how many sequences.
        none: how many count as the target as they are.
        eps: rising, what was enough for others; the rest never counted.
        noise: the same of random noise, on the grid; None where none was tried.
    """

    model: str
    target: str
    asked: int
    none: int
    eps: tuple[float, ...]
    noise: tuple[float, ...] | None


@dataclass(frozen=True)
class MinimalEpsByModel:
    """Of every model and target, white box.

    Attributes:
        searched: found by `feint min-eps`; else the first eps of the grid at which an answer
            counts.
        largest: the largest eps that was tried.
        parts: one a model and target.
    """

    searched: bool
    largest: float
    parts: tuple[MinimalEps, ...]


def minimal_eps(run: RunData) -> MinimalEpsByModel | None:
    """What every sequence needed; None if nothing was attacked."""
    judged = run.judged.filter(pl.col("surrogate") == pl.col("victim"))
    noise = first(judged.filter(IS_NOISE))
    grid = first(judged.filter(IS_ATTACK))
    try:
        searched = run.minimal_eps_rows
    except DamagedError:
        searched = None  # said among what is lost
    found = grid if searched is None else searched
    if not len(found):
        return None
    tried = {(s, t): _enough(some) for (s, t), some in noise.group_by("surrogate", "target")}
    order = {name: i for i, name in enumerate(run.models)}
    parts = [
        MinimalEps(
            str(model),
            str(target),
            len(some),
            int((some["eps"] == 0).sum()),
            _enough(some),
            tried.get((model, target)),
        )
        for (model, target), some in found.group_by("surrogate", "target")
    ]
    parts.sort(key=lambda one: (order.get(one.model, len(order)), one.model, one.target))
    # The search goes up to the experiment's largest eps, as the grid does.
    return MinimalEpsByModel(
        searched is not None, float(max(run.experiment["attack"]["eps"])), tuple(parts)
    )


def first(judged: pl.DataFrame) -> pl.DataFrame:
    """The smallest eps at which each row counts: 0 where it does without, null where it never does.

    Args:
        judged: of `RunData.judged`, of one kind of attack.
    """
    return judged.group_by("surrogate", "target", "true_class", "sequence").agg(
        eps=pl.when(pl.col("clean").any())
        .then(0.0)
        .otherwise(pl.col("eps").filter(pl.col("reached")).min())
    )


def _enough(rows: pl.DataFrame) -> tuple[float, ...]:
    return tuple(rows.filter(pl.col("eps").is_finite() & (pl.col("eps") > 0))["eps"].sort())
