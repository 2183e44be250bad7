"""What a Parquet file says of itself, read strictly, before any library decodes it.

Libraries believe a file: a few bytes may stand for billions of values, and some that are wrong end
the process.  Here every page is looked at first.  Only what feint writes passes: flat columns,
nothing compressed, dictionaries at most.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAGIC = b"PAR1"
TYPES = {0: 1 / 8, 1: 4, 2: 8, 4: 4, 5: 8, 6: 4}
"""Physical types, and bytes a value takes in a file, at least: no timestamps of 96 bits, nothing of
fixed width."""
ENCODINGS = {0, 2, 3, 4, 8}
"""Plain, dictionaries, runs.  In any other a short file can spell out long strings."""
DEPTH = 16
DATA, DICTIONARY = 0, 2

Struct = dict[int, Any]


@dataclass(frozen=True)
class Told:
    """What a file says.

    Attributes:
        rows: how many.
        columns: how many.
        about: what is told of it, by name.
    """

    rows: int
    columns: int
    about: dict[bytes, bytes]


def look(content: bytes) -> Told:
    """Look at a whole file.

    Raises:
        ValueError: it is not such a file as feint writes.
    """
    size = int.from_bytes(content[-8:-4], "little")
    end = len(content) - 8 - size
    _expect(content[:4] == MAGIC == content[-4:] and end >= 4, "a Parquet file")
    footer = _Reader(content[end:-8]).struct()
    root, *columns = _list(footer, 2, dict)
    _expect(root.get(5) == len(columns) > 0, "a flat table")
    for column in columns:
        flat = _number(column, 3) in (0, 1) and not column.get(5)
        _expect(flat and _number(column, 1) in TYPES, "columns of words and numbers")
    rows = 0
    for group in _list(footer, 4, dict):
        count, chunks = _number(group, 3), _list(group, 1, dict)
        _expect(len(chunks) == len(columns), "one part a column")
        for column, chunk in zip(columns, chunks, strict=True):
            _chunk(content, end, chunk, column[1], count)
        rows += count
    _expect(_number(footer, 3) == rows, "as many rows as it says")
    about = [(one.get(1), one.get(2, b"")) for one in _list(footer, 5, dict)]
    _expect(all(isinstance(part, bytes) for one in about for part in one), "words")
    return Told(rows, len(columns), dict(about))


def _chunk(content: bytes, most: int, chunk: Struct, kind: int, rows: int) -> None:
    """Look at a column's part of a group of rows, page by page; they end before `most`."""
    told = chunk.get(3)
    _expect(isinstance(told, dict) and 1 not in chunk, "columns in the file itself")
    assert isinstance(told, dict)
    _expect(_number(told, 4) == 0, "nothing that is compressed")
    _expect(told.get(1) == kind and _number(told, 5) == rows, "a value a row")
    _expect(ENCODINGS.issuperset(_list(told, 2, int)), "no such encoding")
    begin = _number(told, 11) if 11 in told else _number(told, 9)
    end = begin + _number(told, 7)
    _expect(4 <= begin <= _number(told, 9) < end <= most, "pages inside the file")
    values = 0
    for page, size, first in _pages(content, begin, end):
        if page.get(1) == DICTIONARY:
            header = page.get(7)
            _expect(first and isinstance(header, dict), "one dictionary, at the beginning")
            assert isinstance(header, dict)
            fits = _number(header, 1) * TYPES[kind] <= size
            _expect(fits and _number(header, 2) in (0, 2), "a dictionary that is there")
        else:
            header = page.get(5)
            _expect(page.get(1) == DATA and isinstance(header, dict), "pages of data")
            assert isinstance(header, dict)
            _expect(_number(header, 2) in ENCODINGS, "no such encoding")
            values += _number(header, 1)
    _expect(values == rows, "a value a row")


def _pages(content: bytes, begin: int, end: int) -> Iterator[tuple[Struct, int, bool]]:
    """Headers of pages, the sizes of what follows them, and whether it is the first."""
    at = begin
    while at < end:
        reader = _Reader(content, at)
        page = reader.struct()
        size = _number(page, 3)
        _expect(size == _number(page, 2) and reader.at + size <= end, "whole pages")
        yield page, size, at == begin
        at = reader.at + size


class _Reader:
    """Thrift's compact protocol, as far as Parquet needs it."""

    def __init__(self, content: bytes, at: int = 0) -> None:
        self.content, self.at = content, at

    def take(self, count: int) -> bytes:
        _expect(0 <= count <= len(self.content) - self.at, "more bytes")
        self.at += count
        return self.content[self.at - count : self.at]

    def varint(self) -> int:
        value = shift = 0
        for byte in self.content[self.at : self.at + 10]:  # in place: most of the time goes here
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise ValueError("it is no table of feint's; expected numbers of 64 bits")

    def value(self, kind: int, depth: int) -> Any:
        if kind == 3:
            return self.take(1)[0]
        if kind in (4, 5, 6):
            value = self.varint()
            return value >> 1 ^ -(value & 1)
        if kind == 7:
            return self.take(8)
        if kind == 8:
            return self.take(self.varint())
        if kind in (9, 10):
            head = self.take(1)[0]
            inner, count = head & 15, head >> 4
            count = self.varint() if count == 15 else count
            _expect(count <= len(self.content) - self.at, "more bytes")
            inner = 3 if inner in (1, 2) else inner
            return [self.value(inner, depth + 1) for _ in range(count)]
        _expect(kind == 12, "lists, structs, words and numbers")
        return self.struct(depth + 1)

    def struct(self, depth: int = 0) -> Struct:
        _expect(depth < DEPTH, "less depth")
        found: Struct = {}
        name = 0
        while head := self.take(1)[0]:
            name = name + (head >> 4) if head >> 4 else self.value(4, depth)
            kind = head & 15
            found[name] = kind == 1 if kind in (1, 2) else self.value(kind, depth)
        return found


def _number(struct: Struct, name: int) -> int:
    value = struct.get(name)
    _expect(type(value) is int and value >= 0, "numbers of 0 or more")
    assert isinstance(value, int)
    return value


def _list(struct: Struct, name: int, kind: type) -> list[Any]:
    value = struct.get(name, [])
    _expect(isinstance(value, list) and all(type(one) is kind for one in value), "lists")
    assert isinstance(value, list)
    return value


def _expect(true: bool, what: str) -> None:
    if not true:
        raise ValueError(f"it is no table of feint's; expected {what}")
