"""What the cells of a table mean: numbers, missing values, words.

`TableFormat` says how numbers and dates are written in a user's table; `Cells` turns columns of
strings into float64. `tables.py` reads the files, `dates.py` the columns of time.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from feint.errors import FeintError
from feint.io.csv_reader import CsvFormat

LARGEST = 1e30
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-nan", "NULL", "null", "None")
"""Cells that mean a missing value, beside those of `TableFormat.missing`."""


@dataclass(frozen=True)
class TableFormat:
    """How a table is written: keys of [data].

    Attributes:
        csv: separator, encoding and lines of a CSV file.
        decimal: the decimal separator.
        thousands: what groups digits by three; "" if nothing does.
        missing: more cells that mean a missing value; numbers match by value.
        words: words that stand for numbers: {"True": 1}.
        time_format: of dates, as strftime has it; None: year, month, day (ISO 8601).
    """

    csv: CsvFormat = field(default_factory=CsvFormat)
    decimal: str = "."
    thousands: str = ""
    missing: tuple[str | float, ...] = ()
    words: Mapping[str, float] = field(default_factory=dict)
    time_format: str | None = None


def _without(column: pl.Series, missing: pl.Series) -> pl.Series:
    """The column with null where `missing` is true."""
    kept = pl.when(missing.fill_null(False)).then(None).otherwise(column)
    return pl.select(kept.alias(column.name)).to_series()


@dataclass(frozen=True)
class Cells:
    """From the cells of a file to numbers."""

    path: Path
    shown: Callable[[int], str]
    layout: TableFormat

    def words(self, column: pl.Series) -> list[str]:
        """Cells as stripped text; a missing one is refused."""
        text = column.cast(pl.String).str.strip_chars()
        if bool((empty := text.is_null() | (text == "")).any()):
            raise FeintError(
                f"{self.path}, {self.shown(int(empty.arg_max() or 0))}: no {column.name!r}; "
                "expected the name of a track in every row (data.track).",
                code="missing-value",
            )
        return text.to_list()

    def numbers(self, column: pl.Series) -> Float[np.ndarray, " rows"]:
        """Cells as float64, NaN where a value is missing."""
        if column.dtype == pl.String:
            cells, found = self._parsed(column)
        elif column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null):
            found = cells = column.cast(pl.Float64).fill_nan(None)
        else:
            raise FeintError(
                f"{self.path}: the column {column.name!r} is {column.dtype}; expected numbers.",
                code="not-a-number",
            )
        bad = (found.is_null() & cells.is_not_null()) | ~(found.abs() < LARGEST).fill_null(True)
        if bool(bad.any()):
            row = int(bad.arg_max() or 0)
            raise self._not_a_number(column.name, row, str(column[row]).strip())
        for number in self._missing_numbers():
            found = _without(found, found == number)
        return found.fill_null(float("nan")).to_numpy()

    def _parsed(self, column: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Cells that are not missing, and the number of each; null where it is not a number."""
        text = column.str.strip_chars()
        missing = [*MISSING, *(one for one in self.layout.missing if isinstance(one, str))]
        cells = plain = _without(text, text.is_in(missing))
        if self.layout.thousands:
            group = "[ \u00a0\u202f]" if self.layout.thousands == " " else self.layout.thousands
            group = group if len(group) > 1 else re.escape(group)
            point = re.escape(self.layout.decimal)
            grouped = plain.str.contains(rf"^[+-]?\d{{1,3}}(?:{group}\d{{3}})+(?:{point}\d*)?$")
            plain = plain.str.replace_all(group, "").zip_with(grouped.fill_null(False), plain)
        if self.layout.decimal != ".":
            plain = _without(plain, plain.str.contains(".", literal=True))
            plain = plain.str.replace(self.layout.decimal, ".", literal=True)
        found = plain.cast(pl.Float64, strict=False)
        if self.layout.words:
            named = cells.replace_strict(
                dict(self.layout.words), default=None, return_dtype=pl.Float64
            )
            found = named.fill_null(found)
        return cells, found

    def _missing_numbers(self) -> list[float]:
        return [float(one) for one in self.layout.missing if not isinstance(one, str)]

    def _not_a_number(self, name: str, row: int, cell: str) -> FeintError:
        """What a cell could be, and the key of [data] that says so."""
        shown = cell[:40]
        hints = []
        grouped = re.fullmatch(r"[+-]?\d{1,3}(?:([,.'_\s])\d{3})+(?:[.,]\d+)?", cell)
        if grouped and grouped[1] != self.layout.decimal:
            mark = " " if grouped[1].isspace() else grouped[1]
            hints.append(f'{mark!r} may group digits: data.thousands = "{mark}"')
        if re.fullmatch(r"[+-]?[\d.]*,\d+", cell) and self.layout.decimal == ".":
            hints.append('the comma may be the decimal separator: data.decimal = ","')
        if re.fullmatch(r"[+-]?\d*\.\d+", cell) and self.layout.decimal == ",":
            hints.append('the point may be the decimal separator: data.decimal = "."')
        if not hints:
            hints.append(f"it may mean a missing value: data.missing = [{shown!r}]")
            hints.append(f"it may stand for a number: data.words = {{ {shown!r} = 1 }}")
            if row == 0:
                hints.append(
                    "the line may hold units: data.first_line is the line of the first row"
                )
        return FeintError(
            f"{self.path}, {self.shown(row)}: got {shown!r} in the column {name!r}; expected a "
            "finite number, or nothing where it is missing. If the cell is right, "
            f"{'; or '.join(hints)}.",
            code="not-a-number",
        )
