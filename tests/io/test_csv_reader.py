"""The reader of CSV files: rows and lines are those that an editor shows."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.errors import refused

from feint.attacks.target_curves import read_curve
from feint.io import csv_reader
from feint.io.csv_reader import CsvFormat, read_columns, read_rows


def columns(text, choose=lambda names: range(len(names)), **words):
    found = read_columns(text.encode(), "t.csv", CsvFormat(**words), choose)
    return found.names, found.cells.rows(), [found.line(i) for i in range(len(found.cells))]


@pytest.mark.parametrize(
    "text",
    ["a,b\n\n1, 2\n\n3,\n", 'a,b\n\n"1",2\n\n3,""\n', "\ufeffa,b\r\n\r\n1,2\r\n\r\n3,\r\n"],
)
def test_rows_have_the_lines_of_the_file(tmp_path, text):
    (tmp_path / "t.csv").write_text(text, newline="")
    assert read_rows(tmp_path / "t.csv", 100) == [(1, ["a", "b"]), (3, ["1", "2"]), (5, ["3", ""])]


def test_a_large_file_and_quotes_that_stay_open_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a\n"1\n')
    with refused("file-too-large"):
        read_rows(path, 4)
    with refused("damaged-file", ["line 2"]):
        read_rows(path, 100)
    path.write_bytes(b"\xe9,a\n")
    with refused("bad-encoding", ["line 1"]):
        read_rows(path, 100)


@pytest.mark.parametrize(
    "text, right",
    [
        ("a,b\n1,2\n", [("1", "2")]),
        ("a;b\n1,5;2\n", [("1,5", "2")]),
        ('a,b\n"1,5","2\n3"\n', [("1,5", "2\n3")]),
        ('a,b\n"say ""x""",\n', [('say "x"', None)]),
        ("a\tb\n\t\n1\t2\n", [(None, None), ("1", "2")]),
    ],
)
def test_cells_are_strings_and_empty_ones_null(text, right):
    names, cells, _ = columns(text)
    assert (names, cells) == (("a", "b"), right)


def test_a_name_may_have_a_separator_or_a_line_end_in_quotes():
    names, cells, lines = columns('"a, of\nall",b\n1,2\n')
    assert names == ("a, of\nall", "b")
    assert cells == [("1", "2")]
    assert lines == [3]


def test_columns_are_chosen_in_any_order_and_more_than_once():
    _, cells, _ = columns("a,b,c\n1,2,3\n", lambda names: [2, 0])
    assert cells == [("3", "1")]


@pytest.mark.parametrize("quote", ["", '"'])
def test_too_many_rows_or_columns_are_refused(monkeypatch, quote):
    monkeypatch.setattr(csv_reader, "MAX_ROWS", 3)
    monkeypatch.setattr(csv_reader, "MAX_COLUMNS", 3)
    with refused("file-too-large"):
        columns("a\n" + f"{quote}1{quote}\n" * 5)
    with refused("file-too-large"):
        columns("a,b,c,d\n1,2,3,4\n")


def test_ragged_rows_are_found_in_every_chunk(monkeypatch):
    monkeypatch.setattr(csv_reader, "CHUNK", 8)
    with refused("ragged-rows", ["line 42:"]):
        columns("a,b\n" + "1,2\n" * 40 + "1\n" + "1,2\n" * 40)
    assert len(columns("a,b\n" + "1,2\n" * 40)[1]) == 40


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=["Cs"]))


@given(st.lists(st.tuples(CELL, CELL), min_size=1), st.sampled_from(",;\t|"))
def test_any_cells_that_python_writes_come_back(rows, separator):
    """The standard library's writer is the oracle: quotes, line ends and separators in cells."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b"), *rows])
    _, cells, _ = columns(file.getvalue(), separator=separator)
    kept = [tuple(one or None for one in row) for row in rows]
    while kept and kept[-1] == (None, None):
        kept.pop()
    assert cells == kept


@pytest.mark.parametrize(
    "text",
    ["1,2\n3,4\n", "\n1,2\n\n3,4\n", "\ufeffa,b\r\n1,2\r\n3,4", "a;b\n1;2\n3;4\n", "1\t2\n3\t4"],
)
def test_a_target_curve_is_read_in_any_of_these_ways(tmp_path, text):
    (tmp_path / "c.csv").write_text(text, newline="")
    assert read_curve(tmp_path / "c.csv") == [[1, 2], [3, 4]]


@pytest.mark.parametrize("text", ["1,2\n3\n", "1,x\n2,3\n", "a;b\n1,5;2\n", "1,inf\n"])
def test_a_target_curve_of_anything_else_is_refused(tmp_path, text):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(csv_reader.FeintError):
        read_curve(tmp_path / "c.csv")
