"""Checkpoints of training that is under way."""

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

SCHEMA = 1


def _identity(
    model: nn.Module, x: Sequences, y: Sequences, settings: Training, held: list[int]
) -> str:
    """What a checkpoint must agree with: settings, architecture, first weights, data, split."""
    architecture = (str(model), getattr(model, "settings", None))
    asked = {k: v for k, v in asdict(settings).items() if k != "checkpoint_every"}
    digest = hashlib.sha256(repr((SCHEMA, asked, architecture, held)).encode())
    for tensor in (*model.state_dict().values(), x.values, y.values, x.lengths):
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _save(
    path: Path,
    identity: str,
    done: int,
    history: History,
    best: dict[str, Tensor],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    tensors = {f"best.{k}": v for k, v in best.items()}
    tensors |= {f"model.{k}": v for k, v in model.state_dict().items()}
    for i, state in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{i}.{k}": v for k, v in state.items()}
    about = {"schema": SCHEMA, "identity": identity, "done": done, "history": asdict(history)}
    write_tensors(path, {k: v.clone() for k, v in tensors.items()}, about)


def _resume(
    path: Path, identity: str, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, History, dict[str, Tensor]]:
    tensors, about = read_tensors(path)
    if not isinstance(about, dict) or about.get("identity") != identity:
        raise DamagedError(
            f"{path} belongs to another training (other settings, weights or data); expected the "
            "one that is being resumed. Remove it to begin anew, or train into another folder."
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
    return about["done"], History(**about["history"]), parts["best"]
