"""How far judges agree: Krippendorff's alpha, with an interval by judge.

1 is agreement, 0 what chance gives, below 0 less than that.  Ordinal for the leftmost panel, "none"
being the last level; nominal for names.  Missing answers need no filling in: alpha counts pairs of
answers there are.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from feint.errors import FeintError
from feint.survey.analysis.interval_censored import quantiles

Level = Literal["ordinal", "nominal"]


@dataclass(frozen=True)
class Agreement:
    """Krippendorff's alpha.

    Attributes:
        alpha: NaN where it is not defined: nobody answered beside another, or all said the same.
        low, high: 95 % by resampling judges; NaN where it is not known.
        judges: how many answered.
        questions: answered by two judges at least.
        failed: of `draws` resamples, in how many it was not defined.
        draws: how many there were.
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
    """Alpha of what judges answered.

    A judge drawn twice agrees with himself, which makes the disagreement of a resample of n judges
    too small by (n - 1) / n; it is divided by that.

    Args:
        counts: (judges, questions, values), 1 where a judge gave this answer; at most one of
            `values` each, none where it is missing.
        level: of measurement; "ordinal" takes values in their order.

    Raises:
        FeintError: a judge answers a question twice.
    """
    if counts.ndim != 3 or (counts.sum(2) > 1).any():
        raise FeintError(
            f"agreement got counts of shape {counts.shape}; expected judges x questions x values "
            "with one answer to a question at most."
        )
    counts = counts[counts.sum((1, 2)) > 0]
    judges = len(counts)
    whole = counts.sum(0)
    if judges < 2:
        return Agreement(math.nan, math.nan, math.nan, judges, 0, draws, draws)
    rng = np.random.default_rng(seed)
    often = rng.multinomial(judges, np.full(judges, 1 / judges), draws)
    drawn = np.array([_alpha(one, level) for one in np.tensordot(often, counts, 1)])
    drawn = 1 - (1 - drawn) * judges / (judges - 1)
    alpha = _alpha(whole, level)
    low, high = quantiles(drawn, judges)
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
    """Alpha of (questions, values) totals, where nobody knows who gave them: no interval."""
    questions = int((counts.sum(1) > 1).sum())
    return Agreement(_alpha(counts, level), math.nan, math.nan, 0, questions, 0, 0)


def _alpha(counts: np.ndarray, level: Level) -> float:
    """Alpha of (questions, values) counts; NaN where it is not defined."""
    import krippendorff

    used = counts[counts.sum(1) > 1]
    if not len(used) or (used.sum(0) > 0).sum() < 2:
        return math.nan
    return float(krippendorff.alpha(value_counts=used, level_of_measurement=level))
