"""Windows of tables: what is in them, what is left out, and what is refused."""

import numpy as np
import polars as pl
import pytest
import torch
from pydantic import ValidationError
from tests.errors import refused

from feint.data import series_load
from feint.data.config import TableData
from feint.data.interpolation import interpolate_gaps
from feint.experiments.budgets import make_budget
from feint.experiments.config import AttackConfig
from feint.sequences import Sequences


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
    return TableData(**{**usual, "root": root, **words})


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


# -- what is said, and what is refused, before a number is silently another one ------------------


def write(folder, name="t.csv", **columns):
    pl.DataFrame(columns).write_csv(folder / name)
    return folder / name


def loaded(root, **words):
    usual = {"source": "windows", "inputs": ("a",), "outputs": ("c",), "input_size": 6,
             "n_segments": 3, "test_sets": ("t-3",)}  # fmt: skip
    return series_load.load_windows(TableData(**{**usual, "root": root, **words}))


@pytest.mark.parametrize(
    "column, offset",
    [
        ([123456789 + i % 4 / 4 for i in range(60)], 123456789),
        ([4512300 + i / 100 for i in range(60)], 4512300),  # a northing, read by the centimetre
        ([1.73e9 + 3600 * i for i in range(60)], 1.73e9),  # seconds since 1970
        ([16777216 + i % 2 for i in range(60)], 16777216),  # a counter of whole numbers
    ],
)
@pytest.mark.parametrize("of", ["a", "c"])
def test_what_float32_would_blur_is_refused_with_an_offset_to_write(tmp_path, column, offset, of):
    other = [float(i % 7) for i in range(60)]
    root = write(tmp_path, **{"a": other, "c": other, of: column})
    with refused("beyond-float32", [repr(of), "data.offsets"]):
        loaded(root)
    train, _, notes = loaded(root, offsets={of: offset})
    assert f"{of}: all values are relative to {offset:.15g} (data.offsets)" in notes
    right = np.float32(np.array(column) - offset)
    for key, one in zip(train.keys, train.actor if of == "a" else train.reactor, strict=True):
        begin = int(key.rpartition("/")[2])
        assert one[:, 0].tolist() == right[begin : begin + 6].tolist()


def test_large_values_that_float32_holds_are_read(tmp_path):
    column = [101_325 + 40 * np.sin(i) for i in range(60)]  # pressure in Pa
    train, _, _ = loaded(write(tmp_path, a=column, c=column))
    assert train.feature_spec.resolution == (0.0078125,)


@pytest.mark.parametrize("size", [1.0, 1e-15, 1e9])
def test_a_constant_column_has_no_deviation_and_the_report_says_so(tmp_path, size):
    column = [0.23 * size] * 60
    root = write(tmp_path, a=column, b=[i * size for i in range(60)], c=column)
    train, _, notes = loaded(root, inputs=("a", "b"))
    spec = train.feature_spec
    assert spec.scale == (0.0, pytest.approx(np.arange(40).std() * size))
    assert notes == ["a never changes in the training windows: its standard deviation is 0"]
    attack = AttackConfig(eps=(0.5,), eps_unit="deviation")
    with refused("constant-column", ["'a'", "attack.columns = ['b']", "attack.eps_per_column"]):
        make_budget(attack, spec, 0)
    budget = make_budget(attack.model_copy(update={"columns": ("b",)}), spec, 0)
    x = Sequences.pad([torch.full((4, 2), 0.23 * size)])
    assert budget.radius(x)[..., 0].max() == 0 or not budget.coords[0]


def test_an_eps_below_the_step_of_float32_is_refused(tmp_path):
    column = [4.5e6 + 3000 * np.sin(i) for i in range(60)]  # where float32 has steps of 0.5
    train, _, _ = loaded(write(tmp_path, a=column, c=column))
    with refused("eps-below-precision", ["eps = 0.3", "'a'", "0.5", "data.offsets"]):
        make_budget(AttackConfig(eps=(0.3, 100.0), eps_unit="data"), train.feature_spec, 0)
    make_budget(AttackConfig(eps=(100.0,), eps_unit="data"), train.feature_spec, 0)
    train, _, _ = loaded(tmp_path / "t.csv", offsets={"a": 4.5e6, "c": 4.5e6})
    make_budget(AttackConfig(eps=(0.3, 100.0), eps_unit="data"), train.feature_spec, 0)


def test_interpolated_values_are_counted_for_each_column(tmp_path):
    """An hourly column in quarter-hour rows: three of four values are made up."""
    hourly = [float(i) if i % 4 == 0 else None for i in range(60)]
    rows = [float(i) for i in range(60)]
    _, _, notes = loaded(write(tmp_path, a=hourly, c=rows), n_segments=2, test_sets=("t-2",))
    assert notes[-1] == (
        "a: 39 of 60 values were missing and interpolated (data.max_gap = 3; with 0 such windows "
        "are left out)"
    )
    with refused("no-window", ["data.max_gap"]):
        loaded(tmp_path / "t.csv", n_segments=2, test_sets=("t-2",), max_gap=0)


def test_weekends_of_trading_days_are_said(tmp_path):
    days = np.arange("2024-01-01", "2024-04-01", dtype="datetime64[D]")
    days = days[np.is_busday(days)]
    rows = np.arange(len(days)) * 1.0
    root = write(tmp_path, date=days.astype(str), a=rows, c=rows)
    _, _, notes = loaded(root, time="date", n_segments=2, test_sets=("t-2",))
    assert notes[0] == "t.csv: 24 steps were missing and count as gaps"
    assert [note.partition(" values")[0] for note in notes[1:]] == ["a: 24 of 89", "c: 24 of 89"]


def test_every_track_is_a_series_of_its_own(tmp_path):
    """Rows of several people or sensors, one after the other or mixed: no window holds two."""
    frames = [f for f in range(30) for _ in "xyz"]
    tracks = ["x", "y", "z"] * 30
    a = [f + 100.0 * "xyz".index(t) for f, t in zip(frames, tracks, strict=True)]
    root = write(tmp_path, frame=frames, id=tracks, a=a, c=a)
    words = {"time": "frame", "track": "id", "n_segments": 1, "test_sets": ("t-z",)}
    train, test, _ = loaded(root, **words)
    assert set(train.sets) == {"t-x", "t-y"}
    assert set(test.sets) == {"t-z"}
    for pairs, starts in ((train, (0, 100)), (test, (200,))):
        firsts = [one[0, 0].item() for one in pairs.actor]
        assert firsts == [start + k for start in starts for k in (0, 6, 12, 18, 24)]
        assert all((one.diff(dim=0) == 1).all() for one in pairs.actor)
    with refused("time-not-rising", ["data.track"]):
        loaded(root, **{**words, "track": None, "test_share": 0.5, "test_sets": None})
    with refused("unknown-column", ["'name'"]):
        loaded(root, **{**words, "track": "name"})


def test_a_file_is_held_out_by_its_name(tmp_path):
    """One scene of several, with all its tracks."""
    for name in ("eth", "hotel"):
        rows = [float(i) for i in range(12)]
        write(tmp_path, f"{name}.csv", id=["x", "y"] * 6, a=rows, c=rows)
    words = {"track": "id", "n_segments": 2, "input_size": 3}
    train, test, _ = loaded(tmp_path, **{**words, "test_sets": ("hotel",)})
    assert set(train.sets) == {"eth-x-1", "eth-x-2", "eth-y-1", "eth-y-2"}
    assert set(test.sets) == {"hotel-x-1", "hotel-x-2", "hotel-y-1", "hotel-y-2"}
    _, test, _ = loaded(tmp_path, **{**words, "test_sets": ("hotel-x-2", "eth-y-1")})
    assert set(test.sets) == {"hotel-x-2", "eth-y-1"}


def test_a_row_without_a_track_is_refused(tmp_path):
    root = write(tmp_path, id=["x", None, "x"] * 20, a=list(range(60)), c=list(range(60)))
    with refused("missing-value", ["line 3", "'id'", "data.track"]):
        loaded(root, track="id")


@pytest.mark.parametrize(
    "words, code",
    [
        ({"decimal": ",", "thousands": ","}, "bad-separator"),
        ({"offsets": {"x": 1.0}}, "unknown-column"),
        ({"units": {"x": "m"}}, "unknown-column"),
        ({"inputs": ("a", "a")}, "duplicate-name"),
        ({"inputs": None}, "missing-key"),
        ({"horizon": 2, "first_pose": True}, "first-pose-is-future"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(tmp_path, words, code):
    with pytest.raises(ValidationError) as caught:
        loaded(tmp_path, **words)
    assert caught.value.errors()[0]["ctx"]["error"].code == code
