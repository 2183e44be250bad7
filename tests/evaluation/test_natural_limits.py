"""Limits of performances that differ by a known amount."""

import pytest
import torch

from feint.data.pairs import Pairs, pair
from feint.data.sbu import dataset
from feint.evaluation.natural_limits import place_limits, pose_limits
from feint.sequences import Sequences
from feint.skeleton import SBU_15

HAND = SBU_15.axis("y") & SBU_15.of_joints(["right hand"])


def performances(heights: dict[str, tuple[float, ...]], away: float = 0.0) -> Pairs:
    """One body, held; the right hand at these heights in metres, each in a recording of its own.

    Every recording is `away` metres to the side of the one before it.
    """
    body = torch.rand(SBU_15.features, generator=torch.Generator().manual_seed(0))
    rows, labels = [], []
    for label, several in heights.items():
        for height in several:
            one = torch.where(HAND, body + height / SBU_15.scale[1], body)
            one = one + SBU_15.axis("x") * len(rows) * away / SBU_15.scale[0]
            rows.append(one.expand(4 + len(rows), -1))
            labels.append(label)
    names = tuple(f"s/{i}" for i in range(len(rows)))
    some = Sequences.pad(rows)
    return Pairs(
        *(some, some, tuple(f"{name}/AB" for name in names), tuple(labels), ("s",) * len(rows)),
        *(("left",) * len(rows), ("initiator",) * len(rows), SBU_15),
    )


def test_the_limit_of_the_pose_is_the_median_between_people() -> None:
    train = performances({"wave": (0.0, 0.1, 0.4), "nod": (0.35, 0.36)}, away=1.0)
    found = pose_limits(train)
    # Heights apart: 0.1, 0.3 and 0.4 m of one joint of fifteen.
    assert found["wave"].value == pytest.approx(0.3 / 15, rel=1e-3)
    assert found["wave"].between_same == 6
    assert found["nod"].value == pytest.approx(0.01 / 15, rel=1e-2)
    # 0.35 and 0.36 are within 0.3 m of 0.1 and of 0.4: four of six.
    assert found["wave"].among_others == pytest.approx(4 / 6)


def test_where_people_stand_does_not_count_as_a_path() -> None:
    found = place_limits(performances({"wave": (0.0, 0.1, 0.4)}, away=1.0))
    assert found["wave"].value == pytest.approx(0, abs=1e-5)


def test_a_class_that_nobody_performs_twice_has_no_limit() -> None:
    train = performances({"wave": (0.0, 0.1), "nod": (0.35,)})
    assert set(pose_limits(train)) == {"wave"}
    assert pose_limits(train, "responder") == {}


def test_on_real_people_the_pose_of_one_action_is_nearer_than_that_of_others(sbu_root) -> None:
    train = pair(dataset.read(sbu_root, ["s01s02", "s03s04", "s02s03"]), SBU_15)
    poses = pose_limits(train)
    assert all(0.05 < one.value < 0.3 for one in poses.values())
    # Half of the same action's pairs are nearer than the limit.
    assert sum(one.among_others for one in poses.values()) / len(poses) < 0.4
