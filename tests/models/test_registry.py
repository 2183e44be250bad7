"""A family is one file and one line; its keys, defaults and ranges come from its constructor."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError
from tests.conftest import Tiny
from tests.errors import refused

from feint.experiments.verification import verify
from feint.models import registry
from feint.models.config import AnyModel, ModelConfig
from feint.models.protocols import Normalizing, Solvable, Trainable
from feint.models.registry import CLASSIFIERS, FROM_DATA, MODELS, model_class
from feint.models.training_settings import Training
from feint.report import page
from feint.report.run_data import RunData

TCN = """kind = "TCN"
name = "a"
width = 4
depth = 1
training = { epochs = 1 }
"""


def parse(**keys) -> ModelConfig:
    return TypeAdapter(AnyModel).validate_python(keys)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line."""
    monkeypatch.setitem(MODELS, "LeakyAverage", "tests.models.leaky_average")


@pytest.mark.parametrize("kind", MODELS)
def test_a_family_states_its_defaults_once_and_has_what_training_needs(kind: str) -> None:
    family = model_class(kind)
    assert family.__name__ == kind
    spec = parse(kind=kind)
    assert spec.name == kind.lower()
    own = registry.arguments(kind)
    assert spec.settings() == {name: one.default for name, one in own.items()}
    names = list(inspect.signature(family).parameters)
    assert names[:2] == ["inputs", "outputs"]
    assert set(names) == {*own, *(set(FROM_DATA) & set(names))}
    model = family(90, 45, first_pose=True)
    assert isinstance(model, Trainable)
    assert isinstance(model, Normalizing)
    assert isinstance(model, Solvable) == (kind == "Ridge")
    again = family(**model.settings)
    assert again.settings == model.settings


def test_a_familys_own_training_defaults_are_below_the_users() -> None:
    spec = parse(kind="SiMLPe", training={"learning_rate": 0.5})
    assert spec.training_settings(seed=7) == Training(
        epochs=40, learning_rate=0.5, schedule="cosine", seed=7
    )


@pytest.mark.parametrize(
    ("keys", "place", "fact"),
    [
        ({"kind": "Perceptron"}, (), "'Perceptron'"),
        ({"kind": "DeepGRUClassifier"}, (), "'DeepGRUClassifier'"),
        ({"kind": "TCN", "width": 0}, ("width",), "1"),
        ({"kind": "TCN", "heads": 2}, ("heads",), ""),
        ({"kind": "GRU", "layers": 65}, ("layers",), "64"),
        ({"kind": "LSTM", "dropout": 1.0}, ("dropout",), "1"),
        ({"kind": "DeepGRU", "widths": [4, 4]}, ("widths",), "3"),
        ({"kind": "TCN", "inputs": 4}, ("inputs",), ""),
        ({"kind": "TCN", "training": {"epoch": 3}}, ("training",), "'epoch'"),
        ({"name": "a"}, (), "None"),
    ],
)
def test_a_wrong_key_is_named_with_its_place(keys: dict, place: tuple, fact: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse(**keys)
    (error,) = caught.value.errors()
    assert error["loc"] == place
    assert fact in error["msg"]


def test_an_unknown_kind_is_refused() -> None:
    with refused("unknown-model", names=("Perceptron", *MODELS)):
        model_class("Perceptron")
    assert not set(CLASSIFIERS) & set(MODELS)


def test_the_configuration_needs_no_torch() -> None:
    code = "import sys, feint.models.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_new_family_reaches_a_finished_report(
    registered: None, least: Tiny, tmp_path: Path
) -> None:
    table = 'kind = "LeakyAverage"\nname = "a"\naverages = 2\n'
    run = least.run(tmp_path / "run", (TCN, table))
    (spec,) = run.experiment.model
    assert spec.settings() == {"averages": 2, "leak": 0.5}
    run.attack()
    run.score()
    found = RunData.load(tmp_path / "run")
    assert (found.rows.filter(attack="attack")["linf"] > 0).all()
    assert verify(tmp_path / "run").ok
    assert page.write(tmp_path / "run").stat().st_size > 100_000


def test_the_documented_family_is_the_one_that_is_tested() -> None:
    """docs/adding-a-model.md shows tests/models/leaky_average.py, with more epochs."""
    page_ = (Path(__file__).parents[2] / "docs" / "adding-a-model.md").read_text()
    block = page_.partition("```python\n")[2].partition("```")[0]
    shown = block.partition("class LeakyAverage")[2].replace('"epochs": 40', '"epochs": 2')
    file = (Path(__file__).parent / "leaky_average.py").read_text()
    assert shown.strip() == file.partition("class LeakyAverage")[2].strip()
    assert f'"LeakyAverage": "feint.models.{"leaky_average"}"' in page_
