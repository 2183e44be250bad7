"""Limbs of exact length, feet that stand still, and joints in SBU's order."""

import numpy as np
import pytest
from tests.errors import refused

from feint.data.synthetic.body import Body, Motion, limb, pose
from feint.data.synthetic.gait import FLOOR, ease, steps, walk
from feint.skeleton import SBU_15

BODY = Body.of(1.0)


def still(frames: int) -> Motion:
    """Somebody who faces x and does nothing."""
    zero = np.zeros(frames)
    return Motion(
        path=np.zeros((frames, 2)),
        heading=zero,
        lean=zero,
        aside=zero,
        twist=zero,
        nod=zero,
        crouch=zero,
        hands=np.broadcast_to(np.array([0.0, -0.95, 0.1]), (frames, 2, 3)).copy(),
        meet=np.zeros((frames, 2, 3)),
        reach=np.zeros((frames, 2)),
        foot=np.zeros((frames, 3)),
        kick=zero,
        kicks_left=False,
        swing=0.0,
        width=BODY.hip_aside,
        stagger=0.0,
    )


@pytest.mark.parametrize("way", [ease, walk])
def test_a_way_goes_from_0_to_1_without_turning_back(way) -> None:
    values = way(np.linspace(-0.5, 1.5, 201))
    assert values[0] == 0
    assert values[-1] == pytest.approx(1)
    assert (np.diff(values) >= 0).all()


def test_a_limb_reaches_what_it_can_and_keeps_its_bones() -> None:
    rng = np.random.default_rng(0)
    start, goal = rng.normal(size=(100, 3)), rng.normal(size=(100, 3))
    towards = np.array([[0.0, -1.0, 0.2]]).repeat(100, axis=0)
    middle, end = limb(start, goal, 0.3, 0.28, towards)
    np.testing.assert_allclose(np.linalg.norm(middle - start, axis=1), 0.3, rtol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(end - middle, axis=1), 0.28, rtol=1e-9)
    far = np.linalg.norm(goal - start, axis=1)
    within = (far > 0.2) & (far < 0.57)
    assert within.any()
    np.testing.assert_allclose(end[within], goal[within], atol=1e-9)


def test_a_standing_body_has_its_left_on_its_left() -> None:
    joints = pose(BODY, still(3), 15.0)
    assert joints.shape == (3, 15, 3)
    # Facing x (the image's left) with y up and z away from the camera, the left is at the camera.
    for part in ("shoulder", "hand", "hip", "foot"):
        left, right = (SBU_15.joint(f"{side} {part}") for side in ("left", "right"))
        assert (joints[:, left, 2] < joints[:, right, 2]).all()
    heights = [joints[0, SBU_15.joint(n), 1] for n in ("head", "neck", "torso", "left knee")]
    assert heights == sorted(heights, reverse=True)
    assert joints[0, SBU_15.joint("left foot"), 1] == pytest.approx(FLOOR, abs=0.01)


def test_feet_stand_while_the_body_sways_and_end_under_a_body_that_walks() -> None:
    time = np.arange(40)
    sway = np.stack([0.005 * np.sin(time / 4), np.zeros(40)], axis=1)
    feet = steps(sway, np.zeros(40), 0.1, 0.0, True, 15.0)
    assert (feet == feet[0]).all()

    path = np.stack([0.9 * walk((time - 5) / 25), np.zeros(40)], axis=1)
    feet = steps(path, np.zeros(40), 0.1, 0.0, True, 15.0)
    np.testing.assert_allclose(feet[-1, :, 0], 0.9)
    np.testing.assert_allclose(feet[-1, :, 1], FLOOR)
    moving = np.abs(np.diff(feet[:, :, [0, 2]], axis=0)).max(axis=2) > 1e-9
    lifted = feet[:, :, 1] > FLOOR + 1e-9
    assert not lifted.all(axis=1).any(), "one foot at a time"
    assert moving.any(axis=0).all()


def test_one_frame_is_no_motion() -> None:
    with refused("too-short", ["1", "2"]):
        pose(BODY, still(1), 15.0)
