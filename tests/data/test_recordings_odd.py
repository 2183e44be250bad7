"""From files as sensors and programs leave them to pairs: what they mean is what is read."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.data import written
from tests.errors import refused

from feint.data.config import PeopleData
from feint.data.formats import FORMATS
from feint.data.formats.skeletons import KNOWN, NTU_25
from feint.data.recordings_load import load_people
from feint.data.synthetic import generate
from feint.skeleton import SBU_15


@pytest.fixture(scope="module")
def some():
    return [one for one in generate.generate(repetitions=1) if one.label == "punching"][:4]


def load(source, root, **more):
    return load_people(PeopleData(source=source, root=root, test_share=0.25, **more))


def same(train, test, some, tolerance=2e-4, by=lambda values: values):
    """The pairs are the interactions that were written, in metres."""
    for pairs in (train, test):
        for key, actor in zip(pairs.keys, pairs.actor.unpad(), strict=True):
            one = {one.key.replace("/", "-"): one for one in some}[key.split("/")[0]]
            right = written.metres(one.first if key.endswith("AB") else one.second)
            got = by(pairs.skeleton.split(actor).double().numpy())
            np.testing.assert_allclose(got, right[..., : got.shape[-1]], atol=tolerance)


def test_joints_in_an_order_of_ones_own_stay_where_they_are(some, tmp_path):
    """Issue: a skeleton with a known one's words in another order permuted 12 of 15 joints."""
    order = list(np.random.default_rng(0).permutation(15))
    for one in some:
        folder = tmp_path / one.label
        folder.mkdir(exist_ok=True)
        people = [written.metres(p)[:, order] for p in (one.first, one.second)]
        np.savez(folder / f"{one.key.replace('/', '-')}.npz", keypoint=np.stack(people), fps=15.0)
    names = [SBU_15.joints[i] for i in order]
    toml = tmp_path / "mine.toml"
    bones = [list(bone) for bone in SBU_15.bones]
    toml.write_text(f"joints = {json.dumps(names)}\nbones = {json.dumps(bones)}\nroot = 'torso'\n")
    train, test, notes = load("arrays", tmp_path, unit="m", skeleton=str(toml))
    assert train.skeleton.joints == tuple(names)
    same(train, test, some, by=lambda values: values[:, np.argsort(order)])
    assert notes == []
    bad = load("arrays", tmp_path, unit="m", up="y")[2]
    assert any("SBU_15" in note for note in bad)  # the guess is said


def test_bones_of_joints_in_a_wrong_order_are_a_warning(some, tmp_path):
    """Arms and legs that swing show it; so the joints are read from people who move a lot."""
    rng = np.random.default_rng(1)
    for i, one in enumerate(some):
        folder = tmp_path / one.label
        folder.mkdir(exist_ok=True)
        time = np.arange(40)[:, None, None]
        swing = (
            0.25 * np.sin(time / 4 + rng.uniform(0, 6, (1, 15, 1))) * rng.normal(size=(1, 15, 3))
        )
        body = written.metres(one.first)[:1] + swing
        np.savez(folder / f"{i}.npz", keypoint=np.stack([body, body + 1]), fps=15.0)
    notes = load("arrays", tmp_path, unit="m", skeleton="SBU_15", up="y")[2]
    assert any("bones-not-rigid" in note for note in notes)


def bvh_with_tips(height: float, frames: int = 20) -> str:
    """A man of this height in centimetres, whose head and feet end beyond their joints."""
    rows = np.zeros((frames, 6))
    rows[:, 0] = np.linspace(0, 30, frames)
    return f"""HIERARCHY
ROOT Hips
{{
  OFFSET 0 0 0
  CHANNELS 3 Xposition Yposition Zposition
  JOINT Head
  {{
    OFFSET 0 {0.38 * height} 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {{
      OFFSET 0 {0.1 * height} 0
    }}
  }}
  JOINT Foot
  {{
    OFFSET 0 {-0.46 * height} 0
    CHANNELS 0
    End Site
    {{
      OFFSET 0 {-0.06 * height} {0.1 * height}
    }}
  }}
  JOINT Hand
  {{
    OFFSET {0.2 * height} {0.7 * height} 0
    CHANNELS 0
  }}
}}
MOTION
Frames: {frames}
Frame Time: 0.033333
""" + "\n".join(" ".join(f"{n:.4f}" for n in row) for row in rows)


def write_bvh(root, *texts):
    for i, text in enumerate(texts):
        folder = root / "wave" / f"r{i}"
        folder.mkdir(parents=True)
        for who in "ab":
            (folder / f"{who}.bvh").write_text(text)


def test_a_height_is_measured_to_the_end_sites_and_not_to_raised_hands(tmp_path):
    """1.75 gave 1.92 m and 2.07 m."""
    write_bvh(tmp_path, *[bvh_with_tips(175.0)] * 2)
    train, _, notes = load("bvh", tmp_path, height=1.75)
    assert any("0.01 m" in note for note in notes)
    pose = train.skeleton.split(train.actor.values[0, 0])
    assert float(pose[1, 1] - pose[0, 1]) == pytest.approx(0.38 * 1.75, rel=1e-4)


def test_a_height_does_not_hide_that_another_axis_is_up(tmp_path):
    write_bvh(tmp_path, *[bvh_with_tips(175.0)] * 2)
    for path in tmp_path.rglob("*.bvh"):
        lines = []
        for line in path.read_text().splitlines():
            words = line.split()
            if words[:1] == ["OFFSET"]:
                line = f"OFFSET {words[1]} {words[3]} {words[2]}"
            lines.append(line)
        path.write_text("\n".join(lines))
    with refused("wrong-up", ["data.up"]):
        load("bvh", tmp_path, height=1.75)
    train, _, _ = load("bvh", tmp_path, height=1.75, up="z")
    pose = train.skeleton.split(train.actor.values[0, 0])
    assert float(pose[1, 1] - pose[0, 1]) == pytest.approx(0.38 * 1.75, rel=1e-4)
    with refused("conflicting-keys"):
        load("bvh", tmp_path, height=1.75, unit="cm", up="z")


def test_two_characters_with_prefixes_are_one_skeleton(some, tmp_path):
    for one in some:
        written.write(one, tmp_path, "bvh")
    for path in tmp_path.rglob("*.bvh"):
        prefix = {"a": "mixamorig:", "b": "mixamorig1:"}[path.stem]
        text = path.read_text()
        for word in ("ROOT ", "JOINT "):
            text = text.replace(word, word + prefix)
        path.write_text(text)
    train, test, _ = load("bvh", tmp_path, unit="cm")
    assert "left_hand" in train.skeleton.joints
    order = [train.skeleton.joint(name.replace(" ", "_")) for name in SBU_15.joints]
    same(train, test, some, by=lambda values: values[:, order])


def test_units_that_differ_by_axis(some, tmp_path):
    for one in some:
        folder = tmp_path / one.label
        folder.mkdir(exist_ok=True)
        people = np.stack([written.metres(p) for p in (one.first, one.second)])
        np.savez(folder / f"{one.key.replace('/', '-')}.npz",
                 keypoint=people * [1000, 100, 1], fps=15.0)  # fmt: skip
    train, test, _ = load("arrays", tmp_path, unit=("mm", "cm", "m"), skeleton="SBU_15")
    same(train, test, some)


def write_ntu(some, root):
    for i, one in enumerate(some):
        people = [written.metres(one.first), written.metres(one.second)]
        (root / f"S001C001P00{i}R001A050.skeleton").write_text(written.ntu(people))


def test_a_body_renumbered_in_the_middle_keeps_its_recording(some, tmp_path):
    write_ntu(some, tmp_path)
    train, test, notes = load("ntu", tmp_path)
    whole = sum(len(one) for one in train.actor) + sum(len(one) for one in test.actor)
    for path in tmp_path.glob("*.skeleton"):
        lines = path.read_text().splitlines()
        middle = len(lines) // 2
        path.write_text("\n".join(
            line.replace("72057594037927960", "72057594037920000") if i > middle else line
            for i, line in enumerate(lines)
        ))  # fmt: skip
    train, test, notes = load("ntu", tmp_path)
    assert sum(len(one) for one in train.actor) + sum(len(one) for one in test.actor) == whole
    assert any("another name" in note for note in notes)


def test_bad_samples_are_named_at_once_and_left_out_by_a_key(some, tmp_path):
    write_ntu(some, tmp_path)
    (tmp_path / "S001C001P009R001A050.skeleton").write_text("3\n0\n0\n0\n")
    (tmp_path / "S001C001P008R001A050.skeleton").write_text("")
    names = ["S001C001P008R001A050", "S001C001P009R001A050"]
    with refused("bad-recordings", [*names, "2 of 6", 'data.on_bad_recording = "leave-out"']):
        load("ntu", tmp_path)
    train, test, notes = load("ntu", tmp_path, on_bad_recording="leave-out")
    assert len(train) + len(test) == 8
    assert any("2 recordings cannot be used" in note and names[0] in note for note in notes)
    train, test, notes = load("ntu", tmp_path, leave_out=tuple(names))
    assert len(train) + len(test) == 8
    assert any("left out by name" in note for note in notes)


def test_a_skeleton_of_25_joints_decides_for_ntu_too(some, tmp_path):
    write_ntu(some, tmp_path)
    mine = [f"joint {i}" for i in range(25)]
    toml = tmp_path / "kinect.toml"
    toml.write_text(f"joints = {json.dumps(mine)}\nbones = [['joint 0', 'joint 3']]\n"
                    "root = 'joint 0'\n")  # fmt: skip
    train, _, _ = load("ntu", tmp_path, skeleton=str(toml))
    assert train.skeleton.joints == tuple(mine)
    assert train.skeleton.joints[NTU_25.joint("right wrist")] == "joint 10"


def openpose(root, some):
    """Folders of frames, with OpenPose's 25 points; the people's order changes every frame."""
    for k, one in enumerate(some):
        folder = root / one.label / f"r{k}"
        folder.mkdir(parents=True)
        people = [written.metres(p) for p in (one.first, one.second)]
        for t in range(len(people[0])):
            each = []
            for person in people:
                points = np.zeros((25, 3))
                points[:15, :2] = 960 + 250 * person[t, :, :2] * [1, -1]
                points[:15, 2] = 0.9
                points[15:] = points[0]
                each.append({"person_id": [-1], "pose_keypoints_2d": points.flatten().tolist()})
            content = {"version": 1.3, "people": each[:: 1 if t % 2 else -1]}
            (folder / f"clip_{t:012}_keypoints.json").write_text(json.dumps(content))


def test_folders_of_openposes_frames_become_pairs(some, tmp_path):
    openpose(tmp_path, some)
    some_joints = tmp_path / "some.toml"
    some_joints.write_text("joints = ['nose', 'right hip']\nbones = [['right hip', 'nose']]\n"
                           "root = 'right hip'\n")  # fmt: skip
    train, test, notes = load(
        "keypoints", tmp_path, height=1.0, fps=15, skeleton=str(some_joints), up="-y"
    )
    assert len(train) + len(test) == 8
    assert any("followed from frame to frame" in note for note in notes)
    for pairs in (train, test):
        for actor in pairs.actor:  # nobody jumps to the other's place
            assert float(actor.diff(dim=0).abs().max()) < 0.5


def test_every_ninth_frame_of_a_video_is_a_tenth_of_its_rate(some, tmp_path):
    """At 30 frames a second, 0.090 m in nine frames was read as 0.090 m in one."""
    for one in some:
        folder = tmp_path / one.label
        folder.mkdir(exist_ok=True)
        frames = []
        for t in range(12):
            pose = written.metres(one.first)[0] * [1, -1, -1]
            each = {"a": pose + np.array([0.09 * t, 0, 0]), "b": pose + np.array([1.0, 0, 0])}
            people = [
                {"id": who, "keypoints": [[*point, 1.0] for point in points.tolist()]}
                for who, points in each.items()
            ]
            frames.append({"frame": 9 * t, "people": people})
        (folder / f"{one.key.replace('/', '-')}.json").write_text(json.dumps(frames))
    words = {"unit": "m", "skeleton": "SBU_15", "axes": ("x", "y", "z")}
    train, _, notes = load("keypoints", tmp_path, fps=30, **words)
    steps = np.diff(train.actor.values[0, :, 0].numpy())
    np.testing.assert_allclose(steps, 0.01, atol=1e-6)
    assert any("resampled from 3.333 to 30" in note for note in notes)


def test_every_key_and_every_known_skeleton_is_in_the_docs():
    text = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    elsewhere = {"source", "root", "folds", "fold", "test_share", "test_sets", "seed"}
    missing = [name for name in PeopleData.model_fields if f"`{name}`" not in text]
    assert set(missing) <= elsewhere
    assert [name for name in KNOWN if f'"{name}"' not in text] == []
    assert [name for name in FORMATS if f'"{name}"' not in text] == []
