"""Null answers with known places and poses, on three skeletons and on a series."""

from dataclasses import replace

import pytest
import torch
from tests.errors import refused

from feint.evaluation import nulls
from feint.evaluation.distances import place_distance, pose_distance
from feint.sequences import Sequences, distance
from feint.skeleton import SBU_15, Skeleton

FLAT = Skeleton(
    "flat", ("hip", "head"), (("hip", "head"),), "hip", ("x", "y"), (1.0, 1.0), (0.0, 0.0), 10.0
)
TREE = Skeleton(
    *("tree", ("a", "b", "c"), (("a", "b"), ("b", "c")), "b", ("x", "y", "z")),
    *((2.0, 1.0, 1.0), (0.0, 1.0, 0.0), 30.0),
)
SKELETONS = {one.name: one for one in (SBU_15, FLAT, TREE)}


def batch(features: int, seed: int) -> Sequences:
    generator = torch.Generator().manual_seed(seed)
    return Sequences.pad([torch.rand(n, features, generator=generator) for n in (6, 4, 1)])


def asked(features: int) -> tuple[Sequences, Sequences, Sequences, dict[str, Sequences]]:
    clean, truth, target, far = (batch(features, seed) for seed in range(4))
    near = target.with_values((target.values + 0.01) * target.mask[..., None])
    return clean, truth, target, {"far": far, "near": near}


@pytest.mark.parametrize("name", SKELETONS)
def test_the_clean_pose_on_the_targets_path_is_in_place_and_not_in_pose(name: str) -> None:
    skeleton = SKELETONS[name]
    clean, truth, target, others = asked(skeleton.features)
    found = nulls.null_answers(clean, truth, target, others, skeleton)
    slid = found["clean-on-path"]
    assert place_distance(slid, target, skeleton).max() < 1e-6
    assert pose_distance(slid, clean, skeleton).max() < 1e-5
    once = found["clean-moved"]
    gap = skeleton.split(target.values - once.values)[:, :, skeleton.joint(skeleton.root)]
    for row, frames in enumerate(target.lengths.tolist()):
        assert gap[row, :frames].mean(dim=0).abs().max() < 1e-6


def test_what_is_held_is_held_and_what_is_true_is_true() -> None:
    clean, truth, target, others = asked(SBU_15.features)
    found = nulls.null_answers(clean, truth, target, others, SBU_15)
    for row, frames in enumerate(target.lengths.tolist()):
        held = found["first-held"].values[row, :frames]
        assert torch.equal(held, truth.values[row, :1].expand_as(held))
    assert torch.equal(found["truth"].values, truth.values)
    assert all((one.values[~target.mask] == 0).all() for one in found.values())


def test_the_nearest_other_target_and_the_mean_of_all() -> None:
    clean, truth, target, others = asked(SBU_15.features)
    found = nulls.null_answers(clean, truth, target, others, SBU_15)
    assert torch.equal(found["other-target"].values, others["near"].values)
    which, least = nulls.nearest(target, others)
    assert [list(others)[i] for i in which.tolist()] == ["near"] * 3
    assert torch.allclose(least, distance(target, others["near"]))
    mean = (target.values + others["far"].values + others["near"].values) / 3
    assert torch.allclose(found["mean-target"].values, mean)


def test_a_series_has_no_pose() -> None:
    clean, truth, target, others = asked(2)
    found = nulls.null_answers(clean, truth, target, others)
    assert set(found) == {"clean-moved", "first-held", "truth", "mean-target", "other-target"}
    level = (found["clean-moved"].values - target.values)[0].mean(dim=0)
    assert level.abs().max() < 1e-6


def test_a_target_alone_has_no_other() -> None:
    clean, truth, target, _ = asked(2)
    assert set(nulls.null_answers(clean, truth, target, {})) == {
        "clean-moved",
        "first-held",
        "truth",
    }


def test_the_mean_pose_stands_where_the_reactor_begins(least: object) -> None:
    train = least._data.train  # type: ignore[attr-defined]
    poses = nulls.mean_poses(train, ["left", "right", "left"])
    root = SBU_15.split(poses)[:, SBU_15.joint("torso")]
    assert root.abs().max() < 1e-6
    assert torch.equal(poses[0], poses[2])
    rows = [i for i, side in enumerate(train.sides) if side == "left"]
    about = torch.cat(
        [SBU_15.split(one) - SBU_15.split(one)[:, [2]] for one in train.reactor[rows]]
    )
    assert torch.allclose(SBU_15.split(poses)[0], about.mean(dim=0), atol=1e-5)


def test_other_lengths_are_refused() -> None:
    clean, truth, target, others = asked(2)
    cut = replace(truth, lengths=truth.lengths.clamp_max(3))
    with refused("shape-mismatch", ["truth"]):
        nulls.null_answers(clean, cut, target, others)
