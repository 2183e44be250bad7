"""A user's model comes from where it says, comes back from a folder, and runs no strange code."""

from datetime import date
from pathlib import Path

import pytest
import safetensors.torch
import torch
from tests.errors import refused
from tests.models.mine import IN, OUT, Net, OnHub

from feint.experiments.config_file import restore
from feint.models import checkpoints, config
from feint.models.external.import_path import hash_files, read_files
from feint.models.external.source import ModelSource
from feint.models.inference import predict
from feint.models.lstm import LSTM
from feint.sequences import Sequences

MINE = "tests.models.mine"


@pytest.fixture
def x() -> Sequences:
    return Sequences.pad([torch.randn(n, IN) for n in (7, 4)])


def brought(path: str, weights: Path | None = None, trust: bool = False, **more):
    """What a command line makes of it: its spec, and the model."""
    spec = config.external_model(path, weights).model_copy(update=more).with_hashes()
    return spec, checkpoints.load_external(spec.source(), read_files(spec.kind, spec.path), trust)


def again(spec: config.ExternalModelConfig, model, folder: Path):
    """The model saved in a run's folder, and loaded from there."""
    checkpoints.save(model, folder / "kept")
    return checkpoints.load(folder / "kept", {spec.source().digest})


@pytest.mark.parametrize("name", ["build", "Net", "function", "double"])
def test_an_import_path_is_a_factory_or_a_class(name: str, tmp_path: Path, x: Sequences) -> None:
    spec, model = brought(f"{MINE}:{name}")
    assert (spec.name, spec.kind) == (name, "import")
    answer = predict(model, x).values
    assert answer.shape == (2, 7, OUT)
    assert answer.dtype == torch.float32
    kept = again(spec, model, tmp_path)
    assert torch.equal(predict(kept, x).values, answer)
    assert checkpoints.fingerprint(kept) == checkpoints.fingerprint(model)
    assert torch.equal(predict(brought(f"{MINE}:{name}")[1], x).values, answer)  # seeded


def test_weights_are_loaded_or_said_not_to_fit(tmp_path: Path, x: Sequences) -> None:
    torch.manual_seed(9)
    net, path = Net().eval(), tmp_path / "net.safetensors"
    safetensors.torch.save_file(net.state_dict(), path)
    spec, model = brought(f"{MINE}:build", path)
    assert torch.equal(predict(model, x).values, predict(net, x).values)
    with refused("wrong-weights", names=("net.safetensors", "size mismatch")):
        brought(f"{MINE}:build", path, arguments={"width": 9})
    safetensors.torch.save_file({"other": torch.zeros(1)}, path)
    with refused("wrong-weights"):
        brought(f"{MINE}:build", path)
    assert spec.files_hash != config.external_model(f"{MINE}:build", path).with_hashes().files_hash


def test_a_hub_folder_is_loaded_with_its_config(tmp_path: Path, x: Sequences) -> None:
    model = OnHub(width=5).eval()
    model.save_pretrained(tmp_path / "hub")
    spec, found = brought(f"{MINE}:OnHub", tmp_path / "hub")
    assert spec.kind == "hub"
    assert torch.equal(predict(found, x).values, predict(model, x).values)
    assert torch.equal(predict(again(spec, found, tmp_path), x).values, predict(model, x).values)
    with refused("not-on-hub"):
        brought(f"{MINE}:Net", tmp_path / "hub")
    path = tmp_path / "hub" / "model.safetensors"
    safetensors.torch.save_file({"head.bias": torch.zeros(OUT)}, path)
    with refused("wrong-weights"):
        brought(f"{MINE}:OnHub", tmp_path / "hub")
    path.unlink()
    with refused("unreadable-file", names=("model.safetensors",)):
        brought(f"{MINE}:OnHub", tmp_path / "hub")


def test_a_saved_feint_model_is_one_again(tmp_path: Path, x: Sequences) -> None:
    model = LSTM(IN, OUT, width=4).eval()
    checkpoints.save(model, tmp_path / "mine")
    for path in (tmp_path / "mine", tmp_path / "mine.safetensors"):
        spec, found = brought(str(path))
        assert (spec.kind, type(found)) == ("saved", LSTM)
        assert torch.equal(predict(found, x).values, predict(model, x).values)


@pytest.mark.filterwarnings("ignore")
def test_an_export_is_unpickled_only_by_who_trusts_it(tmp_path: Path, x: Sequences) -> None:
    model, path = torch.nn.Sequential(torch.nn.Linear(IN, OUT), torch.nn.Tanh()).eval(), tmp_path
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("time")}
    program = torch.export.export(model, (torch.randn(2, 5, IN),), dynamic_shapes=(sizes,))
    torch.export.save(program, path / "a.pt2")
    with refused("not-trusted", names=("--trust",)):
        brought(str(path / "a.pt2"))
    spec, found = brought(str(path / "a.pt2"), trust=True)
    assert torch.allclose(predict(found, x).values, predict(model, x).values * x.mask[..., None])
    kept = again(spec, found, tmp_path)
    assert torch.equal(predict(kept, x).values, predict(found, x).values)
    with refused("not-trusted", names=(".pt2", "--trust")):
        checkpoints.load(tmp_path / "kept")
    (path / "b.pt2").write_bytes(b"no export")
    with refused("damaged-file", names=("torch.export.save",)):
        brought(str(path / "b.pt2"), trust=True)


def test_what_a_folder_names_is_not_run_for_strangers(tmp_path: Path) -> None:
    _, model = brought(f"{MINE}:build")
    checkpoints.save(model, tmp_path / "kept")
    with refused("not-trusted", names=("--trust",)):
        checkpoints.load(tmp_path / "kept")
    forged = ModelSource("import", "os:system", {"command": f"touch {tmp_path / 'broken'}"})
    with refused("not-trusted"):
        checkpoints.build("ExternalModel", forged.to_dict(), {})
    assert not (tmp_path / "broken").exists()


def test_what_a_run_remembers_is_not_imported_to_be_read(tmp_path: Path) -> None:
    stored = {
        "name": "of-a-stranger",
        "model": [{"kind": "import", "name": "a", "model": "nothing_there:build"}],
        "attack": {"eps": [1]}, "target": {"labels": ["a"]},
    }  # fmt: skip
    assert restore(stored, "run.json").model[0].name == "a"


def test_changed_code_is_not_taken_for_what_answered(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "changing_model.py"
    file.write_text("from torch import nn\ndef build():\n    return nn.Linear(6, 3)\n")
    spec, model = brought("changing_model:build")
    checkpoints.save(model, tmp_path / "kept")
    file.write_text(file.read_text() + "# another\n")
    with refused("changed-code", names=("changing_model:build",)):
        checkpoints.load(tmp_path / "kept", {spec.source().digest})
    assert spec.with_hashes().source().digest != spec.source().digest


@pytest.mark.parametrize(
    ("path", "code", "fact"),
    [
        ("nothing_there:build", "import-fails", "ModuleNotFoundError"),
        (f"{MINE}:absent", "import-fails", "'absent'"),
        (f"{MINE}:fails", "factory-fails", "no such file: weights.bin"),
        (f"{MINE}:number", "factory-fails", "TypeError"),
        ("tests/models/mine.py:build", "bad-import-path", "package.module:factory"),
        ("runs/none/models/tcn", "unreadable-file", "runs/none"),
    ],
)
def test_a_model_that_cannot_be_brought_is_refused(path: str, code: str, fact: str) -> None:
    with refused(code, names=(fact,)):
        brought(path)


def test_weights_on_meta_are_told(tmp_path: Path) -> None:
    _, model = brought(f"{MINE}:on_meta")
    with refused("wrong-device", names=("meta",)):
        checkpoints.save(model, tmp_path / "kept")


@pytest.mark.parametrize(
    ("keys", "fact"),
    [
        ({"kind": "import"}, "expected an import path"),
        ({"kind": "exported"}, "needs a path"),
        ({"kind": "import", "model": "a:b", "training": {"epochs": 3}}, "is trained already"),
        ({"kind": "hub", "model": "a:b", "path": "x", "samples": 3}, "takes no arguments"),
        ({"kind": "import", "model": "a:b", "arguments": {"x": date(2026, 1, 1)}}, "arguments: "),
    ],
)
def test_keys_that_exclude_each_other_are_refused(keys: dict, fact: str) -> None:
    with pytest.raises(ValueError, match=fact):  # pydantic's, which has no code
        config.ExternalModelConfig(**keys)


def test_a_hash_is_of_names_and_contents() -> None:
    assert hash_files({}) == ""
    assert hash_files({"a": b"bc"}) != hash_files({"ab": b"c"})
