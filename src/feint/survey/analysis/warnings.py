"""Warnings about thresholds from judges, shown first in every report.

Each has a stable code with a paragraph in docs/survey-threshold.md: add both together.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from feint.evaluation.model_checks import EvaluationWarning
from feint.evaluation.votes import Votes
from feint.survey.analysis import thresholds
from feint.survey.analysis.results import ObjectiveResult, Unit
from feint.survey.analysis.thresholds import Threshold

MIN_JUDGES = 10
"""A study with fewer judges gets a warning."""
MIN_ANSWERS = 20
"""The smallest number of answers for which the curve's fit is tested."""
MIN_P_VALUE = 0.01
"""A curve whose fit has a smaller p-value gets a warning."""


def misfit(votes: Votes, own: Mapping[Unit, Threshold]) -> float:
    """The p-value of the votes under the fitted curve; NaN with few answers, or no curve."""
    from scipy.special import chdtrc

    seen = np.array([*votes.votes, votes.none], float)
    freedom = len(seen) - 3
    fit = own.get("sum")
    if fit is None or math.isnan(fit.distance) or seen.sum() < MIN_ANSWERS or freedom < 1:
        return math.nan
    expected = seen.sum() * thresholds.probabilities(votes.distances, fit)
    some = seen > 0
    deviance = 2 * float((seen[some] * np.log(seen[some] / expected[some])).sum())
    return float(chdtrc(freedom, deviance))


def judge_warnings(judges: int, excluded: int) -> list[EvaluationWarning]:
    """Warn about few judges and about excluded judges."""
    found = []
    if judges < MIN_JUDGES:
        few = f"There are {judges} judges, fewer than {MIN_JUDGES}: the intervals are not reliable."
        found.append(EvaluationWarning("few-judges", "", few))
    if excluded:
        out = (
            f"{excluded} of {judges + excluded} judges are excluded for missed catch trials; the "
            "results with all judges are shown as well."
        )
        found.append(EvaluationWarning("excluded-judges", "", out))
    return found


def threshold_warnings(objectives: Sequence[ObjectiveResult]) -> list[EvaluationWarning]:
    """Warn about thresholds that are only bounds, extrapolated, or fit the votes badly."""
    found = []

    def warn(code: str, about: str, sentence: str) -> None:
        found.append(EvaluationWarning(code, about, f"{about}: {sentence}"))

    for one in objectives:
        name = f"{one.action} -> {one.reaction}" if one.action else one.reaction
        fit = one.thresholds.get("sum")
        if fit is None or not one.judges:
            continue
        if math.isnan(fit.distance):
            ends = [f"above {fit.low:.4g}"] if math.isfinite(fit.low) else []
            ends += [f"below {fit.high:.4g}"] if math.isfinite(fit.high) else []
            warn(
                "bounded-threshold",
                name,
                "every judge chose the same end of the scale, so the threshold is only bounded: "
                f"{' and '.join(ends) or 'not known'}.",
            )
        elif fit.extrapolated:
            warn(
                "extrapolated-threshold",
                name,
                f"the threshold {fit.distance:.4g} lies outside the distances shown, so it "
                "depends on the curve's shape. Show smaller or larger eps.",
            )
        if one.misfit < MIN_P_VALUE:
            warn(
                "bad-fit",
                name,
                f"a logistic curve fits the votes badly (p = {one.misfit:.2g}); judges may "
                "use different criteria.",
            )
    return found
