"""Projected gradient descent on the input: the one loop every gradient attack here shares.

Equation 6 of the paper with what varies as arguments: the direction (sign or Adam), the schedule
of the step size, and which iterate is kept.  Rows never see one another: the objective is one
number a row, and its sum is differentiated.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.budget import Budget
from feint.errors import FeintError
from feint.sequences import Sequences, forward

Optimizer = Literal["sign", "adam"]
Schedule = Literal["constant", "cosine"]
Keep = Literal["best", "last"]
Objective = Callable[[Tensor, Tensor], Float[Tensor, " batch"]]
"""(model's output, perturbed input values) -> what to make small, one number a row."""


def descend(
    model: nn.Module,
    x: Sequences,
    start: Float[Tensor, "batch time features"],
    budget: Budget,
    objective: Objective,
    *,
    steps: int,
    step_size: Float[Tensor, "batch 1 _"],
    optimizer: Optimizer,
    schedule: Schedule,
    keep: Keep,
) -> tuple[Float[Tensor, "batch time features"], Float[Tensor, " batch"]]:
    """Minimise `objective` over the budget around x, from `start`.

    Args:
        step_size: (batch, 1, 1 or features), in data units.
        keep: "best" returns, row by row, the iterate with the smallest objective, the start and
            the last step among them; "last" returns the last.

    Returns:
        the perturbed values and their objective.

    Raises:
        FeintError: no gradient reaches the input, or it is not finite.
    """
    lower, upper = (bound.detach() for bound in budget.bounds(x))
    values = start.detach().clamp(lower, upper)
    best, lowest = values, torch.full_like(x.values[:, 0, 0], torch.inf)
    direction = _adam() if optimizer == "adam" else torch.sign
    for step in range(steps + 1):
        last = step == steps
        with torch.set_grad_enabled(not last):
            values = values.detach().requires_grad_(not last)
            output = forward(model, x.with_values(values))
            now = objective(output, values)
        if step == 0:
            # Through the model: the objective may hold a term of the values alone (smoothness).
            _gradient(output, values, keep_graph=True)
        if not last:
            gradient = _gradient(now, values)
        # torch.sign makes 0 of NaN: unnoticed, it would look like a model that resists.
        if not bool(now.isfinite().all() and (last or gradient.isfinite().all())):
            raise FeintError(
                "The attack met NaN: the model's answer or its gradient is not finite near the "
                "input. Look for sqrt or norms at 0, divisions by a variance, or overflow in the "
                "model."
            )
        now, values = now.detach(), values.detach()
        better = now < lowest
        lowest = torch.where(better, now, lowest)
        best = torch.where(better[:, None, None], values, best)
        if not last:
            rate = step_size * _rate(schedule, step, steps)
            values = (values - rate * direction(gradient)).clamp(lower, upper)
    return (best, lowest) if keep == "best" else (values, now)


def _gradient(output: Tensor, values: Tensor, keep_graph: bool = False) -> Tensor:
    """D output / d values alone: parameters get no gradient, none is even computed."""
    gradient = None
    if output.requires_grad:
        (gradient,) = torch.autograd.grad(
            output, values, torch.ones_like(output), retain_graph=keep_graph, allow_unused=True
        )
    if gradient is None:
        raise FeintError(
            "No gradient reaches the model's input: its answer does not depend on it, or it is cut "
            "off (detach, no_grad, NumPy, rounding) on the way. A gradient attack needs a "
            "differentiable model; feint.Noise does not."
        )
    return gradient


def _rate(schedule: Schedule, step: int, steps: int) -> float:
    """The factor on the step size: 1, or half a cosine from 1 towards 0."""
    if schedule == "constant":
        return 1.0
    return 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * step / steps))))


def _adam(beta1: float = 0.9, beta2: float = 0.999, tiny: float = 1e-12) -> Callable[..., Tensor]:
    """Adam's direction (Kingma and Ba 2015, algorithm 1), elementwise, so a row stays its own."""
    state: dict[str, Tensor] = {}
    count = 0

    def direction(gradient: Tensor) -> Tensor:
        nonlocal count
        count += 1
        first = state.get("first", torch.zeros_like(gradient)).lerp(gradient, 1 - beta1)
        second = state.get("second", torch.zeros_like(gradient)).lerp(gradient.square(), 1 - beta2)
        state.update(first=first, second=second)
        return (first / (1 - beta1**count)) / ((second / (1 - beta2**count)).sqrt() + tiny)

    return direction
