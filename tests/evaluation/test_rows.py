"""Tables come back as they were, or an error says why not; a small file stays a small table."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.errors import refused

from feint.errors import DamagedError, FeintError
from feint.evaluation import rows
from feint.evaluation.rows import read, scored, write
from feint.io.sealed import BLANK_CHECKSUM, CHECKSUM_PREFIX, add_checksum

FRAME = pl.DataFrame(
    {
        "row": [0, 1, 2],
        "job": ["a" * 32, "a" * 32, "b" * 32],
        "eps": [0.0, 1.5, None],
        "frames": [3, 4, 5],
        "flag": [True, False, None],
        "true_class": ["κ", "", "x"],
    },
    schema_overrides={"row": pl.UInt32},
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("rows") / "a.parquet"
    write(path, [FRAME], {"plan": "p"})
    return path.read_bytes()


def test_many_parts_come_back_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "AT_ONCE", 7)
    parts = [FRAME.head(i % 4) for i in range(20)]  # some of them empty
    path = tmp_path / "a.parquet"
    assert write(path, (part for part in parts), {"plan": "p", "n": [1, 2.5]}) == 30
    assert pq.read_metadata(path).num_row_groups > 3
    again = read(path)
    assert again.equals(pl.concat(parts))
    assert again.schema == FRAME.schema
    assert rows.about(path) == {"schema": rows.SCHEMA, "plan": "p", "n": [1, 2.5]}


def test_everybody_can_read_it(written: bytes) -> None:
    assert pl.read_parquet(io.BytesIO(written)).equals(FRAME)
    assert pq.read_table(io.BytesIO(written)).column("frames").to_pylist() == [3, 4, 5]


@pytest.mark.parametrize("parts", [[], [FRAME.clear()]], ids=len)
def test_no_row_at_all_is_an_error_and_leaves_nothing(tmp_path: Path, parts: Any) -> None:
    with refused("no-rows"):
        write(tmp_path / "a.parquet", parts, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", [FRAME.drop("eps"), FRAME.with_columns(eps=pl.lit("x"))])
def test_parts_that_differ_are_an_error_and_leave_the_old_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: pl.DataFrame
) -> None:
    path = tmp_path / "a.parquet"
    write(path, [FRAME], {})
    for at_once in (1, 1000):
        monkeypatch.setattr(rows, "AT_ONCE", at_once)
        with refused("wrong-columns"):
            write(path, [FRAME, other], {})
    assert read(path).equals(FRAME)
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]


def test_an_error_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    def parts() -> Any:
        yield FRAME
        raise DamagedError("a result was damaged")

    with pytest.raises(DamagedError, match="a result was damaged"):
        write(tmp_path / "a.parquet", parts(), {})
    assert list(tmp_path.iterdir()) == []


# -- damage ---------------------------------------------------------------------------------


def damaged(path: Path, content: bytes, fact: str = "") -> None:
    path.write_bytes(content)
    for ask in (read, rows.about):
        with pytest.raises(DamagedError, match=rf"{re.escape(str(path))}.*{fact}.*feint evaluate"):
            ask(path)


@given(st.data())
def test_a_changed_or_missing_byte_is_damage(
    tmp_path_factory: pytest.TempPathFactory, written: bytes, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.parquet"
    at = data.draw(st.integers(0, len(written) - 1))
    other = written[at] ^ data.draw(st.integers(1, 255))
    damaged(path, written[:at] + bytes([other]) + written[at + 1 :], "checksum")
    damaged(path, written[:at], "checksum")


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(FeintError, match="Could not read"):
        read(tmp_path / "a.parquet")


def sealed(table: pa.Table, about: bytes = b'{"schema": 2}', **knobs: Any) -> bytes:
    """A table as somebody else writes it, with feint's seal."""
    buffer = io.BytesIO()
    knobs = {"compression": "none", "store_schema": False, **knobs}
    with pq.ParquetWriter(buffer, table.schema, **knobs) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"feint": about, "checksum": BLANK_CHECKSUM})
    return add_checksum(buffer.getvalue())


PLAIN = pa.table({"a": [1, 2, 3]})


def test_what_is_refused_below_would_be_read_as_it_should_be(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(sealed(PLAIN))
    assert read(tmp_path / "a.parquet")["a"].to_list() == [1, 2, 3]


@pytest.mark.parametrize("kind", ["zstd", "snappy", "gzip", "lz4", "brotli"])
def test_a_compressed_table_is_refused(tmp_path: Path, kind: str) -> None:
    damaged(tmp_path / "a.parquet", sealed(PLAIN, compression=kind), "compression")


@pytest.mark.parametrize(
    "about", [b"null", b"{}", b'{"schema": 0}', b'{"schema": 1}', b"[1]", b'{"schema": "2"}']
)
def test_another_schema_is_refused(tmp_path: Path, about: bytes) -> None:
    damaged(tmp_path / "a.parquet", sealed(PLAIN, about), "schema")


@pytest.mark.parametrize("about", [b"{", b"", b"\xff", b"[" * 10**5, b"[" * 900 + b"]" * 900])
def test_what_is_told_in_no_json_is_refused(tmp_path: Path, about: bytes) -> None:
    damaged(tmp_path / "a.parquet", sealed(PLAIN, about))


def test_a_foreign_table_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(PLAIN, buffer)
    for content in (buffer.getvalue(), b"", b"PAR1", b"PAR1PAR1", b"a,b\n1,2\n"):
        damaged(tmp_path / "a.parquet", content, "checksum")
        damaged(tmp_path / "a.parquet", add_checksum(content + BLANK_CHECKSUM.encode()), "Parquet")


# -- bombs ----------------------------------------------------------------------------------


def runs_of_one() -> bytes:
    """Ten million rows in a few bytes."""
    return sealed(pa.table({"a": pa.array(np.zeros(10**7, np.bool_))}))


def one_of_a_dictionary() -> bytes:
    index = pa.array(np.zeros(10**7, np.int8))
    return sealed(pa.table({"a": pa.DictionaryArray.from_arrays(index, ["x"])}))


def prefixes() -> bytes:
    """Each string is the one before, and nothing more: a million bytes a row in none."""
    return sealed(
        pa.table({"a": ["x" * 10**5] * 50}),
        use_dictionary=False,
        column_encoding={"a": "DELTA_BYTE_ARRAY"},
    )


def lists() -> bytes:
    """One row, and a million numbers in it."""
    return sealed(pa.table({"a": [[0] * 10**6]}))


def nested() -> bytes:
    return sealed(pa.table({"a": [{"b": {"c": 1}}]}))


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "rows in runs": (runs_of_one, "10000000 rows do not fit into memory"),
    "rows of a dictionary": (one_of_a_dictionary, "10000000 rows do not fit into memory"),
    "strings by their prefixes": (prefixes, "encoding"),
    "lists": (lists, "flat columns"),
    "structs": (nested, "flat columns"),
}


@pytest.mark.parametrize("make, told", BOMBS.values(), ids=BOMBS)
def test_a_small_file_does_not_become_a_large_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], bytes], told: str
) -> None:
    content = make()
    assert len(content) < 3 * 10**6
    monkeypatch.setattr(rows, "free_memory", lambda: 10**8)
    monkeypatch.setattr(pl, "read_parquet", None)  # it is refused before anything is decoded
    damaged(tmp_path / "a.parquet", content, f"({told})")


def test_a_long_string_is_refused_however_often_it_stands(tmp_path: Path) -> None:
    table = pa.table({"a": ["x" * 4097] * 1000})
    assert len(sealed(table)) < 20_000
    (tmp_path / "a.parquet").write_bytes(sealed(table))
    with pytest.raises(DamagedError, match="strings of more than 4096 bytes"):
        read(tmp_path / "a.parquet")


def reseal(content: bytes) -> bytes:
    return add_checksum(
        re.sub(
            CHECKSUM_PREFIX.encode() + b"[0-9a-f]{64}", BLANK_CHECKSUM.encode(), content, count=1
        )
    )


def test_a_lie_about_how_many_rows_there_are_is_found(tmp_path: Path) -> None:
    content = sealed(pa.table({"a": pa.array(np.zeros(10**6, np.bool_))}))
    many, few = (bytes([0x16]) + varint(2 * n) for n in (10**6, 9))
    for times in (1, 2, 3):
        assert content.count(many) >= times
        damaged(tmp_path / "a.parquet", reseal(content.replace(many, few, times)))
        at = content.rindex(many)
        damaged(tmp_path / "a.parquet", reseal(content[:at] + few + content[at + len(many) :]))


def varint(number: int) -> bytes:
    """As Thrift writes it."""
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


@given(st.data())
def test_what_was_altered_and_sealed_again_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, written: bytes, data: st.DataObject
) -> None:
    """Also in the footer, where a wrong number once ended the whole process."""
    path = tmp_path_factory.getbasetemp() / "altered.parquet"
    footer = len(written) - 8 - int.from_bytes(written[-8:-4], "little")
    begin = data.draw(st.sampled_from([0, footer]))
    at = data.draw(st.integers(begin, len(written) - 1))
    altered = bytearray(written)
    altered[at] = data.draw(st.integers(0, 255))
    if not re.search(CHECKSUM_PREFIX.encode() + b"[0-9a-f]{64}", altered):
        return
    path.write_bytes(reseal(bytes(altered)))
    try:
        frame = read(path)
    except DamagedError:
        return
    assert frame.estimated_size() < 10**4


# -- what the columns of a run are ----------------------------------------------------------

ROWS = pl.DataFrame(
    {
        "surrogate": ["a"] * 4,
        "victim": ["a"] * 4,
        "target": ["hug"] * 4,
        "sequence": ["1", "2"] * 2,
        "attack": ["none"] * 2 + ["attack"] * 2,
        "eps": [0.0] * 2 + [2.0] * 2,
        "row": [0, 1] * 2,
        "job": ["a" * 32] * 4,
        "true_class": ["kick"] * 4,
        "frames": [3] * 4,
        "linf": [0.0] * 4,
        "distance_frame": [1.0] * 4,
    }
)


def test_the_rows_of_a_run_are_what_they_were(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", [ROWS.with_columns(mine=1)], {})
    assert scored(tmp_path / "a.parquet").equals(ROWS)  # a column of nobody's is left out
    assert "mine" in read(tmp_path / "a.parquet").columns


@pytest.mark.parametrize("name", rows.SCORED)
def test_a_column_that_is_missing_or_has_gaps_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.parquet"
    write(path, [ROWS.drop(name)], {})
    with pytest.raises(DamagedError, match=f"no column '{name}'"):
        scored(path)
    gap = pl.when(pl.int_range(pl.len()) > 0).then(pl.col(name)).alias(name)
    write(path, [ROWS.with_columns(gap)], {})
    with pytest.raises(DamagedError, match=f"'{name}' has gaps"):
        scored(path)


@pytest.mark.parametrize(
    "change, told",
    [
        ({"eps": "2"}, "'eps' has String; expected numbers"),
        ({"eps": 2}, "'eps' has Int32; expected numbers"),
        ({"row": 1.0}, "'row' has Float64; expected whole numbers"),
        ({"job": 1}, "'job' has Int32; expected text"),
        ({"distance_frame": float("nan")}, "'distance_frame' has gaps"),
        ({"eps": float("inf")}, "'eps' has gaps"),
        ({"row": -1}, "'row' has numbers that are too small"),
        ({"frames": 0}, "'frames' has numbers that are too small"),
        ({"sequence": "1"}, "a duplicated row"),
        ({"attack": "attack"}, "no row without an attack"),
    ],
)
def test_a_column_of_another_kind_is_told(tmp_path: Path, change: Any, told: str) -> None:
    changed = {name: pl.lit(value) for name, value in change.items()}
    if change == {"attack": "attack"}:
        changed["eps"] = pl.int_range(pl.len()).cast(pl.Float64)
    write(tmp_path / "a.parquet", [ROWS.with_columns(**changed)], {})
    with pytest.raises(DamagedError, match=told):
        scored(tmp_path / "a.parquet")
