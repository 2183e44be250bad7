"""People's own recordings: the same interactions out of every format, or one clear error."""

import json

import numpy as np
import pytest
import torch
from tests.data import written
from tests.errors import refused

from feint.data import recordings_load
from feint.data.formats.bvh import parse_bvh
from feint.data.synthetic import generate
from feint.experiments import config_file
from feint.experiments.run import Run
from feint.skeleton import SBU_15

TEXT = """
name = "own"
[data]
source = "{source}"
test_share = 0.25
{more}
[[model]]
kind = "TCN"
width = 4
depth = 1
training = {{ epochs = 1 }}
[attack]
settings = {{ steps = 1 }}
eps = [3]
eps_unit = "cm"
axes = ["x"]
[target]
labels = ["punching"]
[evaluation]
noise = ["sign"]
max_sequences = 2
"""
SBU_TOML = "skeleton.toml"
FORMATS = {
    "bvh": 'unit = "cm"',
    "keypoints": 'unit = "m"\naxes = ["x", "y", "z"]\nskeleton = "SBU_15"',
    "arrays": 'unit = "m"\nskeleton = "SBU_15"',
    "flat": 'skeleton = "SBU_15"\nheight = 1.6',
    "ntu": "",
}


@pytest.fixture(scope="module")
def some():
    every = generate.generate(repetitions=1)
    return [one for one in every if one.label in ("punching", "hugging")][::3][:8]


def spec(source, root, more):
    text = TEXT.format(source="keypoints" if source == "flat" else source, more=more)
    one = config_file.parse(text, "own.toml")
    return one.model_copy(update={"data": one.data.model_copy(update={"root": root})})


@pytest.mark.parametrize("source", FORMATS)
def test_every_format_gives_the_interactions_that_were_written(source, some, tmp_path):
    for one in some:
        written.write(one, tmp_path, source)
    fps = "fps = 15" if source != "ntu" else "fps = 30"
    train, test, notes = recordings_load.load_people(
        spec(source, tmp_path, FORMATS[source] + f"\n{fps}").data
    )
    assert len(train) == 12
    assert len(test) == 4
    assert not set(train.sets) & set(test.sets)
    by_name = {one.key.replace("/", "-"): one for one in some}
    for key, actor in zip(test.keys, test.actor.unpad(), strict=True):
        name, _, person = key.split("/")[0], key.split("/")[1], key.split("/")[-1]
        one = by_name[name]
        right = written.metres(one.first if person == "AB" else one.second)
        right = right[..., : len(test.skeleton.axes)]
        got = test.skeleton.split(actor).double().numpy()
        if source == "bvh":  # the tree's order, by name
            got = got[:, [test.skeleton.joint(n.replace(" ", "_")) for n in SBU_15.joints]]
        if source == "ntu":
            got = got[:, written.NTU_PLACES]
        if source == "flat":  # its scale was measured: people of 1.6 m
            got = got * (right.std() / got.std())
        np.testing.assert_allclose(got[:, : right.shape[1]], right, atol=2e-4)
    assert any("1.6 m tall" in note for note in notes) == (source == "flat")


@pytest.mark.parametrize("source", ["bvh", "flat"])
def test_a_folder_becomes_rows(source, some, tmp_path):
    for one in some:
        written.write(one, tmp_path / "data", source)
    asked = spec(source, tmp_path / "data", FORMATS[source])
    run = Run(asked, tmp_path / "run")
    run.attack()
    assert set(run.score()["target"]) == {"punching"}


def test_bvh_is_placed_as_bvhio_places_it(tmp_path):
    bvhio = pytest.importorskip("bvhio")
    rng = np.random.default_rng(0)
    text = """HIERARCHY
ROOT hips
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT spine
  {
    OFFSET 0 10 1
    CHANNELS 3 Yrotation Zrotation Xrotation
    JOINT head { OFFSET 0 7 0.5
      CHANNELS 3 Zrotation Yrotation Xrotation
      End Site
      {
        OFFSET 0 3 0
      }
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.0333333
""".replace("JOINT head {", "JOINT head\n{\n")
    rows = np.concatenate([rng.normal(0, 20, (3, 3)), rng.uniform(-170, 170, (3, 9))], axis=1)
    text += "\n".join(" ".join(f"{n:.4f}" for n in row) for row in rows) + "\n"
    path = tmp_path / "one.bvh"
    path.write_text(text)
    ours = parse_bvh(text.encode(), "x", "one")
    assert ours.joints == ("hips", "spine", "head")
    root = bvhio.readAsHierarchy(str(path))
    for frame in range(3):
        root.loadPose(frame)
        theirs = [list(joint.PositionWorld) for joint, _, _ in root.layout()]
        np.testing.assert_allclose(ours.people["one"][frame], theirs[:3], atol=1e-3)


def change(root, edit):
    path = sorted(root.rglob("*.json"))[-1]
    told = json.loads(path.read_text())
    edit(told)
    path.write_text(json.dumps(told))


def lose(frames, joints=(0,)):
    def edit(told):
        for t in frames:
            for k in joints:
                told["frames"][t]["people"][0]["keypoints"][k][-1] = 0.0

    return edit


def alone(told):
    for frame in told["frames"]:
        del frame["people"][1]


def third(told):
    for t, frame in enumerate(told["frames"]):
        frame["people"].append({"id": "c", "keypoints": [[t % 2, 1, 1, 1.0]] * 15})


@pytest.mark.parametrize(
    "edit, more, code, facts",
    [
        (lambda told: told.pop("fps"), "", "no-frame-rate", ["data.fps"]),
        (lambda told: told.update(fps=30), "", "different-rates", ["30", "15", "data.fps"]),
        (alone, "", "wrong-number-of-people", ["(a)", "data.horizon"]),
        (third, "", "wrong-number-of-people", ["a, b, c", "top-2-motion"]),
        (lose(range(5, 15)), "", "long-gap", ["0.67 s", "head", "data.on_long_gap"]),
        (lambda told: None, 'people = ["a", "x"]', "unknown-person", ["x", "a, b"]),
        (
            lambda told: told["frames"][1].update(people=[{"id": "a"}]),
            "",
            "not-keypoints",
            ["frame 1"],
        ),
        (
            lambda told: told["frames"][3]["people"][0]["keypoints"].pop(),
            "",
            "wrong-shape",
            ["frame 3", "14"],
        ),
    ],
    ids=["no-rate", "rates", "one", "three", "gap", "names", "none", "joints"],
)
def test_what_does_not_fit_is_refused_with_what_to_do(edit, more, code, facts, some, tmp_path):
    for one in some:
        written.write(one, tmp_path, "keypoints")
    change(tmp_path, edit)
    wanted = spec("keypoints", tmp_path, FORMATS["keypoints"] + "\n" + more).data
    with refused(code, facts):
        recordings_load.load_people(wanted)


def test_settings_take_what_would_be_refused(some, tmp_path):
    for one in some:
        written.write(one, tmp_path, "keypoints")
    more = FORMATS["keypoints"]
    whole = len(recordings_load.load_people(spec("keypoints", tmp_path, more).data)[0])
    change(tmp_path, lose([4, 5]))
    change(tmp_path, third)
    asked = spec("keypoints", tmp_path, more + '\npeople = ["a", "b"]').data
    assert len(recordings_load.load_people(asked)[0]) == whole
    train, test, notes = recordings_load.load_people(
        spec(
            "keypoints", tmp_path, more + '\npeople = "top-2-motion"\nhorizon = 4\nmax_frames = 16'
        ).data
    )
    assert any("most motion" in note for note in notes)
    assert any("interpolated" in note for note in notes)
    assert set(train.roles) == {"responder"}
    torch.testing.assert_close(train.actor.values[0, 4:5], train.reactor.values[0, :1])
    assert len(test)


def test_a_unit_that_makes_giants_is_refused(some, tmp_path):
    written.write(some[0], tmp_path, "bvh")
    written.write(some[1], tmp_path, "bvh")
    with refused("implausible-height", ["data.unit"]):
        recordings_load.load_people(spec("bvh", tmp_path, 'unit = "m"').data)
    with refused("no-unit", ["data.unit"]):
        recordings_load.load_people(spec("bvh", tmp_path, "").data)


def test_pairs_csv_names_files_sets_and_who_begins(some, tmp_path):
    rows = ["first,second,label,set,initiator"]
    for i, one in enumerate(some[:4]):
        for who, person in (("a", one.first), ("b", one.second)):
            text = written.bvh(written.metres(person), SBU_15, 15.0)
            (tmp_path / f"{i}{who}.bvh").write_text(text)
        rows.append(f"{i}a.bvh,{i}b.bvh,{one.label},{'train' if i < 3 else 'test'},second")
    table = tmp_path / "pairs.csv"
    table.write_text("\n".join(rows))
    asked = spec("bvh", tmp_path, 'unit = "cm"').data
    asked = asked.model_copy(update={"test_sets": ("test",), "test_share": None})
    train, test, _ = recordings_load.load_people(asked)
    assert (len(train), len(test)) == (6, 2)
    assert test.roles == ("initiator", "responder")
    for line, code, fact in (
        ("0a.bvh,../x.bvh,l,s,first", "no-such-file", "../x.bvh"),
        ("0a.bvh,0b.bvh,l,s,third", "unknown-value", "third"),
        ("0a.bvh,0b.bvh,l", "wrong-shape", "3"),
    ):
        table.write_text("\n".join([*rows, line]))
        with refused(code, ["line 6", fact]):
            recordings_load.load_people(asked)


def test_twins_are_found_by_their_names():
    from dataclasses import replace

    names = (
        "LeftArm",
        "RightArm",
        "l_hand",
        "r_hand",
        "lShldr",
        "rShldr",
        "Spine",
        "foot.L",
        "foot.R",
    )
    some = replace(SBU_15, joints=names)
    assert [some.twin(n) for n in names] == [
        "RightArm", "LeftArm", "r_hand", "l_hand", "rShldr", "lShldr", "Spine", "foot.R", "foot.L",
    ]  # fmt: skip
