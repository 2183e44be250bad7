"""Tables of rows as Parquet files: rows.parquet, nulls.parquet and minimal.parquet.

A file has a checksum, is written part by part, and is read only if feint can have written it.  It
is not compressed except by dictionaries, so that a small file never becomes a large table; one
with another compression or encoding is refused.
"""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from feint.errors import DamagedError, FeintError
from feint.evaluation.nulls import PREFIX, TITLES
from feint.io.atomic import atomic_write, read_bytes
from feint.io.memory import SHARE, free_memory
from feint.io.parquet_guard import validate
from feint.io.schema import check_schema
from feint.io.sealed import BLANK_CHECKSUM, add_checksum, has_checksum, parse

SCHEMA = 2
AT_ONCE = 50_000
"""Rows written at once."""
WIDTH = 16
"""Bytes a value of any column takes in memory, at most."""
LONGEST = 4096
"""Bytes of a string."""
TASK_KEY = ("surrogate", "victim", "target", "sequence")
"""What was attacked: the key that all of its rows share."""
SCORED = (
    *TASK_KEY,
    "row",
    "job",
    "attack",
    "eps",
    "true_class",
    "frames",
    "linf",
    "distance_frame",
)
"""Columns that the rows of every scored run have; `scoring.score` describes them."""

_WORDS = ("job", "attack", *TASK_KEY, "exemplar", "true_class", "reactor_side", "recognised_as",
          "other_target")  # fmt: skip
_WHOLE = ("row", "frames")
_NUMBERS = ("eps", "tolerance", "distance", "distance_frame", "distance_joint", "linf", "error_cm",
            "perturbation_cm", "perturbation_max_cm", "bone_length_change", "other_distance_frame",
            "other_distance_joint", "pose_distance_m", "place_distance_m")  # fmt: skip
_KNOWN = {*_WORDS, *_WHOLE, *_NUMBERS}


def write(path: Path, parts: Iterable[pl.DataFrame], about: dict[str, Any]) -> int:
    """Write a table part by part, whole or not at all.

    Args:
        parts: frames of the same columns, with at least one row.
        about: JSON values, kept in the file.

    Returns:
        how many rows were written.

    Raises:
        FeintError: there is no row, the parts differ in columns, or the folder cannot be written.
    """
    import pyarrow as pa

    try:
        return _write(path, parts, about)
    except (pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise FeintError(
            f"Could not write {path}: {error}. Its parts do not have the same columns: a result "
            "they come from was not written by feint. Give another folder with --out.",
            code="wrong-columns",
        ) from error


def _write(path: Path, parts: Iterable[pl.DataFrame], about: dict[str, Any]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    metadata = {"feint": json.dumps({"schema": SCHEMA, **about}), "checksum": BLANK_CHECKSUM}
    rows = 0
    with atomic_write(path) as temporary:
        writer = None
        for frame in _gathered(parts):
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            if writer is None:
                schema = table.schema
                # Parquet's own types only: a reader need not trust a stored Arrow schema.
                writer = pq.ParquetWriter(temporary, schema, compression="none", store_schema=False)
                writer.add_key_value_metadata(metadata)
            if table.schema != schema:
                raise pa.ArrowInvalid(f"{table.schema.names} are not {schema.names}")
            writer.write_table(table)
            rows += len(frame)
        if writer is None:
            raise FeintError(f"There are no rows to write to {path}.", code="no-rows")
        writer.close()
        temporary.write_bytes(add_checksum(temporary.read_bytes()))
    return rows


def read(path: Path, needs: Iterable[str] = ()) -> pl.DataFrame:
    """Read what `write` wrote.

    Args:
        needs: columns it must have, without a gap in them.

    Raises:
        DamagedError: it is cut off, altered, compressed, larger than this machine can hold, or
            holds something else than feint's tables do.
        FeintError: there is no such file.
    """
    content, _ = _checked(path)
    try:
        frame = pl.read_parquet(io.BytesIO(content))
        _expect(frame, needs)
    except (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DamagedError(f"Could not read {path}: {error}. {_ADVICE}") from error
    return frame


def scored(path: Path, *needs: str) -> pl.DataFrame:
    """Read the rows of a run.

    Args:
        needs: columns it must have beside `SCORED`.

    Raises:
        DamagedError: as `read`; a row is duplicated, or an attacked row has no row without an
            attack.
        FeintError: there is no such file.
    """
    frame = read(path, (*SCORED, *needs))
    asked = frame.select(*TASK_KEY, "attack", "eps")
    clean = asked.filter(pl.col("attack") == "none").select(TASK_KEY)
    lacks = ""
    if asked.is_duplicated().any():
        lacks = "a duplicated row"
    elif len(clean) != asked.select(TASK_KEY).n_unique():
        lacks = "no row without an attack beside each attacked one"
    if lacks:
        raise DamagedError(f"Could not read {path}: it has {lacks}. {_ADVICE}")
    return frame.select(name for name in frame.columns if name in _KNOWN)


def nulls(path: Path) -> pl.DataFrame:
    """Read the rows of a run's null answers.

    Raises:
        DamagedError: as `read`; an answer is duplicated, or it is not one of `nulls.TITLES`.
        FeintError: there is no such file.
    """
    frame = read(path, SCORED)
    names = {PREFIX + name for name in TITLES}
    lacks = ""
    if frame.select(*TASK_KEY, "attack").is_duplicated().any():
        lacks = "a duplicated row"
    elif not set(frame["attack"]) <= names:
        lacks = f"other rows than those of {', '.join(sorted(names))}"
    if lacks:
        raise DamagedError(f"Could not read {path}: it has {lacks}. {_ADVICE}")
    return frame.select(name for name in frame.columns if name in _KNOWN)


def _expect(frame: pl.DataFrame, needs: Iterable[str]) -> None:
    """Raise ValueError unless the columns have the types that feint gives them."""
    for column in frame.iter_columns():
        name, kind = column.name, column.dtype
        for names, right, expected in (
            (_WORDS, kind == pl.String, "text"),
            (_WHOLE, kind.is_integer(), "whole numbers"),
            (_NUMBERS, kind.is_float(), "numbers"),
        ):
            if name in names and not right:
                raise ValueError(f"its column {name!r} has {kind}; expected {expected}")
        if kind == pl.String and bool((column.str.len_bytes() > LONGEST).any()):
            raise ValueError(f"its column {name!r} has strings of more than {LONGEST} bytes")
        if kind == pl.String and bool(column.str.contains(r"[\x00-\x1f\x7f]").any()):
            raise ValueError(f"its column {name!r} has control characters")
        if name in _WHOLE and bool((column < int(name == "frames")).any()):
            raise ValueError(f"its column {name!r} has numbers that are too small")
    for name in needs:
        if name not in frame.columns:
            raise ValueError(f"it has no column {name!r}")
        column = frame[name]
        if column.has_nulls() or (column.dtype.is_float() and not column.is_finite().all()):
            raise ValueError(f"its column {name!r} has gaps")


def about(path: Path) -> dict[str, Any]:
    """The metadata of a table; raises as `read` does."""
    return _checked(path)[1]


_ADVICE = "Remove it and run `feint evaluate` again."


def _gathered(parts: Iterable[pl.DataFrame]) -> Iterable[pl.DataFrame]:
    """Parts joined to frames of a good size to write."""
    held: list[pl.DataFrame] = []
    rows = 0
    for part in parts:
        held.append(part)
        rows += len(part)
        if rows >= AT_ONCE:
            yield pl.concat(held)
            held, rows = [], 0
    if rows:
        yield pl.concat(held)


def _checked(path: Path) -> tuple[bytes, dict[str, Any]]:
    """The content of a table that fits into memory, not decoded yet, and its metadata."""
    content = read_bytes(path)
    try:
        if not has_checksum(content):
            raise ValueError("its checksum is not that of its content")
        found = validate(content)
        if found.rows * len(found.columns) * WIDTH > free_memory() * SHARE:
            raise ValueError(f"its {found.rows} rows do not fit into memory")
        value = parse(found.metadata.get(b"feint", b"null"))
    except ValueError as error:
        raise DamagedError(
            f"Could not read {path}: {error}. Expected a table written by feint. {_ADVICE}"
        ) from error
    schema = value.get("schema") if isinstance(value, dict) else None
    check_schema(schema, SCHEMA, path, _ADVICE, DamagedError)
    return content, value
