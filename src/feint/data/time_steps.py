"""Rows of a table brought to even steps of time; missing steps become gaps.

A model sees steps, never times. So the times must rise by one step, up to rounding and jitter, in
every file and every track; what is missing counts as missing values.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int

from feint.data.clock import Grid, fit_grid
from feint.data.formats.tables import Table
from feint.data.interpolation import sample_linearly
from feint.errors import FeintError

ROUNDING = 1e-3
"""How far, in steps, a time may be from an even one without a note."""
MAX_STRETCH = 4
"""A series may span so many times as many steps as it has rows."""
LONGEST_STEP = 1.5
"""Steps between two rows that are interpolated; a longer pause is a gap."""
SAME = 0.01
"""By how much of itself the step of two files may differ."""


class TimeSteps:
    """Even steps of time for one table after the other, all with the same step.

    Args:
        resample: interpolate rows at uneven times linearly at even steps; otherwise an error.
    """

    def __init__(self, resample: bool = False) -> None:
        self._resample, self._resampled = resample, set[str]()
        self._step: tuple[float, str] | None = None
        self._missing: dict[str, int] = {}
        self._jitter: dict[str, float] = {}

    def even(
        self,
        path: Path,
        values: Float[np.ndarray, "rows columns"],
        table: Table,
        rows: Int[np.ndarray, " rows"],
    ) -> Float[np.ndarray, "steps columns"]:
        """The values at even steps of time, NaN where a step is missing.

        Args:
            path: the file, for messages.
            values: of these rows.
            table: has their times.
            rows: of the table.

        Raises:
            FeintError: the times do not rise, or not by one step, or by another file's step.
        """
        if len(values) < 2:
            return values
        grid = _grid(path, table, rows, self._resample)
        if not grid.is_even:
            self._resampled.add(path.name)
            self._same_step(path, grid.step)
            return _resampled(values, table.times[rows], grid.step)  # type: ignore[index]
        self._same_step(path, grid.step)
        if grid.error > ROUNDING:
            self._jitter[path.name] = max(grid.error, self._jitter.get(path.name, 0.0))
        even = np.full((int(grid.index[-1]) + 1, values.shape[1]), np.nan)
        even[grid.index] = values
        if missing := len(even) - len(values):
            self._missing[path.name] = self._missing.get(path.name, 0) + missing
        return even

    def _same_step(self, path: Path, step: float) -> None:
        first, name = self._step or (step, path.name)
        self._step = (first, name)
        if abs(step / first - 1) > SAME:
            raise FeintError(
                f"{path} has a time step of {step:g}, and {name} one of {first:g}; expected the "
                "same in all files. Bring them to one step, or leave data.time out to ignore it.",
                code="unequal-steps",
            )

    def notes(self) -> list[str]:
        """What there is to say of all tables, a sentence each."""
        return [
            *(
                f"{name}: rows at uneven times were interpolated linearly at even steps"
                for name in sorted(self._resampled)
            ),
            *(f"{n}: {k} steps were missing and count as gaps" for n, k in self._missing.items()),
            *(
                f"{name}: the times are uneven by up to {100 * off:.0f} % of a step; the rows were "
                "taken as evenly spaced"
                for name, off in self._jitter.items()
            ),
        ]


def _resampled(
    values: Float[np.ndarray, "rows columns"], times: Float[np.ndarray, " rows"], step: float
) -> Float[np.ndarray, "steps columns"]:
    """The values at even steps, by linear interpolation; NaN inside of longer pauses."""
    even = np.arange(times[0], times[-1] + 1e-9 * step, step)
    at = np.interp(even, times, np.arange(len(times)))
    out = sample_linearly(torch.from_numpy(values), torch.from_numpy(at)).numpy()
    before = np.minimum(at.astype(int), len(times) - 2)
    out[(np.diff(times) > LONGEST_STEP * step)[before] & (at != np.round(at))] = np.nan
    return out


def _grid(path: Path, table: Table, rows: Int[np.ndarray, " rows"], resample: bool) -> Grid:
    """Where the times of these rows lie on an even grid; uneven if they are to be resampled."""
    assert table.times is not None
    times = table.times[rows]
    apart = np.diff(times)

    def place(at: int) -> str:
        return f"{path}, {table.shown(int(rows[at + 1]))}"

    if not bool((apart > 0).all()):
        at = int((apart <= 0).argmax())
        raise FeintError(
            f"{place(at)}: the time does not rise ({table.time_shown(int(rows[at]))}, then "
            f"{table.time_shown(int(rows[at + 1]))}). Sort the rows, and leave one of each time. "
            "If the file holds several series, name the column that tells them apart in "
            "data.track; if the clock was set back, use times with a time zone.",
            code="time-not-rising",
        )
    grid = fit_grid(times, str(path))
    if grid.index[-1] >= MAX_STRETCH * len(rows):
        raise FeintError(
            f"{place(int(apart.argmax()))}: the times span {grid.index[-1]} steps of "
            f"{grid.step:g}, and there are {len(rows)} rows; expected few missing. Cut the file "
            "where it pauses, or name the pieces in a column and in data.track.",
            code="time-pauses",
        )
    if not grid.is_even and not resample:
        usual = float(np.median(apart))
        at = int(np.abs(apart / usual - np.maximum(1, np.round(apart / usual))).argmax())
        raise FeintError(
            f"{place(at)}: {apart[at]:g} after the row before, where the usual step is {usual:g}. "
            "Set data.resample = true to interpolate the columns linearly at even steps, or leave "
            "data.time out to take the rows as evenly spaced.",
            code="uneven-time",
        )
    return grid
