"""A strict reader of Thrift's compact protocol: the footer and page headers of Parquet files.

`parquet_guard.py` reads a few numbers from bytes that are not checked yet. Every read is
bounded: by the content's end, by 64 bits, by the depth of nesting and by the length of lists.
"""

from typing import Any

MAX_DEPTH = 16
Struct = dict[int, Any]
"""Field number -> number, bytes, bool, list or struct."""

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)


class ThriftReader:
    """Reads structs from `content`, from `position` on."""

    def __init__(self, content: bytes, position: int = 0) -> None:
        self.content = content
        self.position = position

    def struct(self, depth: int = 0) -> Struct:
        """One struct; `position` is behind it then.

        Raises:
            ValueError: the bytes are not a struct, or it is nested too deep.
        """
        if depth > MAX_DEPTH:
            raise ValueError(f"expected structs nested at most {MAX_DEPTH} deep")
        found: Struct = {}
        field = 0
        while head := self._byte():
            if head < 16:  # a field number written in full: Parquet never needs one
                raise ValueError("expected structs of few fields")
            field += head >> 4
            kind = head & 15
            found[field] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _INTEGERS:
            number = self._varint()
            return number >> 1 ^ -(number & 1)
        if kind == _BINARY:
            return self._take(self._varint())
        if kind in (_BYTE, _DOUBLE):
            return self._take(1 if kind == _BYTE else 8)
        if kind in (_LIST, _SET):
            return self._list(depth + 1)
        if kind == _STRUCT:
            return self.struct(depth + 1)
        raise ValueError("expected numbers, strings, lists and structs")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        kind, count = head & 15, head >> 4
        if count == 15:
            count = self._varint()
        if count > len(self.content) - self.position or depth > MAX_DEPTH:
            raise ValueError("expected shorter lists, and fewer lists in lists")
        kind = _BYTE if kind in (_TRUE, _FALSE) else kind
        return [self._value(kind, depth) for _ in range(count)]

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7
            if shift > 63:
                raise ValueError("expected numbers of at most 64 bits")

    def _byte(self) -> int:
        if self.position >= len(self.content):
            raise ValueError("expected more bytes")
        self.position += 1
        return self.content[self.position - 1]

    def _take(self, size: int) -> bytes:
        begin = self.position
        if size > len(self.content) - begin:
            raise ValueError("expected more bytes")
        self.position = begin + size
        return self.content[begin : self.position]
