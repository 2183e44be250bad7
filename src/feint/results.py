"""What the results of jobs hold, and how it is read back."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from feint.budget import Budget
from feint.errors import FeintError
from feint.evaluation import Question
from feint.sequences import Sequences

Result = tuple[dict[str, Tensor], dict[str, Any]]
"""Tensors, and what is told of them."""


def read_question(
    tensors: dict[str, Tensor], about: dict[str, Any], device: torch.device | str = "cpu"
) -> Question:
    """The question that a result holds."""
    x = Sequences(tensors["x"], tensors["lengths"]).to(device)
    names = [tuple(about[name]) for name in ("keys", "labels", "sides", "exemplars")]
    return Question(about["target"], x, x.with_values(tensors["wanted"].to(device)), *names)


def changed(x_adv: Sequences, budget: Budget) -> Result:
    """A perturbed batch as a result: only what could be changed is kept, exactly."""
    coords = budget.coords
    if coords is None:
        coords = torch.ones(x_adv.values.shape[-1], dtype=torch.bool)
    coords = coords.cpu()
    return {"changed": x_adv.values[..., coords], "coords": coords, "lengths": x_adv.lengths}, {}


def rebuilt(tensors: dict[str, Tensor], about: dict[str, Any], x: Sequences) -> Sequences:
    """The perturbed batch that a result holds, around its clean input.

    Raises:
        FeintError: they do not belong together.
    """
    values, coords = x.values.clone(), tensors["coords"].to(x.values.device)
    kept = tensors["changed"].to(x.values.device)
    if (
        coords.shape != values.shape[-1:]
        or kept.shape != (*values.shape[:-1], int(coords.sum()))
        or not torch.equal(tensors["lengths"].to(x.lengths.device), x.lengths)
    ):
        raise FeintError(
            f"A result of {about.get('name')!r} was perturbed around other sequences: shape "
            f"{tuple(kept.shape)} where {tuple(values.shape)} are asked. Run `feint run` again."
        )
    values[..., coords] = kept
    return x.with_values(values)


def budget_of(
    settings: Mapping[str, Any], eps: float, device: torch.device | str = "cpu"
) -> Budget:
    """The budget that a job's settings tell."""
    unit = settings["unit"]
    return Budget(
        eps,
        torch.tensor(settings["coords"], device=device),
        unit=None if unit is None else torch.tensor(unit, device=device),
    )
