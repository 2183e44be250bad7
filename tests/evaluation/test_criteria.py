"""Success criteria on answers whose success is known by construction, from tensors to verdicts."""

from dataclasses import replace

import polars as pl
import pytest
import torch
from tests.errors import refused
from torch import Tensor

from feint.columns import Columns, FeatureSpec
from feint.evaluation import scoring
from feint.evaluation.attack_task import AttackTask, Crafted
from feint.evaluation.criteria import (
    AllOf,
    Column,
    Limit,
    NamedCriterion,
    Recognised,
    Specific,
    Within,
    all_of,
    place,
    pose,
    usable,
)
from feint.evaluation.tolerance import Tolerance
from feint.sequences import Sequences
from feint.skeleton import SBU_15, Skeleton

FLAT = Skeleton(
    "flat", ("hip", "head"), (("hip", "head"),), "hip", ("x", "y"), (1.0, 1.0), (0.0, 0.0), 10.0
)
TREE = Skeleton(
    *("tree", ("a", "b", "c"), (("a", "b"), ("b", "c")), "b", ("x", "y", "z")),
    *((2.0, 1.0, 1.0), (0.0, 1.0, 0.0), 30.0),
)
SKELETONS = {one.name: one for one in (SBU_15, FLAT, TREE)}
SERIES = Columns("series", ("a",), ("y", "z"), ("",), ("K", "K"), (1.0,))
LENGTHS = (7, 4, 1)
GAP = 0.2
"""Distance a frame, in data units, from the target to the nearest other one."""
TOLERANCE = Tolerance({"punch": 0.75 * GAP}, per_frame=True)
LOOSE = Tolerance({"punch": 1e6}, per_frame=True)


def batch(features: int, seed: int) -> Tensor:
    """Three random performances, not padded with zeros: rows have `LENGTHS` frames."""
    return torch.rand(3, max(LENGTHS), features, generator=torch.Generator().manual_seed(seed))


def sequences(values: Tensor) -> Sequences:
    return Sequences.pad([one[:n] for one, n in zip(values, LENGTHS, strict=True)])


def scored(
    spec: FeatureSpec, answer: Tensor, target: Tensor, others: dict[str, Tensor]
) -> pl.DataFrame:
    """The rows of answers to the target "punch"."""
    n = len(LENGTHS)
    keys = tuple(f"s/{i}/A" for i in range(n))
    x = sequences(torch.zeros(n, max(LENGTHS), target.shape[-1]))
    task = AttackTask(
        *("punch", x, sequences(target), keys, ("kick",) * n, ("left",) * n, keys),
        others={name: sequences(one) for name, one in others.items()},
    )
    crafted = Crafted("aia", torch.ones(n), torch.arange(n), x)
    return scoring.score_answers(
        sequences(answer), task, crafted, spec, surrogate_name="m", victim_name="m"
    )


def people(skeleton: Skeleton) -> dict[str, pl.DataFrame]:
    """The rows of every constructed answer of a person, by what it is."""
    target, clean = batch(skeleton.features, 0), batch(skeleton.features, 1) + 5.0
    step = torch.zeros(skeleton.features)
    step[-1] = GAP  # one coordinate of the last joint
    others = {"hug": target + step, "kick": batch(skeleton.features, 2) - 5.0}
    gap = skeleton.root_of(target - clean)
    answers = {
        "null": clean,
        "perfect": target,
        "in place only": clean + gap,
        "in pose only": target - gap,
        "nearer to this": target + 0.4 * step,
        "nearer to another": target + 0.6 * step,
        "another": target + step,
    }
    return {name: scored(skeleton, one, target, others) for name, one in answers.items()}


def limits(rows: dict[str, pl.DataFrame], column: str) -> dict[str, float]:
    """Half of what the null answer is away."""
    return {"punch": 0.5 * float(rows["null"][column].min())}  # type: ignore[arg-type]


def passed(criterion: NamedCriterion, rows: dict[str, pl.DataFrame]) -> set[str]:
    """The answers that a criterion calls successes; all rows of an answer must agree."""
    verdicts = {name: set(criterion.success(one)) for name, one in rows.items()}
    assert all(len(one) == 1 for one in verdicts.values()), verdicts
    return {name for name, one in verdicts.items() if True in one}


@pytest.mark.parametrize("name", SKELETONS)
def test_every_criterion_is_right_on_constructed_answers(name: str) -> None:
    rows = people(SKELETONS[name])
    in_pose = pose(limits(rows, "pose_distance_m"))
    in_place = place(limits(rows, "place_distance_m"))
    near = {"perfect", "nearer to this", "nearer to another"}
    specific = {"perfect", "nearer to this"}
    assert passed(Within(TOLERANCE), rows) == near
    assert passed(Within(LOOSE), rows) == set(rows)
    assert passed(Specific(TOLERANCE), rows) == specific
    assert passed(in_pose, rows) >= {*near, "in pose only"}
    assert passed(in_pose, rows).isdisjoint({"null", "in place only"})
    assert passed(in_place, rows) == {*near, "another", "in place only"}
    strict = all_of(Specific(LOOSE), in_pose, in_place)
    assert passed(strict, rows) == specific
    assert strict.name == "specific and pose and place"


@pytest.mark.parametrize("name", SKELETONS)
def test_rows_say_how_far_pose_place_and_the_nearest_other_target_are(name: str) -> None:
    rows = people(SKELETONS[name])
    assert rows["perfect"]["pose_distance_m"].max() == 0
    assert rows["perfect"]["place_distance_m"].max() == 0
    assert rows["in place only"]["place_distance_m"].max() < 1e-5
    assert rows["in place only"]["pose_distance_m"].min() > 0.01
    assert rows["in pose only"]["pose_distance_m"].max() < 1e-5
    assert rows["in pose only"]["place_distance_m"].min() > 1
    assert set(rows["another"]["other_target"]) == {"hug"}
    assert rows["another"]["other_distance_frame"].max() < 1e-4
    per_frame = rows["perfect"]["other_distance_frame"] / rows["perfect"]["frames"]
    assert per_frame.to_list() == pytest.approx([GAP] * len(LENGTHS), rel=1e-4)


def test_a_series_is_specific_to_one_curve() -> None:
    target = batch(2, 0)
    step = torch.tensor([0.0, GAP])
    others = {"rise": target + step, "fall": target - 10.0}
    answers = {"perfect": 0.0, "nearer to this": 0.4, "nearer to another": 0.6, "another": 1.0}
    rows = {n: scored(SERIES, target + k * step, target, others) for n, k in answers.items()}
    assert passed(Within(TOLERANCE), rows) == {"perfect", "nearer to this", "nearer to another"}
    assert passed(Specific(TOLERANCE), rows) == {"perfect", "nearer to this"}
    table = rows["another"]
    assert set(table["other_target"]) == {"rise"}
    assert usable(Specific(TOLERANCE), table)
    assert not usable(pose({"punch": 1.0}), table)
    assert not usable(AllOf((Specific(TOLERANCE), pose({"punch": 1.0}))), table)


def test_an_answer_equally_near_to_two_targets_is_specific_to_neither() -> None:
    target = torch.zeros(3, max(LENGTHS), 2)
    rows = {"half": scored(SERIES, target + 1.0, target, {"two": target + 2.0})}
    assert passed(Within(LOOSE), rows) == {"half"}
    assert passed(Specific(LOOSE), rows) == set()


def test_rows_without_other_targets_are_not_usable_and_gaps_count_as_far() -> None:
    target = batch(2, 0)
    table = scored(SERIES, target, target, {})
    assert not usable(Specific(TOLERANCE), table)
    gap = table.with_columns(other_distance_frame=pl.lit(None, pl.Float64))
    assert Specific(TOLERANCE).success(gap).all()


def test_specific_follows_the_norm_of_the_tolerance() -> None:
    rows = people(SBU_15)["nearer to another"]
    joint = replace(LOOSE, norm="joint")
    assert "other_distance_joint" in Specific(joint).columns
    assert not Specific(joint).success(rows).any()
    switched = rows.with_columns(other_distance_joint=pl.lit(1e9))
    assert Specific(joint).success(switched).all()
    assert not Specific(LOOSE).success(switched).any()


def test_a_limit_is_strict_and_refuses_a_target_it_does_not_know() -> None:
    rows = pl.DataFrame({"target": ["punch", "hug"], "pose_distance_m": [0.5, 0.5]})
    assert pose({"punch": 0.5, "hug": 0.6}).success(rows).to_list() == [False, True]
    with refused("unknown-label", names=("pose", "hug", "punch")):
        Limit("pose_distance_m", {"punch": 0.5}, "pose").success(rows)


def test_what_a_recogniser_says_and_what_a_column_says() -> None:
    rows = pl.DataFrame(
        {
            "target": ["punch"] * 3,
            "recognised_as": ["punch", "hug", None],
            "fine": [True, False, True],
        }
    )
    assert Recognised().success(rows).to_list() == [True, False, False]
    assert Column("fine").success(rows).to_list() == [True, False, True]
