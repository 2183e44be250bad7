"""Tables: every cell is read as it was meant, or refused with the key to write."""

import contextlib
import io
import math

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.errors import refused

from feint.data.formats import tables
from feint.data.formats.cells import MISSING, TableFormat
from feint.data.formats.tables import read_table
from feint.errors import FeintError
from feint.io.csv_reader import CsvFormat

LINES = {"separator", "encoding", "names_line", "first_line", "names"}


def read(folder, text, names=("a",), time=None, track=None, suffix=".csv", **words):
    """A table with this content, read with these keys of [data]."""
    path = folder / f"t{suffix}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    lines = CsvFormat(**{k: v for k, v in words.items() if k in LINES})
    rest = {k: v for k, v in words.items() if k not in LINES}
    return read_table(path, list(names), time, track, TableFormat(csv=lines, **rest))


def values(folder, text, names=("a",), **words):
    return read(folder, text, names, **words).values.T.tolist()


# -- lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n\n1,2\n\n3,4\n",
        "\n\na,b\n1,2\n3,4",
        "a,b\r\r\n1,2\r\r\n3,4\r\r\n",
        "a,b\r1,2\r3,4\r",
        "a,b\n1,2\n   \n\t\n3,4\n\n\n",
        'a,b\n"1","2"\n\n"3",4\n',
        "\ufeffa,b\r\n1,2\r\n\r\n3,4\r\n",
        "a,b\n1,2,\n3,4,\n",  # a separator at the end of each line
        "a,b\n1,2\n3,4\n,\n,\n",  # a spreadsheet's empty rows at the end
    ],
)
def test_empty_lines_are_no_rows(tmp_path, text):
    assert values(tmp_path, text, ["a", "b"]) == [[1, 3], [2, 4]]


def test_a_file_with_empty_lines_between_all_rows_has_only_its_own_numbers(tmp_path):
    """Half of the rows were interpolated: numbers that are not in the file."""
    rows = np.random.default_rng(0).normal(size=(352, 2)).round(3)
    text = "load,wind\n\n" + "".join(f"{a},{b}\n\n" for a, b in rows.tolist())
    assert values(tmp_path, text, ["load", "wind"]) == rows.T.tolist()


def test_one_column_has_no_rows_of_empty_lines(tmp_path):
    assert values(tmp_path, "a\n\n1\n\n2\n") == [[1, 2]]
    (found,) = values(tmp_path, 'a\n1\n""\n2\n')  # as pandas writes a missing value
    assert found[0] == 1
    assert math.isnan(found[1])


def test_a_row_without_any_value_is_missing_where_no_time_says_so(tmp_path):
    found = values(tmp_path, "a,b\n1,2\n,\n3,4\n")[0]
    assert [found[0], found[2]] == [1, 3]
    assert math.isnan(found[1])
    timed = read(tmp_path, "t,a\n1,1\n,\n2,3\n", time="t")
    assert timed.values.T.tolist() == [[1, 3]]
    assert timed.times.tolist() == [1, 2]


@pytest.mark.parametrize(
    "text, line",
    [("a,b\n\n1,2\n3\n", 4), ('a,b\n"1",2\n\n3\n', 4), ("a,b\n1,2,3\n", 2), ("a,b\n1;2\n", 2)],
)
def test_a_row_of_another_width_is_refused(tmp_path, text, line):
    """Row names without a head, a cut line, another separator: never shifted, never filled up."""
    with refused("ragged-rows", [f"line {line}:", "data.separator"]):
        values(tmp_path, text, ["a"])


def test_lines_around_the_names_are_skipped(tmp_path):
    text = "# by a logger; v2\n# at sea\na;b\nkW;m/s\n1;2\n3;4\n"
    with refused("unknown-column", ["data.names_line"]):
        values(tmp_path, text)
    with refused("not-a-number", ["line 4:", "'kW'", "data.first_line"]):
        values(tmp_path, text, names_line=3)
    assert values(tmp_path, text, names_line=3, first_line=5) == [[1, 3]]
    with refused("bad-first-line", ["data.first_line"]):
        values(tmp_path, text, names_line=3, first_line=2)


def test_a_file_without_names_gets_them_from_the_experiment(tmp_path):
    text = "1.0 10   2\n2.0\t10 3\n"
    layout = TableFormat(csv=CsvFormat(names=("frame", "id", "x"), separator=" "))
    (tmp_path / "t.txt").write_text(text)
    found = read_table(tmp_path / "t.txt", ["id", "x"], layout=layout)
    assert found.values.tolist() == [[10, 2], [10, 3]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_seen_in_the_line_of_names(tmp_path, separator):
    text = "a,b\n1,2\n".replace(",", separator)
    assert values(tmp_path, text, ["a", "b"]) == [[1], [2]]
    assert values(tmp_path, text, ["a", "b"], separator=separator) == [[1], [2]]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le"])
def test_an_encoding_is_named_and_never_guessed(tmp_path, encoding):
    text = "Wärme,b\n1,2\n".encode(encoding)
    with refused("bad-encoding", ["line 1", "data.encoding"]):
        values(tmp_path, text, ["b"])
    assert values(tmp_path, text, ["Wärme"], encoding=encoding) == [[1]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_names_the_encoding(tmp_path, encoding):
    assert values(tmp_path, "Wärme,b\n1,2\n".encode(encoding), ["Wärme"]) == [[1]]


def test_a_name_that_occurs_twice_is_refused_if_it_is_asked_for(tmp_path):
    with refused("duplicate-name", ["2 columns", "'a'"]):
        values(tmp_path, "a,b,a\n1,2,3\n")
    assert values(tmp_path, "a,b,a\n1,2,3\n", ["b"]) == [[2]]
    with refused("duplicate-name", ["'a'"]):
        values(tmp_path, 'a ,"a"\n1,2\n')


# -- cells -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, key, words, right",
    [
        ("a;b\n1,5;2\n", 'data.decimal = ","', {"decimal": ","}, 1.5),
        ("a;b\n1.234,5;2\n", 'data.decimal = ","', {"decimal": ",", "thousands": "."}, 1234.5),
        ('a\n"1,234.5"\n', 'data.thousands = ","', {"thousands": ","}, 1234.5),
        ("a\n1 234\n", 'data.thousands = " "', {"thousands": " "}, 1234),
        ("a\n1\u00a0234\n", 'data.thousands = " "', {"thousands": " "}, 1234),
        ("a\n1\u202f234\n", 'data.thousands = " "', {"thousands": " "}, 1234),
        ("a\n1'234\n", 'data.thousands = "\'"', {"thousands": "'"}, 1234),
        ("a\n1_234\n", 'data.thousands = "_"', {"thousands": "_"}, 1234),
        ("a\nTrue\n", "data.words = { 'True' = 1 }", {"words": {"True": 1.0, "False": 0.0}}, 1),
        ("a\non\n", "data.words = { 'on' = 1 }", {"words": {"on": 1.0}}, 1),
        ("a\n?\n", "data.missing = ['?']", {"missing": ("?",)}, math.nan),
        ("a\n-\n", "data.missing = ['-']", {"missing": ("-",)}, math.nan),
        ("a\n#VALUE!\n", "data.missing = ['#VALUE!']", {"missing": ("#VALUE!",)}, math.nan),
    ],
)
def test_the_message_names_the_key_that_reads_the_cell(tmp_path, text, key, words, right):
    with refused("not-a-number", ["line 2:", "'a'", key]):
        values(tmp_path, text)
    assert values(tmp_path, text, **words)[0] == pytest.approx([right], nan_ok=True)


def test_a_number_can_mean_a_missing_value(tmp_path):
    (found,) = values(tmp_path, "a\n-200\n-200.0\n7\n", missing=(-200.0,))
    assert math.isnan(found[0])
    assert math.isnan(found[1])
    assert found[2] == 7
    frame = pl.DataFrame({"a": [-200, 7]})
    frame.write_parquet(tmp_path / "t.parquet")
    layout = TableFormat(missing=(-200.0,))
    found = read_table(tmp_path / "t.parquet", ["a"], layout=layout).values
    assert np.isnan(found[0, 0])


@pytest.mark.parametrize("cell", [*MISSING[1:], " NA ", ""])
def test_usual_words_for_missing_need_no_key(tmp_path, cell):
    (found,) = values(tmp_path, f"a,b\n1,2\n{cell},3\n")
    assert math.isnan(found[1])


@pytest.mark.parametrize("cell", ["1e400", "inf", "-Infinity", "0x10", "1_0", "12%", "--1", "1e"])
def test_what_is_not_a_finite_number_is_refused(tmp_path, cell):
    with refused("not-a-number", [cell]):
        values(tmp_path, f"a\n1\n{cell}\n")


@pytest.mark.parametrize("cell", ["1,23,456", "12,34", "1234,567", "1,234,5"])
def test_digits_that_are_grouped_otherwise_are_refused(tmp_path, cell):
    with refused("not-a-number", [cell]):
        values(tmp_path, f'a\n"{cell}"\n', thousands=",")


def test_a_point_is_not_read_where_a_comma_is_the_decimal_separator(tmp_path):
    with refused("not-a-number", ["'1.5'", 'data.decimal = "."']):
        values(tmp_path, "a;b\n1.5;2\n", decimal=",")


def test_numbers_are_read_as_float64(tmp_path):
    right = [123456789.0, 123456789.25, 123456789.5, 4512345.67]
    assert values(tmp_path, "a\n" + "\n".join(map(repr, right)))[0] == right


# -- Parquet -----------------------------------------------------------------------------------


def test_parquet_columns_of_any_number_are_read(tmp_path):
    columns = {
        "f": pa.array([1.5, None]), "i": pa.array([1, None], pa.int16()),
        "b": pa.array([True, None]), "s": pa.array(["1.5", ""]), "n": pa.array([None, None]),
        "d": pa.array(["2.5", "NA"]).dictionary_encode(),
        "h": pa.array(np.array([1.5, 2], np.float16)),
    }  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    found = read_table(tmp_path / "t.parquet", list(columns)).values
    right = [[1.5, 1, 1, 1.5, math.nan, 2.5, 1.5], [math.nan] * 6 + [2]]
    assert found.tolist()[0] == pytest.approx(right[0], nan_ok=True)
    assert found.tolist()[1] == pytest.approx(right[1], nan_ok=True)


@pytest.mark.parametrize("column", [[[1]], [{"a": 1}], [b"\xff"], ["x" * 70_000]])
def test_parquet_columns_of_anything_else_are_refused(tmp_path, column):
    pq.write_table(pa.table({"a": column, "b": [1]}), tmp_path / "t.parquet")
    with pytest.raises(FeintError):
        read_table(tmp_path / "t.parquet", ["a"])
    assert read_table(tmp_path / "t.parquet", ["b"]).values.tolist() == [[1]]


def test_a_string_that_is_repeated_is_counted_as_often(tmp_path, monkeypatch):
    """Some kilobytes of file would be gigabytes of strings."""
    monkeypatch.setattr(tables, "free_memory", lambda: 2**30)
    index = pa.array(np.zeros(200_000, np.int32))
    rows = pa.DictionaryArray.from_arrays(index, ["x" * 60_000])
    pq.write_table(pa.table({"a": rows}), tmp_path / "t.parquet")
    with refused("out-of-memory"):
        read_table(tmp_path / "t.parquet", ["a"])


# -- properties --------------------------------------------------------------------------------

NUMBERS = st.floats(-1e12, 1e12, allow_nan=False) | st.integers(-(10**12), 10**12).map(float)


@st.composite
def layouts(draw):
    """Numbers, a way to write them, and the text: with every oddity mixed in."""
    rows, width = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    numbers = [[draw(NUMBERS | st.just(math.nan)) for _ in range(width)] for _ in range(rows)]
    decimal = draw(st.sampled_from(".,"))
    separator = draw(st.sampled_from([s for s in ";\t|," if s != decimal]))
    groups = ["", "'", " ", "_", *(c for c in ",." if c not in (decimal, separator))]
    thousands = draw(st.sampled_from(groups))
    missing = draw(st.sampled_from(["", "NA", "?", "-"]))
    quoted, spaced = draw(st.booleans()), draw(st.booleans())

    def cell(number):
        if math.isnan(number):
            text = missing or ('""' if width == 1 else "")
        elif thousands and number == int(number) and abs(number) < 1e15:
            text = f"{int(number):,}".replace(",", thousands)
        else:
            text = repr(number).replace(".", decimal)
        text = f'"{text}"' if quoted and not text.startswith('"') and draw(st.booleans()) else text
        return f" {text} " if spaced and separator != "\t" and '"' not in text else text

    ends = draw(st.sampled_from(["\n", "\r\n", "\r\r\n", "\r"]))
    lines = [separator.join(f"c{i}" for i in range(width))]
    if units := draw(st.booleans()):
        lines.append(separator.join(["m"] * width))
    head = draw(st.sampled_from([[], ["# made by a logger"], ["x", "y z"]]))
    blank = draw(st.booleans())
    body = []
    for row in numbers:
        body.append(separator.join(cell(one) for one in row))
        body += [""] * (blank and draw(st.integers(0, 2)))
    text = ends.join([*head, *lines, *body]) + ends * draw(st.integers(0, 3))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    lines_of = (
        draw(st.sampled_from([separator, None])) if separator in lines[0] else separator,
        "utf-8" if encoding != "latin-1" else "latin-1",
        1 + len(head),
        len(head) + len(lines) + 1 if units else None,
    )
    return numbers, text.encode(encoding), lines_of, (decimal, thousands, ("?", "-"))


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(layouts())
def test_what_is_written_in_any_layout_is_read_exactly(tmp_path, one):
    rows, content, lines, cells = one
    numbers, layout = np.array(rows), TableFormat(CsvFormat(*lines), *cells)
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    names = [f"c{i}" for i in range(numbers.shape[1])]
    found = numbers[:0]
    with contextlib.suppress(FeintError):  # no row is left
        found = read_table(path, names, layout=layout).values
    # Rows without any cell at the end are a spreadsheet's.
    assert np.array_equal(found, numbers[: len(found)], equal_nan=True)
    assert np.isnan(numbers[len(found) :]).all()


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20), st.sampled_from(",;\t"))
def test_three_readers_agree_and_a_round_trip_changes_nothing(tmp_path, rows, separator):
    path = tmp_path / "t.csv"
    text = "\n".join([f"a{separator}b", *(f"{a!r}{separator}{b!r}" for a, b in rows)])
    path.write_text(text)
    ours = read_table(path, ["a", "b"]).values
    numpys = np.genfromtxt(path, delimiter=separator, skip_header=1, ndmin=2)
    polars = pl.read_csv(io.StringIO(text), separator=separator, schema_overrides=[pl.Float64] * 2)
    assert np.array_equal(ours, numpys)
    assert np.array_equal(ours, polars.to_numpy())
    pl.DataFrame(ours, schema=["a", "b"]).write_csv(path, separator=separator)
    assert np.array_equal(read_table(path, ["a", "b"]).values, ours)
    pl.DataFrame(ours, schema=["a", "b"]).write_parquet(tmp_path / "t.parquet")
    assert np.array_equal(read_table(tmp_path / "t.parquet", ["a", "b"]).values, ours)
