"""Which joint is which: the skeleton asked for, the file's own names, and a guess last."""

from dataclasses import replace

import numpy as np
import pytest
from tests.errors import refused

from feint.data.formats.recording import Recording
from feint.data.formats.skeletons import COCO_17, KNOWN, NTU_25, SBU_15
from feint.data.skeleton_match import joint_order, own_names, skeleton_for

RNG = np.random.default_rng(0)


def recording(count: int, axes: int = 3, **more) -> Recording:
    return Recording("x.npz", {"a": RNG.normal(size=(2, count, axes))}, fps=30.0, **more)


def order(found: Recording, skeleton, **aliases: str) -> list[int]:
    return joint_order(found, skeleton, aliases)[0]


@pytest.mark.parametrize("known", [SBU_15, COCO_17, NTU_25, KNOWN["MediaPipe_33"]])
def test_a_skeleton_of_as_many_joints_decides_names_and_order(known):
    """A TOML skeleton with a known one's words in another order permuted the joints."""
    shuffled = replace(known, joints=tuple(RNG.permutation(known.joints)))
    other = replace(known, joints=tuple(f"my {i}" for i in range(len(known.joints))))
    for convention in (None, known.name):
        found = recording(len(known.joints), convention=convention)
        for one in (shuffled, other):
            assert order(found, one) == list(range(len(known.joints)))
            assert joint_order(found, one, {})[1] == []
            assert skeleton_for(found, one, "arrays") == (one, [])


def test_a_file_without_names_never_has_any():
    found = recording(16)
    with refused("wrong-shape", ["16 joints without names", "15"]) as caught:
        order(found, SBU_15)
    assert "has no joint" not in str(caught.value)


def test_openposes_25_are_not_ntus():
    """`joints = ["right wrist"]` moved another joint."""
    skeleton, _ = skeleton_for(recording(25, 2, convention="OpenPose_25"), None, "keypoints")
    assert skeleton.joint("right wrist") == 4
    with refused("unknown-joints", ["NTU_25", "OpenPose_25", "data.skeleton"]):
        skeleton_for(recording(25, 2), None, "keypoints")


def test_two_orders_of_17_in_3d_are_not_guessed():
    with refused("unknown-joints", ["COCO_17", "H36M_17", "data.skeleton"]):
        skeleton_for(recording(17, 3), None, "arrays")
    assert skeleton_for(recording(17, 2), None, "arrays")[0].joints == COCO_17.joints


def test_a_guess_is_said():
    skeleton, notes = skeleton_for(recording(15), None, "arrays")
    assert skeleton.joints == SBU_15.joints
    assert len(notes) == 1
    assert "SBU_15" in notes[0]
    assert "data.skeleton" in notes[0]
    assert skeleton_for(recording(25, convention="NTU_25"), None, "ntu")[1] == []


def test_some_joints_of_a_known_order_are_found_and_said():
    some = replace(COCO_17, joints=("left wrist", "nose"), bones=(("nose", "left wrist"),))
    places, notes = joint_order(recording(17, 2), replace(some, root="nose"), {})
    assert places == [COCO_17.joint("left wrist"), COCO_17.joint("nose")]
    assert len(notes) == 1


def test_names_in_the_file_decide_its_order():
    found = recording(3, joints=("c", "a", "b"), bones=(("a", "b"), ("b", "c")))
    stick = replace(SBU_15, joints=("a", "b", "c"), bones=(("a", "b"),), root="a")
    assert order(found, stick) == [1, 2, 0]
    assert skeleton_for(found, None, "bvh")[0].joints == ("c", "a", "b")


def test_other_names_of_as_many_joints_are_in_the_order_of_the_file():
    found = recording(3, joints=("c", "a", "b"), bones=(("a", "b"),))
    stick = replace(SBU_15, joints=("x", "y", "z"), bones=(("x", "y"),), root="x")
    places, notes = joint_order(found, stick, {})
    assert (places, len(notes)) == ([0, 1, 2], 1)


@pytest.mark.parametrize(
    "prefix", ["mixamorig:", "mixamorig1:", "Anna:", "Character1_", "a|b:", "Ben - ", "rig.x."]
)
def test_a_prefix_of_all_names_is_left_out(prefix):
    names = ("Hips", "Spine", "LeftHand", "LeftHandThumb1")
    found = recording(4, joints=tuple(prefix + name for name in names), bones=())
    assert own_names(found) == names
    stick = replace(SBU_15, joints=("LeftHand", "Hips"), bones=(("Hips", "LeftHand"),), root="Hips")
    assert order(found, stick) == [2, 0]


@pytest.mark.parametrize("names", [("LeftHand", "LeftFoot"), ("l_hand", "r_hand"), ("a:", "a:b")])
def test_names_that_only_begin_alike_stay(names):
    assert own_names(recording(2, joints=names)) == names


def test_a_skeleton_may_name_the_joints_with_their_prefix():
    found = recording(2, joints=("Anna:Hips", "Anna:Head"), bones=())
    full = replace(SBU_15, joints=("Anna:Head", "Anna:Hips"), bones=(("Anna:Hips", "Anna:Head"),))
    assert order(found, replace(full, root="Anna:Hips")) == [1, 0]


def test_aliases_are_other_names_of_a_joint():
    stick = replace(SBU_15, joints=("Hips", "Head"), bones=(("Hips", "Head"),), root="Hips")
    found = recording(3, joints=("Anna:Hip", "Anna:Head", "Anna:Foot"), bones=())
    with refused("unknown-joint", ["Hips", "Hip, Head, Foot", 'data.joint_aliases = { "Hip" = ']):
        order(found, stick)
    assert order(found, stick, Hip="Hips") == [0, 1]


def test_names_without_bones_ask_for_a_skeleton():
    with refused("no-bones", ["data.skeleton"]):
        skeleton_for(recording(2, joints=("a", "b")), None, "keypoints")
    known = recording(17, 2, joints=COCO_17.joints[::-1])
    assert skeleton_for(known, None, "keypoints")[0].bones == COCO_17.bones
