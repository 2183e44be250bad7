"""A column of time as numbers: numbers as they are, dates in seconds since 1970.

Without `data.time_format` only dates that begin with the year are read (ISO 8601): 01/02/2024 is
January in one country and February in another, and is refused with the line to write.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from feint.errors import FeintError

_DAY = r"\d{4}(?:-\d{1,2}-|/\d{1,2}/|\.\d{1,2}\.)\d{1,2}"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
ISO = rf"^{_DAY}(?:[T ]+{_CLOCK})?\s*(?:Z|UTC|[+-]\d{{2}}:?\d{{2}})?$"
"""What is read without `time_format`."""
ZONE = r"\s*(Z|UTC|[+-]\d{2}:?\d{2})$"


def read_times(
    path: Path,
    column: pl.Series,
    pattern: str | None,
    decimal: str,
    shown: Callable[[int], str],
) -> tuple[Float[np.ndarray, " rows"], tuple[str, ...]]:
    """Times as float64, and a note on how dates were read.

    Args:
        path: the file, for messages.
        column: numbers, dates, or strings of either.
        pattern: of dates in strings, as strftime has it.
        decimal: the decimal separator of numbers in strings.
        shown: a row's place for messages.

    Raises:
        FeintError: a cell is missing, not a time, or a date that can be read in two ways.
    """
    notes: tuple[str, ...] = ()
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        numbers = text.str.replace(decimal, ".", literal=True).cast(pl.Float64, strict=False)
        if pattern is None and not numbers.is_null().any():
            _not_digits_of_dates(path, column.name, numbers)
        else:
            numbers, how = _dates(path, text, pattern, shown)
            notes = (f"{path.name}: {column.name!r} was read as {how}",) if how else ()
    elif column.dtype.is_integer() and pattern is not None:
        numbers, how = _dates(path, column.cast(pl.String), pattern, shown)
        notes = (f"{path.name}: {column.name!r} was read as {how}",)
    elif column.dtype.is_temporal() and column.dtype not in (pl.Time, pl.Duration):
        numbers = _seconds(column.cast(pl.Datetime("us")))
    elif column.dtype == pl.Duration:
        numbers = column.dt.total_microseconds().cast(pl.Float64) / 1e6
    elif column.dtype.is_numeric():
        numbers = column.cast(pl.Float64)
        _not_digits_of_dates(path, column.name, numbers)
    else:
        numbers = pl.Series([None] * len(column), dtype=pl.Float64)
    bad = ~numbers.is_finite().fill_null(False)
    if bool(bad.any()):
        raise _not_a_time(path, column, int(bad.arg_max() or 0), pattern, shown)
    return numbers.to_numpy(), notes


def _dates(
    path: Path, text: pl.Series, pattern: str | None, shown: Callable[[int], str]
) -> tuple[pl.Series, str]:
    """Seconds of each date, null where it is not one; and how they were read if not as usual."""
    if pattern is not None:
        return _strptime(text, pattern), f"dates of the form {pattern}"
    wrong = ~text.str.contains(ISO).fill_null(False)
    if bool(wrong.any()):
        raise _not_a_time(path, text, int(wrong.arg_max() or 0), pattern, shown)
    separators = text.str.slice(4, 1).unique()
    zoned = text.str.contains(ZONE)
    if len(separators) > 1 or zoned.n_unique() > 1:
        row = int((zoned != zoned[0]).arg_max() or 0)
        raise FeintError(
            f"{path}, {shown(row)}: got {text[row]!r}, and {text[0]!r} in the first row; expected "
            "dates of one form in the column of time.",
            code="not-a-date",
        )
    plain = text.str.replace(ZONE, "").str.replace(r"^(\d{4}).(\d{1,2}).", "$1-$2-")
    plain = plain.str.replace(r"[T ]+", " ").str.replace(",", ".", literal=True)
    seconds = pl.Series([None] * len(plain), dtype=pl.Float64)
    for one in ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        seconds = seconds.fill_null(_strptime(plain, one))
    how = ""
    if bool(zoned.any()):
        offset = text.str.extract(r"([+-]\d{2}):?\d{2}$").cast(pl.Float64, strict=False)
        minutes = text.str.extract(r"[+-]\d{2}:?(\d{2})$").cast(pl.Float64, strict=False)
        sign = text.str.contains(r"-\d{2}:?\d{2}$").cast(pl.Float64) * -2 + 1
        seconds = seconds - (offset * 3600 + sign * minutes * 60).fill_null(0.0)
        how = "dates with their time zone"
    return seconds, how


def _not_digits_of_dates(path: Path, name: str, numbers: pl.Series) -> None:
    """Refuse dates written as numbers: after 20240131 comes 20240201, which is not 70 steps on."""
    whole = numbers.drop_nulls()
    if not len(whole) or not bool(((whole % 1 == 0) & (whole >= 0) & (whole < 1e9)).all()):
        return
    digits = whole.cast(pl.Int64)
    for pattern, day, month, year in (
        ("%Y%m%d", digits % 100, digits // 100 % 100, digits // 10_000),
        (None, digits * 0 + 1, digits % 100, digits // 100),
    ):
        right = year.is_between(1800, 2200) & month.is_between(1, 12) & day.is_between(1, 31)
        if bool(right.all()) and year.n_unique() + month.n_unique() > 2:
            raise FeintError(
                f"{path}: the column of time {name!r} has numbers such as {digits[0]}, which look "
                "like dates. "
                + (
                    f'Set data.time_format = "{pattern}".'
                    if pattern
                    else "Months are not even steps of time: leave data.time out, if there is a "
                    "row for every month."
                ),
                code="ambiguous-time",
            )


def _strptime(text: pl.Series, pattern: str) -> pl.Series:
    """Seconds by a format with a date, null where it does not fit."""
    hours = re.search("%[HITRMpcXs+]", pattern) is not None
    try:
        if hours:
            return _seconds(text.str.to_datetime(pattern, strict=False, time_unit="us"))
        return _seconds(text.str.to_date(pattern, strict=False).cast(pl.Datetime("us")))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError) as error:
        raise FeintError(
            f"data.time_format = {pattern!r} cannot be used: {str(error).partition(chr(10))[0]}. "
            'Expected a form such as "%d/%m/%Y %H:%M".',
            code="bad-time-format",
        ) from None


def _seconds(dates: pl.Series) -> pl.Series:
    return dates.dt.epoch("us").cast(pl.Float64) / 1e6


def _not_a_time(
    path: Path, column: pl.Series, row: int, pattern: str | None, shown: Callable[[int], str]
) -> FeintError:
    cell = "" if column[row] is None else str(column[row]).strip()[:40]
    expected = "a date such as 2024-01-31 13:00:00, or a number"
    if pattern is not None:
        expected = f"a date of the form {pattern!r} (data.time_format)"
    elif re.match(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}", cell):
        sort = "/" if "/" in cell else "." if "." in cell else "-"
        year = "%Y" if re.match(r"\d{1,2}.\d{1,2}.\d{4}", cell) else "%y"
        clock = " %H:%M:%S" if cell.count(":") == 2 else " %H:%M" if ":" in cell else ""
        first, second = (sort.join([*two, year]) + clock for two in (("%d", "%m"), ("%m", "%d")))
        expected = (
            "a date that begins with the year, because day and month cannot be told apart here. "
            f'Set data.time_format = "{first}" if the day comes first, or "{second}" if the month '
            "does"
        )
    return FeintError(
        f"{path}, {shown(row)}: got {cell!r} in the column of time {column.name!r}; expected "
        f"{expected}.",
        code="not-a-date",
    )
