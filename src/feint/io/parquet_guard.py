"""What a Parquet file says of itself, read strictly, before any library decodes it.

Libraries believe a file: a few bytes may stand for billions of values, and some that are wrong end
the process.  Here every page is looked at first.  Only what feint writes passes: flat columns,
nothing compressed, dictionaries at most.
"""

from dataclasses import dataclass
from typing import Any

MAGIC = b"PAR1"
TYPES = {0: 1 / 8, 1: 4, 2: 8, 4: 4, 5: 8, 6: 4}
"""Physical types, and bytes a value takes in a file, at least: no timestamps of 96 bits, nothing of
fixed width."""
ENCODINGS = {0, 2, 3, 4, 8}
"""Plain, dictionaries, runs.  In any other a short file can spell out long strings."""
DEPTH = 16
FOOTER = 8 * 2**20
"""Bytes of what is told at the end: enough for a hundred million rows of feint's."""
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
    _expect(size <= FOOTER, f"a footer of at most {FOOTER} bytes")
    footer, _ = _struct(content[end:-8], 0)
    root, *columns = _list(footer, 2, dict) or [{}]
    _expect(root.get(5) == len(columns) > 0, "a flat table")
    kinds = []
    for column in columns:
        kind, repeats = _numbers(column, 1, 3)
        _expect(kind in TYPES and repeats < 2 and not column.get(5), "columns of words and numbers")
        kinds.append(kind)
    rows = 0
    for group in _list(footer, 4, dict):
        (count,), chunks = _numbers(group, 3), _list(group, 1, dict)
        _expect(len(chunks) == len(columns), "one part a column")
        for kind, chunk in zip(kinds, chunks, strict=True):
            _chunk(content, end, chunk, kind, count)
        rows += count
    _expect(_numbers(footer, 3) == [rows], "as many rows as it says")
    about = [(one.get(1), one.get(2, b"")) for one in _list(footer, 5, dict)]
    _expect(all(isinstance(part, bytes) for one in about for part in one), "words")
    return Told(rows, len(columns), dict(about))


def _chunk(content: bytes, most: int, chunk: Struct, kind: int, rows: int) -> None:
    """Look at a column's part of a group of rows, page by page; they end before `most`."""
    told = chunk.get(3)
    if not isinstance(told, dict) or 1 in chunk:
        raise ValueError("it is no table of feint's; expected columns in the file itself")
    same, codec, values, size, data = _numbers(told, 1, 4, 5, 7, 9)
    _expect(codec == 0, "nothing that is compressed")
    _expect(same == kind and values == rows, "a value a row")
    _expect(ENCODINGS.issuperset(_list(told, 2, int)), "no such encoding")
    at = begin = _numbers(told, 11)[0] if 11 in told else data
    end = begin + size
    _expect(4 <= begin <= data < end <= most, "pages inside the file")
    values = 0
    while at < end:
        page, after = _struct(content, at)
        sort, unpacked, size = _numbers(page, 1, 2, 3)
        header = page.get(7 if sort == DICTIONARY else 5)
        if sort not in (DATA, DICTIONARY) or not isinstance(header, dict):
            raise ValueError("it is no table of feint's; expected pages of data")
        count, encoding = _numbers(header, 1, 2)
        if sort == DICTIONARY:
            fits = at == begin and count * TYPES[kind] <= size
            _expect(fits and encoding in (0, 2), "one dictionary, at the beginning")
        else:
            _expect(encoding in ENCODINGS, "no such encoding")
            values += count
        at = after + size
        _expect(size == unpacked and at <= end, "whole pages")
    _expect(values == rows, "a value a row")


def _struct(content: bytes, at: int) -> tuple[Struct, int]:
    """A struct in Thrift's compact protocol, and where it ends.  All in one: it is read often."""
    found: Struct = {}
    open_: list[tuple[Any, int, int]] = [(found, 12, 0)]  # what is open, of what kind, how far
    try:
        while open_:
            inside, kind, far = open_.pop()
            if isinstance(inside, list):
                if len(inside) == far:
                    continue
                open_.append((inside, kind, far))
            else:
                head = content[at]
                at += 1
                if not head:
                    continue
                if head < 16:
                    raise ValueError("it is no table of feint's; expected structs of few parts")
                far += head >> 4
                kind = head & 15
                open_.append((inside, 12, far))
                if kind in (1, 2):
                    inside[far] = kind == 1
                    continue
            inner = number = shift = 0
            if kind in (9, 10):
                inner, number = content[at] & 15, content[at] >> 4
                at += 1
            if kind in (4, 5, 6, 8) or (kind in (9, 10) and number == 15):
                number = 0
                while True:
                    byte = content[at]
                    at += 1
                    number |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                    if shift > 63:
                        raise ValueError("it is no table of feint's; expected 64 bits")
            value: Any
            if kind in (4, 5, 6):
                value = number >> 1 ^ -(number & 1)
            elif kind in (9, 10, 12):
                value = {} if kind == 12 else []
                open_.append((value, 3 if inner in (1, 2) else inner, number))
                if number > len(content) or len(open_) > DEPTH:
                    raise ValueError("it is no table of feint's; expected fewer lists in lists")
            elif kind in (3, 7, 8):
                size = number if kind == 8 else 1 if kind == 3 else 8
                value = content[at : at + size]
                at += size
                if len(value) < size:
                    raise IndexError
            else:
                raise ValueError("it is no table of feint's; expected words and numbers")
            if isinstance(inside, list):
                inside.append(value)
            else:
                inside[far] = value
    except IndexError as error:
        raise ValueError("it is no table of feint's; expected more bytes") from error
    return found, at


def _numbers(struct: Struct, *names: int) -> list[int]:
    values = [struct.get(name) for name in names]
    _expect(all(type(v) is int and v >= 0 for v in values), "numbers of 0 or more")
    return values  # type: ignore[return-value]


def _list(struct: Struct, name: int, kind: type) -> list[Any]:
    value = struct.get(name, [])
    if not isinstance(value, list) or not all(type(one) is kind for one in value):
        raise ValueError("it is no table of feint's; expected lists")
    return value


def _expect(true: bool, what: str) -> None:
    if not true:
        raise ValueError(f"it is no table of feint's; expected {what}")
