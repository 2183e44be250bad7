"""A Parquet file is checked before any library decodes it."""

import io

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feint.io import parquet_guard
from feint.io.parquet_guard import ParquetSummary, validate

FRAME = pl.DataFrame({"a": [1.5, None, 2.5], "b": ["x", "x", "κ"], "c": [True, False, None]})


def written(frame: pl.DataFrame, **knobs: object) -> bytes:
    buffer = io.BytesIO()
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    knobs = {"compression": "none", "store_schema": False, **knobs}
    with pq.ParquetWriter(buffer, table.schema, **knobs) as writer:
        for part in (table, table):
            writer.write_table(part)
        writer.add_key_value_metadata({"more": "about it"})
    return buffer.getvalue()


WHOLE = written(FRAME)


def test_a_summary_has_rows_columns_and_metadata() -> None:
    found = validate(WHOLE)
    assert found == ParquetSummary(6, ("a", "b", "c"), found.size, {b"more": b"about it"})
    assert 0 < found.size < len(WHOLE)


def test_many_columns_and_many_pages_are_no_obstacle() -> None:
    wide = pl.DataFrame({f"c{i}": [float(j) for j in range(500)] for i in range(40)})
    content = written(wide, data_page_size=256, use_dictionary=False)
    assert content.count(b"PAR1") == 2
    assert (validate(content).rows, len(validate(content).columns)) == (1000, 40)


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_off_anywhere_is_none(end: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        validate(WHOLE[:end])


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=3))
def test_an_altered_file_is_checked_or_refused(at: int, other: bytes) -> None:
    try:
        found = validate(WHOLE[:at] + other + WHOLE[at + len(other) :])
    except ValueError:
        return
    assert (found.rows, len(found.columns)) == (6, 3)


@given(st.binary(max_size=60))
def test_a_footer_of_any_bytes_is_refused(footer: bytes) -> None:
    content = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(ValueError, match="expected"):
        validate(content)


@pytest.mark.parametrize("byte", [b"\x1c", b"\x19\xfc", b"\x19\x19", b"\x19\x1c", b"\xff"])
def test_structs_and_lists_without_end_are_refused(byte: bytes) -> None:
    test_a_footer_of_any_bytes_is_refused.hypothesis.inner_test(byte * 10**5)


def test_a_footer_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_guard, "MAX_FOOTER", 100)
    with pytest.raises(ValueError, match="a footer of at most 100 bytes"):
        validate(WHOLE)


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip", "lz4", "brotli"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_table_of_the_user_may_be_compressed_and_nested(codec: str, version: str) -> None:
    table = pa.table(
        {
            "a": [1.5, None, 2.5] * 100,
            "b": ["x", "y", "κ"] * 100,
            "t": pa.array(range(300), pa.timestamp("us")),
            "c": [[1, 2], [], None] * 100,
            "d": [{"e": 1, "f": {"g": "h"}}] * 300,
            "i": pa.array([1, 2, 3] * 100, pa.int32()),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression=codec, data_page_version=version)
    found = validate(buffer.getvalue(), ["a", "b", "t", "i"])
    assert found.rows == 300
    assert found.columns == ("a", "b", "t", "i")
    with pytest.raises(ValueError, match="flat columns"):
        validate(buffer.getvalue())


def test_encodings_that_spell_out_long_strings_are_refused_in_columns_that_are_read() -> None:
    buffer = io.BytesIO()
    pq.write_table(
        pa.table({"a": [1.0] * 50, "b": ["x" * 10**5] * 50}),
        buffer,
        use_dictionary=False,
        column_encoding={"b": "DELTA_BYTE_ARRAY", "a": "BYTE_STREAM_SPLIT"},
    )
    assert validate(buffer.getvalue(), ["a"]).rows == 50
    with pytest.raises(ValueError, match="encodings"):
        validate(buffer.getvalue(), ["b"])
