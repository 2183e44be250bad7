"""The report for machines: the same numbers, nothing else, and no NaN."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.errors import refused
from typer.testing import CliRunner

from feint.cli.main import app
from feint.report import json_report
from feint.report.run_data import RunData

MakeRun = Callable[..., Path]


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def read(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return value


def test_it_has_the_numbers_of_the_run(finished: Path) -> None:
    run_data = RunData.load(finished)
    told = read(json_report.to_json(run_data))
    assert set(told) == {
        "schema", "name", "eps_unit", "axes", "verdict", "warnings", "models", "tolerance",
        "rates", "rates_by_target", "criteria", "missing", "attack", "attacks",
    }  # fmt: skip
    assert (told["schema"], told["eps_unit"]) == (2, "cm")
    assert told["verdict"] == run_data.verdicts
    assert told["missing"] == []
    assert len(told["rates"]) == len(run_data.rates)
    assert [one["success_rate_if_clean_fails"] for one in told["rates"]] == run_data.rates[
        "success_rate_if_clean_fails"
    ].to_list()
    assert told["models"]["tcn"]["trivial"]["hold first pose"] == 20.0
    assert told["models"]["tcn"]["beats_trivial"]
    assert told["tolerance"]["values"] == {"punching": 0.35, "hugging": 0.35}
    assert json_report.to_json(RunData.load(finished)) == json_report.to_json(run_data)


def test_a_weak_model_is_named_and_what_is_no_number_is_null(fake_run: MakeRun) -> None:
    told = read(json_report.to_json(RunData.load(fake_run(weak=True, kappa=9.0, noise=()))))
    assert "weak-model" in {one["code"] for one in told["warnings"]}
    assert {*told["warnings"][0]} == {"code", "about", "message"}
    assert not told["models"]["tcn"]["beats_trivial"]
    assert told["rates"][0]["noise_success_rate"] is None
    assert told["rates"][0]["success_rate_if_clean_fails_low"] is None  # none fails


def test_where_nothing_was_asked_the_verdict_is_empty(fake_run: MakeRun) -> None:
    told = read(
        json_report.to_json(RunData.load(fake_run(labels=("punching",), targets=("punching",))))
    )
    assert told["verdict"] == told["rates"] == []


def test_the_command_prints_json_alone_and_writes_nothing(finished: Path) -> None:
    before = sorted(finished.rglob("*"))
    done = CliRunner().invoke(app, ["report", str(finished), "--json"], catch_exceptions=False)
    assert read(done.stdout)["name"] == "fake"
    assert done.stderr == ""
    assert sorted(finished.rglob("*")) == before


def test_a_run_that_was_not_scored_is_refused(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn",), targets=("punching",))
    (folder / "rows.parquet").unlink()
    with refused("not-run-yet", names=("rows.parquet",)):
        json_report.to_json(RunData.load(folder))
