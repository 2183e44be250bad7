"""Which people are meant: still bodies that jitter, and bodies that change their name."""

from collections import Counter

import numpy as np
import pytest
from tests.errors import refused

from feint.data.people import Choice, choose, join_tracks, motion

FPS = 30.0
TWO = Choice(2)
TOP = Choice(2, top_motion=True)


def still(frames: int = 90, noise: float = 0.01, seed: int = 0, at: float = 3.0) -> np.ndarray:
    """A body of 1.7 m that does not move, seen with noise."""
    rng = np.random.default_rng(seed)
    pose = np.random.default_rng(9).uniform(0, 1.7, (25, 3))
    return pose + np.array([at, 0, 0]) + rng.normal(0, noise, (frames, 25, 3))


def walker(frames: int = 90, at: float = 0.0, speed: float = 0.5) -> np.ndarray:
    """A body that walks slowly, seen without noise."""
    time = np.arange(frames)[:, None, None] / FPS
    return still(frames, 0.0, at=at) + speed * time * np.array([1.0, 0, 0])


def chosen(people: dict[str, np.ndarray], choice: Choice = TOP):
    counts: Counter[str] = Counter()
    found = choose(people, choice, FPS, "x", counts)
    names = [next(name for name, one in people.items() if one is mine) for mine in found]
    return names, counts


@pytest.mark.parametrize("noise", [0.01, 0.03])
def test_a_still_body_that_jitters_is_not_one_who_moves(noise):
    """In 12 of 12 recordings a third body with 1 cm of noise displaced a person by its path."""
    people = {"ghost": still(noise=noise), "a": walker(), "b": walker(at=1.0, speed=-0.5)}
    path = {
        name: np.linalg.norm(np.diff(one, axis=0), axis=-1).sum() for name, one in people.items()
    }
    assert path["ghost"] > path["a"]  # what was compared before
    names, counts = chosen(people)
    assert names == ["a", "b"]
    assert counts["recordings of which the people with most motion were taken"] == 1


def test_somebody_who_passes_by_for_some_frames_is_not_who_is_meant():
    passer = walker(at=2.0, speed=4.0)
    passer[9:] = np.nan
    names, _ = chosen({"passer": passer, "a": walker(), "b": walker(at=1.0, speed=-0.5)})
    assert names == ["a", "b"]


def test_gestures_on_the_spot_are_motion():
    waves = still(noise=0.005)
    waves[:, :3, 1] += 0.3 * np.sin(np.arange(90) / 5)[:, None]
    assert motion(waves) > 10 * motion(still())
    assert motion(np.full((5, 3, 3), np.nan)) == 0


@pytest.mark.parametrize("lost", [0, 1, 10])
@pytest.mark.parametrize("choice", [TWO, TOP])
def test_a_body_that_gets_another_name_is_one_person(lost, choice):
    """Half of its recording was left out as a gap."""
    whole, other = walker(), walker(at=1.0, speed=-0.3)
    early, late = whole.copy(), whole.copy()
    early[40:], late[: 40 + lost] = np.nan, np.nan
    counts: Counter[str] = Counter()
    found = choose({"72": early, "75": other, "99": late}, choice, FPS, "x", counts)
    expected = whole.copy()
    expected[40 : 40 + lost] = np.nan
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1], other)
    assert counts["bodies that got another name in the middle of a recording, joined"] == 1


def test_three_names_of_one_body_are_one_person():
    whole = walker(120)
    parts = [whole.copy() for _ in range(3)]
    parts[0][40:], parts[1][:41], parts[1][80:], parts[2][:82] = (np.nan,) * 4
    tracks, joined = join_tracks({"a": parts[0], "b": parts[1], "c": parts[2]}, FPS)
    assert (list(tracks), joined) == (["a"], 2)
    assert np.isnan(tracks["a"]).any(axis=(1, 2)).sum() == 3


@pytest.mark.parametrize("change", ["elsewhere", "late", "together"])
def test_others_are_not_joined(change):
    early, late = walker(), walker(at=4.0 if change == "elsewhere" else 0.0)
    early[30:] = np.nan
    late[: {"elsewhere": 30, "late": 80, "together": 25}[change]] = np.nan
    assert join_tracks({"a": early, "b": late}, FPS)[1] == 0


def test_too_many_and_too_few_people_say_what_to_write():
    people = {"a": walker(), "b": walker(at=1.0), "c": walker(at=5.0)}
    with refused("wrong-number-of-people", ["a, b, c", "data.people", "top-2-motion"]):
        chosen(people, TWO)
    with refused("wrong-number-of-people", ["data.horizon"]):
        chosen({"a": walker()}, TWO)
    with refused("unknown-person", ["z", "a, b, c", "data.people"]):
        chosen(people, Choice(2, ("a", "z")))
    assert chosen(people, Choice(2, ("c", "a")))[0] == ["c", "a"]
