"""The one reader of CSV files: separators, empty lines, quotes, and cells by column.

Cells stay strings here; what they mean is for the caller (`data/formats/tables.py` for numbers and
dates). Line numbers in errors are those of an editor. `read_rows` is for small files,
`read_columns` for some columns of large ones.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from feint.errors import FeintError
from feint.io.atomic import read_bytes
from feint.io.decoding import decode

SEPARATORS = ",;\t|"
MAX_COLUMNS = 4096
MAX_ROWS = 20_000_000
CHUNK = 2**26
"""Bytes that are searched for separators at once."""


@dataclass(frozen=True)
class CsvFormat:
    """How a file is written.

    Attributes:
        separator: between cells; " ": any run of spaces and tabs; None: whichever of , ; tab | is
            most frequent in the line of names.
        encoding: of the text; a byte-order mark goes before it.
        names_line: the line of the columns' names, from 1; empty lines before it are skipped.
        first_line: the line of the first row; None: the one after the names.
        names: the columns' names, for a file that has no line of them.
    """

    separator: str | None = None
    encoding: str = "utf-8"
    names_line: int = 1
    first_line: int | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class CsvColumns:
    """Some columns of a file.

    Attributes:
        names: all of the file's columns.
        cells: the columns asked for, by name; null where a cell is empty.
        line: the line of a row, from its number.
    """

    names: tuple[str, ...]
    cells: pl.DataFrame
    line: Callable[[int], int]


def read_rows(path: Path, limit: int) -> list[tuple[int, list[str]]]:
    """The cells of each row that is not empty, stripped, with the row's line.

    Raises:
        FeintError: no such file, more than `limit` bytes, not UTF-8, quotes that do not close.
    """
    text = decode(read_bytes(path, limit), str(path), "utf-8")
    separator = guess_separator(text.lstrip().partition("\n")[0])
    return [
        (line, [cell.strip() for cell in cells])
        for line, cells in _records(text, separator, str(path), 1)
        if any(cell.strip() for cell in cells)
    ]


def read_columns(
    content: bytes,
    place: str,
    layout: CsvFormat,
    choose: Callable[[Sequence[str]], Sequence[int]],
) -> CsvColumns:
    """Some columns of a file with a line of names.

    Args:
        content: the file.
        place: stands for the file in errors.
        layout: how it is written.
        choose: from all names to the positions of the chosen columns; it may raise.

    Raises:
        FeintError: it is not CSV of this format, a row has another number of cells, too large.
    """
    text = decode(content, place, layout.encoding)
    if layout.separator == " ":
        text = "\n".join("\t".join(line.split()) for line in io.StringIO(text))
        layout = replace(layout, separator="\t")
    names, separator, names_line = _names(text, place, layout)
    chosen = list(choose(names))
    first = layout.first_line or names_line + 1
    if first <= names_line:
        raise FeintError(
            f"{place}: data.first_line = {first}, and the names are in line {names_line}; expected "
            "a later line.",
            code="bad-first-line",
        )
    if '"' in text:
        frame, line = _quoted(text, place, separator, first, len(names), chosen)
    else:
        frame, line = _unquoted(text, place, separator, first, len(names), chosen)
    frame.columns = [names[i] for i in chosen]
    return CsvColumns(names, frame, line)


def guess_separator(line: str) -> str:
    """The most frequent separator of a line; a comma if there is none."""
    return max(SEPARATORS, key=line.count)


def _names(text: str, place: str, layout: CsvFormat) -> tuple[tuple[str, ...], str, int]:
    """The columns' names, the separator, and the line that the names end in (0: no line)."""
    lines = io.StringIO(text)
    number, begin = 0, (layout.first_line or 1) if layout.names else layout.names_line
    for line in lines:
        number += 1
        if number >= begin and line.strip():
            break
    else:
        raise FeintError(
            f"{place} is empty from line {begin} on; expected a line of names there "
            "(data.names_line) and rows after it.",
            code="no-names",
        )
    separator = layout.separator or guess_separator(line)
    if line.count(separator) >= MAX_COLUMNS:
        raise FeintError(
            f"{place} has {line.count(separator) + 1} columns; expected at most {MAX_COLUMNS}. "
            "Keep the columns that the experiment names.",
            code="file-too-large",
        )
    if layout.names:
        return layout.names, separator, 0
    rest = line + lines.read() if line.count('"') % 2 else line
    used, cells = next(_records(rest, separator, place, number), (number, []))
    return tuple(cell.strip() for cell in cells), separator, used


def _records(text: str, separator: str, place: str, first: int) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of every record, in which a cell may hold line ends within quotes."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            yield first + reader.line_num - 1, cells
    except csv.Error as error:
        raise FeintError(
            f"{place}, line {first + reader.line_num - 1}: {error}. Expected cells between "
            f"{separator!r}, each in double quotes or without any.",
            code="damaged-file",
        ) from None


def _quoted(
    text: str, place: str, separator: str, first: int, width: int, chosen: list[int]
) -> tuple[pl.DataFrame, Callable[[int], int]]:
    """Rows of a file that has quotes, one at a time."""
    rest = text.split("\n", first - 1)[-1] if text.count("\n") >= first - 1 else ""
    columns: list[list[str | None]] = [[] for _ in chosen]
    lines: list[int] = []
    filled = 0
    for line, cells in _records(rest, separator, place, first):
        if len(cells) < 2 and not "".join(cells).strip() and (width > 1 or cells != [""]):
            continue  # an empty line; `""` is a missing value in a file of one column
        if len(cells) != width and (len(cells) != width + 1 or cells[-1].strip()):
            raise _ragged(place, line, len(cells), width, separator)
        lines.append(line)
        filled = len(lines) if any(cells) or width == 1 else filled
        for column, i in zip(columns, chosen, strict=True):
            column.append(cells[i] or None)
        if len(lines) > MAX_ROWS:
            raise _too_long(place)
    frame = pl.DataFrame({str(i): c for i, c in enumerate(columns)}, schema=_schema(len(chosen)))
    return frame.head(filled), lines.__getitem__  # a spreadsheet's rows of empty cells at the end


def _unquoted(
    text: str, place: str, separator: str, first: int, width: int, chosen: list[int]
) -> tuple[pl.DataFrame, Callable[[int], int]]:
    """Rows of a file without quotes: every line is one."""
    rest = text.split("\n", first - 1)[-1] if text.count("\n") >= first - 1 else ""
    blank = " " if separator == "\t" else " \t"
    body = _without_blank_lines(rest, blank, separator)
    if not body:
        return pl.DataFrame(schema=_schema(len(chosen))), _line_counter(rest, first, blank)
    content = body.encode() + b"\n"
    line = _line_counter(rest, first, blank)
    if content.count(b"\n") > MAX_ROWS + 1:
        raise _too_long(place)
    if (wrong := _first_ragged(content, ord(separator), width)) is not None:
        raise _ragged(place, line(wrong[0]), wrong[1], width, separator)
    try:
        frame = pl.read_csv(
            content,
            has_header=False,
            separator=separator,
            quote_char=None,
            columns=sorted(set(chosen)),
            infer_schema=False,
            truncate_ragged_lines=True,  # one separator too many at the end of a line
            null_values=[""],
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError) as error:
        raise FeintError(
            f"{place} is not CSV: {str(error).strip().partition(chr(10))[0]}.", code="damaged-file"
        ) from None
    there = dict(zip(sorted(set(chosen)), frame.iter_columns(), strict=True))
    return pl.DataFrame([there[i].alias(str(i)) for i in chosen]), line


def _without_blank_lines(text: str, blank: str, separator: str) -> str:
    """The text without empty lines, and without lines of empty cells at its end."""
    end = len(text)
    while end and not text[text.rfind("\n", 0, end) + 1 : end].strip(blank + separator):
        end = max(text.rfind("\n", 0, end), 0)
    text = text[:end]
    if any(mark in text for mark in ("\n\n", "\n ", "\n\t")):
        text = re.sub(rf"\n[{blank}]*(?=\n)", "", text)
    filled = len(text) - len(text.lstrip(blank + "\n"))
    return text[text.rfind("\n", 0, filled) + 1 :]


def _line_counter(rest: str, first: int, blank: str) -> Callable[[int], int]:
    def line(row: int) -> int:
        filled = (
            number for number, one in enumerate(io.StringIO(rest), first) if one.strip(blank + "\n")
        )
        return next((number for i, number in enumerate(filled) if i == row), first)

    return line


def _first_ragged(content: bytes, separator: int, width: int) -> tuple[int, int] | None:
    """The first row with a wrong number of cells, and that number."""
    start = rows = 0
    while start < len(content):
        stop = content.rfind(b"\n", start, start + CHUNK) + 1 or content.find(b"\n", start) + 1
        part = np.frombuffer(content, np.uint8, stop - start, start)
        ends, separators = np.flatnonzero(part == 10), np.flatnonzero(part == separator)
        cells = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
        trailing = (cells == width + 1) & (part[ends - 1] == separator)
        wrong = (cells != width) & ~trailing
        if wrong.any():
            at = int(wrong.argmax())
            return rows + at, int(cells[at])
        start, rows = stop, rows + len(ends)
    return None


def _ragged(place: str, line: int, cells: int, width: int, separator: str) -> FeintError:
    shown = "a tab" if separator == "\t" else repr(separator)
    return FeintError(
        f"{place}, line {line}: {cells} cells, and {width} names; expected as many. The separator "
        f"is {shown}: set data.separator if it is another one, or data.names_line and "
        "data.first_line if other lines stand around the names.",
        code="ragged-rows",
    )


def _too_long(place: str) -> FeintError:
    return FeintError(
        f"{place} has more than {MAX_ROWS:,} rows. Cut it into several files.",
        code="file-too-large",
    )


def _schema(count: int) -> dict[str, Any]:
    return {str(i): pl.String for i in range(count)}
