"""Agreement of judges: Krippendorff's alpha, with a 95 % interval over judges.

Alpha is 1 for perfect agreement and 0 for chance.  It is ordinal for the leftmost panel, where
"none" is the last level, and nominal for names.  Missing answers are left out: alpha counts pairs
of given answers.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from feint.errors import FeintError
from feint.evaluation.bootstrap import interval, resamples

Level = Literal["ordinal", "nominal"]


@dataclass(frozen=True)
class Agreement:
    """Krippendorff's alpha.

    Attributes:
        alpha: NaN if it is undefined: no question has two answers, or all answers are the same.
        low, high: 95 % interval from resampled judges; NaN if not known.
        judges: number of judges who answered.
        questions: number of questions with at least two answers.
        failed: number of resamples in which alpha is undefined.
        draws: number of resamples.
    """

    alpha: float
    low: float
    high: float
    judges: int
    questions: int
    failed: int
    draws: int


def agreement(
    counts: np.ndarray,
    level: Level,
    draws: int = 1000,
    seed: int = 0,
) -> Agreement:
    """Alpha of judges' answers.

    A judge drawn twice agrees with their copy, so the disagreement of a resample of n judges is
    too small by a factor (n - 1) / n; it is divided by this factor.

    Args:
        counts: (judges, questions, values), 1 for the value that a judge gave; all 0 for a missing
            answer.
        level: level of measurement; "ordinal" uses the values' order.
        draws: number of resamples of judges.
        seed: seed of the resamples.

    Raises:
        FeintError: a judge has two answers to a question.
    """
    if counts.ndim != 3 or (counts.sum(2) > 1).any():
        raise FeintError(
            f"agreement got counts of shape {counts.shape}; expected judges x questions x values "
            "with at most one answer to a question.",
            code="wrong-shape",
        )
    counts = counts[counts.sum((1, 2)) > 0]
    judges = len(counts)
    whole = counts.sum(0)
    if judges < 2:
        return Agreement(math.nan, math.nan, math.nan, judges, 0, draws, draws)
    often = resamples(judges, draws, seed)
    drawn = np.array([_alpha(one, level) for one in np.tensordot(often, counts, 1)])
    drawn = 1 - (1 - drawn) * judges / (judges - 1)
    alpha = _alpha(whole, level)
    low, high = interval(drawn, judges)
    if math.isnan(alpha):
        low = high = math.nan
    return Agreement(
        alpha=alpha,
        low=low,
        high=min(high, 1.0) if not math.isnan(high) else high,
        judges=judges,
        questions=int((whole.sum(1) > 1).sum()),
        failed=int(np.isnan(drawn).sum()),
        draws=draws,
    )


def of_totals(counts: np.ndarray, level: Level) -> Agreement:
    """Alpha of (questions, values) totals; without the judges there is no interval."""
    questions = int((counts.sum(1) > 1).sum())
    return Agreement(_alpha(counts, level), math.nan, math.nan, 0, questions, 0, 0)


def _alpha(counts: np.ndarray, level: Level) -> float:
    """Alpha of (questions, values) counts; NaN if it is undefined."""
    import krippendorff

    used = counts[counts.sum(1) > 1]
    if not len(used) or (used.sum(0) > 0).sum() < 2:
        return math.nan
    return float(krippendorff.alpha(value_counts=used, level_of_measurement=level))
