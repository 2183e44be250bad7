"""Success criteria that a run's rows support, and the success rates by each of them.

A criterion decides from a row whether it is a success. No rate comes without its baselines: the
rate without an attack and under random noise of the same eps, each with its interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from feint.data.sbu import constants
from feint.evaluation import table1, tolerance
from feint.evaluation.attack_task import IS_ATTACK
from feint.evaluation.criteria import Criterion, Recognised
from feint.evaluation.success_rates import judge, success_rates
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
    """Counts of successes under the attack and the baselines, with their intervals.

    Attributes:
        surrogate, victim, target, eps: where; target None is all targets together.
        n: how many sequences.
        n_successes: under the attack; n_clean: without an attack; n_noise: under any noise of this
            eps, None where none was tried.
        intervals: low and high of the three rates, in this order: 95 % over interactions. Among
            the sequences that fail without an attack the clean rate is 0 by definition.
    """

    surrogate: str
    victim: str
    target: str | None
    eps: float
    n: int
    n_successes: int
    n_clean: int
    n_noise: int | None
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


def rules(run: RunData) -> dict[str, Criterion]:
    """Every rule that the rows support, the run's own tolerance first."""
    found: dict[str, Criterion] = {OWN: run.tolerance}
    if is_sbu(run):
        for name in (FRAME, JOINT):
            printed = table1.paper(name)
            if f"distance_{name}" in run.rows.columns and not _same(run, printed):
                found[name] = printed
    if "recognised_as" in run.rows.columns:
        found[RECOGNISED] = Recognised()
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
    for rule in rules(run):
        name, description = RULES[rule]
        found.append(SuccessCriterion(f"{name}, if clean fails", description, rule, True))
        found.append(SuccessCriterion(f"{name}, all sequences", description, rule, False))
    return found


def rates(run: RunData, criterion: SuccessCriterion) -> Iterator[Rate]:
    """Every rate by a criterion: white box and transfer, all targets together and one by one."""
    judged = judge(run.rows, rules(run)[criterion.rule]).filter(IS_ATTACK)
    end = "_if_clean_fails" if criterion.only_clean_failures else ""
    shown = (f"success_rate{end}", "clean_success_rate", f"noise_success_rate{end}")
    for place in (("surrogate", "victim", "eps"), ("surrogate", "victim", "eps", "target")):
        for one in success_rates(judged, place, shown).iter_rows(named=True):
            n = one["n_clean_failures"] if criterion.only_clean_failures else one["n"]
            attack, clean, noise = (_count(one[name], n) for name in shown)
            ends = [(one[f"{name}_low"], one[f"{name}_high"]) for name in shown]
            if criterion.only_clean_failures:  # by definition none of them succeeds clean
                clean, ends[1] = 0, (0.0, 0.0)
            known = [pair for pair, name in zip(ends, shown, strict=True) if one[name] is not None]
            where = (one["surrogate"], one["victim"], one.get("target"), one["eps"])
            yield Rate(*where, n, attack or 0, clean or 0, noise, tuple(known))


def _count(share: float | None, n: int) -> int | None:
    return None if share is None else round(share * n)
