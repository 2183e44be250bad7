"""Windows of time series: from tables of numbers to pairs of input and output windows.

A file is one series, or one for each track in it. A series is cut into consecutive segments of
equal size: the *sets* that a split keeps together. A window never crosses from one segment into the
next. `formats/tables.py` reads the files and `clock.py` brings their rows to even steps of time;
`series_load.py` decides which segments are for training and which for testing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from feint.columns import Columns
from feint.data.formats.cells import TableFormat
from feint.data.formats.tables import Table, read_table
from feint.data.interpolation import interpolate_gaps
from feint.data.pairs import Pairs, Role, Side
from feint.data.time_steps import TimeSteps
from feint.errors import FeintError
from feint.io.memory import SHARE, free_memory
from feint.sequences import Sequences

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq")
MAX_FILES = 10_000
MAX_SEGMENTS = 100_000

Values = Float[np.ndarray, "steps columns"]


@dataclass(frozen=True)
class Segment:
    """A consecutive part of a series.

    Attributes:
        name: the set it forms.
        file: the name of its file, without the suffix.
        begin: its first step in the series.
        values: NaN where a value is missing.
    """

    name: str
    file: str
    begin: int
    values: Values


@dataclass(frozen=True)
class SeriesSpec:
    """What is read from each file.

    Attributes:
        names: the columns: inputs, then outputs.
        time: the column of time, if there is one.
        track: the column that says which series a row belongs to; None: a file is one series.
        segments: how many segments each series is cut into.
        offsets: subtracted from each of the columns.
        layout: how the files are written.
        resample: interpolate rows at uneven times at even steps; otherwise they are an error.
    """

    names: tuple[str, ...]
    time: str | None
    track: str | None
    segments: int
    offsets: tuple[float, ...]
    layout: TableFormat
    resample: bool = False


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


def read_segments(root: Path, spec: SeriesSpec) -> tuple[list[Segment], list[str]]:
    """Read every file and cut it into segments.

    Args:
        root: a file, or a folder of files.
        spec: what is read from each.

    Returns:
        The segments, and notes on how the files were read.

    Raises:
        FeintError: there is no file, or one cannot be read; the message has its name and line.
    """
    found: list[Segment] = []
    notes: list[str] = []
    clock = TimeSteps(spec.resample)
    for path in _files(root):
        table = read_table(path, spec.names, spec.time, spec.track, spec.layout)
        notes += table.notes
        for name, rows in _tracks(path, table):
            values = table.values[rows] - np.array(spec.offsets)
            if table.times is not None:
                values = clock.even(path, values, table, rows)
            found += _segments(path, name, values, spec.segments)
        if len(found) > MAX_SEGMENTS:
            raise FeintError(
                f"{root} has more than {MAX_SEGMENTS:,} segments; use fewer tracks or a smaller "
                "data.n_segments.",
                code="file-too-large",
            )
    if len({one.name for one in found}) != len(found):
        raise FeintError(
            f"{root} has two files with the same name up to the suffix; rename one.",
            code="duplicate-name",
        )
    return found, [*notes, *clock.notes()]


def _tracks(path: Path, table: Table) -> list[tuple[str, np.ndarray]]:
    """The name and the rows of each series of a file."""
    if table.tracks is None:
        return [(path.stem, np.arange(len(table.values)))]
    rows: dict[str, list[int]] = {}
    for row, track in enumerate(table.tracks):
        rows.setdefault(track, []).append(row)
    return [
        (f"{path.stem}-{track.replace('/', '_')}", np.array(some)) for track, some in rows.items()
    ]


def _segments(path: Path, name: str, values: Values, count: int) -> list[Segment]:
    if len(values) < count:
        raise FeintError(
            f"{path}: {name} has {len(values)} rows; expected at least data.n_segments = {count}.",
            code="too-short",
        )
    ends = [len(values) * i // count for i in range(count + 1)]
    return [
        Segment(name + (f"-{i}" if count > 1 else ""), path.stem, begin, values[begin:end])
        for i, (begin, end) in enumerate(pairwise(ends), 1)
    ]


def standard_deviations(segments: Sequence[Segment], inputs: int) -> tuple[float, ...]:
    """The standard deviation of each input column over all segments; 0 for a constant column."""
    every = np.concatenate([one.values[:, :inputs] for one in segments])
    with np.errstate(all="ignore"):
        spread = np.nanstd(every, axis=0) if len(every) else np.zeros(inputs)
        largest = np.nanmax(np.abs(every), axis=0, initial=0.0)
    changes = np.isfinite(spread) & (spread > 1e-12 * largest)  # less than that is rounding
    return tuple(float(s) for s in np.where(changes, spread, 0.0))


def resolutions(segments: Sequence[Segment], names: Sequence[str]) -> tuple[float, ...]:
    """The step of float32 at each column's largest value.

    Raises:
        FeintError: float32 would blur a column: its step is not small beside the difference
            between neighbouring rows, or beside the column's standard deviation.
    """
    found = []
    for k, name in enumerate(names):
        parts = [one.values[:, k] for one in segments]
        every = np.concatenate(parts)
        every = every[~np.isnan(every)]
        largest = float(np.abs(every).max(initial=0.0))
        step = float(np.spacing(np.float32(largest)))
        found.append(step)
        apart = np.concatenate([np.abs(np.diff(part[~np.isnan(part)])) for part in parts])
        apart = apart[apart > 0]
        if not len(apart):
            continue
        usual = float(np.median(apart))
        if step > 0.1 * usual or step > 1e-3 * float(every.std()):
            raise FeintError(
                f"The column {name!r} has values of {largest:.9g}, where float32, in which models "
                f"work, has steps of {step:g}; neighbouring rows differ by {usual:.3g}. Subtract a "
                f"constant: data.offsets = {{ {name!r} = {float(np.median(every)):.0f} }}.",
                code="beyond-float32",
            )
    return tuple(found)


def cut_windows(
    segments: Sequence[Segment], spec: WindowSpec, columns: Columns
) -> tuple[Pairs, int, np.ndarray]:
    """Cut segments into windows.

    Returns:
        Pairs with keys "<set>/<block>/<first row>"; how many windows were left out because of gaps;
        and how many values of each column were interpolated. A block is `input_size` rows:
        bootstrap intervals resample whole blocks.

    Raises:
        FeintError: no window is left, or the windows do not fit into memory.
    """
    span, seen = spec.input_size + spec.horizon, len(columns.inputs)
    _check_memory(segments, spec, seen + len(columns.outputs))
    actors, reactors, keys, sets, gaps = [], [], [], [], 0
    interpolated = np.zeros(seen + len(columns.outputs), dtype=int)
    for one in segments:
        values, known = interpolate_gaps(one.values, spec.max_gap)
        interpolated += (known & np.isnan(one.values)).sum(axis=0)
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
            f"longest segment has {max((len(one.values) for one in segments), default=0)} steps, "
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
    return made, gaps, interpolated


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
