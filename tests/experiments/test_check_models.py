"""A user's model from the command line to the report: never trained, asked first, attacked."""

import copy
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from tests.conftest import LEAST, Tiny
from tests.errors import refused
from tests.models.mine import OnHub
from typer.testing import CliRunner

from feint.attacks.not_finite import NotFiniteWarning
from feint.cli.main import app
from feint.experiments.verification import verify
from feint.models import checkpoints
from feint.models.inference import predict
from feint.models.lstm import LSTM
from feint.report.run_data import RunData
from feint.sequences import Sequences

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
    found = RunData.load(finished)
    assert len(found.rows.filter(attack="aia")) > 0
    said = {one.code: one.message for one in found.warnings}
    assert said["reads-padding"].startswith("a reads the padding")
    assert {"reads-padding", "not-causal", "weak-model"} <= said.keys()
    told = json.loads((finished / "run.json").read_text())["experiment"]["model"][0]
    assert told["model"] == "tests.models.mine:BothWays"
    assert len(told["code_hash"]) == 64
    about = json.loads((finished / "models" / "a.json").read_text())["metadata"]
    assert about["training"] == {}
    assert about["source"]["code_hash"] == told["code_hash"]
    assert not any((finished / "checkpoints").glob("*"))


def test_the_same_is_not_done_again(finished: Path, least: Tiny) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.glob("jobs/*/*")}
    least.run(finished, yours("BothWays")).attack()
    assert {p: p.stat().st_mtime_ns for p in finished.glob("jobs/*/*")} == before


def test_its_code_is_run_again_only_on_trust(finished: Path) -> None:
    assert any("--trust" in problem for problem in verify(finished).problems)
    assert verify(finished, trust=True).ok


def test_what_makes_an_attack_meaningless_ends_the_run(least: Tiny, tmp_path: Path) -> None:
    with refused("jobs-failed", names=("data.first_pose = false",)):
        least.run(tmp_path / "run", yours("build", "")).attack()


@pytest.mark.filterwarnings("ignore")
def test_every_kind_is_brought_by_its_files(least: Tiny, tmp_path: Path) -> None:
    saved, hub = LSTM(90, 45, width=3).eval(), OnHub(inputs=90, outputs=45, width=3).eval()
    checkpoints.save(saved, tmp_path / "saved")
    hub.save_pretrained(tmp_path / "hub")
    weights = tmp_path / "w.safetensors"
    safetensors.torch.save_file(hub.state_dict(), weights)
    line = torch.nn.Linear(90, 45).eval()
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("time")}
    program = torch.export.export(line, (torch.randn(2, 5, 90),), dynamic_shapes=(sizes,))
    torch.export.save(program, tmp_path / "line.pt2")
    mine = "tests.models.mine"
    kinds = [
        f'kind = "saved"\nname = "a"\npath = "{tmp_path}/saved"',
        f'kind = "hub"\nname = "b"\nmodel = "{mine}:OnHub"\npath = "{tmp_path}/hub"',
        f'kind = "import"\nname = "c"\nmodel = "{mine}:Net"\npath = "{weights}"\n'
        "arguments = { inputs = 90, outputs = 45, width = 3 }",
        f'kind = "exported"\nname = "d"\npath = "{tmp_path}/line.pt2"',
    ]
    change = MODEL, "\n[[model]]\n".join(kinds) + "\n"
    with refused("not-trusted", names=("--trust",)):
        least.run(tmp_path / "run", change).check()
    found = least.run(tmp_path / "run", change, trust=True).train()
    x = Sequences.pad([torch.rand(7, 90), torch.rand(4, 90)])
    for name, model in zip("abcd", (saved, hub, hub, line), strict=True):
        torch.testing.assert_close(predict(found[name], x).values, predict(model, x).values)
    weights.write_bytes(b"something else")
    with refused("jobs-failed", names=("w.safetensors",)):
        least.run(tmp_path / "run", change, trust=True).train()


def test_a_random_model_is_attacked_over_its_samples(least: Tiny, tmp_path: Path) -> None:
    change = yours("noisy")
    with refused("jobs-failed", names=("samples",)):
        least.run(tmp_path / "run", change).attack()
    one = least.run(tmp_path / "run", (change[0], change[1] + "samples = 2\n"))
    one.attack()
    rows = one.score()
    assert (rows.filter(attack="aia")["linf"] > 0).all()
    assert verify(tmp_path / "run", trust=True).ok  # the same draws
    assert "batch-dependent" in {w.code for w in RunData.load(tmp_path / "run").warnings}


def test_inspect_tells_every_check(
    finished: Path, least: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feint.experiments.check_models.load_data", lambda *_: least._data)
    path = tmp_path / "one.toml"
    sets = '["s05s02", "s06s04"]'
    path.write_text(LEAST.format(test_sets=sets).replace(*yours("Packed")))
    shown = CliRunner().invoke(app, ["check-model", str(path)])
    assert shown.exit_code == 0, shown.output
    told = " ".join(shown.output.split())
    assert told.count("ok a ") == 10
    assert "note a is not causal" in told
    shown = CliRunner().invoke(
        app, ["check-model", str(path), "--model", "tests.models.mine:build"]
    )
    assert shown.exit_code == 1
    assert "FAILS build does not answer" in " ".join(shown.output.split())


def test_a_rounded_model_is_named_before_and_after(least: Tiny, tmp_path: Path) -> None:
    """Its gradient is 0 everywhere: the attack keeps its best random start, which is noise."""
    more = copy.copy(least)
    more._data = None
    more.text = least.text.replace("max_sequences = 2", "max_sequences = 16").replace(
        "steps = 1", "steps = 4, restarts = 3"
    )
    one = more.run(tmp_path / "run", yours("rounded", ""))
    one.attack()
    one.score()
    found = {w.code: w.message for w in RunData.load(tmp_path / "run").warnings}
    assert {"zero-gradient", "like-noise"} <= found.keys()


def test_a_nan_gradient_at_one_sequence_does_not_end_a_run(least: Tiny, tmp_path: Path) -> None:
    more = copy.copy(least)
    more.text = least.text.replace("steps = 1", "steps = 2, restarts = 1")
    one = more.run(tmp_path / "run", yours("steep", ""))
    with pytest.warns(NotFiniteWarning):
        one.attack()
    rows = one.score().filter(attack="aia")
    assert sorted(linf > 0 for linf in rows["linf"]) == [False, True]
    assert "nan-gradient" in {w.code for w in RunData.load(tmp_path / "run").warnings}
