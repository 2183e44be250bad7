"""From time stamps to an even grid: clocks that are rounded, jitter, or skip steps.

Both kinds of data need it: tables with a column of time, and recordings whose frames carry times.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from feint.errors import FeintError

TOLERANCE = 0.25
"""How far from its place after the time before a time may be, in steps."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Where each time lies on the even grid that fits it best.

    Attributes:
        index: the place of each time, from 0; places without a time are missing steps.
        step: between neighbouring places, in the unit of the times.
        error: how far the worst time is from its place after the one before, in steps.
    """

    index: Int[np.ndarray, " times"]
    step: float
    error: float

    @property
    def is_even(self) -> bool:
        """No time is further than `TOLERANCE` from its place."""
        return self.error <= TOLERANCE


def fit_grid(times: Float[np.ndarray, " times"], what: str) -> Grid:
    """The grid whose step comes from the whole span, so that rounded clocks do not drift.

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
    counts = np.round(gaps / usual)
    if (counts < 1).any():
        return Grid(np.arange(len(times)), usual, float("inf"))
    step = float((times[-1] - times[0]) / counts.sum())
    # A clock may drift: each time is compared with the one before, more loosely after a long pause.
    error = float((np.abs(gaps / step - counts) / np.maximum(1, counts / 100)).max())
    index = np.concatenate([[0], np.cumsum(counts)])
    return Grid(index.astype(np.int64), step, error)
