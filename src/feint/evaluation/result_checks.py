"""Warnings on the finished rows of an experiment."""

from collections.abc import Sequence

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.evaluation.model_checks import Warning
from feint.evaluation.tolerance import Tolerance


def doubts(rows: pl.DataFrame, rates: pl.DataFrame, tolerance: Tolerance) -> list[Warning]:
    """What in the results themselves should make a reader distrust them.

    Args:
        rows: of `evaluation.score`.
        rates: of `summary.rates`, over all targets.
        tolerance: by which success was decided.
    """
    found = []
    for label in sorted(set(rows["target"])):
        others = tolerance.among_others.get(label)
        if others is not None and others > 0.25:
            found.append(
                Warning(
                    "loose-tolerance",
                    label,
                    f"The tolerance of {label!r} is loose: {others:.0%} of other classes' real "
                    "reactions pass for it.",
                )
            )
    for one in rates.filter(IS_ATTACK).iter_rows(named=True):
        about = f"{one['surrogate']} -> {one['victim']}, eps {one['eps']:g}"
        if one["clean_success_rate"] > 0.5:
            found.append(
                Warning(
                    "vacuous-success",
                    one["victim"],
                    f"{one['clean_success_rate']:.0%} of {one['victim']}'s answers count as the "
                    "target without any attack; look at the rate among those that did not.",
                )
            )
        noise = one["noise_success_rate"] if one["noise_success_rate"] is not None else 0.0
        if one["surrogate"] == one["victim"] and one["success_rate"] < noise:
            found.append(
                Warning(
                    "noise-wins",
                    about,
                    f"{about}: random noise reaches the target more often ({noise:.0%}) than "
                    f"the attack ({one['success_rate']:.0%}); the attack is what fails here.",
                )
            )
    crafted = rows.filter(IS_ATTACK)
    missed = crafted.filter(~tolerance.success(crafted))
    still = int((missed["linf"] == 0).sum()) / max(len(missed), 1)
    if still > 0:
        found.append(
            Warning(
                "no-gradient",
                "attack",
                f"{still:.0%} of the sequences that the attack failed on were not changed at all: "
                "the gradient is zero there (masked, saturated or quantised).",
            )
        )
    return _once(found)


def _once(warnings: Sequence[Warning]) -> list[Warning]:
    """One a name and sentence: the same thing said of several eps is said once."""
    kept: dict[tuple[str, str], Warning] = {}
    for warning in warnings:
        kept.setdefault((warning.name, warning.about.partition(",")[0]), warning)
    return list(kept.values())
