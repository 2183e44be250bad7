"""Success criteria that a run's rows support, and the success rates by each of them.

A criterion decides from a row whether it is a success. No rate comes without its baselines: the
rate without an attack and under random noise of the same eps, each with its interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from feint.data.sbu import constants
from feint.evaluation import table1, tolerance
from feint.evaluation.attack_task import IS_ATTACK, IS_NOISE, NONE
from feint.evaluation.bootstrap import cluster_intervals
from feint.evaluation.rows import TASK_KEY
from feint.evaluation.success_rates import INTERACTION
from feint.report.run_data import RunData
from feint.sequences import Norm
from feint.skeleton import SBU_15


@dataclass(frozen=True)
class SuccessCriterion:
    """What is a success, and among which sequences the rate is taken.

    Attributes:
        name: short, for a list.
        description: in a sentence.
        rule: a key of `RULES`: what makes an output a success.
        only_clean_failures: the rate is among the sequences that fail without an attack.
    """

    name: str
    description: str
    rule: str
    only_clean_failures: bool


@dataclass(frozen=True)
class Rate:
    """How many of how many count, beside the baselines; intervals are 95 % over interactions.

    Attributes:
        surrogate, victim, target, eps: where; target None: all together.
        asked: how many.
        hits: of them under the attack; clean: without one; noise: under any noise of that eps,
            None where none was tried.
        intervals: low and high of hits, clean and noise, in this order; where only those that
            failed are asked, clean is none of them by definition, without doubt.
    """

    surrogate: str
    victim: str
    target: str | None
    eps: float
    asked: int
    hits: int
    clean: int
    noise: int | None
    intervals: tuple[tuple[float, float], ...]


OWN, RECOGNISED = "own", "recognised"
FRAME: Norm = "frame"
JOINT: Norm = "joint"
RULES = {
    OWN: (
        "the run's tolerance",
        "A success is an output within the run's tolerance of its target.",
    ),
    FRAME: (
        "Table 1, frame",
        "A success is a distance (norm of a whole frame, summed over frames) below the paper's "
        "Table 1. On SBU this is so lax that most outputs succeed without an attack.",
    ),
    JOINT: (
        "Table 1, joint",
        "A success is a distance (norm of a joint, summed over joints and frames) below the "
        "paper's Table 1.",
    ),
    RECOGNISED: (
        "the recogniser",
        "A success is an output that a recogniser of real reactions assigns to the target's class.",
    ),
}


def successes(run: RunData) -> dict[str, pl.Series]:
    """Which rows of `RunData.judged` are successes, by every rule that the rows support."""
    judged = run.judged
    found = {OWN: judged["reached"]}
    if is_sbu(run):
        for name in (FRAME, JOINT):
            printed = table1.paper(name)
            if f"distance_{name}" in judged.columns and not _same(run, printed):
                found[name] = printed.reached(judged)
    if "recognised_as" in judged.columns:
        found[RECOGNISED] = judged["recognised_as"].eq_missing(judged["target"])
    return found


def is_sbu(run: RunData) -> bool:
    """The classes and the skeleton are SBU's, which Table 1 is of."""
    labels = run.description["data"]["labels"]
    return set(labels) == set(constants.ACTIONS.values()) and run.skeleton == SBU_15


def _same(run: RunData, other: tolerance.Tolerance) -> bool:
    """The run's own tolerance equals the other one for all of its targets."""
    own = run.tolerance
    targets = run.judged["target"].unique().to_list()
    return (own.norm, own.per_frame) == (other.norm, other.per_frame) and all(
        own.of(one) == other.of(one) for one in targets
    )


def criteria(run: RunData) -> list[SuccessCriterion]:
    """Every criterion that the rows support, the run's own tolerance first."""
    found = []
    for rule in successes(run):
        name, description = RULES[rule]
        found.append(SuccessCriterion(f"{name}, if clean fails", description, rule, True))
        found.append(SuccessCriterion(f"{name}, all sequences", description, rule, False))
    return found


def rates(run: RunData, criterion: SuccessCriterion) -> Iterator[Rate]:
    """Every rate by a criterion: white box and transfer, all targets together and one by one."""
    judged = run.judged.with_columns(successes(run)[criterion.rule].alias("hit"))
    clean = judged.filter(pl.col("attack") == NONE).select(*TASK_KEY, clean="hit")
    noise = judged.filter(IS_NOISE).group_by([*TASK_KEY, "eps"]).agg(noise=pl.col("hit").any())
    rows = (
        judged.filter(IS_ATTACK)
        .select(*TASK_KEY, "eps", "hit", interaction=INTERACTION)
        .join(clean, on=TASK_KEY, how="left", validate="m:1")
        .join(noise, on=[*TASK_KEY, "eps"], how="left", validate="m:1")
        .sort(*TASK_KEY, "eps")
    )
    for place in (("surrogate", "victim", "eps"), ("surrogate", "victim", "eps", "target")):
        for key, some in rows.group_by(place, maintain_order=True):
            surrogate, victim, eps, *target = key
            one = some.filter(~pl.col("clean")) if criterion.only_clean_failures else some
            wanted = str(target[0]) if target else None
            found = _rate(str(surrogate), str(victim), wanted, float(eps), one)
            if criterion.only_clean_failures and len(one):
                attack, _, *others = found.intervals
                found = replace(found, intervals=(attack, (0.0, 0.0), *others))
            yield found


def _rate(surrogate: str, victim: str, target: str | None, eps: float, rows: pl.DataFrame) -> Rate:
    tried = len(rows) > 0 and not rows["noise"].has_nulls()
    columns = ("hit", "clean", "noise") if tried else ("hit", "clean")
    values = rows.select(columns).cast(pl.Float64).to_numpy()
    intervals = cluster_intervals(values, rows["interaction"].to_list())
    counts = np.nan_to_num(values.sum(axis=0)).astype(int).tolist()
    return Rate(
        surrogate,
        victim,
        target,
        eps,
        len(rows),
        counts[0],
        counts[1],
        counts[2] if tried else None,
        tuple((float(low), float(high)) for low, high in intervals),
    )
