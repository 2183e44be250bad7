"""A Parquet file is looked at before anybody decodes it."""

import io

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feint.io import parquet_guard
from feint.io.parquet_guard import Told, look

FRAME = pl.DataFrame({"a": [1.5, None, 2.5], "b": ["x", "x", "κ"], "c": [True, False, None]})


def written(frame: pl.DataFrame, **knobs: object) -> bytes:
    buffer = io.BytesIO()
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    knobs = {"compression": "none", "store_schema": False, **knobs}
    with pq.ParquetWriter(buffer, table.schema, **knobs) as writer:
        for part in (table, table):
            writer.write_table(part)
        writer.add_key_value_metadata({"told": "about it"})
    return buffer.getvalue()


WHOLE = written(FRAME)


def test_it_tells_rows_columns_and_what_is_told() -> None:
    assert look(WHOLE) == Told(6, 3, {b"told": b"about it"})


def test_many_columns_and_many_pages_are_no_obstacle() -> None:
    wide = pl.DataFrame({f"c{i}": [float(j) for j in range(500)] for i in range(40)})
    content = written(wide, data_page_size=256, use_dictionary=False)
    assert content.count(b"PAR1") == 2
    assert (look(content).rows, look(content).columns) == (1000, 40)


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_off_anywhere_is_none(end: int) -> None:
    with pytest.raises(ValueError, match="no table of feint's"):
        look(WHOLE[:end])


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=3))
def test_an_altered_file_is_looked_at_or_refused(at: int, other: bytes) -> None:
    try:
        told = look(WHOLE[:at] + other + WHOLE[at + len(other) :])
    except ValueError:
        return
    assert (told.rows, told.columns) == (6, 3)


@given(st.binary(max_size=60))
def test_a_footer_of_any_bytes_is_refused(footer: bytes) -> None:
    content = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(ValueError, match="no table of feint's"):
        look(content)


@pytest.mark.parametrize("byte", [b"\x1c", b"\x19\xfc", b"\x19\x19", b"\x19\x1c", b"\xff"])
def test_structs_and_lists_without_end_are_refused(byte: bytes) -> None:
    test_a_footer_of_any_bytes_is_refused.hypothesis.inner_test(byte * 10**5)


def test_a_footer_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_guard, "FOOTER", 100)
    with pytest.raises(ValueError, match="a footer of at most 100 bytes"):
        look(WHOLE)
