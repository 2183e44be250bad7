"""`feint survey threshold` on a study's folder, and on votes typed in."""

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from feint.cli.survey_threshold import threshold
from feint.evaluation.table1 import paper
from feint.evaluation.tolerance import Tolerance
from feint.io.sealed import write_json
from feint.survey.analysis import simulate
from feint.survey.analysis.simulate import Truth
from feint.survey.study.schema import SCHEMA, Study

APP = typer.Typer()
APP.command()(threshold)


def test_table_1_on_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "tolerance.json"
    loaded = CliRunner().invoke(
        APP, ["--votes", "examples/table1.toml", "--draws", "50", "--out", str(out)]
    )
    assert loaded.exit_code == 0, loaded.output
    words = " ".join(loaded.output.split())
    assert "The votes total 78, 82, 82, 56 and 79, not 82" in words
    for bold in ("79.52", "52.04", "93.17", "71.77", "22.77", "63.85"):
        assert bold in words
    found = Tolerance.load(out)
    assert (found.values, found.other) == (dict(paper().values), paper().other)


def test_a_study_with_its_exported_answers(tmp_path: Path) -> None:
    ladders = {"kicking": (30.0, 25.0, 20.0, 15.0), "pushing": (12.0, 10.0, 8.0, 6.0)}
    plan = simulate.study(ladders, (0.1, 0.2, 0.3, 0.4), frames=10)
    # There are no stimuli: `threshold` reads the plan only.
    loaded = {"schema": SCHEMA, "id": plan.id, "plan": plan.model_dump(mode="json")}
    write_json(tmp_path / "study.json", loaded)
    truth = Truth(
        {"objective-0": 22.0, "objective-1": 9.0}, {"objective-0": 2.0, "objective-1": 1.0}
    )
    simulate.answers(plan, truth, 12).write_parquet(
        tmp_path / "answers.parquet", compression="uncompressed"
    )
    given = [str(tmp_path), "--answers", str(tmp_path / "answers.parquet"), "--draws", "50"]
    shown = CliRunner().invoke(APP, given)
    assert shown.exit_code == 0, shown.output
    for words in ("12 judges", "approaching -> kicking", "Krippendorff's alpha", "was changed"):
        assert words in shown.output
    out = tmp_path / "tolerance.json"
    printed = CliRunner().invoke(APP, [*given, "--json", "--out", str(out)])
    content = json.loads(printed.stdout)
    assert content["study"] == plan.id == Tolerance.load(out).study
    assert content["tolerance"]["psychometric"]["values"] == dict(Tolerance.load(out).values)
    assert Study.load(tmp_path).id == plan.id


def test_what_cannot_be_done_is_said() -> None:
    for given, code in (
        ([], "missing-option"),
        (["a-study", "--votes", "examples/table1.toml"], "conflicting-options"),
        (["--votes", "examples/table1.toml", "--out", "a.txt"], "bad-suffix"),
        (["--votes", "examples/table1.toml", "--max-catch-errors", "many"], None),
    ):
        done = CliRunner().invoke(APP, given)
        assert getattr(done.exception, "code", None) == (2 if code is None else code)
