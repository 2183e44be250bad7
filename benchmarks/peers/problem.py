"""What every contender is given: a model, what it sees, what it shall answer, and a budget."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
from benchmarks.peers.published import as_published
from torch import Tensor, nn

from feint.io.sealed import read_tensors, write_tensors
from feint.models import checkpoints

Definition = Literal["published", "feint"]
DEFINITIONS: tuple[Definition, ...] = get_args(Definition)
"""Whose code computes the model: `published.py`, or feint's own class; the weights are the same."""


@dataclass(frozen=True)
class Problem:
    """Draw `model(x)` to `target`, moving no coordinate of x by more than eps.

    Attributes:
        model: in evaluation mode, its parameters requiring gradients, as a user would have it.
        x, target: (batch, time, features); every sequence has all its frames.
        eps: the budget on every coordinate.
        step_size: of a sign step, in data units.
    """

    model: nn.Module
    x: Tensor
    target: Tensor
    eps: float = 0.3
    step_size: float = 0.03


def write(folder: Path, model: nn.Module, x: Tensor, target: Tensor) -> None:
    """Put one problem where every worker finds it."""
    checkpoints.save(model, folder / "model")
    write_tensors(folder / "data.safetensors", {"x": x, "target": target}, None)


def read(folder: Path, definition: Definition) -> Problem:
    """What `write` wrote, computed by the definition asked for."""
    tensors, _ = read_tensors(folder / "data.safetensors")
    model = checkpoints.load(folder / "model")
    if definition == "published":
        model = as_published(model, tensors["x"])
    return Problem(model, tensors["x"], tensors["target"])


def loss(output: Tensor, target: Tensor) -> Tensor:
    """Equation 7, one number a sequence: the L2 norm of each frame's difference, summed."""
    return torch.linalg.vector_norm(output - target, dim=-1).sum(dim=-1)
