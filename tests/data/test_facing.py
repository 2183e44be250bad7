"""A motion told from its own place is the same wherever it was made, and whichever way."""

import math
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.errors import refused

from feint.data.facing import (
    egocentric_motion,
    egocentric_sequences,
    heading,
    rotate_about_vertical,
)
from feint.data.pairs import pair
from feint.data.sbu import dataset
from feint.sequences import Sequences
from feint.skeleton import SBU_15, Skeleton


def person(seed: int = 0, frames: int = 5) -> torch.Tensor:
    """Somebody who faces +x: left is -z where right is +z."""
    generator = torch.Generator().manual_seed(seed)
    positions = 0.1 * torch.randn(frames, 15, 3, generator=generator)
    for name, z in (("left shoulder", -0.2), ("right shoulder", 0.2)):
        positions[:, SBU_15.joint(name)] = torch.tensor([0.0, 0.4, z])
    for name, z in (("left hip", -0.1), ("right hip", 0.1)):
        positions[:, SBU_15.joint(name)] = torch.tensor([0.0, -0.1, z])
    return positions


def test_heading_of_somebody_who_faces_x():
    assert float(heading(person(), SBU_15)) == pytest.approx(0, abs=1e-6)


@given(angle=st.floats(-3, 3), x=st.floats(-2, 2), z=st.floats(0, 3), seed=st.integers(0, 9))
def test_place_and_direction_do_not_matter(angle: float, x: float, z: float, seed: int):
    positions = person(seed)
    elsewhere = rotate_about_vertical(positions, angle) + torch.tensor([x, 0.3, z])
    assert float(heading(elsewhere, SBU_15)) == pytest.approx(angle, abs=1e-4)
    here, there = (egocentric_motion(SBU_15.from_metres(p), SBU_15) for p in (positions, elsewhere))
    torch.testing.assert_close(here, there, atol=1e-4, rtol=0)


def test_travel_is_told_or_taken_out():
    positions = person()
    positions = positions + torch.arange(5.0)[:, None, None] * torch.tensor([0.5, 0.0, 0.0])
    values, root = SBU_15.from_metres(positions), SBU_15.joint("torso")
    went = egocentric_motion(values, SBU_15)[:, root]
    assert float(went[0].norm()) == 0
    assert float(went[-1, 0]) == pytest.approx(2.0, abs=0.5)
    assert float(egocentric_motion(values, SBU_15, travel=False)[:, root].norm()) == 0


def test_not_turned_is_only_moved():
    positions = rotate_about_vertical(person(), 1.0)
    told = egocentric_motion(SBU_15.from_metres(positions), SBU_15, rotate=False)
    torch.testing.assert_close(told, positions - positions[:1, [SBU_15.joint("torso")]])


def test_flat_sequences_keep_lengths_and_padding():
    both = Sequences.pad([SBU_15.from_metres(person(0, 4)), SBU_15.from_metres(person(1, 7))])
    told = egocentric_sequences(both, SBU_15)
    assert told.values.shape == (2, 7, 45)
    assert told.lengths.tolist() == [4, 7]
    assert float(told.values[0, 4:].abs().max()) == 0
    first = both[[0]]
    torch.testing.assert_close(egocentric_sequences(first, SBU_15).values[0], told.values[0, :4])


def test_other_axes_are_refused():
    upside = Skeleton.from_dict(asdict(SBU_15) | {"axes": ("x", "z", "y")})
    with refused("unknown-axis", ["x, z, y"]):
        heading(person(), upside)


def test_people_of_sbu_face_each_other(sbu_root: Path):
    pairs = pair(dataset.read(sbu_root, ["s01s02", "s05s02"]), SBU_15)
    near = 0
    for actor, reactor in zip(pairs.actor, pairs.reactor, strict=True):
        one, other = SBU_15.to_metres(reactor), SBU_15.to_metres(actor)
        way = (other - one)[:, SBU_15.joint("torso")].mean(dim=0)
        toward = math.atan2(float(way[2]), float(way[0]))
        near += math.cos(float(heading(one, SBU_15)) - toward) > 0.5
    assert near / len(pairs) > 0.8
