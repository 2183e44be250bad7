"""BVH: the oddities of real files, and positions as an independent reader has them."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.errors import refused

from feint.data.formats.bvh import parse_bvh

AXES = "XYZ"


def tree(prefix: str = "", order: str = "ZXY", offset: float = 0.0) -> str:
    """A ROOT with a spine, a head and a hand, each with an end site."""
    turns = " ".join(f"{axis}rotation" for axis in order)
    return f"""ROOT {prefix}Hips
{{
  OFFSET {offset} 90 0
  CHANNELS 6 Xposition Yposition Zposition {turns}
  JOINT {prefix}Head
  {{
    OFFSET 0 60 1
    CHANNELS 3 {turns}
    End Site
    {{
      OFFSET 0 25 0
    }}
  }}
  JOINT {prefix}Foot
  {{
    OFFSET 10 -80 0
    CHANNELS 3 {turns}
    End Site
    {{
      OFFSET 0 -10 15
    }}
  }}
}}
"""


def text(
    rows: np.ndarray, *trees: str, frames: int | None = None, seconds: str = "0.033333"
) -> str:
    lines = [" ".join(f"{n:.5f}" for n in row) for row in rows]
    said = len(rows) if frames is None else frames
    head = f"HIERARCHY\n{''.join(trees or (tree(),))}MOTION\nFrames: {said}\n"
    return head + f"Frame Time: {seconds}\n" + "\n".join(lines) + "\n"


def rows(count: int = 4, trees: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-90, 90, (count, 12 * trees))


def read(content: str | bytes, root_joint: str | None = None):
    content = content.encode() if isinstance(content, str) else content
    return parse_bvh(content, "x.bvh", "x", root_joint)


PLAIN = text(rows())
ODD = {
    "empty line after MOTION": PLAIN.replace("MOTION\n", "MOTION\n\n"),
    "empty lines between": PLAIN.replace("Frame Time", "\nFrame Time"),
    "empty line before the numbers": PLAIN.replace("033333\n", "033333\n\n"),
    "byte-order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "carriage returns": PLAIN.replace("\n", "\r\n"),
    "tabs": PLAIN.replace("Frames: ", "Frames:\t").replace("Frame Time: ", "Frame Time:\t"),
    "blanks at the ends of lines": PLAIN.replace("\n", "  \n"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_oddities_change_nothing(name):
    np.testing.assert_array_equal(read(ODD[name]).people["x"], read(PLAIN).people["x"])


@pytest.mark.parametrize("said", [3, 5])
def test_one_frame_more_or_fewer_than_said_is_a_note(said):
    found = read(text(rows(), frames=said))
    assert len(found.people["x"]) == 4
    (note,) = found.notes
    assert str(said) in note
    assert "4" in note


@pytest.mark.parametrize("said", [2, 6])
def test_more_than_one_frame_is_a_damaged_file(said):
    with refused("damaged-file", ["48", str(said)]):
        read(text(rows(), frames=said))


def test_two_people_in_a_file_are_told_apart_by_their_roots():
    both = rows(trees=2)
    found = read(text(both, tree("Anna:"), tree("Ben:", offset=50)))
    assert list(found.people) == ["Anna:Hips", "Ben:Hips"]
    assert found.joints == ("Hips", "Head", "Foot")
    for name, part in zip(found.people, (both[:, :12], both[:, 12:]), strict=True):
        np.testing.assert_allclose(found.people[name], read(text(part)).people["x"])


def test_of_two_different_roots_one_must_be_named():
    prop = "ROOT Sword\n{\n OFFSET 0 0 0\n CHANNELS 3 Xposition Yposition Zposition\n}\n"
    values = np.concatenate([rows(), rows()[:, :3]], axis=1)
    with refused("several-roots", ["Hips", "Sword", 'data.root_joint = "Hips"']):
        read(text(values, tree(), prop))
    found = read(text(values, tree(), prop), "Hips")
    np.testing.assert_allclose(found.people["x"], read(PLAIN).people["x"])
    with refused("unknown-joint", ["Spear", "Hips, Sword"]):
        read(text(values, tree(), prop), "Spear")


def test_end_sites_are_tips_and_not_joints():
    found = read(text(np.zeros((2, 12))))
    assert found.joints == ("Hips", "Head", "Foot")
    assert found.tip_joints == ("Head", "Foot")
    np.testing.assert_allclose(found.tips["x"][0], [[0, 85, 1], [10, -90, 15]])


def _theirs(content: str, path) -> tuple[list[str], np.ndarray]:
    bvhio = pytest.importorskip("bvhio")
    path.write_text(content)
    root = bvhio.readAsHierarchy(str(path))
    frames = []
    joints = [joint for joint, _, _ in root.layout() if not joint.Name.endswith("End Site")]
    for frame in range(root.getKeyframeRange()[1] + 1):
        root.loadPose(frame)
        frames.append([list(joint.PositionWorld) for joint in joints])
    return [joint.Name for joint in joints], np.array(frames)


@settings(max_examples=25, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    order=st.permutations("XYZ"),
    count=st.integers(1, 4),
    blank=st.booleans(),
)
def test_positions_agree_with_bvhio(tmp_path, seed, order, count, blank):
    values = np.random.default_rng(seed).uniform(-180, 180, (count, 12)).round(4)
    content = text(values, tree(order="".join(order)))
    names, theirs = _theirs(content, tmp_path / "one.bvh")
    ours = read(content.replace("MOTION\n", "MOTION\n\n") if blank else content)
    order_ = [names.index(name) for name in ours.joints]
    np.testing.assert_allclose(ours.people["x"], theirs[:, order_], atol=2e-3)
