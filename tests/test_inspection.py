"""A user's model from the command line to the report: never trained, asked first, attacked."""

import json
from pathlib import Path

import pytest
from tests.conftest import LEAST, Tiny
from typer.testing import CliRunner

from feint.cli import app
from feint.errors import FeintError
from feint.experiment import parse
from feint.report.findings import Findings
from feint.verification import verify

MODEL = """kind = "TCN"
name = "a"
width = 4
depth = 1
training = { epochs = 1 }
"""


def yours(name: str, more: str = "arguments = { inputs = 90, outputs = 45 }") -> tuple[str, str]:
    """What stands in the place of the tiny run's model."""
    return MODEL, f'kind = "import"\nname = "a"\nmodel = "tests.models.mine:{name}"\n{more}\n'


@pytest.fixture(scope="module")
def finished(least: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("yours") / "run"
    one = least.run(folder, yours("BothWays"))
    one.attack()
    one.score()
    return folder


def test_it_is_attacked_untrained_and_named(finished: Path) -> None:
    found = Findings.of(finished)
    assert len(found.rows.filter(attack="attack")) > 0
    said = {one.name: one.sentence for one in found.warnings}
    assert said["reads-padding"].startswith("a reads the padding")
    assert {"reads-padding", "not-causal", "weak-model"} <= said.keys()
    told = json.loads((finished / "run.json").read_text())["experiment"]["model"][0]
    assert told["model"] == "tests.models.mine:BothWays"
    assert len(told["code"]) == 64
    about = json.loads((finished / "models" / "a.json").read_text())["about"]
    assert about["training"] == {}
    assert about["source"]["code"] == told["code"]
    assert not any((finished / "checkpoints").glob("*"))


def test_the_same_is_not_done_again(finished: Path, least: Tiny) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.glob("jobs/*/*")}
    least.run(finished, yours("BothWays")).attack()
    assert {p: p.stat().st_mtime_ns for p in finished.glob("jobs/*/*")} == before


def test_its_code_is_run_again_only_on_trust(finished: Path) -> None:
    assert any("--trust" in problem for problem in verify(finished).problems)
    assert verify(finished, trust=True).ok


def test_what_makes_an_attack_meaningless_ends_the_run(least: Tiny, tmp_path: Path) -> None:
    with pytest.raises(FeintError, match=r"data.first_pose = false.*The model fails on"):
        least.run(tmp_path / "run", yours("build", "")).attack()


def test_a_random_model_is_attacked_over_its_samples(least: Tiny, tmp_path: Path) -> None:
    change = yours("noisy", "samples = 2")
    text = least.text.replace(*change)
    model = parse(text, "random").model[0]
    assert model.source().samples == 2


def test_inspect_tells_every_check(
    finished: Path, least: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feint.inspection.prepare", lambda _: least._data)
    path = tmp_path / "one.toml"
    sets = '["s05s02", "s06s04"]'
    path.write_text(LEAST.format(test_sets=sets).replace(*yours("Packed")))
    shown = CliRunner().invoke(app, ["inspect", str(path)])
    assert shown.exit_code == 0, shown.output
    told = " ".join(shown.output.split())
    assert told.count("ok a ") == 7
    assert "note a is not causal" in told
    shown = CliRunner().invoke(app, ["inspect", str(path), "--model", "tests.models.mine:build"])
    assert shown.exit_code == 1
    assert "FAILS build does not answer" in " ".join(shown.output.split())
