"""Checkpoints of a training that is under way: what `training.train` resumes from.

A checkpoint of other settings, data or architecture is not resumed: its identity differs.
"""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from feint.errors import DamagedError
from feint.io.sealed import read_tensors, write_tensors
from feint.models.training_settings import History, Training
from feint.sequences import Sequences

SCHEMA = 2


def training_identity(
    model: nn.Module, x: Sequences, y: Sequences, settings: Training, validation: list[int]
) -> str:
    """A hash that a checkpoint must agree with: settings, architecture, first weights, data, split.

    Args:
        validation: the rows held out.
    """
    architecture = (str(model), getattr(model, "settings", None))
    asked = {k: v for k, v in asdict(settings).items() if k != "checkpoint_every"}
    digest = hashlib.sha256(repr((SCHEMA, asked, architecture, validation)).encode())
    for tensor in (*model.state_dict().values(), x.values, y.values, x.lengths):
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_checkpoint(
    path: Path,
    identity: str,
    done: int,
    history: History,
    best: dict[str, Tensor],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write the state after `done` epochs, in one file."""
    tensors = {f"best.{k}": v for k, v in best.items()}
    tensors |= {f"model.{k}": v for k, v in model.state_dict().items()}
    for i, state in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{i}.{k}": v for k, v in state.items()}
    metadata = {"schema": SCHEMA, "identity": identity, "done": done, "history": asdict(history)}
    write_tensors(path, {k: v.clone() for k, v in tensors.items()}, metadata)


def load_checkpoint(
    path: Path, identity: str, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, History, dict[str, Tensor]]:
    """Set model and optimizer to a stored state.

    Returns:
        the number of epochs done, the history, and the best weights.

    Raises:
        DamagedError: the file is damaged, or belongs to another training.
    """
    tensors, metadata = read_tensors(path)
    if not isinstance(metadata, dict) or metadata.get("identity") != identity:
        raise DamagedError(
            f"{path} belongs to another training (other settings, weights or data); expected the "
            "one that is resumed. Remove the file to begin anew, or train into another folder.",
            code="other-training",
        )
    parts: dict[str, dict[str, Tensor]] = {"best": {}, "model": {}, "adam": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    model.load_state_dict(parts["model"])
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in parts["adam"].items():
        i, _, key = name.partition(".")
        state.setdefault(int(i), {})[key] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return metadata["done"], History(**metadata["history"]), parts["best"]
