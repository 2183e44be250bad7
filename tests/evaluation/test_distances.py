"""Answers whose distance is known by hand: moved, turned, bent."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.errors import refused

from feint.data.facing import egocentric_motion, rotate_about_vertical
from feint.evaluation.distances import place_distance, pose_distance, turns
from feint.sequences import Sequences
from feint.skeleton import SBU_15, Skeleton

STICK = Skeleton(
    "stick", ("hip", "head"), (("hip", "head"),), "hip", ("x", "y"), (2.0, 2.0), (0.0, 0.0), 10.0
)


def people(seed: int = 0, skeleton: Skeleton = SBU_15) -> Sequences:
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.rand(n, skeleton.features, generator=generator) for n in (5, 3)]
    return Sequences.pad(rows)


def moved(x: Sequences, angle: float, by: tuple[float, float, float]) -> Sequences:
    """Every body turned about the vertical through its first root, then moved, in metres."""
    positions = SBU_15.to_metres(x.values)
    first = positions[:, :1, [SBU_15.joint(SBU_15.root)]]
    turned = rotate_about_vertical(positions - first, angle) + first + torch.tensor(by)
    return x.with_values(SBU_15.from_metres(turned) * x.mask[..., None])


@given(st.floats(-3, 3), st.tuples(*[st.floats(-2, 2)] * 3))
def test_who_stands_elsewhere_and_faces_elsewhere_has_the_same_pose(angle, by):
    x = people()
    other = moved(x, angle, by)
    assert pose_distance(x, other, SBU_15).max() < 1e-4
    still = moved(x, 0.0, by)
    assert place_distance(x, still, SBU_15) == pytest.approx([math.hypot(*by)] * 2, abs=1e-4)


def test_a_lifted_hand_is_a_pose_and_no_place():
    x = people()
    hand = SBU_15.axis("y") & SBU_15.of_joints(["right hand"])
    other = x.with_values(
        torch.where(hand, x.values + 0.3 / SBU_15.scale[1], x.values) * x.mask[..., None]
    )
    assert pose_distance(x, other, SBU_15) == pytest.approx([0.3 / 15] * 2, abs=1e-5)
    assert place_distance(x, other, SBU_15).max() == 0


def test_a_skeleton_without_shoulders_is_not_turned():
    assert turns(SBU_15)
    assert not turns(STICK)
    assert not turns(replace(SBU_15, axes=("x", "z", "y")))
    x = people(skeleton=STICK)
    other = x.with_values((x.values + torch.tensor([0, 0, 0.5, 0])) * x.mask[..., None])
    assert pose_distance(x, other, STICK) == pytest.approx([0.5] * 2)  # 1 m of one joint of two


def test_it_turns_as_the_recogniser_does():
    a, b = people(0), people(1)
    want = [
        (egocentric_motion(p, SBU_15, travel=False) - egocentric_motion(q, SBU_15, travel=False))
        .norm(dim=-1)
        .mean()
        .item()
        for p, q in zip(a, b, strict=True)
    ]
    assert pose_distance(a, b, SBU_15) == pytest.approx(want, abs=1e-5)


def test_other_lengths_are_refused():
    with refused("shape-mismatch"):
        pose_distance(people(), people()[[0]], SBU_15)
