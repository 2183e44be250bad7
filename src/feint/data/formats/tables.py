"""CSV and Parquet files as columns of numbers, with a time and a track for each row.

`io/csv_reader.py` and `io/parquet_guard.py` read the file; here cells become float64 numbers and
dates become seconds. What a cell may look like is a `TableFormat`; nothing is guessed that could be
read in two ways. Messages name the line and the key of [data] to write.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from feint.data.formats.cells import Cells, TableFormat
from feint.data.formats.dates import read_times
from feint.errors import FeintError
from feint.io import csv_reader
from feint.io.atomic import read_bytes
from feint.io.csv_reader import MAX_COLUMNS, MAX_ROWS, CsvFormat
from feint.io.memory import SHARE, free_memory
from feint.io.parquet_guard import validate

LARGEST_FILE = 2**30
DEFAULT = TableFormat()
WIDTH = 64
"""Bytes that one value takes while a file is read, at most."""

Columns = Float[np.ndarray, "rows columns"]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one file.

    Attributes:
        values: (rows, columns) float64, NaN where a value is missing.
        times: of each row, dates in seconds; None without a column of time.
        tracks: the name of each row's track; None without a column of tracks.
        shown: a row's place for messages: "line 7", "row 6".
        time_shown: a row's time as the file has it.
        notes: how dates were read.
    """

    values: Columns
    times: Float[np.ndarray, " rows"] | None
    tracks: list[str] | None
    shown: Callable[[int], str]
    time_shown: Callable[[int], str] = str
    notes: tuple[str, ...] = ()


def read_table(
    path: Path,
    names: Sequence[str],
    time: str | None = None,
    track: str | None = None,
    layout: TableFormat = DEFAULT,
) -> Table:
    """Read columns of numbers from a file.

    Args:
        path: a CSV file, or a Parquet file by its suffix (.parquet, .pq).
        names: the columns of numbers.
        time: the column of time: dates or numbers.
        track: the column that says which track (series) a row belongs to.
        layout: how the file is written.

    Raises:
        FeintError: no such file, too large, not a table, a column is missing or ambiguous, a cell
            is not a finite number, a time cannot be read.
    """
    more = [name for name in (time, track) if name is not None]
    asked = list(dict.fromkeys([*names, *more]))
    content = read_bytes(path, LARGEST_FILE)
    shown: Callable[[int], str] = _row_place
    if path.suffix.lower() in (".parquet", ".pq"):
        frame = _parquet(path, content, asked)
    else:
        frame, shown = _csv(path, content, asked, layout.csv)
    frame, shown = _without_empty_rows(frame, time, shown)
    if not 0 < len(frame) <= MAX_ROWS:
        raise FeintError(
            f"{path} has {len(frame)} rows; expected 1 to {MAX_ROWS:,}.", code="wrong-shape"
        )
    place = Cells(path, shown, layout)
    values = np.stack([place.numbers(frame[name]) for name in names], axis=1)
    times = None
    notes: tuple[str, ...] = ()
    if time is not None:
        times, notes = read_times(path, frame[time], layout.time_format, layout.decimal, shown)
    tracks = None if track is None else place.words(frame[track])
    return Table(values, times, tracks, shown, lambda row: str(frame[time or ""][row]), notes)


def _row_place(row: int) -> str:
    return f"row {row + 1}"


def _csv(
    path: Path, content: bytes, asked: list[str], layout: CsvFormat
) -> tuple[pl.DataFrame, Callable[[int], str]]:
    def choose(names: Sequence[str]) -> list[int]:
        _has(path, names, asked)
        return [names.index(name) for name in asked]

    lines = content.count(b"\n") + content.count(b"\r") + 1
    _fits(path, min(lines, MAX_ROWS) * len(asked) + len(content) // WIDTH)
    found = csv_reader.read_columns(content, str(path), layout, choose)
    return found.cells, lambda row: f"line {found.line(row)}"


def _parquet(path: Path, content: bytes, asked: list[str]) -> pl.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        summary = validate(content, asked)
    except ValueError as error:
        raise _broken(path, f"{error} as in a sound Parquet file") from None
    if len(summary.columns) > MAX_COLUMNS or summary.rows > MAX_ROWS:
        raise FeintError(
            f"{path} has {len(summary.columns)} columns and {summary.rows:,} rows; expected at "
            f"most {MAX_COLUMNS} and {MAX_ROWS:,}.",
            code="file-too-large",
        )
    _fits(path, summary.rows * len(asked) + summary.size // WIDTH)
    _has(path, summary.columns, asked)
    try:
        file = pq.ParquetFile(io.BytesIO(content), read_dictionary=asked)
        table = file.read(columns=asked, use_threads=False)
        table.validate(full=True)  # strings that are not text, offsets that lead outside
        frame = pl.DataFrame(pl.from_arrow(table))
    except (pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException,
            OSError, ValueError, MemoryError) as error:  # fmt: skip
        raise _broken(path, str(error)) from None
    for column in frame.select(pl.col(pl.Categorical)).iter_columns():
        counts = column.value_counts(name="count")
        sizes = counts[column.name].cast(pl.String).str.len_bytes() * counts["count"]
        _fits(path, int(sizes.sum()) // WIDTH)  # a string in the file may stand in many rows
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String)).select(asked)


def _broken(path: Path, error: str) -> FeintError:
    what = error.strip().partition("\n")[0]
    return FeintError(f"{path} could not be read: {what}.", code="damaged-file")


def _fits(path: Path, values: int) -> None:
    if values * WIDTH > free_memory() * SHARE:
        raise FeintError(
            f"{path} is too large for this machine's memory ({values:,} values). Cut it into "
            "several files, or keep fewer columns.",
            code="out-of-memory",
        )


def _has(path: Path, there: Sequence[str], asked: Sequence[str]) -> None:
    shown = ", ".join(there[:20]) + (" ..." if len(there) > 20 else "")
    if lacks := [name for name in asked if name not in there]:
        raise FeintError(
            f"{path} has no column {', '.join(map(repr, lacks))}; it has {shown[:400]}. Name its "
            "columns in data.inputs, data.outputs, data.time and data.track. If the names are not "
            "in the first line, set data.names_line.",
            code="unknown-column",
        )
    if twice := [name for name in asked if there.count(name) > 1]:
        raise FeintError(
            f"{path} has {there.count(twice[0])} columns named {twice[0]!r}; expected one. Rename "
            "them in the file's line of names.",
            code="duplicate-name",
        )


def _without_empty_rows(
    frame: pl.DataFrame, time: str | None, shown: Callable[[int], str]
) -> tuple[pl.DataFrame, Callable[[int], str]]:
    """Without rows that have neither a time nor values, where there is a column of time."""
    if time is None:
        return frame, shown
    filled = frame.select(~pl.all_horizontal(pl.all().is_null())).to_series()
    if filled.all():
        return frame, shown
    kept = filled.arg_true()
    return frame.filter(filled), lambda row: shown(int(kept[row]))
