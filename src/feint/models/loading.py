"""Models on disk: `<name>.safetensors` for the weights, `<name>.json` for what they belong to."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from feint.errors import DamagedError, FeintError
from feint.files import read_json, read_tensors, write_json, write_tensors
from feint.models.deepgru import DeepGRU, DeepGRUClassifier
from feint.models.tcn import TCN

SCHEMA = 1
SLACK = 10**8
"""Numbers that a model may have beyond what its file explains, before it is built."""
MODELS: dict[str, type[nn.Module]] = {
    "TCN": TCN,
    "DeepGRU": DeepGRU,
    "DeepGRUClassifier": DeepGRUClassifier,
}


def save(model: nn.Module, path: Path, **about: Any) -> None:
    """Save a model of feint's own.

    Args:
        path: without a suffix; two files are written, the weights first.
        about: JSON values kept beside the settings (how it was trained, what it scores).
    """
    name = type(model).__name__
    if MODELS.get(name) is not type(model):
        raise FeintError(
            f"save got a {name}; expected one of feint's own models ({', '.join(MODELS)}). "
            "Save your own model's state_dict with safetensors."
        )
    settings = {"schema": SCHEMA, "model": name, "settings": model.settings}
    write_tensors(_beside(path, ".safetensors"), model.state_dict(), settings)
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


def load(path: Path) -> nn.Module:
    """Load what `save` wrote, in evaluation mode.

    Raises:
        FeintError: a file is missing, damaged, of another schema, or its weights do not fit.
    """
    described = read_json(_beside(path, ".json"))
    tensors, inside = read_tensors(_beside(path, ".safetensors"))
    try:
        if described["schema"] != SCHEMA:
            raise FeintError(
                f"{path}.json has schema {described['schema']}; this feint reads {SCHEMA}. "
                "Use the version of feint that wrote it, or train the model again."
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
        return build(kind, settings, tensors)
    except FeintError as error:
        raise FeintError(f"{path}.json and .safetensors do not make a model: {error}") from error


def build(name: str, settings: Mapping[str, Any], weights: Mapping[str, Tensor]) -> nn.Module:
    """One of feint's own models with these weights, in evaluation mode.

    Raises:
        FeintError: no such model, or the settings or weights are not its own.
    """
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
        if name not in ("inputs", "outputs", "classes"):
            inner += value if isinstance(value, list | tuple) else [value]
    if settings.get("depth", 0) > len(weights):
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
