"""Columns of time: no date that can be read in two ways is guessed."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.formats.test_tables import read
from tests.errors import refused

from feint.data.formats.tables import read_table

START = datetime(2024, 1, 31, 23, 0, tzinfo=UTC)
HOUR = [START.timestamp(), (START + timedelta(hours=1)).timestamp()]
DAY = [datetime(2024, 1, 31, tzinfo=UTC).timestamp(), datetime(2024, 2, 1, tzinfo=UTC).timestamp()]


def times(folder, cells, form=None, **words):
    text = "t;a\n" + "".join(f"{cell};1\n" for cell in cells)
    return read(folder, text, time="t", time_format=form, **words)


@pytest.mark.parametrize(
    "cells, right",
    [
        (["2024-01-31 23:00:00", "2024-02-01 00:00:00"], HOUR),
        (["2024-01-31T23:00", "2024-02-01T00:00"], HOUR),
        (["2024/1/31 23:00", "2024/2/1 0:00"], HOUR),
        (["2024.01.31 23:00:00.000", "2024.02.01 00:00:00.000"], HOUR),
        (["2024-01-31 23:00:00,0", "2024-02-01 00:00:00,0"], HOUR),
        (["2024-02-01T00:00+01:00", "2024-02-01T01:00+0100"], HOUR),
        (["2024-01-31T19:30:00-03:30", "2024-01-31T20:30:00-0330"], HOUR),
        (["2024-01-31 23:00Z", "2024-02-01 00:00 UTC"], HOUR),
        (["2024-03-31T01:30+01:00", "2024-03-31T03:30+02:00"], [1711845000.0, 1711848600.0]),
        (["2024-01-31", "2024-02-01"], DAY),
        (["0", "0.5"], [0, 0.5]),
        (["1706742000", "1706745600"], HOUR),
        ([" 1.5 ", "2.5"], [1.5, 2.5]),
    ],
)
def test_dates_that_begin_with_the_year_and_numbers_need_no_key(tmp_path, cells, right):
    assert times(tmp_path, cells).times.tolist() == right


@pytest.mark.parametrize(
    "cells, form, right",
    [
        (["31/01/2024", "01/02/2024"], "%d/%m/%Y", DAY),
        (["01/31/2024", "02/01/2024"], "%m/%d/%Y", DAY),
        (["31.01.24 23:00", "01.02.24 00:00"], "%d.%m.%y %H:%M", HOUR),
        (["01-31-2024 11:00 PM", "02-01-2024 12:00 AM"], "%m-%d-%Y %I:%M %p", HOUR),
        (["31 Jan 2024", "01 Feb 2024"], "%d %b %Y", DAY),
        (["20240131", "20240201"], "%Y%m%d", DAY),
        (["2024-01-31 23:00", "2024-02-01 00:00"], "%Y-%m-%d %H:%M", HOUR),
    ],
)
def test_other_dates_are_read_by_their_form_and_the_report_says_so(tmp_path, cells, form, right):
    found = times(tmp_path, cells, form)
    assert found.times.tolist() == right
    assert found.notes == (f"t.csv: 't' was read as dates of the form {form}",)


@pytest.mark.parametrize(
    "cell, keys",
    [
        ("01/02/2024", ['data.time_format = "%d/%m/%Y"', '"%m/%d/%Y"']),
        ("31/01/2024 10:00", ['data.time_format = "%d/%m/%Y %H:%M"', '"%m/%d/%Y %H:%M"']),
        ("1.2.24 10:00:00", ['data.time_format = "%d.%m.%y %H:%M:%S"']),
        ("01-02-2024", ['data.time_format = "%d-%m-%Y"', '"%m-%d-%Y"']),
        ("noon", ["2024-01-31"]),
        ("", ["2024-01-31"]),
        ("2024-02-30", ["2024-01-31"]),
        ("2024-01-31 25:00", ["2024-01-31"]),
        ("inf", ["2024-01-31"]),
    ],
)
def test_a_date_that_can_be_read_in_two_ways_is_refused_with_both(tmp_path, cell, keys):
    with refused("not-a-date", ["line 2:", repr(cell), *keys]):
        times(tmp_path, [cell, cell])


@pytest.mark.parametrize(
    "cells, fact",
    [
        (["20240131", "20240201"], '"%Y%m%d"'),
        (["202401", "202402"], "data.time"),
        (["20231231", "20240101"], '"%Y%m%d"'),
    ],
)
def test_dates_without_separators_are_not_taken_for_numbers(tmp_path, cells, fact):
    """After 20240131 comes 20240201: not 70 steps later."""
    with refused("ambiguous-time", [fact]):
        times(tmp_path, cells)
    pl.DataFrame({"t": [int(c) for c in cells], "a": [1.0, 2]}).write_parquet(tmp_path / "t.pq")
    with refused("ambiguous-time", [fact]):
        read_table(tmp_path / "t.pq", ["a"], "t")


@pytest.mark.parametrize("cells", [["2000", "2001"], ["20240101", "20240199"], ["199", "200"]])
def test_other_whole_numbers_are_times(tmp_path, cells):
    assert times(tmp_path, cells).times.tolist() == [float(c) for c in cells]


@pytest.mark.parametrize("form", ["%d", "nonsense", "%H:%M", "%Q"])
def test_a_form_that_cannot_be_used_is_refused(tmp_path, form):
    with pytest.raises(ValueError, match="time_format"):
        times(tmp_path, ["31/01/2024"], form)


@pytest.mark.parametrize(
    "column, right",
    [
        (pl.Series([START, START + timedelta(hours=1)]), HOUR),
        (pl.Series([START, START + timedelta(hours=1)]).dt.convert_time_zone("Asia/Tokyo"), HOUR),
        (pl.Series([START, START + timedelta(hours=1)]).dt.cast_time_unit("ns"), HOUR),
        (pl.Series([START.date(), START.date() + timedelta(1)]), DAY),
        (pl.Series([timedelta(0), timedelta(seconds=1.5)]), [0, 1.5]),
        (pl.Series([0, 7], dtype=pl.Int16), [0, 7]),
        (pl.Series(["2024-01-31", "2024-02-01"], dtype=pl.Categorical), DAY),
    ],
    ids=lambda one: str(getattr(one, "dtype", "")),
)
def test_times_of_parquet_are_read_as_they_are(tmp_path, column, right):
    pl.DataFrame({"t": column, "a": [1.0, 2.0]}).write_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", ["a"], "t").times.tolist() == right


@pytest.mark.parametrize("column", [[True, False], [datetime(2024, 1, 1).time(), None]])
def test_other_columns_of_parquet_are_not_times(tmp_path, column):
    pl.DataFrame({"t": column, "a": [1.0, 2.0]}).write_parquet(tmp_path / "t.parquet")
    with refused("not-a-date", ["row 1:", "'t'"]):
        read_table(tmp_path / "t.parquet", ["a"], "t")


def test_dates_with_and_without_a_zone_are_not_mixed(tmp_path):
    with refused("not-a-date", ["2024-01-01 00:00Z"]):
        times(tmp_path, ["2024-01-01 00:00", "2024-01-01 00:00Z"])


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.booleans())
def test_polars_and_python_agree_on_any_date(tmp_path_factory, when, parquet):
    folder = tmp_path_factory.getbasetemp()
    when = when.replace(microsecond=0)
    right = when.replace(tzinfo=UTC).timestamp()
    if parquet:
        pl.DataFrame({"t": [when], "a": [1.0]}).write_parquet(folder / "t.parquet")
        assert read_table(folder / "t.parquet", ["a"], "t").times.tolist() == [right]
        return
    for text in (str(when), when.isoformat(), f"{when:%Y/%m/%d %H:%M:%S}"):
        assert times(folder, [text]).times.tolist() == [right]
    assert times(folder, [f"{when:%d.%m.%Y %H:%M:%S}"], "%d.%m.%Y %H:%M:%S").times.tolist() == [
        right
    ]
