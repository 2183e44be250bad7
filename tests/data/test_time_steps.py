"""Rows at even steps of time: rounded clocks are read, and missing steps are gaps."""

import numpy as np
import pytest
from tests.data.formats.test_tables import read
from tests.errors import refused

from feint.data.clock import fit_grid
from feint.data.time_steps import TimeSteps


def even(folder, cells, steps=None, name="t"):
    """The values 0, 1, 2, ... of rows at these times, on an even grid."""
    text = "t,a\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells))
    table = read(folder, text, time="t")
    steps = steps or TimeSteps()
    path = folder / f"{name}.csv"
    found = steps.even(path, table.values, table, np.arange(len(table.values)))
    return found[:, 0].tolist(), steps.notes()


@pytest.mark.parametrize(
    "cells",
    [
        [0, 33, 67, 100, 133, 167, 200],
        [f"{i / 60:.3f}" for i in range(200)],
        [f"{i / 29.97:.2f}" for i in range(50)],
        (np.arange(60) * 50 + np.random.default_rng(0).normal(0, 3, 60)).round(1).tolist(),
        [i * 60 * 1.0002 for i in range(2000)],  # a clock that goes wrong by a third of a step
    ],
)
def test_rounded_and_jittering_clocks_are_read_row_by_row(tmp_path, cells):
    found, _ = even(tmp_path, cells)
    assert found == list(range(len(cells)))


def test_what_is_uneven_is_said(tmp_path):
    _, notes = even(tmp_path, [0, 33, 67, 100])
    assert notes == [
        "t.csv: the times are uneven by up to 2 % of a step; the rows were taken as evenly spaced"
    ]
    assert even(tmp_path, [0, 10, 20, 30])[1] == []


def test_missing_steps_are_gaps(tmp_path):
    found, notes = even(tmp_path, [0, 1, 2, 5, 6])
    assert found[:3] == [0, 1, 2]
    assert np.isnan(found[3:5]).all()
    assert found[5:] == [3, 4]
    assert notes == ["t.csv: 2 steps were missing and count as gaps"]


@pytest.mark.parametrize(
    "cells, code, facts",
    [
        ([0, 1, 1, 2], "time-not-rising", ["line 4:", "(1, then 1)", "data.track"]),
        (
            [1729990000, 1729990001, 1729990001],
            "time-not-rising",
            ["(1729990001, then 1729990001)"],
        ),
        (
            ["2024-10-27 02:00", "2024-10-27 03:00", "2024-10-27 02:00"],
            "time-not-rising",
            ["2024-10-27 03:00", "time zone"],
        ),
        ([0, 1, 2, 2.5, 3], "uneven-time", ["data.time", "data.resample = true"]),
        ([0, 1, 4, 9, 16, 25], "uneven-time", ["data.time", "data.resample = true"]),
        ([0, 1, 2, 1000], "time-pauses", ["line 5:", "data.track"]),
    ],
)
def test_times_that_are_not_even_steps_are_refused(tmp_path, cells, code, facts):
    with refused(code, facts):
        even(tmp_path, cells)


def test_uneven_rows_are_resampled_on_request(tmp_path):
    """A straight line stays one, in float64, and a pause stays a gap."""
    times = [0, 0.7, 2.2, 3, 4, 8, 9, 10]
    text = "t,a\n" + "".join(f"{t},{1e9 + 2 * t!r}\n" for t in times)
    table = read(tmp_path, text, time="t")
    steps = TimeSteps(resample=True)
    rows = np.arange(len(times))
    found = steps.even(tmp_path / "t.csv", table.values, table, rows)[:, 0]
    at = np.arange(len(found)) * fit_grid(table.times, "t").step
    known = ~np.isnan(found)
    assert found[known] == pytest.approx(1e9 + 2.0 * at[known], abs=1e-6)
    pause = (at > 4) & (at < 8)
    assert (pause <= ~known).all()
    assert known[(at < 0.7) | (at > 8)].all()
    assert steps.notes() == ["t.csv: rows at uneven times were interpolated linearly at even steps"]


def test_files_of_different_steps_are_not_mixed(tmp_path):
    """An hourly file beside one of quarter hours is another thing than it seems to a model."""
    steps = TimeSteps()
    even(tmp_path, [0, 3600, 7200], steps, "hours")
    with refused("unequal-steps", ["quarters.csv", "900", "hours.csv", "3600", "data.time"]):
        even(tmp_path, [0, 900, 1800], steps, "quarters")


def test_a_grid_has_the_step_of_the_whole_span():
    grid = fit_grid(np.array([0, 33, 67, 100.0]), "x")
    assert grid.step == pytest.approx(100 / 3)
    assert grid.index.tolist() == [0, 1, 2, 3]
    assert grid.is_even
    assert not fit_grid(np.array([0, 1, 2, 2.4]), "x").is_even
