"""Tables of rows as Parquet: sealed, written as they grow, and read only if they can be ours.

Nothing in them is compressed but by dictionaries, so that a small file never becomes a large
table: one that is compressed otherwise was not written here, and is refused.
"""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from feint.errors import DamagedError, FeintError
from feint.files import BLANK, SHARE, free_memory, is_sealed, read_bytes, replacing, seal

SCHEMA = 1
AT_ONCE = 50_000
"""Rows written at once."""
WIDTH = 16
"""Bytes a value of any column takes in memory, at most."""


def write(path: Path, parts: Iterable[pl.DataFrame], about: dict[str, Any]) -> int:
    """Write a table part by part, whole or not at all.

    Args:
        parts: frames of the same columns, at least one.
        about: JSON values, kept in the file.

    Returns:
        how many rows were written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    told = {"feint": json.dumps({"schema": SCHEMA, **about}), "seal": BLANK}
    rows = 0
    with replacing(path) as temporary:
        writer = None
        for frame in _gathered(parts):
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            if writer is None:
                schema = table.schema.with_metadata(told)
                writer = pq.ParquetWriter(temporary, schema, compression="none")
            writer.write_table(table.cast(pa.schema(schema, metadata=told)))
            rows += len(frame)
        if writer is None:
            raise FeintError(f"There is nothing to write to {path}: no row at all.")
        writer.close()
        temporary.write_bytes(seal(temporary.read_bytes()))
    return rows


def read(path: Path) -> pl.DataFrame:
    """Read what `write` wrote.

    Raises:
        DamagedError: it is cut off, altered, compressed, or larger than this machine can hold.
        FeintError: there is no such file.
    """
    content = _checked(path)
    try:
        return pl.read_parquet(io.BytesIO(content))
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DamagedError(f"Could not read {path}: {error}. {_ADVICE}") from error


def about(path: Path) -> dict[str, Any]:
    """What is told of a table; raises as `read` does."""
    return _told(_checked(path), path)


_ADVICE = "Remove it and run `feint score` again."


def _gathered(parts: Iterable[pl.DataFrame]) -> Iterable[pl.DataFrame]:
    """Frames of a good size to write."""
    held: list[pl.DataFrame] = []
    for part in parts:
        held.append(part)
        if sum(map(len, held)) >= AT_ONCE:
            yield pl.concat(held)
            held = []
    if held:
        yield pl.concat(held)


def _checked(path: Path) -> bytes:
    """The content of a sealed table that fits into memory, not decoded yet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = read_bytes(path)
    try:
        if not is_sealed(content):
            raise ValueError("its checksum is not that of its content")
        told = pq.read_metadata(io.BytesIO(content))
        chunks = [
            told.row_group(g).column(c)
            for g in range(told.num_row_groups)
            for c in range(told.num_columns)
        ]
        if any(chunk.compression != "UNCOMPRESSED" for chunk in chunks):
            raise ValueError("it is compressed, which feint never does")
        needed = told.num_rows * told.num_columns * WIDTH
        if needed > free_memory() * SHARE:
            raise ValueError(f"its {told.num_rows} rows do not fit into memory")
        _told(content, path)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, FeintError):
            raise
        raise DamagedError(
            f"Could not read {path}: {error}. Expected a table written by feint. {_ADVICE}"
        ) from error
    return content


def _told(content: bytes, path: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    told = (pq.read_metadata(io.BytesIO(content)).metadata or {}).get(b"feint", b"null")
    value = json.loads(told)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise DamagedError(
            f"{path} has schema {value.get('schema') if isinstance(value, dict) else None}; this "
            f"feint reads {SCHEMA}. {_ADVICE}"
        )
    return value
