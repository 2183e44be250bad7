"""The one check of a Parquet file before any library decodes it.

Threat model. A run folder, a file of answers or a data set may come from a stranger, or be damaged.
Its checksum does not help: anyone can compute it. Decoders believe what a file says of itself, so a
file of a few bytes can ask for more memory than the machine has (a run of a billion equal values, a
string that repeats its predecessor, lists in lists), and a wrong count in the footer has ended the
whole process, which no `except` catches. Therefore the footer and every page header are read here
first, by a reader that trusts nothing (`thrift.py`). A file passes only if its counts agree with
each other, its pages lie inside it, and its encodings cannot spell out more than `rows` values.

There are two degrees of strictness. Files that feint itself writes (`validate(content)`) have flat,
uncompressed columns and nothing else. A user's tables (`validate(content, columns)`) may be
compressed and may have other columns of any kind, which are then not read.

What it does not cover: the bytes inside compressed pages. A decoder that is broken there raises an
error of its own, and the size of what it unpacks is bounded by the page header.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from feint.io.thrift import Struct, ThriftReader

MAGIC = b"PAR1"
BYTES_PER_VALUE = {0: 1 / 8, 1: 4, 2: 8, 3: 12, 4: 4, 5: 8, 6: 4, 7: 1}
"""Physical type -> least bytes of a value in a dictionary."""
FLAT_TYPES = {0, 1, 2, 4, 5, 6}
"""What feint writes: booleans, integers, floats and strings; no 96-bit times, no fixed width."""
STRING = 6
PLAIN_ENCODINGS = {0, 2, 3, 4, 8}
"""Plain, dictionaries, and runs of bits. A short file cannot spell out long strings in them."""
PACKED_ENCODINGS = {5, 6, 9}
"""Delta encodings of numbers and of string lengths, and split streams: as bounded, but not ours."""
MAX_FOOTER = 8 * 2**20
"""Bytes of the footer: enough for a hundred million rows that feint writes."""
DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2 = 0, 2, 3
_PAGE_FIELDS = {DATA_PAGE: 5, DICTIONARY_PAGE: 7, DATA_PAGE_V2: 8}
_ENCODING_FIELDS = {DATA_PAGE: 2, DICTIONARY_PAGE: 2, DATA_PAGE_V2: 4}


@dataclass(frozen=True)
class ParquetSummary:
    """What a checked file says of itself.

    Attributes:
        rows: the number of rows.
        columns: the names of its flat columns, in the order of the file.
        size: bytes of the checked columns when unpacked, still encoded.
        metadata: the key-value pairs of the footer.
    """

    rows: int
    columns: tuple[str, ...]
    size: int = 0
    metadata: dict[bytes, bytes] = field(default_factory=dict)


def validate(content: bytes, columns: Collection[str] | None = None) -> ParquetSummary:
    """Check a whole file.

    Args:
        content: the file's bytes.
        columns: the columns that will be read from a user's table; a name that the file lacks is
            no fault here. None for a file that feint wrote: all columns, strictly.

    Raises:
        ValueError: the file is not sound, or not of the kind expected.
    """
    footer_size = int.from_bytes(content[-8:-4], "little")
    end = len(content) - 8 - footer_size
    _expect(content[:4] == MAGIC == content[-4:] and end >= 4, "a Parquet file")
    _expect(footer_size <= MAX_FOOTER, f"a footer of at most {MAX_FOOTER} bytes")
    footer = ThriftReader(content[end:-8]).struct()
    leaves = list(_leaves(_list(footer, 2, dict)))
    own = columns is None
    _expect(not own or all(flat for _, _, flat in leaves), "flat columns")
    chosen = [
        i
        for i, (name, _, flat) in enumerate(leaves)
        if flat and (columns is None or name in columns)
    ]
    for i in chosen:
        allowed = FLAT_TYPES if own else BYTES_PER_VALUE
        _expect(leaves[i][1] in allowed, "columns of strings and numbers")
    rows = size = 0
    for group in _list(footer, 4, dict):
        (count,), chunks = _numbers(group, 3), _list(group, 1, dict)
        _expect(len(chunks) == len(leaves), "one chunk for each column")
        for i in chosen:
            size += _check_chunk(content, end, chunks[i], leaves[i][1], count, own)
        rows += count
    _expect(_numbers(footer, 3) == [rows], "as many rows as it says")
    pairs = [(one.get(1), one.get(2, b"")) for one in _list(footer, 5, dict)]
    _expect(all(isinstance(part, bytes) for pair in pairs for part in pair), "strings as metadata")
    names = tuple(name for name, _, flat in leaves if flat)
    return ParquetSummary(rows, names, size, dict(pairs))


def _leaves(elements: list[Struct]) -> Iterator[tuple[str, int, bool]]:
    """Name, physical type and flatness of each column that holds values, in the file's order."""
    _expect(bool(elements), "a schema")
    _expect(_numbers(elements[0], 5)[0] > 0, "at least one column")
    open_groups = [_numbers(elements[0], 5)[0]]
    for element in elements[1:]:
        _expect(bool(open_groups), "a schema that is a tree")
        open_groups[-1] -= 1
        children = element.get(5) or 0
        depth = len(open_groups)
        if children:
            open_groups.append(_numbers(element, 5)[0])
        else:
            kind, repetition = _numbers(element, 1, 3)
            name = element.get(4, b"")
            _expect(isinstance(name, bytes), "names of columns")
            yield name.decode("utf-8", "replace"), kind, depth == 1 and repetition < 2
        while open_groups and open_groups[-1] == 0:
            open_groups.pop()
    _expect(not open_groups, "a schema that is a tree")


def _check_chunk(content: bytes, end: int, chunk: Struct, kind: int, rows: int, own: bool) -> int:
    """Check a column's pages in one group of rows; they end before `end`. Their unpacked size."""
    meta = chunk.get(3)
    if not isinstance(meta, dict) or 1 in chunk:
        raise ValueError("expected columns in the file itself")
    stored, codec, values, unpacked, size, data = _numbers(meta, 1, 4, 5, 6, 7, 9)
    _expect(codec == 0 or not own, "no compression")
    _expect(stored == kind and values == rows, "one value in each row")
    allowed = PLAIN_ENCODINGS if own else PLAIN_ENCODINGS | PACKED_ENCODINGS
    _expect(allowed.issuperset(_list(meta, 2, int)), f"encodings among {sorted(allowed)}")
    begin = _numbers(meta, 11)[0] if meta.get(11) else data
    _expect(4 <= begin <= data < begin + size <= end, "pages inside the file")
    pages = ThriftReader(content, begin)
    values = total = 0
    while pages.position < begin + size:
        first = pages.position == begin
        count, page_unpacked = _check_page(pages, kind, first, begin + size, allowed, codec == 0)
        values += count
        total += page_unpacked
    _expect(values == rows, "one value in each row")
    _expect(own or total <= max(unpacked, size), "pages of the size that the footer says")
    return total


def _check_page(
    pages: ThriftReader, kind: int, first: bool, end: int, allowed: set[int], plain: bool
) -> tuple[int, int]:
    """Check one page header and step over the page: its rows, and its unpacked size."""
    page = pages.struct()
    sort, unpacked, packed = _numbers(page, 1, 2, 3)
    header = page.get(_PAGE_FIELDS.get(sort, -1))
    if not isinstance(header, dict):
        raise ValueError("expected pages of data")
    count, encoding = _numbers(header, 1, _ENCODING_FIELDS[sort])
    if sort == DICTIONARY_PAGE:
        fits = first and count * BYTES_PER_VALUE[kind] <= unpacked
        _expect(fits and encoding in (0, 2), "one dictionary, at the beginning")
    else:
        _expect(encoding in allowed, f"encodings among {sorted(allowed)}")
    pages.position += packed
    _expect(pages.position <= end and (not plain or packed == unpacked), "whole pages")
    return (0 if sort == DICTIONARY_PAGE else count), unpacked


def _numbers(struct: Struct, *names: int) -> list[int]:
    values = [struct.get(name) for name in names]
    if not all(type(v) is int and v >= 0 for v in values):
        raise ValueError("expected numbers of 0 or more")
    return values  # type: ignore[return-value]


def _list(struct: Struct, name: int, kind: type) -> list:  # type: ignore[type-arg]
    value = struct.get(name, [])
    if not isinstance(value, list) or not all(type(one) is kind for one in value):
        raise ValueError("expected lists")
    return value


def _expect(true: bool, what: str) -> None:
    if not true:
        raise ValueError(f"expected {what}")
