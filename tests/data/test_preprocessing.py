"""Rates, gaps and pieces of a recording: what is kept, what is counted, what the errors name."""

import numpy as np
import pytest
from tests.errors import refused

from feint.data.formats.recording import Recording
from feint.data.listing import RecordingFiles
from feint.data.people import Choice
from feint.data.preprocessing import PreprocessOptions, interactions
from feint.data.scale import ONES, ZEROS, Scale
from feint.skeleton import Skeleton

STICK = Skeleton(
    "s", ("hip", "hand"), (("hip", "hand"),), "hip", ("x", "y", "z"), ONES, ZEROS, 10.0
)
FILES = RecordingFiles("set/label/name", "set", "label", ())


def options(**more) -> PreprocessOptions:
    choice = Choice(1 if more.get("horizon") else 2)
    return PreprocessOptions(Scale(STICK, "x y z"), choice, **{"min_frames": 2, **more})


def person(frames: int, by: float = 0.1) -> np.ndarray:
    """Frame t is at t * by."""
    return np.tile(by * np.arange(frames)[:, None, None], (1, 2, 3)).astype(float)


def made(people, how, tmp_path, **more):
    path = tmp_path / "x.json"
    files = RecordingFiles("set/label/name", "set", "label", (path,))
    each = {str(i): one for i, one in enumerate(people)}
    return interactions(files, [Recording(str(path), each, fps=more.pop("fps", 10.0), **more)], how)


def x_of(one) -> list[float]:
    return [round(float(x), 4) for x in one.first[:, 0]]


@pytest.mark.parametrize("horizon", [1, 3, 7])
def test_frames_of_a_piece_are_those_that_a_model_sees(horizon, tmp_path):
    """`min_frames` counted what is seen and `max_frames` what is seen and predicted."""
    how = options(horizon=horizon, min_frames=6, max_frames=10)
    found = made([person(40 + horizon)], how, tmp_path)
    assert [len(one.first) for one in found] == [10, 10, 10, 10]
    seen = [x for one in found for x in x_of(one)]
    assert seen == pytest.approx([0.1 * t for t in range(40)], abs=1e-4)
    for one in found:
        np.testing.assert_allclose(one.second - one.first, 0.1 * horizon, atol=1e-5)
    assert [len(one.first) for one in made([person(6 + horizon)], how, tmp_path)] == [6]
    assert made([person(5 + horizon)], how, tmp_path) == []
    assert how.counts["recordings too short and left out"] == 1


def test_a_gap_names_the_joint_and_the_frames(tmp_path):
    two = [person(30), person(30)]
    two[1][4:11, 1] = np.nan
    with refused(
        "long-gap", ["'hand'", "second person", "frames 4 to 10", "0.70 s", "data.max_gap"]
    ):
        made(two, options(), tmp_path)
    two[0][5:9, 0] = np.nan
    with refused("long-gap", ["data.on_long_gap"]):
        made(two, options(), tmp_path)
    found = made(two, options(split_at_gaps=True), tmp_path)
    assert [len(one.first) for one in found] == [4, 19]


def test_a_joint_that_is_never_seen_is_named(tmp_path):
    two = [person(9), person(9)]
    two[0][:, 1] = np.nan
    with refused("missing-joint", ["'hand'", "first person", "data.skeleton", "data.leave_out"]):
        made(two, options(), tmp_path)


def test_short_gaps_are_interpolated_and_counted(tmp_path):
    two = [person(9), person(9)]
    two[0][3:5, 1] = np.nan
    how = options()
    (one,) = made(two, how, tmp_path)
    np.testing.assert_allclose(one.first, person(9).reshape(9, -1), atol=1e-6)
    assert how.counts["values interpolated in short gaps"] == 6


@pytest.mark.parametrize("fps, expected", [(30.0, [0, 0.3, 0.6]), (5.0, [0, 0.05, 0.1])])
def test_other_rates_are_resampled_if_asked(fps, expected, tmp_path):
    two = [person(9), person(9)]
    with refused("different-rates", [f"{fps:g}", "10", "data.fps = 10"]):
        made(two, options(), tmp_path, fps=fps)
    (one,) = made(two, options(resample=True), tmp_path, fps=fps)
    assert x_of(one)[:3] == expected


def test_frame_numbers_that_rise_by_more_than_one_are_another_rate(tmp_path):
    two = [person(9), person(9)]
    (one,) = made(two, options(), tmp_path, fps=30.0, frame_step=3)
    assert x_of(one)[:3] == [0, 0.1, 0.2]


def test_files_without_a_rate_have_the_one_that_is_set(tmp_path):
    two = [person(9), person(9)]
    with refused("no-frame-rate", ["data.fps"]):
        made(two, options(), tmp_path, fps=None)
    (one,) = made(two, options(resample=True, default_fps=10.0), tmp_path, fps=None)
    assert len(one.first) == 9


def test_uneven_times_are_interpolated_at_even_steps(tmp_path):
    times = np.array([0.0, 0.1, 0.25, 0.3, 0.4, 0.55, 0.6, 0.9])
    two = [np.tile(times[:, None, None], (1, 2, 3)) for _ in range(2)]
    with refused("uneven-time", ["data.fps"]):
        made(two, options(), tmp_path, fps=None, times=times)
    (one,) = made(two, options(resample=True), tmp_path, fps=None, times=times)
    assert x_of(one) == pytest.approx([0.1 * t for t in range(10)], abs=1e-4)


def test_files_of_unequal_length_are_cut_or_refused(tmp_path):
    how = options()
    path = tmp_path / "a.bvh"
    files = RecordingFiles("set/label/name", "set", "label", (path, path))
    each = [Recording("a", {who: person(n)}, fps=10.0) for who, n in (("a", 30), ("b", 31))]
    (one,) = interactions(files, each, how)
    assert len(one.first) == len(one.second) == 30
    each[1] = Recording("a", {"b": person(60)}, fps=10.0)
    with refused("unequal-lengths", ["30", "60", "data.leave_out"]):
        interactions(files, each, how)
