"""From time stamps to an even grid: clocks that are rounded, jitter, or skip steps.

Both kinds of data need it: tables with a column of time, and recordings whose frames carry times.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from feint.errors import FeintError

TOLERANCE = 0.25
"""How far from its place a time may be, in steps."""
SAME_STEP = 0.15
"""How much a fitted step may differ from the median one, relative; rounding explains no more."""
JITTER = 0.22
"""Steps by which jitter may move one time; two neighbours may be moved apart by twice as much."""
LONGEST = 1e7
"""Steps between two times; a longer pause fits no grid."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Where each time lies on the even grid that fits it best.

    Attributes:
        index: the place of each time, from 0; places without a time are missing steps.
        step: between neighbouring places, in the unit of the times.
        error: how far the worst time is from its place, in steps; infinite if no grid fits.
    """

    index: Int[np.ndarray, " times"]
    step: float
    error: float

    @property
    def is_even(self) -> bool:
        """No time is further than `TOLERANCE` from its place."""
        return self.error <= TOLERANCE


def fit_grid(times: Float[np.ndarray, " times"], what: str) -> Grid:
    """The grid whose step is fitted to all times, so that rounded clocks do not drift.

    Args:
        times: at least two.
        what: of the times, for the error: "x.csv, the column 'date'".

    Raises:
        FeintError: the times do not rise, with the first pair that does not.
    """
    gaps = np.diff(times)
    if not (gaps > 0).all():
        k = int((~(gaps > 0)).argmax())
        raise FeintError(
            f"{what}: time does not rise from row {k + 1} ({times[k]:.17g}) to row {k + 2} "
            f"({times[k + 1]:.17g}); expected each later than the one before. Sort the rows, and "
            "keep one of two at the same time.",
            code="time-not-rising",
        )
    usual = float(np.median(gaps))
    if gaps.max() > LONGEST * usual:
        return Grid(np.arange(len(times)), usual, float("inf"))
    each = [_by_neighbours(times, gaps, usual), _by_fit(times, gaps, usual)]
    return next((grid for grid in each if grid.is_even), each[0])


def _by_neighbours(times: np.ndarray, gaps: np.ndarray, usual: float) -> Grid:
    """Each time is compared with the one before, so that a clock may drift."""
    counts = np.round(gaps / usual)
    if (counts < 1).any():
        return Grid(np.arange(len(times)), usual, float("inf"))
    step = float((times[-1] - times[0]) / counts.sum())
    # More loosely after a long pause.
    error = float((np.abs(gaps / step - counts) / np.maximum(1, counts / 100)).max())
    index = np.concatenate([[0], np.cumsum(counts)])
    return Grid(index.astype(np.int64), step, error)


def _by_fit(times: np.ndarray, gaps: np.ndarray, usual: float) -> Grid:
    """All times are compared with one line, so that each may be rounded or jitter by itself."""
    step = float(gaps[gaps < 1.5 * usual].mean())
    index = np.concatenate([[0], np.cumsum(np.maximum(1, np.round(gaps / step)))])
    since = times - times[0]
    for _ in range(2):
        centred = index - index.mean()
        step = float((centred * since).sum() / (centred**2).sum())
        places = (since - since.mean()) / step + index.mean()
        index = np.round(places)
    jumps = np.abs(gaps / step - np.diff(index)).max()
    if (np.diff(index) < 1).any() or abs(step / usual - 1) > SAME_STEP or jumps > 2 * JITTER:
        return Grid(np.arange(len(times)), usual, float("inf"))
    error = float(np.abs(places - index).max())
    return Grid((index - index[0]).astype(np.int64), step, error)
