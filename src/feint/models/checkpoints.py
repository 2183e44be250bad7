"""Models on disk: `<name>.safetensors` for the weights, `<name>.json` for what they belong to."""

import hashlib
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from feint.errors import DamagedError, FeintError
from feint.io.schema import check_schema
from feint.io.sealed import read_json, read_tensors, write_json, write_tensors
from feint.models.deepgru import DeepGRU, DeepGRUClassifier
from feint.models.external.source import ExternalModel, ModelSource
from feint.models.gru import GRU
from feint.models.linear import DLinear, Ridge
from feint.models.lstm import LSTM
from feint.models.simlpe import SiMLPe
from feint.models.tcn import TCN
from feint.models.transformer import Transformer

SCHEMA = 1
SLACK = 10**8
"""Numbers that a model may have beyond what its file explains, before it is built."""
MODELS: dict[str, type[nn.Module]] = {
    "TCN": TCN,
    "DeepGRU": DeepGRU,
    "GRU": GRU,
    "LSTM": LSTM,
    "Transformer": Transformer,
    "SiMLPe": SiMLPe,
    "Ridge": Ridge,
    "DLinear": DLinear,
    "DeepGRUClassifier": DeepGRUClassifier,
}


def save(model: nn.Module, path: Path, **about: Any) -> None:
    """Save a model of feint's own, or a user's that came from a `ModelSource`.

    Args:
        path: without a suffix; two files are written, the weights first.
        about: JSON values kept beside the settings (how it was trained, what it scores).
    """
    name = type(model).__name__
    if isinstance(model, ExternalModel):
        weights = model.to_tensors()
    elif MODELS.get(name) is type(model):
        weights = model.state_dict()
    else:
        raise FeintError(
            f"save got a {name}; expected one of feint's own models ({', '.join(MODELS)}). "
            "Save your own model's state_dict with safetensors."
        )
    settings = {"schema": SCHEMA, "model": name, "settings": model.settings}
    write_tensors(_beside(path, ".safetensors"), weights, settings)
    write_json(_beside(path, ".json"), {**settings, "about": about})


def saved(path: Path) -> bool:
    """Whether `save` finished writing to `path`, and both its files are still there."""
    return _beside(path, ".json").exists() and _beside(path, ".safetensors").exists()


def about(path: Path) -> dict[str, Any]:
    """What `save` was told of a model."""
    told = read_json(_beside(path, ".json")).get("about")
    if not isinstance(told, dict):
        raise DamagedError(f"{path}.json tells nothing of its model; expected what `save` writes.")
    return told


def load(path: Path, trusted: Collection[str] = ()) -> nn.Module:
    """Load what `save` wrote, in evaluation mode.

    Args:
        trusted: `ModelSource.digest` of user's models whose code may be run.

    Raises:
        FeintError: a file is missing, damaged, of another schema, or its weights do not fit; it
            is somebody's code and not trusted.
    """
    described = read_json(_beside(path, ".json"))
    tensors, inside = read_tensors(_beside(path, ".safetensors"))
    try:
        check_schema(
            described["schema"],
            SCHEMA,
            f"{path}.json",
            "Use the version of feint that wrote it, or train the model again.",
        )
        if any(inside[key] != described[key] for key in ("schema", "model", "settings")):
            raise FeintError(
                f"{path}.json and {path}.safetensors describe different models; expected the two "
                "files of one save. Train the model again, or restore the pair."
            )
        kind, settings = described["model"], dict(described["settings"])
    except FeintError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise FeintError(
            f"{path}.json and .safetensors do not make a model: {type(error).__name__}: {error}. "
            f"Expected what feint.models.loading.save writes, for one of {', '.join(MODELS)}."
        ) from error
    try:
        return build(kind, settings, tensors, trusted)
    except FeintError as error:
        raise FeintError(f"{path}.json and .safetensors do not make a model: {error}") from error


def load_external(
    source: ModelSource, files: Mapping[str, bytes], trust: bool = False
) -> nn.Module:
    """A user's model from its files (`source.files_of`), in evaluation mode.

    Raises:
        FeintError: it cannot be built, or is an export and nobody trusts it.
    """
    if source.kind != "saved":
        return source.load(files, trust)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        return load(Path(folder) / "model")


def build(
    name: str,
    settings: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    trusted: Collection[str] = (),
) -> nn.Module:
    """A model with these weights, in evaluation mode.

    Args:
        trusted: see `load`.

    Raises:
        FeintError: no such model, the settings or weights are not its own, or it is somebody's
            code and not trusted.
    """
    if name == ExternalModel.__name__:
        try:
            return ModelSource(**settings).build(weights, trusted)
        except (TypeError, RuntimeError, LookupError) as error:
            if isinstance(error, FeintError):
                raise
            raise FeintError(
                f"This does not make a user's model: {type(error).__name__}: {error}. Run the "
                "experiment that names it again."
            ) from error
    try:
        _check_size(settings, weights)
        with torch.random.fork_rng(devices=[]):  # building draws weights that are not kept
            model = MODELS[name](**settings)
        model.load_state_dict(weights)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise FeintError(
            f"This does not make a model: {type(error).__name__}: {error}. "
            f"Expected settings and weights of one of {', '.join(MODELS)}."
        ) from error
    return model.eval()


def _check_size(settings: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Raise ValueError if settings ask for far more memory than the weights that come with them."""
    ends = [settings.get(name, 0) for name in ("inputs", "outputs", "classes")]
    inner = [1]
    for name, value in settings.items():
        if name not in ("inputs", "outputs", "classes", "links"):
            inner += [n for n in (value if isinstance(value, list | tuple) else [value])
                      if not isinstance(n, float)]  # fmt: skip
    if max(settings.get(name, 0) for name in ("depth", "layers")) > len(weights):
        raise ValueError(f"Missing key(s): {len(weights)} tensors for that many layers")
    there = sum(tensor.numel() for tensor in weights.values())
    asked = max(max(inner) ** 2 * len(weights), max(inner) * max(ends))
    if asked > 100 * there + SLACK:
        raise ValueError(f"settings that ask for {asked} numbers, with {there} that come with them")


def fingerprint(model: nn.Module) -> str:
    """A hash of what decides a model's answers: its kind, its settings and its weights."""
    told = (type(model).__name__, sorted(getattr(model, "settings", {}).items()))
    found = hashlib.sha256(repr(told).encode())
    for name, tensor in sorted(model.state_dict().items()):
        found.update(repr((name, tuple(tensor.shape), str(tensor.dtype))).encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def _beside(path: Path, suffix: str) -> Path:
    """`path` with a suffix after all of its name: "eps0.3" does not become "eps0.json"."""
    return path.with_name(path.name + suffix)
