"""Windows of tables: what is in them, what is left out, and what is refused."""

import numpy as np
import polars as pl
import pytest

from feint.data import series_load
from feint.data.config import Table
from feint.data.interpolation import interpolate_gaps
from feint.errors import FeintError


def table(path, rows=60, **columns):
    hours = np.datetime64("2024-01-01T00:00:00") + np.arange(rows) * np.timedelta64(1, "h")
    usual = {"date": [str(h).replace("T", " ") for h in hours], "a": np.arange(rows) * 1.0,
             "b": np.arange(rows) % 7 * 1.0, "c": np.arange(rows) + 0.5}  # fmt: skip
    frame = pl.DataFrame({**usual, **columns})
    frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
    return path


def spec(root, **words):
    usual = {"source": "windows", "inputs": ("a", "b"), "outputs": ("c",), "time": "date",
             "length": 6, "parts": 3, "test_sets": ("t-3",)}  # fmt: skip
    return Table(**{**usual, "root": root, **words})


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_windows_hold_their_rows_and_never_cross_parts(suffix, tmp_path):
    root = table(tmp_path / f"t{suffix}")
    train, test, notes = series_load.of_table(
        spec(root, ahead=2, train_stride=3, units={"c": "°C"})
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
    train, _, notes = series_load.of_table(spec(root, gap=2))
    assert notes == ["2 training windows with longer gaps than 2 were left out"]
    assert train.actor.values[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5]
    out, there = interpolate_gaps(np.array([[np.nan, 1.0, np.nan, 3.0, np.nan]]).T, 3)
    assert there[:, 0].tolist() == [False, True, True, True, False]
    assert out[2, 0] == 2


def test_missing_rows_count_as_gaps(tmp_path):
    root = table(tmp_path / "t.csv")
    lines = root.read_text().splitlines()
    root.write_text("\n".join([*lines[:5], *lines[6:]]))
    train, _, notes = series_load.of_table(spec(root))
    assert notes == ["t.csv: 1 steps were missing and count as gaps"]
    assert train.actor.values[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "columns, words, told",
    [
        ({}, {"inputs": ("a", "x")}, r"no column 'x'; it has date, a, b, c"),
        ({"b": ["1"] * 59 + ["one"]}, {}, r"row 60: got 'one' in the column 'b'"),
        ({"b": [1.0] * 59 + [float("inf")]}, {}, r"row 60: got 'inf' in the column 'b'"),
        ({"date": ["2024"] * 59 + ["x y"]}, {}, r"time 'date'|dates or numbers"),
        ({"date": [float(i % 9) for i in range(60)]}, {}, r"row 10: the time does not rise"),
        ({"date": [i * i * 1.0 for i in range(60)]}, {}, r"does not resample series"),
        ({"date": [i + 1e6 * (i > 9) for i in range(60)]}, {}, r"Cut the file where it pauses"),
        ({}, {"length": 30}, r"No window of 30 steps"),
        ({}, {"test_sets": ("t-4",)}, r"t-4 are not in the data; it has t-1, t-2, t-3"),
        ({}, {"test_sets": ("t-1", "t-2", "t-3")}, r"All 3 sets are held out"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(columns, words, told, tmp_path):
    with pytest.raises(FeintError, match=told):
        series_load.of_table(spec(table(tmp_path / "t.csv", **columns), **words))
