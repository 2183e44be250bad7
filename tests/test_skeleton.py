"""SBU's units, masks over its features, and bones measured by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.errors import refused

from feint.skeleton import SBU_15, Skeleton

STICK = Skeleton(
    name="stick",
    joints=("hip", "hand", "foot"),
    bones=(("hip", "hand"), ("hand", "foot")),
    root="hip",
    axes=("x", "y"),
    scale=(2.0, -0.5),
    offset=(1.0, 3.0),
    fps=10.0,
)


def test_sbu_has_15_joints_in_one_tree() -> None:
    assert len(SBU_15.joints) == len(set(SBU_15.joints)) == 15
    assert SBU_15.features == 45
    assert SBU_15.fps == 15
    assert SBU_15.joint("torso") == 2
    assert SBU_15.root == "torso"
    children = [child for _, child in SBU_15.bones]
    assert sorted([*children, SBU_15.root]) == sorted(SBU_15.joints)  # every joint hangs once


@pytest.mark.parametrize(
    "raw, metres",
    [
        ((0.5, 0.5, 0.0), (0.0, 0.0, 0.0)),
        ((0.5, 0.5, 1.0), (0.0, 0.0, 1.28)),
        ((0.0, 0.0, 0.5), (1.28, 0.96, 0.64)),
        ((1.0, 1.0, 2.0), (-1.28, -0.96, 2.56)),
    ],
)
def test_sbus_units_are_those_of_its_notes(
    raw: tuple[float, float, float], metres: tuple[float, float, float]
) -> None:
    # X = 1280 - 2560 x mm, Y = 960 - 1920 y mm, Z = z * 10 / 7.8125 m
    positions = SBU_15.to_metres(torch.tensor(raw).repeat(15))
    assert positions.shape == (15, 3)
    assert positions.tolist() == [pytest.approx(metres, abs=1e-6)] * 15


@settings(deadline=None)
@given(
    shape=st.lists(st.integers(1, 3), max_size=3),
    seed=st.integers(0, 1000),
    skeleton=st.sampled_from([SBU_15, STICK]),
)
def test_to_metres_and_from_metres_undo_each_other(
    shape: list[int], seed: int, skeleton: Skeleton
) -> None:
    generator = torch.Generator().manual_seed(seed)
    raw = torch.randn(*shape, skeleton.features, generator=generator, dtype=torch.float64)
    positions = skeleton.to_metres(raw)
    assert positions.shape == (*shape, len(skeleton.joints), len(skeleton.axes))
    torch.testing.assert_close(skeleton.from_metres(positions), raw)
    torch.testing.assert_close(skeleton.to_metres(skeleton.from_metres(positions)), positions)


def test_features_lie_joint_by_joint_axis_by_axis() -> None:
    positions = STICK.split(torch.arange(6.0))
    assert positions.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert STICK.to_metres(torch.arange(6.0)).tolist() == [[1, 2.5], [5, 1.5], [9, 0.5]]


def test_a_change_has_no_offset() -> None:
    a, b = torch.rand(4, 6), torch.rand(4, 6)
    torch.testing.assert_close(
        STICK.displacement_in_metres(a - b), STICK.to_metres(a) - STICK.to_metres(b)
    )
    assert STICK.displacement_in_metres(torch.ones(6)).tolist() == [[2, -0.5]] * 3


def test_axis_masks() -> None:
    assert STICK.axis("y").tolist() == [False, True] * 3
    assert STICK.axis("y", "x").all()
    depth = SBU_15.axis("z")
    assert depth.dtype == torch.bool
    assert depth.nonzero().flatten().tolist() == list(range(2, 45, 3))


def test_joint_masks() -> None:
    assert STICK.of_joints(["foot", "hip"]).tolist() == [True, True, False, False, True, True]
    hand_depth = SBU_15.of_joints(["left hand"]) & SBU_15.axis("z")
    assert hand_depth.nonzero().flatten().tolist() == [3 * 5 + 2]


@pytest.mark.parametrize(
    "ask, code, facts",
    [
        (lambda: STICK.joint("nose"), "unknown-joint", ["nose", "hip, hand, foot"]),
        (lambda: STICK.of_joints(["hip", "nose"]), "unknown-joint", ["nose", "hip, hand"]),
        (lambda: STICK.of_joints([]), "missing-name", ["hip, hand, foot"]),
        (lambda: STICK.axis("x", "z"), "unknown-axis", ["'z'", "x, y"]),
        (lambda: STICK.axis(), "missing-name", ["x, y"]),
        (lambda: STICK.to_metres(torch.zeros(2, 5)), "wrong-shape", ["5", "6", "3 joints"]),
        (lambda: STICK.bone_lengths(torch.zeros(7)), "wrong-shape", ["7", "6"]),
        (lambda: STICK.displacement_in_metres(torch.zeros(1, 7)), "wrong-shape", ["7", "6"]),
    ],
)
def test_errors_name_what_is_known(ask, code: str, facts: list[str]) -> None:
    with refused(code, facts):
        ask()


def test_bone_lengths_by_hand() -> None:
    # In metres: hip (1, 3), hand (7, 3 - 8) and foot (7, -5 + 2).
    raw = torch.tensor([0.0, 0.0, 3.0, 16.0, 3.0, 12.0])
    assert STICK.bone_lengths(raw).tolist() == pytest.approx([10.0, 2.0])
    assert STICK.bone_lengths(raw.expand(4, 2, 6)).shape == (4, 2, 2)


def test_sbus_bones_are_in_order() -> None:
    positions = torch.zeros(15, 3)
    positions[SBU_15.joint("left foot")] = torch.tensor([0.3, 0.0, 0.4])
    lengths = SBU_15.bone_lengths(SBU_15.from_metres(positions))
    moved = SBU_15.bones.index(("left knee", "left foot"))
    assert lengths[moved].item() == pytest.approx(0.5, abs=1e-6)
    assert lengths.sum().item() == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("skeleton", [SBU_15, STICK], ids=lambda one: one.name)
def test_a_centimetre_is_a_centimetre_on_every_axis(skeleton: Skeleton) -> None:
    moved = skeleton.displacement_in_metres(skeleton.centimetres())
    torch.testing.assert_close(moved.abs(), torch.full_like(moved, 0.01))
    assert (skeleton.centimetres() > 0).all()
    assert SBU_15.centimetres()[:3].tolist() == pytest.approx([1 / 256, 1 / 192, 1 / 128])
