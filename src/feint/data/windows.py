"""Windows of time series: from tables of numbers to pairs of input and output windows.

A file is one series. It is cut into consecutive segments of equal size: the *sets* that a split
keeps together. A window never crosses from one segment into the next. `formats/tables.py` reads the
files; `series_load.py` decides which segments are for training and which for testing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from feint.columns import Columns
from feint.data.formats.tables import read_table
from feint.data.interpolation import interpolate_gaps
from feint.data.pairs import Pairs, Role, Side
from feint.errors import FeintError
from feint.io.memory import SHARE, free_memory
from feint.sequences import Sequences

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq")
MAX_FILES = 10_000
TIME_TOLERANCE = 1e-3
"""How far, in steps, a time may be from its place on an even grid."""
MAX_STRETCH = 4
"""A file with missing rows may span so many times as many steps as it has rows."""

Values = Float[np.ndarray, "steps columns"]


@dataclass(frozen=True)
class Segment:
    """A consecutive part of a file.

    Attributes:
        name: the set it forms.
        begin: its first row in the file.
        values: NaN where a value is missing.
    """

    name: str
    begin: int
    values: Values


@dataclass(frozen=True)
class WindowSpec:
    """How segments are cut into windows.

    Attributes:
        input_size: steps of a window.
        horizon: how many steps later than the input the output is.
        stride: steps from one window to the next.
        max_gap: missing values in a row that are interpolated.
    """

    input_size: int
    horizon: int
    stride: int
    max_gap: int


def read_segments(
    root: Path, names: Sequence[str], time: str | None, count: int
) -> tuple[list[Segment], list[str]]:
    """Read every file and cut it into segments.

    Args:
        root: a file, or a folder of files.
        names: the columns: inputs, then outputs.
        time: the column of time, if there is one.
        count: how many segments each file is cut into.

    Returns:
        The segments, and notes on how the files were read.

    Raises:
        FeintError: there is no file, or one cannot be read; the message has its name and row.
    """
    found, notes = [], []
    for path in _files(root):
        values, times = read_table(path, names, time)
        if times is not None:
            values, missing = _on_even_steps(path, values, times)
            if missing:
                notes.append(f"{path.name}: {missing} steps were missing and count as gaps")
        if len(values) < count:
            raise FeintError(
                f"{path} has {len(values)} rows; expected at least data.n_segments = {count}.",
                code="too-short",
            )
        ends = [len(values) * i // count for i in range(count + 1)]
        for i, (begin, end) in enumerate(pairwise(ends), 1):
            name = path.stem + (f"-{i}" if count > 1 else "")
            found.append(Segment(name, begin, values[begin:end]))
    if len({one.name for one in found}) != len(found):
        raise FeintError(
            f"{root} has two files with the same name up to the suffix; rename one.",
            code="duplicate-name",
        )
    return found, notes


def standard_deviations(segments: Sequence[Segment], inputs: int) -> tuple[float, ...]:
    """The standard deviation of each input column over all segments; 1 for a constant column."""
    every = np.concatenate([one.values[:, :inputs] for one in segments])
    with np.errstate(all="ignore"):
        spread = np.nanstd(every, axis=0) if len(every) else np.ones(inputs)
    return tuple(float(s) if np.isfinite(s) and s > 1e-12 else 1.0 for s in spread)


def cut_windows(
    segments: Sequence[Segment], spec: WindowSpec, columns: Columns
) -> tuple[Pairs, int]:
    """Cut segments into windows.

    Returns:
        Pairs with keys "<set>/<block>/<first row>", and how many windows were left out because of
        gaps. A block is `input_size` rows: bootstrap intervals resample whole blocks.

    Raises:
        FeintError: no window is left, or the windows do not fit into memory.
    """
    span, seen = spec.input_size + spec.horizon, len(columns.inputs)
    _check_memory(segments, spec, seen + len(columns.outputs))
    actors, reactors, keys, sets, gaps = [], [], [], [], 0
    for one in segments:
        values, known = interpolate_gaps(one.values, spec.max_gap)
        for begin in range(0, len(values) - span + 1, spec.stride):
            window = slice(begin, begin + spec.input_size)
            later = slice(begin + spec.horizon, begin + span)
            if not (known[window, :seen].all() and known[later, seen:].all()):
                gaps += 1
                continue
            actors.append(torch.tensor(values[window, :seen], dtype=torch.float32))
            reactors.append(torch.tensor(values[later, seen:], dtype=torch.float32))
            row = one.begin + begin
            keys.append(f"{one.name}/{row // spec.input_size:06d}/{row}")
            sets.append(one.name)
    if not keys:
        raise FeintError(
            f"No window of data.input_size = {spec.input_size} steps (data.horizon = "
            f"{spec.horizon}) is left in {', '.join(one.name for one in segments)[:200]}: the "
            f"shortest segment has {min((len(one.values) for one in segments), default=0)} rows, "
            f"and {gaps} windows had gaps. Use a shorter data.input_size, fewer data.n_segments, "
            "or a larger data.max_gap.",
            code="no-window",
        )
    side: Side = "right"  # columns have no sides and no roles: the same for all
    role: Role = "responder"
    made = Pairs(
        actor=Sequences.pad(actors),
        reactor=Sequences.pad(reactors),
        keys=tuple(keys),
        labels=tuple(sets),
        sets=tuple(sets),
        sides=(side,) * len(keys),
        roles=(role,) * len(keys),
        feature_spec=columns,
    )
    return made, gaps


def _check_memory(segments: Sequence[Segment], spec: WindowSpec, columns: int) -> None:
    span = spec.input_size + spec.horizon
    count = sum(max(0, (len(one.values) - span) // spec.stride + 1) for one in segments)
    if 16 * count * spec.input_size * columns > free_memory() * SHARE:
        raise FeintError(
            f"{count:,} windows of {spec.input_size} steps do not fit into memory; use a larger "
            "data.stride or data.train_stride, or a shorter data.input_size.",
            code="out-of-memory",
        )


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    try:
        found = sorted(p for p in root.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    except OSError as error:
        raise FeintError(
            f"{root} cannot be read ({error}); expected a CSV or Parquet file, or a folder of "
            "them. Give it with --data, or as data.root.",
            code="unreadable-file",
        ) from None
    if not 0 < len(found) <= MAX_FILES:
        raise FeintError(
            f"{root} holds {len(found)} tables; expected 1 to {MAX_FILES} files that end in "
            f"{', '.join(SUFFIXES)}.",
            code="no-recording" if not found else "too-many-files",
        )
    return found


def _on_even_steps(
    path: Path, values: Values, times: Float[np.ndarray, " rows"]
) -> tuple[np.ndarray, int]:
    """The values at even steps of time, NaN at missing steps, and how many are missing."""
    if len(values) < 2:
        return values, 0
    apart = np.diff(times)
    if not bool((apart > 0).all()):
        row = int((apart <= 0).argmax()) + 2
        raise FeintError(
            f"{path}, row {row}: the time does not rise ({times[row - 2]:g}, then "
            f"{times[row - 1]:g}). Sort the rows, and leave one of each time.",
            code="time-not-rising",
        )
    step = float(np.median(apart))
    places = (times - times[0]) / step
    if not float(places[-1]) < MAX_STRETCH * len(values):
        raise FeintError(
            f"{path}: its times span {places[-1]:.4g} steps of {step:g} with {len(values)} rows; "
            "expected few missing. Cut the file where it pauses.",
            code="time-pauses",
        )
    at = places.round().astype(np.int64)
    off = np.abs(places - at)
    # Clocks drift: a place is compared with the last one, not with the beginning.
    uneven = np.abs(apart / step - (apart / step).round()) > TIME_TOLERANCE
    if bool(uneven.any()) or bool((off > 0.5 - TIME_TOLERANCE).any()):
        row = int(uneven.argmax()) + 2
        raise FeintError(
            f"{path}, row {row}: {apart[row - 2]:g} after the row before, where the usual step is "
            f"{step:g}. feint does not resample series: bring them to even steps first.",
            code="uneven-time",
        )
    even = np.full((int(at[-1]) + 1, values.shape[1]), np.nan)
    even[at] = values
    return even, len(even) - len(values)
