"""Naturalness: how often judges find which of two clips was changed, by eps.

Chance is 50 %.  d' is sqrt(2) * z(share right), for two-interval forced choice without bias
(Macmillan & Creelman).  The interval is Wilson's (statsmodels) with the effective number of
answers, because a judge's answers are correlated.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Detection:
    """Detection of changed clips at one eps.

    Attributes:
        eps: budget of the changed clip.
        right, answers: number of right answers, and of all answers.
        judges: number of judges who answered.
        share: right / answers.
        low, high: 95 % interval of `share`.
        dprime: d', with half an answer added to each side so that it is finite.
        dprime_low, dprime_high: d' at the interval's ends; infinite at 0 and 1.
        effective: the effective number of independent answers.
    """

    eps: float
    right: int
    answers: int
    judges: int
    share: float
    low: float
    high: float
    dprime: float
    dprime_low: float
    dprime_high: float
    effective: float


def detection(eps: float, judges: Sequence[str], right: np.ndarray) -> Detection:
    """Compute the share of right answers and d' at one eps.

    Args:
        eps: budget of the changed clip.
        judges: (answers,), ids of the judges.
        right: (answers,), whether the answer was right.
    """
    from statsmodels.stats.proportion import proportion_confint

    hit = np.asarray(right, float)
    n = len(hit)
    share = float(hit.mean())
    effective = _effective(judges, hit)
    low, high = proportion_confint(share * effective, effective, alpha=0.05, method="wilson")
    low, high = float(low), float(high)
    return Detection(
        eps=eps,
        right=int(hit.sum()),
        answers=n,
        judges=len(set(judges)),
        share=share,
        low=low,
        high=high,
        dprime=_dprime((hit.sum() + 0.5) / (n + 1)),
        dprime_low=_dprime(low),
        dprime_high=_dprime(high),
        effective=effective,
    )


def _effective(judges: Sequence[str], hit: np.ndarray) -> float:
    """Answers divided by the design effect (at least 1); at least one answer for each judge."""
    names, of = np.unique(np.asarray(judges, str), return_inverse=True)
    n, share = len(hit), hit.mean()
    plain = share * (1 - share) / n
    if len(names) < 2 or plain == 0:
        return float(len(names)) if len(names) < n else float(n)
    sums = np.bincount(of, hit - share)
    clustered = len(names) / (len(names) - 1) * float((sums**2).sum()) / n**2
    return float(min(n, max(len(names), n * plain / clustered)) if clustered > 0 else n)


def _dprime(share: float) -> float:
    from scipy.special import ndtri

    return math.sqrt(2) * float(ndtri(share))
