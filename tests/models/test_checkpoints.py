"""What is saved comes back bit for bit, or an error says what is wrong with it."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from tests.errors import refused
from torch import nn

from feint.errors import DamagedError, FeintError
from feint.io.sealed import read_json, read_tensors, write_json, write_tensors
from feint.models.checkpoints import load, save
from feint.models.deepgru import DeepGRU, DeepGRUClassifier
from feint.models.gru import GRU
from feint.models.linear import DLinear, Ridge
from feint.models.lstm import LSTM
from feint.models.registry import CLASSIFIERS, MODELS, model_class
from feint.models.simlpe import SiMLPe
from feint.models.tcn import TCN
from feint.models.transformer import Transformer

SMALL = (12, 10, 8)
MAKE = {
    "tcn": lambda: TCN(6, 3, width=8, depth=3, kernel=3, dropout=0.1),
    "tcn with a first pose": lambda: TCN(18, 9, width=8, depth=2, first_pose=True),
    "deepgru": lambda: DeepGRU(6, 3, widths=SMALL),
    "deepgru with a first pose": lambda: DeepGRU(18, 9, widths=SMALL, first_pose=True),
    "gru": lambda: GRU(18, 9, width=5, first_pose=True, links=((0, 1),)),
    "gru of another skeleton": lambda: GRU(18, 9, width=5, facing=False, first_pose=[0, 3]),
    "lstm": lambda: LSTM(6, 3, width=5, layers=2, bidirectional=True),
    "transformer": lambda: Transformer(6, 3, width=8, depth=1, heads=2),
    "simlpe": lambda: SiMLPe(6, 3, window=4, width=5, depth=2),
    "ridge": lambda: Ridge(6, 3, taps=2),
    "dlinear": lambda: DLinear(6, 3, taps=3, window=2),
    "classifier": lambda: DeepGRUClassifier(6, 4, widths=SMALL, hidden=5, dropout=0.3),
}


def stirred(model: nn.Module) -> nn.Module:
    """Every parameter and buffer moved away from where a fresh model has it."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor))
            else:
                tensor.add_(7)
    return model


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "tcn"
    save(MAKE["tcn"](), path)
    return path


@pytest.mark.parametrize("kind", MAKE)
def test_a_model_comes_back_bit_for_bit(tmp_path: Path, kind: str) -> None:
    model = stirred(MAKE[kind]()).train()
    save(model, tmp_path / "model", trained="for a test", epochs=3)
    assert model.training  # saving changes nothing
    again = load(tmp_path / "model")
    assert type(again) is type(model)
    assert again.settings == model.settings
    assert not any(part.training for part in again.modules())
    assert list(again.state_dict()) == list(model.state_dict())
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    x = torch.randn(3, 7, model.settings["inputs"])
    lengths = (torch.tensor([7, 2, 5]),) if kind == "classifier" else ()
    with torch.no_grad():
        assert torch.equal(again(x, *lengths), model.eval()(x, *lengths))
    assert read_json(tmp_path / "model.json")["metadata"] == {"trained": "for a test", "epochs": 3}


def test_every_model_is_tried_above() -> None:
    assert {type(make()) for make in MAKE.values()} == {
        model_class(kind) for kind in (*MODELS, *CLASSIFIERS)
    }


def test_two_files_and_nothing_else(saved: Path) -> None:
    assert sorted(p.name for p in saved.parent.iterdir()) == ["tcn.json", "tcn.safetensors"]


def test_a_dot_in_the_name_is_part_of_it(tmp_path: Path) -> None:
    models = {name: stirred(MAKE["tcn"]()) for name in ("eps0.3", "eps0.45")}
    for name, model in models.items():
        save(model, tmp_path / name)
    for name, model in models.items():
        assert torch.equal(load(tmp_path / name).head.weight, model.head.weight)


class Mine(TCN):
    """Somebody's own."""


@pytest.mark.parametrize("model", [nn.Linear(2, 2), Mine(6, 3, width=4, depth=1)])
def test_a_model_that_is_not_feints_is_not_saved(tmp_path: Path, model: nn.Module) -> None:
    with refused("unknown-model", names=(type(model).__name__,)):
        save(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_a_missing_file_is_named(saved: Path, suffix: str) -> None:
    (saved.parent / f"tcn{suffix}").unlink()
    with pytest.raises(FeintError, match=rf"tcn\{suffix}"):
        load(saved)


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_named(saved: Path, suffix: str, share: float) -> None:
    path = saved.parent / f"tcn{suffix}"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with refused("damaged-file", names=(f"tcn{suffix}",), error=DamagedError):
        load(saved)


def rewrite(path: Path, change) -> None:
    """Change what both files say of the model, alike."""
    described = read_json(path.with_suffix(".json"))
    tensors, inside = read_tensors(path.with_suffix(".safetensors"))
    for said in (described, inside):
        change(said)
    write_json(path.with_suffix(".json"), described)
    write_tensors(path.with_suffix(".safetensors"), tensors, inside)


@pytest.mark.parametrize(
    "change, code, fact",
    [
        (lambda d: d.update(schema=1), "schema-mismatch", "schema 1"),
        (lambda d: d.pop("schema"), "damaged-file", "'schema'"),
        (lambda d: d.pop("settings"), "damaged-file", "'settings'"),
        (lambda d: d.update(settings=None), "damaged-file", "TypeError"),
        (lambda d: d.update(model="Perceptron"), "unknown-model", "'Perceptron'"),
        (lambda d: d.update(model="DeepGRU"), "wrong-weights", "TypeError"),
        (lambda d: d["settings"].update(heads=8), "wrong-weights", "heads"),
        (lambda d: d["settings"].pop("inputs"), "wrong-weights", "inputs"),
        (lambda d: d["settings"].update(width=9), "wrong-weights", "size mismatch"),
        (lambda d: d["settings"].update(depth=2), "wrong-weights", "Unexpected key"),
        (lambda d: d["settings"].update(depth=4), "wrong-weights", "Missing key"),
        (lambda d: d["settings"].update(depth=0), "bad-setting", "depth=0"),
    ],
)
def test_files_that_make_no_model_are_refused(saved: Path, change, code: str, fact: str) -> None:
    rewrite(saved, change)
    with refused(code, names=(fact,)):
        load(saved)


@pytest.mark.parametrize("widths", [[12, 10], [], "wide"])
def test_widths_that_are_none_are_refused(tmp_path: Path, widths: object) -> None:
    save(MAKE["deepgru"](), tmp_path / "model")
    rewrite(tmp_path / "model", lambda d: d["settings"].update(widths=widths))
    with pytest.raises(FeintError) as caught:
        load(tmp_path / "model")
    assert caught.value.code in ("bad-setting", "wrong-weights")


def test_a_dropout_that_is_none_is_refused(tmp_path: Path) -> None:
    save(MAKE["classifier"](), tmp_path / "model")
    rewrite(tmp_path / "model", lambda d: d["settings"].update(dropout=1.5))
    with refused("bad-setting", names=("dropout=1.5",)):
        load(tmp_path / "model")


@pytest.mark.parametrize("content", [[], 3, None, "TCN", [{"schema": 1}]], ids=json.dumps)
def test_a_description_that_is_none_is_refused(saved: Path, content: object) -> None:
    saved.with_suffix(".json").write_text(json.dumps(content))
    with refused("damaged-file", error=DamagedError):
        load(saved)


@pytest.mark.parametrize("content", [[], 3, None], ids=json.dumps)
def test_weights_that_say_nothing_of_their_model_are_refused(saved: Path, content: object) -> None:
    tensors, _ = read_tensors(saved.with_suffix(".safetensors"))
    write_tensors(saved.with_suffix(".safetensors"), tensors, content)
    with refused("damaged-file", error=DamagedError):
        load(saved)


def test_two_halves_of_different_saves_are_refused(saved: Path) -> None:
    # The same weights' shapes, so that only the description differs: another dropout.
    save(TCN(6, 3, width=8, depth=3, kernel=3, dropout=0.2), saved.parent / "other")
    shutil.copy(saved.parent / "other.safetensors", saved.parent / "tcn.safetensors")
    with refused("mismatched-files"):
        load(saved)
