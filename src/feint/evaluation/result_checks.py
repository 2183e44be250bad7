"""Checks of finished rows: what in the results should make a reader distrust them.

Every warning has a code and a paragraph in docs/checks.md.  Reports show warnings before rates.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from feint.evaluation import criteria_rates
from feint.evaluation.attack_task import IS_ATTACK, NONE
from feint.evaluation.model_checks import EvaluationWarning
from feint.evaluation.tolerance import Tolerance

LOOSE = 0.25
"""Share of other classes' real reactions above which a tolerance is loose."""
VACUOUS = 0.5
"""Clean success rate above which the success rate says little."""
FEWEST = 8
"""Rows for which an attack is compared with noise."""
AS_NOISE = 1.5
"""An attack that changes a distance less than this many times what noise does is no better."""


def result_warnings(
    rows: pl.DataFrame, rates: pl.DataFrame, tolerance: Tolerance
) -> list[EvaluationWarning]:
    """Check the rows of an experiment, their rates and the tolerance behind them.

    Args:
        rows: of `scoring.score`.
        rates: of `success_rates`, over all targets.
        tolerance: by which success was decided.
    """
    return _once(
        [
            *_of_tolerance(rows, tolerance),
            *_of_rates(rates),
            *_of_rows(rows, tolerance),
            *_no_better_than_noise(rows),
        ]
    )


def loose_criteria(table: pl.DataFrame) -> list[EvaluationWarning]:
    """A warning for every criterion that a null passes in more than a quarter of the rows.

    Args:
        table: of `criteria_rates.rates_by_criterion`.
    """
    passed = table.filter(
        (pl.col("answer") != criteria_rates.ATTACK) & (pl.col("success_rate") > LOOSE)
    ).sort("success_rate", descending=True, maintain_order=True)
    return _once(
        [
            EvaluationWarning(
                "loose-criterion",
                one["criterion"],
                f"The criterion {one['criterion']!r} is loose: the null answer "
                f"{one['answer']!r} of {one['model']} passes it in {one['success_rate']:.0%} of "
                "the rows, without performing the target.",
            )
            for one in passed.iter_rows(named=True)
        ]
    )


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


def _no_better_than_noise(rows: pl.DataFrame) -> Iterator[EvaluationWarning]:
    """Attacks that change the answers towards the target no more than random signs do.

    A useful gradient beats noise by about the root of the number of values that may change.  A
    gradient of zero leaves the best random start, which is noise, at any eps.
    """
    key = ["surrogate", "victim", "target", "sequence"]
    own = rows.filter(pl.col("surrogate") == pl.col("victim"))
    clean = own.filter(pl.col("attack") == NONE).select(*key, clean="distance_frame")
    noise = own.filter(pl.col("attack") == "sign-noise").select(*key, "eps", noise="distance_frame")
    both = own.filter(IS_ATTACK).join(clean, on=key).join(noise, on=[*key, "eps"])
    alike = (
        both.group_by("attack", "surrogate", "eps", maintain_order=True)
        .agg(
            n=pl.len(),
            moved=(pl.col("clean") - pl.col("distance_frame")).abs().median(),
            shaken=(pl.col("clean") - pl.col("noise")).abs().median(),
        )
        .filter((pl.col("n") >= FEWEST) & (pl.col("shaken") > 0))
        .filter(pl.col("moved") < AS_NOISE * pl.col("shaken"))
    )
    for one in alike.iter_rows(named=True):
        message = (
            f"The attack {one['attack']} on {one['surrogate']}, eps {one['eps']:g}, changes the "
            f"distance to the target by {one['moved']:.3g}, and random noise of the same eps by "
            f"{one['shaken']:.3g}: its gradient is of no use there (zero, rounded or cut). Its "
            "failures say nothing about robustness; compare RandomSearch."
        )
        about = f"{one['surrogate']} -> {one['surrogate']}, eps {one['eps']:g}"
        yield EvaluationWarning("like-noise", about, message)


def _once(warnings: Sequence[EvaluationWarning]) -> list[EvaluationWarning]:
    """The first of each code and subject: what holds at several eps is said once."""
    kept: dict[tuple[str, str], EvaluationWarning] = {}
    for warning in warnings:
        kept.setdefault((warning.code, warning.about.partition(",")[0]), warning)
    return list(kept.values())
