"""Logistic curves fitted to interval-censored answers, by maximum a posteriori.

The curve is that of `feint.evaluation.psychometric`.  An answer says that a judge's threshold lies
between two distances: "leftmost" means above this panel's distance and below the previous one's.
With a guess rate and a lapse rate a judge chooses at random.  All curves share one lapse rate, and
many resamples are fitted in parallel.  No package fits this model, so it is written here; the tests
compare it with scipy's optimum.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from feint.errors import FeintError

MAX_WIDTHS = 40.0
"""Widths from the location beyond which the curve is 0 or 1."""
LOCATION_PRIOR = 3.0
WIDTH_PRIOR = (0.1, 1.0)
LAPSE_PRIOR = (2.0, 20.0)
"""Weak priors, so that an estimate exists for any number of judges.

Units are the range of a curve's distances.  The location is normal about their middle with this
standard deviation.  The width is log-normal about 0.1 with a standard deviation of 1.  The lapse
rate is Beta(2, 20): its mode is 5 %, and it weighs as much as 20 answers."""


@dataclass(frozen=True)
class Cells:
    """Every possible answer, one for each cell.

    Without a lapse, its probability is floor + height * (P(near) - P(far)), where P(d) is the
    curve: the threshold lies between `near` and `far`.

    Attributes:
        curve: (cells,), index of the cell's curve.
        question: (cells,), index of the question; its cells are all of its possible answers.
        near, far: (cells,), distances; -inf and inf mean no bound.
        chance: (cells,), probability after a lapse.
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
        """Scale every curve's distances to -1/2 .. 1/2.  Returns also their middles and ranges.

        Raises:
            FeintError: a curve has fewer than two distances.
        """
        middle, span = np.zeros(curves), np.ones(curves)
        for i in range(curves):
            some = np.concatenate([side[self.curve == i] for side in (self.near, self.far)])
            some = some[np.isfinite(some)]
            if not len(some) or some.min() == some.max():
                raise FeintError(
                    f"Curve {i} was asked at {len(set(some))} distances; expected at least two.",
                    code="too-few-distances",
                )
            middle[i], span[i] = (some.min() + some.max()) / 2, some.max() - some.min()
        near, far = ((d - middle[self.curve]) / span[self.curve] for d in (self.near, self.far))
        return replace(self, near=near, far=far), middle, span

    def bounded(self, counts: np.ndarray, curves: int) -> tuple[np.ndarray, np.ndarray]:
        """Whether any answer bounds each curve's threshold from below, and from above."""
        of = np.eye(curves)[self.curve]
        return (
            (counts * np.isfinite(self.near)) @ of > 0,
            (counts * np.isfinite(self.far)) @ of > 0,
        )


@dataclass(frozen=True)
class Maxima:
    """The best curves of each resample.

    Attributes:
        location: (resamples, curves), the distance with P = 0.5; inf without an answer that bounds
            it from above, -inf without one that bounds it from below, NaN without any answer.
        width: (resamples, curves).
        lapse: (resamples,).
    """

    location: np.ndarray
    width: np.ndarray
    lapse: np.ndarray


def maximise(
    cells: Cells, counts: np.ndarray, curves: int, lapse: np.ndarray | float | None = None
) -> Maxima:
    """Fit the curves of all resamples at once, by Fisher scoring under the priors above.

    Args:
        cells: the possible answers.
        counts: (resamples, cells), the number of times each answer was given.
        curves: the number of curves.
        lapse: the lapse rate, one number or (resamples,); None estimates one for all curves.

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
    location = state[:, :curves] * span + middle
    location = np.where(below, np.where(above, location, np.inf), np.where(above, -np.inf, np.nan))
    width = np.exp(state[:, curves:-1]) * span
    return Maxima(location, width, 1 / (1 + np.exp(-state[:, -1])))


def profile(cells: Cells, counts: np.ndarray, lapse: float, level: float) -> tuple[float, float]:
    """The profile-likelihood interval of one curve's location, without a prior.

    Args:
        cells: the possible answers.
        counts: (cells,), the number of times each answer was given.
        lapse: the lapse rate.
        level: how far the log-likelihood may lie below its maximum.

    Returns:
        low, high, rounded outwards to a hundredth of the distances' range; infinite if they lie
        more than two ranges outside it.
    """
    scaled, middle, span = cells.scaled(1)
    location = np.linspace(-2.5, 2.5, 501)
    width = np.exp(np.linspace(math.log(1e-3), math.log(5), 45))
    asked = np.flatnonzero(counts > 0)
    ends, of = np.unique([scaled.near[asked], scaled.far[asked]], return_inverse=True)
    passed = [_curve(location[:, None], end, width) for end in ends[:, None]]
    total = np.zeros((len(location), len(width)))
    for i, near, far in zip(asked, *of.reshape(2, -1), strict=True):
        between = scaled.floor[i] + scaled.height[i] * (passed[near] - passed[far])
        p = (1 - lapse) * between + lapse * scaled.chance[i]
        total += counts[i] * np.log(np.maximum(p, 1e-12))
    best = total.max(1)
    likely = np.flatnonzero(best >= best.max() - level)
    first, last = max(likely[0] - 1, 0), min(likely[-1] + 1, len(location) - 1)
    ends = location[[first, last]] * span[0] + middle[0]
    low = -math.inf if likely[0] == 0 else float(ends[0])
    high = math.inf if likely[-1] == len(location) - 1 else float(ends[1])
    return low, high


def _posterior(
    cells: Cells, counts: np.ndarray, state: np.ndarray, lapsing: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The log-posterior, its gradient and the expected information, for every resample."""
    curves = (state.shape[1] - 1) // 2
    location, log_width = state[:, :curves][:, cells.curve], state[:, curves:-1][:, cells.curve]
    lapse = 1 / (1 + np.exp(-state[:, -1:]))
    width = np.exp(log_width)
    near, far = _curve(location, cells.near, width), _curve(location, cells.far, width)
    slope_near, slope_far = near * (1 - near), far * (1 - far)
    reach_near, reach_far = (_reach(location, d, width) for d in (cells.near, cells.far))
    between = cells.floor + cells.height * (near - far)
    p = np.maximum((1 - lapse) * between + lapse * cells.chance, 1e-12)
    straight = (1 - lapse) * cells.height
    by_location = straight * (slope_near - slope_far) / width
    by_width = straight * (slope_far * reach_far - slope_near * reach_near)
    by_lapse = (cells.chance - between) * lapse * (1 - lapse) * lapsing
    of = np.eye(curves)[cells.curve]
    jacobian = np.concatenate(
        [by_location[..., None] * of, by_width[..., None] * of, by_lapse[..., None]], axis=-1
    )
    question = np.eye(int(cells.question.max()) + 1)[cells.question]
    asked = counts @ question @ question.T
    gradient = ((counts / p)[..., None] * jacobian).sum(1)
    weighted = (asked / p)[..., None] * jacobian
    information = weighted.transpose(0, 2, 1) @ jacobian
    value = (counts * np.log(p)).sum(1)

    middle, spread = math.log(WIDTH_PRIOR[0]), WIDTH_PRIOR[1]
    off = np.zeros_like(state)
    off[:, :curves] = state[:, :curves] / LOCATION_PRIOR**2
    off[:, curves:-1] = (state[:, curves:-1] - middle) / spread**2
    value -= (state[:, :curves] ** 2).sum(1) / LOCATION_PRIOR**2 / 2
    value -= ((state[:, curves:-1] - middle) ** 2).sum(1) / spread**2 / 2
    rate = lapse[:, 0]
    a, b = (LAPSE_PRIOR[0] - 1, LAPSE_PRIOR[1] - 1) if lapsing else (0.0, 0.0)
    value += a * np.log(rate) + b * np.log1p(-rate)
    off[:, -1] = b * rate - a * (1 - rate)
    stiff = [1 / LOCATION_PRIOR**2] * curves + [1 / spread**2] * curves
    information[:, range(2 * curves), range(2 * curves)] += stiff
    information[:, -1, -1] += (a + b) * rate * (1 - rate) if lapsing else 1.0
    return value, gradient - off, information


def _medians(cells: Cells, counts: np.ndarray, curves: int) -> np.ndarray:
    """(resamples, curves): the median of the answers, where the fit starts."""
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
    """The cells of some of the resamples."""
    floor, height = (
        x[some] if x.ndim == 2 and len(x) > 1 else x for x in (cells.floor, cells.height)
    )
    return replace(cells, floor=floor, height=height)


def _reach(location: np.ndarray, d: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Distance from d up to the location, in widths."""
    return np.clip((location - d) / width, -MAX_WIDTHS, MAX_WIDTHS)


def _curve(location: np.ndarray, d: np.ndarray, width: np.ndarray) -> np.ndarray:
    """P(recognised) at distances that may be infinite."""
    return 1 / (1 + np.exp(-_reach(location, d, width)))
