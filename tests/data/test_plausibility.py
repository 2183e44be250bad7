"""What is no person: giants, people who lie down or stand on their heads, bones that stretch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.errors import refused

from feint.data.formats.skeletons import COCO_17
from feint.data.plausibility import (
    body_height,
    bone_spread,
    bone_warnings,
    check_height,
    check_origin,
    check_upright,
)
from feint.data.synthetic import generate
from feint.skeleton import SBU_15


@pytest.fixture(scope="module")
def people() -> list[np.ndarray]:
    some = generate.generate(repetitions=1, sets=["s01s02"], noise=0.0)
    turn = np.array([-1.0, 1.0, -1.0])
    each = [one for pair in some for one in (pair.first, pair.second)]
    return [SBU_15.to_metres(one.to(torch.float64)).numpy() * turn for one in each]


def test_people_are_people(people):
    check_height(people, SBU_15)
    check_upright(people, SBU_15, "y")
    assert bone_warnings(people, SBU_15) == []
    assert bone_spread(people, SBU_15) < 1e-6


def test_giants_are_refused(people):
    with refused("implausible-height", ["data.unit", "data.up", "data.height"]):
        check_height([100 * one for one in people], SBU_15)


def test_people_far_from_the_origin_would_be_blurred(people):
    """A neighbour of float32 without a look at tables: metres of a map."""
    check_origin([one + np.array([500.0, 0, 900]) for one in people])
    with refused("far-from-origin", ["data.skeleton", "offset = [-451000, ", "mm"]):
        check_origin([one * 0.01 + np.array([451_000.0, 0, 5_411_000]) for one in people])


@pytest.mark.parametrize("order, up", [([0, 2, 1], "y"), ([1, 0, 2], "y"), ([0, 2, 1], "-y")])
def test_people_do_not_lie_down(people, order, up):
    """With data.height a forgotten data.up was hidden: the scale was 68 % off."""
    with refused("wrong-up", ["data.up", f'data.up = "{up}"']):
        check_upright([one[..., order] for one in people], SBU_15, up)


@pytest.mark.parametrize("up, other", [("y", "-y"), ("-y", "y"), ("z", "-z")])
def test_people_do_not_stand_on_their_heads(people, up, other):
    with refused("wrong-up", [f'data.up = "{other}"']):
        check_upright([one * [1, -1, -1] for one in people], SBU_15, up)


def test_without_a_head_the_extent_decides(people):
    headless = replace(SBU_15, joints=tuple(f"joint {i}" for i in range(15)), root="joint 2",
                       bones=(("joint 2", "joint 1"),))  # fmt: skip
    check_upright(people, headless, "y")
    with refused("wrong-up"):
        check_upright([one[..., [0, 2, 1]] for one in people], headless, "y")


def test_noses_of_images_are_above_hips():
    pose = np.zeros((4, 17, 2))
    pose[:, COCO_17.joint("nose")] = [0, 0.8]
    flat = replace(COCO_17, axes=("x", "y"), scale=(1.0, 1.0), offset=(0.0, 0.0))
    check_upright([pose], flat, "y")
    with refused("wrong-up"):
        check_upright([-pose], flat, "y")


def test_raised_hands_do_not_make_a_person_taller():
    names = ("head", "hand", "foot")
    pose = np.array([[0, 1.6, 0], [0.3, 2.1, 0], [0, 0.0, 0]])
    people = [np.tile(pose, (5, 1, 1))]
    top = [i for i, name in enumerate(names) if name == "head"]
    assert body_height(people, 1, top) == pytest.approx(1.6)
    assert body_height(people, 1) == pytest.approx(2.1)


def test_bones_that_stretch_are_a_warning(people):
    """Scrambled joints: bones of 7.3 % spread against 3.2 %."""
    order = [SBU_15.joint(name) for name in SBU_15.joints]
    order[5], order[0], order[14] = order[14], order[5], order[0]
    (warning,) = bone_warnings([one[:, order] for one in people], SBU_15) or [""]
    spread = bone_spread([one[:, order] for one in people], SBU_15)
    assert bool(warning) == (spread > 0.05)
    stretched = [one * np.linspace(1, 1.3, len(one))[:, None, None] for one in people]
    (warning,) = bone_warnings(stretched, SBU_15)
    assert "bones-not-rigid" in warning
    assert "data.skeleton" in warning
    assert np.isnan(bone_spread(people, replace(SBU_15, axes=("x", "y"))))
