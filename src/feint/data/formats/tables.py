"""CSV and Parquet files as columns of numbers, read within limits and told apart line by line."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from feint.errors import FeintError
from feint.io.atomic import read_bytes
from feint.io.memory import SHARE, free_memory

LARGEST_FILE = 2**30
MOST_COLUMNS = 4096
MOST_ROWS = 20_000_000
WIDTH = 64
"""Bytes a value takes while a file is read, at most."""
LARGEST = 1e30
BROKEN = (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException)

Columns = Float[np.ndarray, "rows columns"]


def read_table(path: Path, names: Sequence[str], time: str | None) -> tuple[Columns, Any]:
    """The columns `names` of a file as numbers, NaN where a cell is empty, and its column of time.

    Returns:
        (rows, columns) float64, and the time of each row as float64 (dates in seconds), or None.

    Raises:
        FeintError: no such file, too large, no table, a column that is not there, a cell that is
            no finite number, a time that is none.
    """
    asked = [*dict.fromkeys([*names, *([] if time is None else [time])])]
    content = read_bytes(path, LARGEST_FILE)
    parquet = path.suffix.lower() in (".parquet", ".pq")
    frame = _parquet(path, content, asked) if parquet else _csv(path, content, asked)
    if not 0 < len(frame) <= MOST_ROWS:
        raise FeintError(
            f"{path} has {len(frame)} rows; expected 1 to {MOST_ROWS:,}.", code="wrong-shape"
        )
    columns = [_numbers(path, frame[name]) for name in names]
    return np.stack(columns, axis=1), None if time is None else _times(path, frame[time])


def _csv(path: Path, content: bytes, asked: list[str]) -> pl.DataFrame:
    first = content[: 2**20].partition(b"\n")[0]
    # A separator that is not there makes one column of a line, and the error names it.
    separator = max(b",;\t", key=first.count)
    width, lines = first.count(bytes([separator])) + 1, content.count(b"\n") + 1
    if width > MOST_COLUMNS or lines > MOST_ROWS:
        raise FeintError(
            f"{path} has {width} columns and {lines:,} lines; expected at most {MOST_COLUMNS} and "
            f"{MOST_ROWS:,}. Keep the columns that the experiment names.",
            code="file-too-large",
        )
    _fits(path, lines * min(width, len(asked)) + len(content) // WIDTH)
    try:
        head = pl.read_csv(
            io.BytesIO(first + b"\n"), separator=chr(separator), n_rows=0, infer_schema=False
        )
        _has(path, head.columns, asked)
        return pl.read_csv(
            io.BytesIO(content),
            separator=chr(separator),
            columns=asked,
            infer_schema=False,
            null_values=["", "NA", "NaN", "nan", "null"],
        )
    except FeintError:
        raise
    except BROKEN as error:
        raise _broken(path, error, "a CSV file with a first line of names") from None


def _parquet(path: Path, content: bytes, asked: list[str]) -> pl.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = pq.ParquetFile(io.BytesIO(content)).metadata
        groups = [told.row_group(i).total_byte_size for i in range(min(told.num_row_groups, 10**5))]
        if (
            told.num_columns > MOST_COLUMNS
            or told.num_rows > MOST_ROWS
            or min(groups, default=0) < 0
        ):
            raise FeintError(
                f"{path} has {told.num_columns} columns and {told.num_rows:,} rows; expected at "
                f"most {MOST_COLUMNS} and {MOST_ROWS:,}."
            )
        _fits(path, told.num_rows * len(asked) + sum(groups) // WIDTH)
        _has(path, told.schema.to_arrow_schema().names, asked)
        table = pq.read_table(io.BytesIO(content), columns=asked, use_threads=False)
        table.validate(full=True)  # names and words that are no text, offsets that lead outside
        return pl.DataFrame(pl.from_arrow(table))
    except (*BROKEN, pa.ArrowException, MemoryError) as error:
        if isinstance(error, FeintError):
            raise
        raise _broken(path, error, "a Parquet file") from None


def _broken(
    path: Path, error: BaseException, expected: str, code: str = "damaged-file"
) -> FeintError:
    told = str(error).strip().partition("\n")[0][:200]
    return FeintError(f"{path} could not be read: {told}. Expected {expected}.", code=code)


def _fits(path: Path, values: int) -> None:
    if values * WIDTH > free_memory() * SHARE:
        raise FeintError(
            f"{path} is too large for this machine's memory ({values:,} values). Cut it into "
            "several files, or keep fewer columns.",
            code="out-of-memory",
        )


def _has(path: Path, there: Sequence[str], asked: Sequence[str]) -> None:
    lacks = [name for name in asked if name not in there]
    if lacks:
        shown = ", ".join(there[:20]) + (" ..." if len(there) > 20 else "")
        raise FeintError(
            f"{path} has no column {', '.join(map(repr, lacks))}; it has {shown[:400]}. Name "
            "columns of its first line in data.inputs, data.outputs and data.time.",
            code="unknown-column",
        )


def _numbers(path: Path, column: pl.Series) -> Float[np.ndarray, " rows"]:
    """A column as numbers, NaN where there is none."""
    if column.dtype == pl.String:
        found = column.str.strip_chars().cast(pl.Float64, strict=False)
    elif column.dtype.is_numeric():
        found = column.cast(pl.Float64)
    else:
        raise FeintError(
            f"{path}: the column {column.name!r} is {column.dtype}; expected numbers.",
            code="not-a-number",
        )
    bad = (found.is_null() & column.is_not_null()) | (found.abs() >= LARGEST)
    if bool(bad.fill_null(False).any()):
        row = int(bad.fill_null(False).arg_max() or 0)
        raise FeintError(
            f"{path}, row {row + 1}: got {str(column[row])[:40]!r} in the column {column.name!r}; "
            "expected a finite number, or nothing where it is missing.",
            code="not-a-number",
        )
    return found.fill_null(float("nan")).to_numpy()


def _times(path: Path, column: pl.Series) -> Float[np.ndarray, " rows"]:
    """A column of time as numbers, or of dates as seconds."""
    try:
        if column.dtype == pl.String:
            numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
            if numbers.is_null().any():
                dates = column.str.to_datetime(strict=False, time_unit="us")
                numbers = dates.dt.epoch("us").cast(pl.Float64) / 1e6
        elif column.dtype.is_temporal() and column.dtype not in (pl.Time, pl.Duration):
            numbers = column.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
        else:
            numbers = column.cast(pl.Float64)
    except BROKEN as error:
        raise _broken(
            path, error, f"dates or numbers in the column {column.name!r}", "not-a-date"
        ) from None
    bad = ~numbers.is_finite().fill_null(False)
    if bool(bad.any()):
        row = int(bad.arg_max() or 0)
        raise FeintError(
            f"{path}, row {row + 1}: got {str(column[row])[:40]!r} in the column of time "
            f"{column.name!r}; expected a date such as 2024-01-31 13:00:00, or a number.",
            code="not-a-date",
        )
    return numbers.to_numpy()
