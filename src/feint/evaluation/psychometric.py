"""From what is recognised to a tolerance: P(recognised | distance), and where it is a half.

The curve is a logistic one, P(d) = 1 / (1 + exp((d - kappa) / width)); kappa is the distance at
which half are recognised.  Intervals resample whole clusters (an interaction with all of its
answers, say).

Here answers are right or wrong.  `feint.censored` fits the same curve to people's, which guess,
lapse, and say only between which two distances their threshold lies.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feint.errors import FeintError
from feint.evaluation.bootstrap import interval, resamples


@dataclass(frozen=True)
class Curve:
    """A fitted curve.

    Attributes:
        kappa: the distance at which half are recognised; NaN where the distance tells nothing.
        low, high: its 95 % interval by bootstrap; NaN where most resamples have no kappa.
        width: the distance over which the odds fall by e; NaN with kappa.
        n: answers it was fitted on.
        recognised: their share that was recognised.
        auc: of the distance: P(a recognised answer is nearer than one that is not).
    """

    kappa: float
    low: float
    high: float
    width: float
    n: int
    recognised: float
    auc: float

    def probability(self, distance: float) -> float:
        """P(recognised) at a distance."""
        return 1 / (1 + math.exp(min((distance - self.kappa) / self.width, 700)))


def fit(
    distances: np.ndarray,
    recognised: np.ndarray,
    clusters: Sequence[str],
    draws: int = 200,
    seed: int = 0,
) -> Curve:
    """Fit the curve by maximum likelihood (scipy), with an interval.

    Args:
        distances: (n,), one an answer, in any unit; kappa is in the same.
        recognised: (n,), whether each was.
        clusters: what each belongs to.

    Raises:
        FeintError: not as many of each, or distances that are not finite.
    """
    d, hit = np.asarray(distances, float), np.asarray(recognised, float)
    if not (len(d) == len(hit) == len(clusters) > 0) or not np.isfinite(d).all():
        raise FeintError(
            f"fit got {len(d)} distances, {len(hit)} answers and {len(clusters)} clusters; "
            "expected as many of each, at least one, and finite distances."
        )
    kappa, width = _threshold(d, hit)
    names, of = np.unique(np.asarray(clusters), return_inverse=True)
    often = resamples(len(names), draws, seed).astype(int)[:, of]  # (draws, n): a row's copies
    drawn = np.array([_threshold(np.repeat(d, n), np.repeat(hit, n))[0] for n in often])
    low = high = float("nan")
    if math.isfinite(kappa) and np.isfinite(drawn).sum() > draws / 2:
        low, high = interval(drawn, len(names))
    return Curve(kappa, low, high, width, len(d), float(hit.mean()), auc(d[hit > 0], d[hit == 0]))


def auc(near: np.ndarray, far: np.ndarray) -> float:
    """P(one of `near` is smaller than one of `far`), ties counting half; NaN if one is empty."""
    from scipy.stats import mannwhitneyu

    if not len(near) or not len(far):
        return float("nan")
    return float(mannwhitneyu(far, near).statistic / len(near) / len(far))


def _threshold(d: np.ndarray, hit: np.ndarray) -> tuple[float, float]:
    """Kappa and width; NaN where nobody or everybody is recognised, or the far ones are."""
    from scipy.optimize import minimize

    if hit.min() == hit.max() or d.std() == 0:
        return float("nan"), float("nan")
    z = (d - d.mean()) / d.std()

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        logit = parameters[0] + parameters[1] * z
        p = 1 / (1 + np.exp(-np.clip(logit, -50, 50)))
        value = np.logaddexp(0, logit).mean() - (hit * logit).mean() + 1e-6 * parameters[1] ** 2
        gradient = np.array([(p - hit).mean(), ((p - hit) * z).mean() + 2e-6 * parameters[1]])
        return float(value), gradient

    a, b = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B").x
    if b >= 0:
        return float("nan"), float("nan")
    return float(-a / b * d.std() + d.mean()), float(-d.std() / b)
