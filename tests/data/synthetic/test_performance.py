"""Keyframes become channels: rest, lead, size; and every scene can be played."""

import numpy as np
import pytest

from feint.data.synthetic.choreography import REST, SCENES
from feint.data.synthetic.generate import PARTICIPANTS
from feint.data.synthetic.performance import Style, perform, play

PLAIN = Style(lead=0.0, size=1.0, ready=0.0, shift=(0.0,))


def test_a_channel_rests_reaches_its_keys_and_stays() -> None:
    keys = ((0.25, 1.0), (0.5, 1.0), (0.75, -0.5))
    values = play(keys, 0.0, PLAIN, 40)[:, 0]
    assert values[0] == 0
    np.testing.assert_allclose(values[10:21], 1.0)
    np.testing.assert_allclose(values[30:], -0.5)
    np.testing.assert_array_equal(play((), 0.3, PLAIN, 4), np.full((4, 1), 0.3))


def test_a_late_player_does_the_same_later() -> None:
    keys = ((0.25, 1.0), (0.6, 0.0))
    late = Style(lead=-4.0, size=1.0, ready=0.0, shift=(0.0,))
    np.testing.assert_allclose(play(keys, 0.0, late, 40)[4:], play(keys, 0.0, PLAIN, 40)[:-4])
    assert (play(keys, 0.0, late, 40)[:5] == 0).all()


def test_a_hand_goes_back_to_where_it_rested() -> None:
    rest = np.array([0.1, -0.9, 0.2])
    large = Style(lead=0.0, size=1.5, ready=0.0, shift=(0.0,))
    values = play(((0.4, (0.9, 0.0, 0.0)), (0.8, REST)), rest, large, 20)
    np.testing.assert_allclose(values[8], rest + 1.5 * (np.array([0.9, 0.0, 0.0]) - rest))
    np.testing.assert_allclose(values[-1], rest, atol=1e-12)


@pytest.mark.parametrize("name", SCENES)
def test_both_people_of_a_scene_have_as_many_frames(name: str) -> None:
    first, second = perform(
        SCENES[name], PARTICIPANTS[3], PARTICIPANTS[0], np.random.default_rng(0)
    )
    assert first.shape == second.shape
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()
