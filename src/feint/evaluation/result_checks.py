"""Checks of finished rows: what in the results should make a reader distrust them.

Every warning has a code and a paragraph in docs/checks.md.  Reports show warnings before rates.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.evaluation.model_checks import EvaluationWarning
from feint.evaluation.tolerance import Tolerance

LOOSE = 0.25
"""Share of other classes' real reactions above which a tolerance is loose."""
VACUOUS = 0.5
"""Clean success rate above which the success rate says little."""


def result_warnings(
    rows: pl.DataFrame, rates: pl.DataFrame, tolerance: Tolerance
) -> list[EvaluationWarning]:
    """Check the rows of an experiment, their rates and the tolerance behind them.

    Args:
        rows: of `scoring.score`.
        rates: of `success_rates`, over all targets.
        tolerance: by which success was decided.
    """
    return _once([*_of_tolerance(rows, tolerance), *_of_rates(rates), *_of_rows(rows, tolerance)])


def _of_tolerance(rows: pl.DataFrame, tolerance: Tolerance) -> Iterator[EvaluationWarning]:
    for target in sorted(set(rows["target"])):
        others = tolerance.among_others.get(target)
        if others is not None and others > LOOSE:
            message = (
                f"The tolerance of {target!r} is loose: {others:.0%} of other classes' real "
                "reactions are within it."
            )
            yield EvaluationWarning("loose-tolerance", target, message)


def _of_rates(rates: pl.DataFrame) -> Iterator[EvaluationWarning]:
    for one in rates.filter(IS_ATTACK).iter_rows(named=True):
        victim, clean = one["victim"], one["clean_success_rate"]
        about = f"{one['surrogate']} -> {victim}, eps {one['eps']:g}"
        if clean > VACUOUS:
            message = (
                f"{clean:.0%} of {victim}'s answers count as the target without any attack; look "
                "at the success rate among the others."
            )
            yield EvaluationWarning("vacuous-success", victim, message)
        noise = one["noise_success_rate"] or 0.0
        if one["surrogate"] == victim and one["success_rate"] < noise:
            message = (
                f"{about}: random noise has a higher success rate ({noise:.0%}) than the attack "
                f"({one['success_rate']:.0%}); the attack fails here, the model does not resist."
            )
            yield EvaluationWarning("noise-wins", about, message)


def _of_rows(rows: pl.DataFrame, tolerance: Tolerance) -> Iterator[EvaluationWarning]:
    attacked = rows.filter(IS_ATTACK)
    failures = attacked.filter(~tolerance.success(attacked))
    unchanged = int((failures["linf"] == 0).sum()) / max(len(failures), 1)
    if unchanged > 0:
        message = (
            f"{unchanged:.0%} of the sequences that the attack failed on were not perturbed at "
            "all: the gradient is zero there (masked, saturated or quantised)."
        )
        yield EvaluationWarning("no-gradient", "attack", message)


def _once(warnings: Sequence[EvaluationWarning]) -> list[EvaluationWarning]:
    """The first of each code and subject: what holds at several eps is said once."""
    kept: dict[tuple[str, str], EvaluationWarning] = {}
    for warning in warnings:
        kept.setdefault((warning.code, warning.about.partition(",")[0]), warning)
    return list(kept.values())
