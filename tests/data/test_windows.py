"""Windows of tables: what is in them, what is left out, and what is refused."""

import numpy as np
import polars as pl
import pytest
from tests.errors import refused

from feint.data import series_load
from feint.data.config import Table
from feint.data.interpolation import interpolate_gaps


def table(path, rows=60, **columns):
    hours = np.datetime64("2024-01-01T00:00:00") + np.arange(rows) * np.timedelta64(1, "h")
    usual = {"date": [str(h).replace("T", " ") for h in hours], "a": np.arange(rows) * 1.0,
             "b": np.arange(rows) % 7 * 1.0, "c": np.arange(rows) + 0.5}  # fmt: skip
    frame = pl.DataFrame({**usual, **columns})
    frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
    return path


def spec(root, **words):
    usual = {"source": "windows", "inputs": ("a", "b"), "outputs": ("c",), "time": "date",
             "input_size": 6, "n_segments": 3, "test_sets": ("t-3",)}  # fmt: skip
    return Table(**{**usual, "root": root, **words})


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_windows_hold_their_rows_and_never_cross_parts(suffix, tmp_path):
    root = table(tmp_path / f"t{suffix}")
    train, test, notes = series_load.load_windows(
        spec(root, horizon=2, train_stride=3, units={"c": "°C"})
    )
    assert notes == []
    assert set(train.sets) == {"t-1", "t-2"}
    assert set(test.sets) == {"t-3"}
    begins = [int(key.rpartition("/")[2]) for key in train.keys]
    assert begins == [0, 3, 6, 9, 12, 20, 23, 26, 29, 32]  # parts of 20 rows, windows of 6 + 2
    for begin, seen, answer in zip(begins, train.actor, train.reactor, strict=True):
        assert seen[:, 0].tolist() == list(range(begin, begin + 6))
        assert answer[:, 0].tolist() == [n + 2.5 for n in range(begin, begin + 6)]
    assert train.feature_spec.output_unit == "°C"
    assert train.feature_spec.scale == pytest.approx(
        (np.arange(40).std(), (np.arange(40) % 7).std())
    )


def test_short_gaps_are_filled_and_windows_with_long_ones_left_out(tmp_path):
    a = [None if i in (2, 3, 24, 25, 26, 27, 28) else float(i) for i in range(60)]
    root = table(tmp_path / "t.csv", a=a)
    train, _, notes = series_load.load_windows(spec(root, max_gap=2))
    assert notes == [
        "2 training windows had gaps longer than 2: left out",
        "a: 2 of 60 values were missing and interpolated (data.max_gap = 2; with 0 such windows "
        "are left out)",
    ]
    assert train.actor.values[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5]
    out, there = interpolate_gaps(np.array([[np.nan, 1.0, np.nan, 3.0, np.nan]]).T, 3)
    assert there[:, 0].tolist() == [False, True, True, True, False]
    assert out[2, 0] == 2


def test_missing_rows_count_as_gaps(tmp_path):
    root = table(tmp_path / "t.csv")
    lines = root.read_text().splitlines()
    root.write_text("\n".join([*lines[:5], *lines[6:]]))
    train, _, notes = series_load.load_windows(spec(root))
    assert notes[0] == "t.csv: 1 steps were missing and count as gaps"
    assert [note.partition(" values")[0] for note in notes[1:]] == [
        f"{name}: 1 of 60" for name in "abc"
    ]
    assert train.actor.values[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "columns, words, code, names",
    [
        ({}, {"inputs": ("a", "x")}, "unknown-column", ["'x'", "date, a, b, c", "data.inputs"]),
        (
            {"b": ["1"] * 59 + ["one"]},
            {},
            "not-a-number",
            ["line 61", "'one'", "'b'", "data.missing", "data.words"],
        ),
        ({"b": [1.0] * 59 + [float("inf")]}, {}, "not-a-number", ["line 61", "'inf'", "'b'"]),
        ({"date": ["2024"] * 59 + ["x y"]}, {}, "not-a-date", ["'date'"]),
        ({"date": [float(i % 9) for i in range(60)]}, {}, "time-not-rising", ["line 11"]),
        ({"date": [i * i * 1.0 for i in range(60)]}, {}, "uneven-time", []),
        ({"date": [i + 1e6 * (i > 9) for i in range(60)]}, {}, "time-pauses", []),
        ({}, {"input_size": 30}, "no-window", ["30", "data.input_size"]),
        ({}, {"test_sets": ("t-4",)}, "unknown-set", ["t-1, t-2, t-3", "data.test_sets"]),
        ({}, {"test_sets": ("t-1", "t-2", "t-3")}, "nothing-to-train-on", ["3 sets"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(columns, words, code, names, tmp_path):
    with refused(code, names):
        series_load.load_windows(spec(table(tmp_path / "t.csv", **columns), **words))


def test_uneven_times_are_resampled_if_asked(tmp_path):
    times = [0.0, 1.0, 2.0, 3.4, 4.0, 5.0, 9.0, *range(10, 63)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["date,a,b,c", *(f"{t},{2 * t},{t},{t}" for t in times)]))
    with refused("uneven-time", ["data.resample = true"]):
        series_load.load_windows(spec(path))
    train, _, notes = series_load.load_windows(spec(path, resample=True, max_gap=0, train_stride=1))
    assert train.actor.values[0, :, 0].tolist() == [0, 2, 4, 6, 8, 10]  # 6 is between 4 and 6.8
    begins = [int(key.rpartition("/")[2]) for key in train.keys]
    assert begins[:2] == [0, 9]  # the pause from 5 to 9 stays a gap
    assert any("interpolated linearly" in note for note in notes)
