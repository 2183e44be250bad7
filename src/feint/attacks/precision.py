"""Precision in `feint.attack`: the caller's data, the model, and the search may each have another.

The search runs in the model's precision, single precision at least.  What is returned has the
caller's precision, and the budget holds there: a coordinate that cannot be changed is equal bit for
bit, and no other one moves by more than eps.  Everything that is reported is measured on that.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from feint.attacks.budget import Budget, verify
from feint.errors import FeintError
from feint.models.external.wrappers import CastModel
from feint.sequences import Sequences

FINE = 0.1
"""Steps of a precision above this share of eps are worth a note; above eps they are refused."""


@dataclass(frozen=True)
class Note:
    """Something to read before believing the numbers of a result.

    Attributes:
        code: what kind of thing; those of `feint.check_model` are in docs/checks.md.
        message: a sentence or more.
    """

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def converts(model: nn.Module) -> bool:
    """Whether a model takes data of any precision, as `CastModel` does."""
    return any(getattr(part, "converts", False) for part in model.modules())


def weight_dtype(model: nn.Module) -> torch.dtype | None:
    """The precision of a model's weights; None without any, or if it converts by itself."""
    if converts(model):
        return None
    return next((p.dtype for p in model.parameters() if p.is_floating_point()), None)


def in_single(
    model: nn.Module, dtypes: Iterable[torch.dtype], place: torch.dtype
) -> tuple[nn.Module, torch.dtype]:
    """A model for data in single precision or better, and the precision that it computes in.

    Half and bfloat16 are too coarse for sums over time and for an optimizer, so only the model's
    own forward pass keeps them.

    Args:
        dtypes: of the data, which decides for a model without weights.
        place: of the search.
    """
    dtype = weight_dtype(model)
    if dtype is None and not converts(model):
        dtype = max(dtypes, key=lambda one: torch.finfo(one).eps)
    if dtype in (torch.float16, torch.bfloat16):
        return CastModel(model, dtype), dtype
    return model, place


def check_precision(x: Sequences, budget: Budget, dtypes: set[torch.dtype]) -> tuple[Note, ...]:
    """A note if eps is not large beside the coarsest precision's steps.

    Args:
        x: the data in double precision.
        dtypes: of the data and the model.

    Raises:
        FeintError: at half of the values of some feature that may change, or more, the step is
            larger than eps.
    """
    dtype = max(dtypes, key=lambda one: torch.finfo(one).eps)
    step = torch.finfo(dtype).eps * 2.0 ** (torch.frexp(x.values.abs())[1] - 1).double()
    share = step / budget.radius(x)
    free = budget.mask(x)
    worst, at = 0.0, 0
    for feature in range(x.values.shape[-1]):
        own = share[..., feature][free[..., feature]]
        if len(own) and (usual := float(own.median())) > worst:
            worst, at = usual, feature
    if worst <= FINE:
        return ()
    size = float(x.values[..., at][free[..., at]].abs().median())
    steps = float(step[..., at][free[..., at]].median())
    name = str(dtype).removeprefix("torch.")
    what = f"Feature {at} has values of {size:.6g}, where {name} has steps of {steps:.3g}"
    if worst > 1:
        raise FeintError(
            f"{what}; eps is {steps / worst:.3g} there, so the input could not change by so little."
            " Subtract a constant from the feature, give the model and the data a finer precision "
            "(model.double()), use a larger eps, or leave the feature out of coords.",
            code="eps-below-precision",
        )
    return (
        Note(
            "eps-below-precision",
            f"{what}, {worst:.0%} of eps. The perturbation is rounded to such steps; all distances "
            "are of the rounded one.",
        ),
    )


def to_caller(
    perturbed: Sequences, clean: Sequences, x: Sequences, budget: Budget, dtypes: list[torch.dtype]
) -> Sequences:
    """The perturbation on the caller's own values, exactly as their dtypes can hold it.

    Args:
        perturbed, clean: as the model sees them.
        x: the caller's values in double precision, (batch, time, features).
        dtypes: of each row of the caller's.

    Returns:
        a batch in double precision, every row of which its dtype holds without rounding.
    """
    lower, upper = budget.bounds(x)
    radius = budget.radius(x).expand_as(x.values)
    change = perturbed.values.double() - clean.values.double()
    values = (x.values + change).clamp(lower, upper)
    for dtype in set(dtypes):
        rows = torch.tensor([one == dtype for one in dtypes], device=values.device)
        values[rows] = _rounded_inside(
            values[rows], x.values[rows], lower[rows], upper[rows], radius[rows], dtype
        )
    found = x.with_values(torch.where(budget.mask(x), values, x.values))
    verify("in feint.attack", found, x, budget)
    return found


def _rounded_inside(
    values: Float[Tensor, "batch time features"],
    x: Float[Tensor, "batch time features"],
    lower: Float[Tensor, "batch time features"],
    upper: Float[Tensor, "batch time features"],
    radius: Float[Tensor, "batch time features"],
    dtype: torch.dtype,
) -> Float[Tensor, "batch time features"]:
    """The values rounded to a dtype; where that leaves the budget, a step nearer to x, or x."""
    if not dtype.is_floating_point:
        dtype = torch.float64
    found = values.to(dtype).double()
    for _ in range(2):
        outside = _outside(found, x, lower, upper, radius)
        step = torch.finfo(dtype).eps * values.abs() + torch.finfo(dtype).smallest_normal
        nearer = torch.where(values > x, values - step, values + step)
        nearer = torch.where((nearer > x) == (values > x), nearer, x)
        values = torch.where(outside, nearer, values)
        found = torch.where(outside, values.to(dtype).double(), found)
    return torch.where(_outside(found, x, lower, upper, radius), x, found)


def _outside(
    values: Tensor, x: Tensor, lower: Tensor, upper: Tensor, radius: Tensor
) -> Bool[Tensor, "batch time features"]:
    # The bounds are rounded themselves: x + eps may lie further than eps from x.
    return ((values - x).abs() > radius) | (values < lower) | (values > upper)
