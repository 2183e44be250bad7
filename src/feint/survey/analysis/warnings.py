"""What is doubtful about thresholds from people, a sentence each."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from feint.evaluation.votes import Votes
from feint.survey.analysis import thresholds
from feint.survey.analysis.results import OfObjective, Unit
from feint.survey.analysis.thresholds import Threshold

FEW = 10
"""Judges below whom a study says so."""
ENOUGH = 20
"""Answers from which on a curve is held against the votes."""
UNLIKELY = 0.01
"""Of votes under their curve: below it a study says so."""


def misfit(votes: Votes, own: Mapping[Unit, Threshold]) -> float:
    """How likely votes as far from their curve are; NaN with few, or no curve."""
    from scipy.special import chdtrc

    seen = np.array([*votes.votes, votes.none], float)
    freedom = len(seen) - 3
    fit = own.get("sum")
    if fit is None or math.isnan(fit.kappa) or seen.sum() < ENOUGH or freedom < 1:
        return math.nan
    expected = seen.sum() * thresholds.probabilities(votes.distances, fit)
    some = seen > 0
    deviance = 2 * float((seen[some] * np.log(seen[some] / expected[some])).sum())
    return float(chdtrc(freedom, deviance))


def few(judges: int, out: int) -> list[str]:
    """Of how many judges it is, and how many are left out."""
    told = []
    if judges < FEW:
        told.append(f"There are {judges} judges, fewer than {FEW}: the intervals say little.")
    if out:
        told.append(
            f"{out} of {judges + out} judges are left out for missed catch trials; what everybody "
            "says stands beside."
        )
    return told


def of_thresholds(objectives: Sequence[OfObjective]) -> list[str]:
    """What is doubtful about the thresholds."""
    told = []
    for one in objectives:
        name = f"{one.action} -> {one.reaction}" if one.action else one.reaction
        fit = one.thresholds.get("sum")
        if fit is None or not one.judges:
            continue
        if math.isnan(fit.kappa):
            ends = [f"above {fit.low:.4g}"] if math.isfinite(fit.low) else []
            ends += [f"below {fit.high:.4g}"] if math.isfinite(fit.high) else []
            told.append(
                f"{name}: every judge chose the same end, so that its threshold is "
                f"{' and '.join(ends) or 'not known'}, and no number."
            )
        elif fit.extrapolated:
            told.append(
                f"{name}: its threshold {fit.kappa:.4g} lies outside of the distances shown; the "
                "curve's shape decides it. Show smaller or larger eps."
            )
        if one.misfit < UNLIKELY:
            told.append(
                f"{name}: a logistic curve fits the votes badly (p = {one.misfit:.2g}); judges may "
                "look for different things."
            )
    return told
