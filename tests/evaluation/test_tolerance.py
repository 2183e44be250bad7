"""Table 1 as printed, the natural tolerance by hand, and success decided when rows are read."""

import json
import math
from pathlib import Path

import polars as pl
import pytest
import torch
from tests.errors import refused

from feint.data.pairs import Pairs, Side
from feint.errors import FeintError
from feint.evaluation.natural_tolerance import natural
from feint.evaluation.table1 import EPSILONS, TABLE_1_DISTANCES, TABLE_1_VOTES, paper
from feint.evaluation.tolerance import Tolerance
from feint.io.atomic import write_text
from feint.io.sealed import write_json
from feint.sequences import Sequences
from feint.skeleton import Skeleton

BOLD = {
    "handshaking": 79.52,
    "punching": 52.04,
    "kicking": 93.17,
    "departing": 71.77,
    "pushing": 22.77,
}

POINT = Skeleton(
    name="point",
    joints=("torso", "hand"),
    bones=(("torso", "hand"),),
    root="torso",
    axes=("x",),
    scale=(1.0,),
    offset=(0.0,),
    fps=10.0,
)


def test_table_1_is_the_papers() -> None:
    assert [sum(votes) for votes in TABLE_1_VOTES.values()] == [78, 82, 82, 56, 79]
    assert list(TABLE_1_VOTES) == list(TABLE_1_DISTANCES) == list(BOLD)
    for label, distances in TABLE_1_DISTANCES.items():
        assert len(distances) == len(TABLE_1_VOTES[label]) == len(EPSILONS) == 6
        assert list(distances) == sorted(distances, reverse=True)  # a larger eps gets nearer


def test_the_papers_kappa_is_where_most_judges_voted() -> None:
    tolerance = paper()
    assert dict(tolerance.values) == BOLD
    assert tolerance.other == pytest.approx(319.27 / 5)
    assert tolerance.of("kicking") == 93.17
    assert tolerance.of("hugging") == pytest.approx(63.854)
    assert not tolerance.per_frame
    assert tolerance.norm == "frame"
    assert paper("joint").norm == "joint"
    chosen = [TABLE_1_DISTANCES[label].index(kappa) for label, kappa in BOLD.items()]
    assert [EPSILONS[i] for i in chosen] == [0.225, 0.075, 0.15, 0.225, 0.375]


ROWS = pl.DataFrame(
    {
        "target": ["kick", "kick", "kick", "hug", "hug"],
        "distance_frame": [9.9, 10.0, 10.1, 4.0, 6.0],
        "distance_joint": [20.0, 5.0, 20.0, 20.0, 3.0],
        "frames": [1, 2, 3, 4, 6],
    }
)


def test_success_is_strictly_below_the_tolerance() -> None:
    got = Tolerance({"kick": 10.0}, other=5.0).success(ROWS)
    assert got.name == "success"
    assert got.to_list() == [True, False, False, True, False]


def test_success_reads_the_distance_of_the_norm() -> None:
    got = Tolerance({"kick": 10.0, "hug": 5.0}, norm="joint").success(ROWS)
    assert got.to_list() == [False, True, False, False, True]


def test_reached_per_frame() -> None:
    # 9.9, 5, 3.37, 1 and 1 a frame.
    got = Tolerance({"kick": 5.0}, other=1.0, per_frame=True).success(ROWS)
    assert got.to_list() == [False, False, True, False, False]


def test_success_of_no_rows() -> None:
    assert paper().success(ROWS.clear()).to_list() == []


def test_a_class_it_does_not_know_is_refused() -> None:
    tolerance = Tolerance({"kick": 10.0, "bow": 1.0}, source="my file")
    with refused("unknown-label", names=("my file", "hug", "bow, kick")):
        tolerance.of("hug")
    with refused("unknown-label", names=("hug",)):
        tolerance.success(ROWS)


@pytest.mark.parametrize(
    "kappa, other",
    [({}, None), ({"a": 0.0}, None), ({"a": -1.0}, None), ({"a": math.inf}, None),
     ({"a": math.nan}, None), ({"a": 1.0}, 0.0)],
)  # fmt: skip
def test_a_value_that_is_no_distance_is_refused(
    kappa: dict[str, float], other: float | None
) -> None:
    with refused("bad-tolerance"):
        Tolerance(kappa, other=other)


def points(*rows: tuple[str, Side, str, list[float]]) -> Pairs:
    """Rows of (label, side, interaction, the hand's place in each frame, from a still torso)."""
    labels, sides, interactions, hands = zip(*rows, strict=True)
    # Everybody stands somewhere else, which the alignment takes away.
    reactor = Sequences.pad(
        [torch.tensor([[10.0 * i, 10.0 * i + h] for h in hand]) for i, hand in enumerate(hands)]
    )
    return Pairs(
        actor=reactor,
        reactor=reactor,
        keys=tuple(f"{one}/{i}" for i, one in enumerate(interactions)),
        labels=labels,
        sets=("set",) * len(rows),
        sides=sides,
        roles=tuple("responder" if i % 2 else "initiator" for i in range(len(rows))),
        feature_spec=POINT,
    )


TOY = points(
    ("kick", "left", "k1", [0.0, 0.0]),
    ("kick", "left", "k2", [3.0, 3.0]),
    ("kick", "left", "k3", [4.0, 4.0]),
    ("kick", "right", "k4", [10.0]),
    ("kick", "right", "k5", [19.0]),
    ("hug", "left", "h1", [1.0]),
    ("hug", "left", "h2", [1.5, 1.5]),
    ("hug", "left", "h2", [90.0]),
)


def test_the_natural_tolerance_by_hand() -> None:
    tolerance = natural(TOY)
    # Kicks: left 3, 4 and 1 apart, right 9; each in both orders, so the (lower) median of
    # 1 1 3 3 4 4 9 9 is 3.  Hugs: h1 with either h2, 0.5 and 89, h2 never with itself.
    assert dict(tolerance.values) == pytest.approx({"kick": 3.0, "hug": 0.5})
    assert tolerance.per_frame
    assert tolerance.between_same == {"kick": 8, "hug": 4}
    # Kicks on the left at 0, 3, 4 see hugs at 1, 1.5, 90: 1, 1.5 | 2, 1.5 | 3, 2.5 under 3 but
    # for 3 itself; on the right there are no others.
    assert tolerance.among_others == pytest.approx({"kick": 5 / 9, "hug": 0.0})
    assert tolerance.other is None
    assert "natural" in tolerance.source


def test_the_natural_tolerance_is_a_mean_over_frames() -> None:
    # Aligned by resampling, the hands are off by 0, 1, 2 and 0, 2: 1 a frame both ways.
    moving = points(("kick", "left", "a", [0.0, 0.0, 0.0]), ("kick", "left", "b", [0.0, 2.0]))
    assert natural(moving).of("kick") == pytest.approx(1.0)
    # Held instead: 0, 2, 2 from the shorter to the longer, 0, 2 back; lower median 1.
    assert natural(moving, length_mode="hold").of("kick") == pytest.approx(1.0)
    assert dict(natural(moving, length_mode="hold").between_same) == {"kick": 2}


def test_the_natural_tolerance_can_leave_places_as_they_are() -> None:
    # Raw, torsos and hands are 10 apart: 10 * sqrt(2).
    near = points(("kick", "left", "a", [0.0]), ("kick", "left", "b", [0.0]))
    assert natural(near, anchor="raw").of("kick") == pytest.approx(200**0.5)


def test_the_natural_tolerance_of_one_role() -> None:
    # The even rows initiate: left kicks at 0 and 4, no pair on the right; hugs have only one.
    with refused("too-few-performances", names=("hug", "initiator")):
        natural(TOY, role="initiator")
    kicks = TOY.where(lambda i: TOY.labels[i] == "kick", "kicks")
    assert natural(kicks, role="initiator").of("kick") == pytest.approx(4.0)


def test_a_class_performed_once_has_no_natural_tolerance() -> None:
    alone = points(("bow", "left", "a", [0.0]), ("bow", "right", "b", [1.0]))
    with refused("too-few-performances", names=("bow",)):
        natural(alone)
    same_interaction = points(("bow", "left", "a", [0.0]), ("bow", "left", "a", [1.0]))
    with refused("too-few-performances", names=("bow",)):
        natural(same_interaction)
    nobody = points(("bow", "left", "a", [0.0]))
    with refused("too-few-performances", names=("responder",)):
        natural(nobody, role="responder")


@pytest.mark.parametrize("tolerance", [paper("joint"), natural(TOY)], ids=["paper", "natural"])
def test_what_is_saved_comes_back(tmp_path: Path, tolerance: Tolerance) -> None:
    tolerance.save(tmp_path / "kappa.json")
    assert Tolerance.load(tmp_path / "kappa.json") == tolerance


GOOD = {"schema": 3, "values": {"kick": 1.0}}


def test_a_file_written_by_hand_needs_the_values_alone(tmp_path: Path) -> None:
    write_json(tmp_path / "kappa.json", GOOD)
    assert Tolerance.load(tmp_path / "kappa.json") == Tolerance({"kick": 1.0})


def test_what_people_told_is_kept_beside_what_decides(tmp_path: Path) -> None:
    plain = Tolerance({"kick": 1.0})
    judged = Tolerance({"kick": 1.0}, low={"kick": 0.5}, high={"kick": 2.0}, judges=9, study="ab")
    for one in (plain, judged):
        one.save(tmp_path / "kappa.json")
        assert Tolerance.load(tmp_path / "kappa.json") == one
    assert judged.identity() == plain.identity()  # jobs are known by it
    assert judged.success(ROWS.head(3)).to_list() == plain.success(ROWS.head(3)).to_list()


@pytest.mark.parametrize(
    "content",
    [
        {"values": {"kick": 1.0}},
        {**GOOD, "schema": 2},
        {**GOOD, "low": {"kick": "near"}},
        {**GOOD, "judges": 1.5},
        {"schema": 3},
        {**GOOD, "colour": "red"},
        {**GOOD, "values": 3},
        {**GOOD, "values": {"kick": "far"}},
        {**GOOD, "values": {"kick": -1.0}},
        {**GOOD, "norm": "tea leaves"},
        [GOOD],
        3,
        None,
        "kappa",
    ],
    ids=str,
)
def test_a_foreign_file_is_refused(tmp_path: Path, content: object) -> None:
    text = json.dumps(content)
    write_text(tmp_path / "kappa.json", text)
    with pytest.raises(FeintError):
        Tolerance.load(tmp_path / "kappa.json")
    assert (tmp_path / "kappa.json").read_text() == text


def test_a_damaged_or_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeintError, match="Could not read"):
        Tolerance.load(tmp_path / "kappa.json")
    write_text(tmp_path / "kappa.json", '{"schema": 1, "kap')
    with pytest.raises(FeintError, match="Could not read"):
        Tolerance.load(tmp_path / "kappa.json")
