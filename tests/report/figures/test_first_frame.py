"""The first frame with its joints' names: right before anything is trained."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from feint.cli import app
from feint.data.pairs import pair
from feint.data.synthetic import generate
from feint.report.figures import first_frame
from feint.skeleton import SBU_15

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def pairs():
    return pair(generate.generate(repetitions=1, sets=["s01s02"])[:2])


def places(svg: str) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for text in ET.fromstring(svg).findall(f"{SVG}text")[1:]:
        found.setdefault(text.text or "", []).append(
            (float(text.attrib["x"]), float(text.attrib["y"]))
        )
    return found


def test_every_joint_of_both_people_is_named_where_it_is(pairs):
    found = places(first_frame.first_frame(pairs))
    assert set(found) == set(SBU_15.joints)
    assert all(len(each) == 2 for each in found.values())
    for person in (0, 1):  # heads are above feet
        assert found["head"][person][1] < found["torso"][person][1] < found["left foot"][person][1]


def test_names_are_text_and_never_markup(pairs):
    joints = ("<script>&", *SBU_15.joints[1:])
    bones = tuple(bone for bone in SBU_15.bones if "head" not in bone)
    odd = replace(pairs, feature_spec=replace(SBU_15, joints=joints, bones=bones))
    assert "<script>&" in places(first_frame.first_frame(odd))


def test_data_show_draws_it_and_lists_the_notes(tmp_path: Path, invoke_show) -> None:
    out = tmp_path / "first.svg"
    text = invoke_show(out)
    assert "pairs to train on" in text
    assert set(places(out.read_text())) == set(SBU_15.joints)


@pytest.fixture
def invoke_show(tmp_path):
    from typer.testing import CliRunner

    toml = tmp_path / "x.toml"
    toml.write_text(
        'name = "x"\n[data]\nrepetitions = 1\n[[model]]\nkind = "TCN"\n[attack]\neps = [0.1]\n'
        '[target]\nlabels = ["punching"]\n'
    )

    def call(out: Path) -> str:
        done = CliRunner().invoke(app, ["data", "show", str(toml), "--out", str(out)])
        assert done.exit_code == 0, done.output
        return done.output

    return call
