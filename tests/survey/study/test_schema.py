"""A study's folder: what is written is read again, and what was changed is noticed."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.errors import refused

import feint
from feint.errors import DamagedError, FeintError
from feint.io.sealed import read_json, write_json
from feint.survey.study.schema import SCHEMA, Kind, Option, Panel, Study, Trial, stimulus_name

FILES = {stimulus_name(text): text for text in (b'{"a":1}', b'{"b":2}', b'{"c":3}')}
OPTIONS = (Option(value="1", label="the first"), Option(value="none", label="none"))
KINDS: tuple[Kind, ...] = ("naming", "leftmost", "which")


def trial(number: int, kind: Kind = "leftmost", **known: Any) -> Trial:
    panels = tuple(Panel(stimulus=name, eps=0.1 + i) for i, name in enumerate(FILES))
    knobs = {"prompt": "Which?", "panels": panels, "options": OPTIONS, **known}
    return Trial(**{"name": f"t-{number}", "kind": kind, **knobs})


def study(*trials: Trial, **known: Any) -> Study:
    knobs: dict[str, Any] = {
        "name": "a study",
        "consent": "yes?",
        "instructions": ("look",),
        "thanks": "thanks",
        "run": {"name": "a run"},
        "skeleton": json.loads(json.dumps(asdict(feint.SBU_15))),
        "eps_unit": "cm",
        "seed": 0,
        "classes": ("kicking", "punching"),
        "objectives": (),
        "trials": trials or (trial(0),),
        "stimuli": {name: hashlib.sha256(text).hexdigest() for name, text in FILES.items()},
    }
    return Study(**{**knobs, **known})


finite = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
panels = st.builds(
    Panel,
    stimulus=st.sampled_from(sorted(FILES)),
    eps=finite,
    distance_frame=finite,
    distance_joint=finite,
    error_cm=finite,
)
truths = st.fixed_dictionaries(
    {
        "catch": st.sampled_from(["", "target", "clean"]),
        "expected": st.sampled_from(["1", "none"]),
        "panels": st.lists(panels, min_size=3, max_size=3).map(tuple),
    }
)


@settings(max_examples=12)  # each syncs files to the disk
@given(st.text(max_size=50), st.lists(truths, min_size=1, max_size=4), st.integers(0, 2**31))
def test_a_plan_is_the_same_when_it_was_written_and_read(
    tmp_path_factory: pytest.TempPathFactory, text: str, known: list[dict[str, Any]], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("study")
    trials = [trial(i, prompt=text, **one) for i, one in enumerate(known)]
    made = study(*trials, consent=text, seed=seed)
    made.save(folder, FILES)
    made.save(folder, FILES)  # the same again is no other
    read = Study.load(folder)
    read.check(folder)
    assert (read, read.id) == (made, made.id)
    assert {name: read.stimulus(folder, name) for name in FILES} == FILES


@given(truths, truths, st.sampled_from(KINDS))
def test_a_judge_sees_the_same_whatever_is_true(
    one: dict[str, Any], other: dict[str, Any], kind: Kind
) -> None:
    shown = [
        panel.model_copy(update={"stimulus": seen.stimulus})
        for panel, seen in zip(other["panels"], one["panels"], strict=True)
    ]
    other = {**other, "panels": tuple(shown)}
    content = trial(0, kind, **one).judge_view()
    assert content == trial(0, kind, **other).judge_view()
    assert content["expected"] is None
    assert content["panels"] == [panel.stimulus for panel in one["panels"]]
    assert trial(0, kind, practice=True, **one).judge_view()["expected"] == one["expected"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "study"
    study().save(folder, FILES)
    return folder


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_byte_changed_anywhere_is_noticed(written: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(p for p in written.rglob("*") if p.is_file())))
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    change = data.draw(st.sampled_from(["flip", "cut", "insert"]))
    other = bytes([before[at] ^ data.draw(st.integers(1, 255))])
    after = {
        "flip": before[:at] + other + before[at + 1 :],
        "cut": before[:at],
        "insert": before[:at] + other + before[at:],
    }[change]
    path.write_bytes(after)
    try:
        with pytest.raises(FeintError):
            Study.load(written).check(written)
    finally:
        path.write_bytes(before)


def test_a_plan_edited_and_sealed_again_is_noticed(tmp_path: Path) -> None:
    study().save(tmp_path, FILES)
    content = read_json(tmp_path / "study.json")
    content["plan"]["trials"][0]["prompt"] = "Which one, really?"
    write_json(tmp_path / "study.json", content)
    with refused("damaged-file", names=[study().id[:12]], error=DamagedError):
        Study.load(tmp_path)


def test_everything_a_plan_holds_is_in_its_id() -> None:
    made = study()
    changed = [
        study(seed=1),
        study(consent="yes"),
        study(trial(0, prompt="Who?")),
        study(trial(0, expected="1")),
        study(stimuli={**made.stimuli, next(iter(FILES)): "0" * 64}),
    ]
    assert len({one.id for one in [made, *changed]}) == 1 + len(changed)


def test_a_folder_keeps_its_study(tmp_path: Path) -> None:
    study().save(tmp_path, FILES)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with refused("folder-not-empty", names=[tmp_path]):
        study(seed=1).save(tmp_path, FILES)
    assert {path: path.read_bytes() for path in before} == before


def test_what_is_no_study_is_refused(tmp_path: Path) -> None:
    with refused("no-study", names=["study.json"]):
        Study.load(tmp_path)
    with refused("hash-mismatch", names=FILES):
        study().save(tmp_path, dict.fromkeys(FILES, b"other"))
    write_json(tmp_path / "study.json", {"schema": SCHEMA, "id": "", "plan": {"name": "x"}})
    with refused("damaged-file", names=["consent"], error=DamagedError):
        Study.load(tmp_path)
    write_json(tmp_path / "study.json", {"schema": 1, "id": "", "plan": {"name": "x"}})
    with refused("schema-mismatch", names=[1, SCHEMA]):
        Study.load(tmp_path)
    for wrong, fact in [
        ({"expected": "2"}, "'2'"),
        ({"practice": True}, "t-0"),
        ({"options": (OPTIONS[0], OPTIONS[0])}, "two options"),
        ({"name": "../study"}, "pattern"),
    ]:
        with pytest.raises(ValidationError, match=fact):
            trial(0, **wrong)
    for trials, fact in [
        ((trial(0), trial(0)), "two trials"),
        ((trial(0, objective="o-1"),), "'o-1'"),
        ((trial(0, panels=(Panel(stimulus="other"),)),), "'other'"),
    ]:
        with pytest.raises(ValidationError, match=fact):
            study(*trials)
