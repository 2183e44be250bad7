"""A tolerance from what is recognised: fit P(recognised | distance), take where it is a half.

The curve is logistic, P(d) = 1 / (1 + exp((d - threshold) / width)).  Here outputs are recognised
or not, by a recogniser.  `survey.analysis` fits the same curve to people's answers, which guess,
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
        threshold: the distance at which half are recognised, in the unit of the distances; NaN
            where the distance does not predict what is recognised.
        low, high: its 95 % interval; NaN where most resamples have no threshold.
        width: the distance over which the odds fall by e; NaN with the threshold.
        n: outputs it was fitted on.
        recognised: the share of them that was recognised.
        auc: P(a recognised output is nearer than one that is not).
    """

    threshold: float
    low: float
    high: float
    width: float
    n: int
    recognised: float
    auc: float

    def probability(self, distance: float) -> float:
        """P(recognised) at a distance."""
        return 1 / (1 + math.exp(min((distance - self.threshold) / self.width, 700)))


def fit(
    distances: np.ndarray,
    recognised: np.ndarray,
    clusters: Sequence[str],
    draws: int = 200,
    seed: int = 0,
) -> Curve:
    """Fit the curve by maximum likelihood, with an interval that resamples clusters.

    Args:
        distances: (n,), one an output, in any unit.
        recognised: (n,), whether each was.
        clusters: what each belongs to, such as its interaction.

    Raises:
        FeintError: unequal numbers of them, none, or distances that are not finite.
    """
    d, hit = np.asarray(distances, float), np.asarray(recognised, float)
    if not (len(d) == len(hit) == len(clusters) > 0) or not np.isfinite(d).all():
        raise FeintError(
            f"fit got {len(d)} distances, {len(hit)} answers and {len(clusters)} clusters; "
            "expected as many of each, at least one, and finite distances.",
            code="wrong-shape",
        )
    threshold, width = _threshold(d, hit)
    names, of = np.unique(np.asarray(clusters), return_inverse=True)
    often = resamples(len(names), draws, seed).astype(int)[:, of]  # (draws, n): copies of a row
    drawn = np.array([_threshold(np.repeat(d, n), np.repeat(hit, n))[0] for n in often])
    low = high = float("nan")
    if math.isfinite(threshold) and np.isfinite(drawn).sum() > draws / 2:
        low, high = interval(drawn, len(names))
    nearness = auc(d[hit > 0], d[hit == 0])
    return Curve(threshold, low, high, width, len(d), float(hit.mean()), nearness)


def auc(near: np.ndarray, far: np.ndarray) -> float:
    """P(one of `near` is smaller than one of `far`), ties counting half; NaN if one is empty."""
    from scipy.stats import mannwhitneyu

    if not len(near) or not len(far):
        return float("nan")
    return float(mannwhitneyu(far, near).statistic / len(near) / len(far))


def _threshold(d: np.ndarray, hit: np.ndarray) -> tuple[float, float]:
    """Threshold and width; NaN where all or none are recognised, or the far ones are."""
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
