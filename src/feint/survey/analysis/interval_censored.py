"""The same curve as in `feint.psychometric`, fitted to what people answer.

An answer says that a threshold lies between two distances ("leftmost": farther than this panel,
nearer than the one before it).  Judges guess, and now and then they lapse: they choose any of the
answers.  All curves share a lapse rate; many resamples are fitted side by side.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from feint.errors import FeintError

FARTHEST = 40.0
"""Widths from kappa beyond which the curve is 0 or 1."""
KAPPA_PRIOR = 3.0
WIDTH_PRIOR = (0.1, 1.0)
LAPSE_PRIOR = (2.0, 20.0)
"""What is believed before anybody answers, so that an estimate exists however few they are.

In units of the range of a curve's distances: kappa lies about their middle, normal, with this
standard deviation; the width about a tenth, log-normal, with a standard deviation of 1.  The
lapse rate is Beta(2, 20): most likely 5 %, with the weight of 20 answers."""


@dataclass(frozen=True)
class Cells:
    """Every answer that can be given, one a cell.

    Without a lapse it is given with floor + height * (P(near) - P(far)), P(d) the curve's: the
    threshold lies between `near` and `far`.

    Attributes:
        curve: (cells,), which curve it is about, from 0.
        question: (cells,), what was asked, from 0: its cells are all of its answers.
        near, far: (cells,), distances; -inf and inf are no bound.
        chance: (cells,), its probability after a lapse.
        floor, height: (cells,) or (resamples, cells).
    """

    curve: np.ndarray
    question: np.ndarray
    near: np.ndarray
    far: np.ndarray
    chance: np.ndarray
    floor: np.ndarray
    height: np.ndarray

    def scaled(self, curves: int) -> "tuple[Cells, np.ndarray, np.ndarray]":
        """The same with every curve's distances from -1/2 to 1/2; their middles and ranges.

        Raises:
            FeintError: a curve has fewer than two distances.
        """
        middle, span = np.zeros(curves), np.ones(curves)
        for i in range(curves):
            some = np.concatenate([side[self.curve == i] for side in (self.near, self.far)])
            some = some[np.isfinite(some)]
            if not len(some) or some.min() == some.max():
                raise FeintError(
                    f"Curve {i} was asked at {len(set(some))} distances; expected two at least."
                )
            middle[i], span[i] = (some.min() + some.max()) / 2, some.max() - some.min()
        near, far = ((d - middle[self.curve]) / span[self.curve] for d in (self.near, self.far))
        return replace(self, near=near, far=far), middle, span

    def bounded(self, counts: np.ndarray, curves: int) -> tuple[np.ndarray, np.ndarray]:
        """Whether anybody's answers bound each curve's threshold from below, and from above."""
        of = np.eye(curves)[self.curve]
        return (
            (counts * np.isfinite(self.near)) @ of > 0,
            (counts * np.isfinite(self.far)) @ of > 0,
        )


@dataclass(frozen=True)
class Maxima:
    """The best curves of each resample.

    Attributes:
        kappa: (resamples, curves); inf where no answer bounds it from above, -inf where none does
            from below, NaN where there is none at all.
        width: (resamples, curves).
        lapse: (resamples,).
    """

    kappa: np.ndarray
    width: np.ndarray
    lapse: np.ndarray


def maximise(
    cells: Cells, counts: np.ndarray, curves: int, lapse: np.ndarray | float | None = None
) -> Maxima:
    """The most likely curves under the priors above: Fisher scoring, all resamples side by side.

    Args:
        counts: (resamples, cells), how often each answer was given.
        curves: how many there are.
        lapse: the lapse rate, one or (resamples,); None estimates one for all curves.

    Raises:
        FeintError: a curve has fewer than two distances.
    """
    scaled, middle, span = cells.scaled(curves)
    below, above = cells.bounded(counts, curves)
    state = np.zeros((len(counts), 2 * curves + 1))
    state[:, :curves] = _medians(scaled, counts, curves)
    state[:, curves:-1] = math.log(WIDTH_PRIOR[0])
    rate = np.clip(0.05 if lapse is None else lapse, 1e-9, 1 - 1e-9)
    state[:, -1] = np.log(rate / (1 - rate))
    damping = np.full(len(counts), 1e-3)
    value, gradient, curvature = _posterior(scaled, counts, state, lapse is None)
    active = np.arange(len(counts))
    for _ in range(100):
        size = curvature[active] + damping[active, None, None] * np.eye(state.shape[1])
        step = np.linalg.solve(size, gradient[active][..., None])[..., 0]
        step = np.clip(step, -2, 2)
        tried = np.clip(state[active] + step, -20, 20)
        some = _rows(scaled, active)
        found = _posterior(some, counts[active], tried, lapse is None)
        better = found[0] >= value[active]
        moved = active[better]
        state[moved] = tried[better]
        value[moved], gradient[moved], curvature[moved] = (part[better] for part in found)
        damping[active] = np.where(better, damping[active] / 5, damping[active] * 10)
        done = np.where(better, np.abs(step).max(1) < 1e-5, damping[active] > 1e8)
        active = active[~done]
        if not len(active):
            break
    kappa = state[:, :curves] * span + middle
    kappa = np.where(below, np.where(above, kappa, np.inf), np.where(above, -np.inf, np.nan))
    width = np.exp(state[:, curves:-1]) * span
    return Maxima(kappa, width, 1 / (1 + np.exp(-state[:, -1])))


def profile(cells: Cells, counts: np.ndarray, lapse: float, level: float) -> tuple[float, float]:
    """Where one curve's kappa is likely whatever its width: the likelihood alone, no prior.

    Args:
        counts: (cells,).
        lapse: the lapse rate.
        level: how far below its maximum the log-likelihood may be.

    Returns:
        low, high, rounded outwards to a hundredth of the distances' range; infinite where they lie
        more than two ranges outside of it.
    """
    scaled, middle, span = cells.scaled(1)
    kappa = np.linspace(-2.5, 2.5, 501)
    width = np.exp(np.linspace(math.log(1e-3), math.log(5), 45))
    asked = np.flatnonzero(counts > 0)
    ends, of = np.unique([scaled.near[asked], scaled.far[asked]], return_inverse=True)
    passed = [_curve(kappa[:, None], end, width) for end in ends[:, None]]
    total = np.zeros((len(kappa), len(width)))
    for i, near, far in zip(asked, *of.reshape(2, -1), strict=True):
        between = scaled.floor[i] + scaled.height[i] * (passed[near] - passed[far])
        p = (1 - lapse) * between + lapse * scaled.chance[i]
        total += counts[i] * np.log(np.maximum(p, 1e-12))
    best = total.max(1)
    likely = np.flatnonzero(best >= best.max() - level)
    first, last = max(likely[0] - 1, 0), min(likely[-1] + 1, len(kappa) - 1)
    ends = kappa[[first, last]] * span[0] + middle[0]
    low = -math.inf if likely[0] == 0 else float(ends[0])
    high = math.inf if likely[-1] == len(kappa) - 1 else float(ends[1])
    return low, high


def quantiles(drawn: np.ndarray, clusters: int, level: float = 0.95) -> tuple[float, float]:
    """A bootstrap's interval: percentiles, widened for few clusters (Hesterberg 2015).

    Resampling n clusters is too narrow by sqrt((n - 1) / n), and takes normal quantiles where
    Student's are due; the percentiles are those that mend both.  Draws may be infinite.

    Returns:
        low, high; NaN with fewer than two clusters or no draw.
    """
    from scipy.special import ndtr, stdtrit

    known = drawn[~np.isnan(drawn)]
    if clusters < 2 or not len(known):
        return float("nan"), float("nan")
    reach = stdtrit(clusters - 1, (1 + level) / 2) * math.sqrt(clusters / (clusters - 1))
    tail = float(ndtr(-reach))
    low = np.quantile(known, tail, method="lower")
    return float(low), float(np.quantile(known, 1 - tail, method="higher"))


def _posterior(
    cells: Cells, counts: np.ndarray, state: np.ndarray, lapsing: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-posterior, its gradient, and the expected information, of every resample."""
    curves = (state.shape[1] - 1) // 2
    kappa, log_width = state[:, :curves][:, cells.curve], state[:, curves:-1][:, cells.curve]
    lapse = 1 / (1 + np.exp(-state[:, -1:]))
    width = np.exp(log_width)
    near, far = _curve(kappa, cells.near, width), _curve(kappa, cells.far, width)
    slope_near, slope_far = near * (1 - near), far * (1 - far)
    reach_near, reach_far = (_reach(kappa, d, width) for d in (cells.near, cells.far))
    told = cells.floor + cells.height * (near - far)
    p = np.maximum((1 - lapse) * told + lapse * cells.chance, 1e-12)
    straight = (1 - lapse) * cells.height
    by_kappa = straight * (slope_near - slope_far) / width
    by_width = straight * (slope_far * reach_far - slope_near * reach_near)
    by_lapse = (cells.chance - told) * lapse * (1 - lapse) * lapsing
    of = np.eye(curves)[cells.curve]
    jacobian = np.concatenate(
        [by_kappa[..., None] * of, by_width[..., None] * of, by_lapse[..., None]], axis=-1
    )
    question = np.eye(int(cells.question.max()) + 1)[cells.question]
    asked = counts @ question @ question.T
    gradient = ((counts / p)[..., None] * jacobian).sum(1)
    weighted = (asked / p)[..., None] * jacobian
    information = weighted.transpose(0, 2, 1) @ jacobian
    value = (counts * np.log(p)).sum(1)

    middle, spread = math.log(WIDTH_PRIOR[0]), WIDTH_PRIOR[1]
    off = np.zeros_like(state)
    off[:, :curves] = state[:, :curves] / KAPPA_PRIOR**2
    off[:, curves:-1] = (state[:, curves:-1] - middle) / spread**2
    value -= (state[:, :curves] ** 2).sum(1) / KAPPA_PRIOR**2 / 2
    value -= ((state[:, curves:-1] - middle) ** 2).sum(1) / spread**2 / 2
    rate = lapse[:, 0]
    a, b = (LAPSE_PRIOR[0] - 1, LAPSE_PRIOR[1] - 1) if lapsing else (0.0, 0.0)
    value += a * np.log(rate) + b * np.log1p(-rate)
    off[:, -1] = b * rate - a * (1 - rate)
    stiff = [1 / KAPPA_PRIOR**2] * curves + [1 / spread**2] * curves
    information[:, range(2 * curves), range(2 * curves)] += stiff
    information[:, -1, -1] += (a + b) * rate * (1 - rate) if lapsing else 1.0
    return value, gradient - off, information


def _medians(cells: Cells, counts: np.ndarray, curves: int) -> np.ndarray:
    """(resamples, curves): where half of the answers point to, to begin at."""
    near, far = (np.where(np.isfinite(d), d, np.nan) for d in (cells.near, cells.far))
    centre = np.where(np.isnan(near), far, np.where(np.isnan(far), near, (near + far) / 2))
    found = np.zeros((len(counts), curves))
    for i in range(curves):
        order = np.flatnonzero(cells.curve == i)
        order = order[np.argsort(centre[order], kind="stable")]
        below = np.cumsum(counts[:, order], 1)
        found[:, i] = centre[order][np.argmax(below >= below[:, -1:] / 2, 1)]
    return found


def _rows(cells: Cells, some: np.ndarray) -> Cells:
    """The cells as some of the resamples see them."""
    floor, height = (
        x[some] if x.ndim == 2 and len(x) > 1 else x for x in (cells.floor, cells.height)
    )
    return replace(cells, floor=floor, height=height)


def _reach(kappa: np.ndarray, d: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Widths from a distance up to kappa."""
    return np.clip((kappa - d) / width, -FARTHEST, FARTHEST)


def _curve(kappa: np.ndarray, d: np.ndarray, width: np.ndarray) -> np.ndarray:
    """P(recognised) at distances that may be infinite."""
    return 1 / (1 + np.exp(-_reach(kappa, d, width)))
