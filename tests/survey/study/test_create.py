"""A study made of a run's folder: what is asked, what is shown, and what is not said."""

import base64
import json
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.errors import refused
from tests.report.conftest import Fake
from typer.testing import CliRunner

from feint.cli.main import app, main
from feint.errors import FeintError
from feint.io.sealed import read_json, write_json
from feint.report.cases import case
from feint.report.run_data import RunData
from feint.survey.study import texts as texts_module
from feint.survey.study.create import Draft, StudyOptions, create_study, draft
from feint.survey.study.schema import Study, Trial
from feint.survey.study.stimuli import evenly_spaced, seeded_order

EPS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
TARGETS = ("hugging", "punching", "handshaking")
LABELS = (*TARGETS, "departing", "kicking", "pushing")


def small(**knobs: Any) -> Fake:
    """A run without noise and transfer, which a study does not look at."""
    return Fake(**{"noise": (), "transfer": False, **knobs})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fake = small(targets=TARGETS, labels=LABELS, eps=EPS, kappa=0.01)
    return fake.write(tmp_path_factory.mktemp("run") / "run")


@pytest.fixture(scope="module")
def run_data(run: Path) -> RunData:
    return RunData.load(run)


@pytest.fixture(scope="module")
def drafted(run_data: RunData) -> Draft:
    return draft(run_data, StudyOptions())


def asked(study: Study, kind: str, **known: Any) -> list[Trial]:
    wanted = {"kind": kind, "practice": False, "catch": "", **known}
    return [t for t in study.trials if all(getattr(t, k) == v for k, v in wanted.items())]


def seen(made: Draft, name: str) -> dict[str, np.ndarray]:
    """A stimulus in metres, as the page reads it."""
    loaded = json.loads(made.stimuli[name])
    assert set(loaded) == {"schema", "frames", "fps", "step", "people"}
    assert (loaded["schema"], loaded["fps"], loaded["step"]) == (1, 15.0, 0.001)
    return {
        who: np.frombuffer(base64.b64decode(text), "<i2").reshape(loaded["frames"], 15, 3) * 0.001
        for who, text in loaded["people"].items()
    }


def same(found: np.ndarray, motion: case.Motion) -> bool:
    """To half a millimetre."""
    return bool((abs(found - motion.double().numpy()) < 0.000501).all())


def test_the_papers_objectives_are_asked_in_its_order(drafted: Draft) -> None:
    loaded = [(one.reaction, one.model) for one in drafted.study.objectives]
    assert loaded == [("handshaking", "tcn"), ("punching", "tcn")]  # hugging is not of Table 1
    assert drafted.notes == ()
    assert drafted.minutes == 7
    assert all(one.action != one.reaction for one in drafted.study.objectives)


def test_a_run_without_them_is_asked_for_what_it_has(tmp_path: Path) -> None:
    folder = small(targets=("hugging", "exchanging")).write(tmp_path / "run")
    loaded = draft(RunData.load(folder), StudyOptions(models=("gru", "tcn"))).study.objectives
    pairs = [(one.reaction, one.model) for one in loaded]
    assert pairs == [(t, m) for t in ("exchanging", "hugging") for m in ("gru", "tcn")]


def test_six_eps_rise_and_every_panel_is_what_its_row_says(
    drafted: Draft, run_data: RunData
) -> None:
    for one in drafted.study.objectives:
        (trial,) = asked(drafted.study, "leftmost", objective=one.name)
        assert [panel.eps for panel in trial.panels] == [1, 2, 4, 5, 7, 8]
        assert [option.value for option in trial.options] == [*"123456", "none"]
        for panel in trial.panels:
            row = run_data.judged.filter(
                case.WHITE_BOX,
                pl.col("sequence") == one.sequence,
                pl.col("target") == one.reaction,
                pl.col("victim") == one.model,
                pl.col("eps") == panel.eps,
            ).row(0, named=True)
            assert panel.distance_frame == pytest.approx(row["distance_frame"], abs=1e-6)
            assert panel.distance_joint == pytest.approx(row["distance_joint"], abs=1e-6)
            assert panel.error_cm == pytest.approx(row["error_cm"], abs=1e-6)
            people, motions = seen(drafted, panel.stimulus), case.read(run_data, row, "")
            assert same(people["actor"], motions.actor_adv)
            assert same(people["reactor"], motions.answer_adv)


@pytest.mark.parametrize(
    ("values", "most", "chosen"),
    [
        ([0.45, 0.075, 0.3, 0.15, 0.225, 0.375], 6, [0.075, 0.15, 0.225, 0.3, 0.375, 0.45]),
        ([*map(float, range(7))], 6, [0, 1, 2, 4, 5, 6]),
        ([*map(float, range(100))], 6, [0, 20, 40, 59, 79, 99]),
        ([3.0, 1.0, 1.0], 6, [1.0, 3.0]),
    ],
)
def test_eps_are_chosen_evenly(values: list[float], most: int, chosen: list[float]) -> None:
    assert evenly_spaced(values, most) == chosen


@pytest.mark.parametrize("seed", [0, 1])
def test_the_sequence_is_the_first_drawn_that_is_open(tmp_path: Path, seed: int) -> None:
    folder = small(targets=("punching",), kappa=0.3, eps=(1.0, 2.0)).write(tmp_path / "run")
    run_data = RunData.load(folder)
    rows = run_data.judged.filter(case.WHITE_BOX, pl.col("victim") == "tcn")
    assert (
        0
        < rows.filter(~pl.col("clean_success"))["sequence"].n_unique()
        < rows["sequence"].n_unique()
    )
    order = seeded_order(rows.filter(~pl.col("clean_success"))["sequence"], f"{seed}:punching")
    (one,) = draft(run_data, StudyOptions(seed=seed)).study.objectives
    assert one.sequence == order[0]
    some = draft(run_data, StudyOptions(seed=seed, objectives=[("departing", "punching")]))
    assert some.study.objectives[0].action == "departing"


def test_catch_trials_hold_what_they_say(drafted: Draft, run_data: RunData) -> None:
    for catch, expected in (("target", "1"), ("clean", "none")):
        trials = asked(drafted.study, "leftmost", catch=catch)
        assert len(trials) == 2
        for trial in trials:
            assert trial.expected == expected
            (one,) = [o for o in drafted.study.objectives if o.name == trial.objective]
            row = run_data.judged.filter(
                case.WHITE_BOX,
                pl.col("sequence") == one.sequence,
                pl.col("target") == one.reaction,
                pl.col("victim") == one.model,
            ).row(0, named=True)
            motions = case.read(run_data, row, "")
            (real,) = asked(drafted.study, "leftmost", objective=one.name)
            for panel, beside in zip(trial.panels, real.panels, strict=True):
                people = seen(drafted, panel.stimulus)
                answer = motions.target if catch == "target" else motions.answer
                assert same(people["reactor"], answer)
                # the actor is the trial's that it stands for: nothing tells them apart
                assert (people["actor"] == seen(drafted, beside.stimulus)["actor"]).all()
                assert panel.eps == (None if catch == "target" else 0)


def test_where_everything_counts_already_nothing_says_that_it_does_not(tmp_path: Path) -> None:
    run_data = RunData.load(small(targets=("punching",), kappa=9.0).write(tmp_path / "run"))
    made = draft(run_data, StudyOptions())
    assert asked(made.study, "leftmost", catch="clean") == []
    assert len(asked(made.study, "leftmost", catch="target")) == 1
    assert any("clean success rate is 100 %" in note for note in made.notes)


def test_naming_shows_an_answer_alone_from_clean_to_real(drafted: Draft) -> None:
    study = drafted.study
    for one in study.objectives:
        trials = asked(study, "naming", objective=one.name)
        assert [t.panels[0].eps for t in trials] == [0, 4, 8, None]
        assert [t.expected for t in trials] == [None, None, None, one.reaction]
        for trial in trials:
            assert set(seen(drafted, trial.panels[0].stimulus)) == {"reactor"}
            assert [option.value for option in trial.options] == [*study.classes, "cannot-tell"]
    assert study.classes == tuple(sorted(LABELS))


@pytest.mark.parametrize("seed", range(4))
def test_the_changed_actor_stands_on_either_side_equally_often(
    run_data: RunData, seed: int
) -> None:
    wanted = StudyOptions(objectives=[(None, one) for one in TARGETS], seed=seed, tasks=["which"])
    made = draft(run_data, wanted)
    trials = asked(made.study, "which")
    assert sorted(Counter(t.expected for t in trials).values()) == [4, 5]
    for eps in (1, 4, 8):  # three objectives each
        sides = [t.expected for t in trials if max(p.eps or 0 for p in t.panels) == eps]
        assert sorted(Counter(sides).values()) == [1, 2]
    for trial in trials:
        changed = trial.panels[0 if trial.expected == "left" else 1]
        assert (changed.eps or 0) > 0 == min(p.eps or 0 for p in trial.panels)
        assert set(seen(made, changed.stimulus)) == {"actor"}


def test_practice_is_of_what_nobody_is_asked_about(drafted: Draft) -> None:
    practice = [t for t in drafted.study.trials if t.practice]
    assert sorted(t.kind for t in practice) == ["leftmost", "naming", "which"]
    first = next(t for t in practice if t.kind == "leftmost")
    assert "hugs" in first.prompt
    assert [panel.eps for panel in first.panels] == [0, 0, 0, None, None, None]
    assert first.expected == "4"


def test_nothing_that_is_sent_tells_the_truth(drafted: Draft, run_data: RunData) -> None:
    study, secret = drafted.study, {"eps", "distance", "catch", "clean", "real", "objective"}
    for trial in study.trials:
        loaded = trial.judge_view()
        assert set(loaded) == {
            "name", "kind", "prompt", "panels", "options", "practice", "expected",
        }  # fmt: skip
        assert not secret & set(json.dumps(loaded).replace('"', " ").split())
    names = {*run_data.judged["sequence"], *run_data.models}
    for name, content in drafted.stimuli.items():
        text = content.decode()
        assert not [one for one in (*names, *study.classes) if one in text], name
        assert set(json.loads(text)["people"]) <= {"actor", "reactor"}
    # the same frames and the same length: sizes tell no more than motion does
    for trial in study.trials:
        assert len({len(drafted.stimuli[panel.stimulus]) for panel in trial.panels}) == 1


def test_judges_read_plain_words(drafted: Draft) -> None:
    study = drafted.study
    texts = [study.consent, *study.instructions, study.thanks]
    texts += [t.prompt for t in study.trials]
    texts += [option.label for t in study.trials for option in t.options]
    read = " ".join(texts).lower()
    for word in ("attack", "advers", "eps", "perturb", "model", "tolerance", "kappa", "reactor"):
        assert word not in read, word
    assert "7 minutes" in study.consent
    assert "stop at any time" in study.consent
    assert texts_module.leftmost_prompt("line_dancing", 3).endswith(
        "green person does this: line dancing?"
    )


def test_the_same_run_and_seed_make_the_same_study(run: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(run, tmp_path / "elsewhere"))
    first, second = create_study(run, tmp_path / "a"), create_study(moved, tmp_path / "b")
    assert first.id == second.id == create_study(run, tmp_path / "a").id
    files = [{p.name: p.read_bytes() for p in (tmp_path / x).rglob("*.json")} for x in "ab"]
    assert files[0] == files[1]
    Study.load(tmp_path / "a").check(tmp_path / "a")
    assert str(tmp_path) not in (tmp_path / "a" / "study.json").read_text()
    with refused("folder-not-empty"):
        create_study(run, tmp_path / "a", StudyOptions(seed=1))


def test_recorded_actors_stand_beside_the_answers_if_that_is_wanted(run_data: RunData) -> None:
    made = draft(run_data, StudyOptions(recorded=True, tasks=["leftmost"]))
    (trial, *_) = asked(made.study, "leftmost")
    actors = [seen(made, panel.stimulus)["actor"] for panel in trial.panels]
    assert all((one == actors[0]).all() for one in actors)
    assert {t.kind for t in made.study.trials} == {"leftmost"}


def test_what_no_study_can_be_made_of_is_refused(run: Path, tmp_path: Path) -> None:
    def bad(folder: Path, code: str, *names: str, **options: Any) -> None:
        with refused(code, names=names):
            draft(RunData.load(folder), StudyOptions(**options))

    bad(run, "no-matching-rows", "waving", "departing", objectives=[("waving", "punching")])
    bad(run, "no-matching-rows", objectives=[("punching", "punching")])
    bad(run, "no-matching-rows", "lstm", models=["lstm"])
    bad(run, "bad-study", "consent", consent="x" * 30_000)
    bad(small(eps=(3.0,)).write(tmp_path / "one"), "too-few-eps", "3 cm")
    made = draft(RunData.load(small(eps=(1.0, 3.0)).write(tmp_path / "two")), StudyOptions())
    assert len(made.notes) == 1
    assert "2 eps" in made.notes[0]
    loaded = read_json(tmp_path / "two" / "run.json")
    write_json(tmp_path / "two" / "run.json", {**loaded, "feature_spec": {}})
    bad(tmp_path / "two", "no-skeleton", str(tmp_path / "two"))
    (tmp_path / "one" / "rows.parquet").unlink()
    with pytest.raises(FeintError):
        draft(RunData.load(tmp_path / "one"), StudyOptions())


def test_the_command_says_what_it_made(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "consent.txt"
    text.write_text("Nur zum Spaß.\n", encoding="utf-8")
    command = ["survey", "make", run, "--out", tmp_path / "study", "--consent", text]
    command += ["--objective", "departing:punching", "--model", "gru", "--name", "Pilot"]
    done = CliRunner().invoke(app, [str(w) for w in command], catch_exceptions=False)
    study = Study.load(tmp_path / "study")
    assert (study.name, study.consent) == ("Pilot", "Nur zum Spaß.")
    (one,) = study.objectives
    assert f"departing -> punching (gru): sequence {one.sequence}\n" in done.output
    assert f"({study.id[:12]}), {len(study.trials)} trials, about" in done.output

    def error_of(*more: object) -> str:
        words = ["feint", "survey", "make", str(run), "--out", str(tmp_path / "other")]
        monkeypatch.setattr(sys, "argv", [*words, *map(str, more)])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 2
        assert not (tmp_path / "other").exists()
        return capsys.readouterr().err

    assert "ACTION:REACTION" in error_of("--objective", "punching")
    assert "naming, leftmost, which" in error_of("--tasks", "guessing")
    text.write_text(" \n")
    assert f"{text} is empty" in error_of("--consent", text)
    text.write_bytes(b"\xff\xfe")
    assert "UTF-8" in error_of("--consent", text)
