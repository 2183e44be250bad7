"""Trained models on disk: weights in `<name>.safetensors`, their description in `<name>.json`.

`save` and `load` work for every registered family.  A stored name that changes needs a new
`SCHEMA`.
"""

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
from feint.models import registry
from feint.models.external.loading import ExternalModel, load_source, rebuild
from feint.models.external.source import ModelSource

SCHEMA = 2
SLACK = 10**8
"""Numbers that a model may have beyond what its file explains, before it is built."""
NAMES = (*registry.MODELS, *registry.CLASSIFIERS)


def save(model: nn.Module, path: Path, **metadata: Any) -> None:
    """Save one of feint's own models, or one that came from a `ModelSource`.

    Args:
        path: without a suffix; two files are written, the weights first.
        metadata: JSON values stored beside the settings (how it was trained, its error).

    Raises:
        FeintError: the model is neither.
    """
    name = type(model).__name__
    if isinstance(model, ExternalModel):
        weights = model.to_tensors()
    elif _is_own(model):
        weights = model.state_dict()
    else:
        raise FeintError(
            f"save got a {name}; expected one of feint's own models ({', '.join(NAMES)}). "
            "Save your own model's state_dict with safetensors.",
            code="unknown-model",
        )
    settings = {"schema": SCHEMA, "model": name, "settings": model.settings}
    write_tensors(_with_suffix(path, ".safetensors"), weights, settings)
    write_json(_with_suffix(path, ".json"), {**settings, "metadata": metadata})


def is_saved(path: Path) -> bool:
    """Whether `save` finished writing to `path`, and both its files still exist."""
    return _with_suffix(path, ".json").exists() and _with_suffix(path, ".safetensors").exists()


def read_metadata(path: Path) -> dict[str, Any]:
    """The metadata that `save` got.

    Raises:
        FeintError: the file is missing or damaged.
    """
    metadata = read_json(_with_suffix(path, ".json")).get("metadata")
    if not isinstance(metadata, dict):
        raise DamagedError(f"{path}.json has no metadata; expected what `save` writes.")
    return metadata


def load(path: Path, trusted: Collection[str] = ()) -> nn.Module:
    """Load what `save` wrote, in evaluation mode.

    Args:
        trusted: digests (`ModelSource.digest`) of the models whose code may be run.

    Raises:
        FeintError: a file is missing, damaged, or has another schema; its weights do not fit; it
            is a user's code and not trusted.
    """
    described = read_json(_with_suffix(path, ".json"))
    tensors, inside = read_tensors(_with_suffix(path, ".safetensors"))
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
                "files of one save. Train the model again, or restore the pair.",
                code="mismatched-files",
            )
        kind, settings = described["model"], dict(described["settings"])
    except FeintError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise DamagedError(
            f"{path}.json and .safetensors do not contain a model: {type(error).__name__}: "
            f"{error}. Expected what feint.models.checkpoints.save writes."
        ) from error
    try:
        return build(kind, settings, tensors, trusted)
    except FeintError as error:
        raise FeintError(
            f"{path}.json and .safetensors do not make a model: {error}", code=error.code
        ) from error


def load_external(
    source: ModelSource, files: Mapping[str, bytes], trust: bool = False
) -> nn.Module:
    """A model that you bring, from its files (`read_files`), in evaluation mode.

    Raises:
        FeintError: it cannot be built, or is an export and not trusted.
    """
    if source.kind != "saved":
        return load_source(source, files, trust)
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
        name: a kind of feint's own, or "ExternalModel".
        trusted: see `load`.

    Raises:
        FeintError: the name is unknown, the settings or weights are not the model's, or it is
            a user's code and not trusted.
    """
    try:
        if name == ExternalModel.__name__:
            return rebuild(ModelSource(**settings), weights, trusted)
        _check_size(settings, weights)
        with torch.random.fork_rng(devices=[]):  # building draws weights that are not kept
            model = registry.model_class(name)(**settings)
        model.load_state_dict(weights)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, FeintError):
            raise
        raise FeintError(
            f"This does not make a {name}: {type(error).__name__}: {error}. Expected the settings "
            "and weights that feint stored. Train the model, or run the experiment, again.",
            code="wrong-weights",
        ) from error
    return model.eval()


def fingerprint(model: nn.Module) -> str:
    """A hash of what decides a model's answers: its class, its settings and its weights."""
    described = (type(model).__name__, sorted(getattr(model, "settings", {}).items()))
    found = hashlib.sha256(repr(described).encode())
    for name, tensor in sorted(model.state_dict().items()):
        found.update(repr((name, tuple(tensor.shape), str(tensor.dtype))).encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def _is_own(model: nn.Module) -> bool:
    name = type(model).__name__
    known = {**registry.MODELS, **registry.CLASSIFIERS}
    return name in known and registry.model_class(name) is type(model)


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


def _with_suffix(path: Path, suffix: str) -> Path:
    """`path` with a suffix after all of its name: "eps0.3" does not become "eps0.json"."""
    return path.with_name(path.name + suffix)
