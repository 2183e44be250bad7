"""Projected gradient descent on the input: the loop that every gradient attack here shares.

An attack calls `descend` with an `Objective` (the loss to minimise and, if there is one, the goal
at which a row stops).  What varies between attacks is an argument: the direction (sign or Adam),
the schedule of the step size, which iterate is kept.  This is equation 6 of the paper.

Rows are independent: the loss is one number a row, and its sum is differentiated.  A row that meets
its goal is done; every few steps the batch shrinks to the rows that are not.
"""

from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from feint.attacks.budget import Budget
from feint.attacks.not_finite import all_finite
from feint.errors import FeintError
from feint.models.inference import forward_values, one_line
from feint.models.layers.weight_cache import cached_weights
from feint.models.schedules import half_cosine
from feint.sequences import Sequences

Optimizer = Literal["sign", "adam"]
Schedule = Literal["constant", "cosine"]
Keep = Literal["best", "last"]
Precision = Literal["fp32", "bf16"]
EVERY = 10
"""Steps between two looks at the results: on a GPU each look waits for the device."""
NEEDS_GRADIENT = "A gradient attack needs a differentiable model; feint.Noise does not."


@runtime_checkable
class Objective(Protocol):
    """What a descent minimises, for a batch of rows, and when a row is done."""

    def loss(
        self, output: Tensor, values: Float[Tensor, "batch time features"]
    ) -> Float[Tensor, " batch"]:
        """The loss of each row, given the model's output and the perturbed input."""
        ...

    def is_done(self, output: Tensor) -> Tensor | None:
        """Which rows are done, (batch,) bool; None if every row takes all steps."""
        ...

    def __getitem__(self, rows: Int[Tensor, " rows"]) -> "Objective":
        """The objective of some of the rows, cut to the longest of them."""
        ...


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
    precision: Precision = "fp32",
) -> "DescentResult":
    """Minimise the objective's loss over the budget around x, from `start`.

    Args:
        step_size: (batch, 1, 1 or features), in data units.
        keep: "best" returns, row by row, the iterate with the smallest loss, "last" the last one.
            A row that is done is returned as it was when it met its goal.
        precision: of the model's outputs and gradients; "bf16" is `torch.autocast`'s.

    A row whose loss or gradient is not finite stops, and is returned as it was best before.

    Raises:
        FeintError: no gradient reaches the input.
    """
    active = _ActiveRows.start(x, start, budget, step_size)
    result = active.empty_result()
    with cached_weights():
        for step in range(steps + 1):
            last = step == steps
            with torch.set_grad_enabled(not last):
                # Integer features are rounded here; the gradient updates the unrounded value.
                leaf = budget.round_integers(active.values).detach().requires_grad_(not last)
                output = _output(model, leaf, active.lengths, precision)
                loss = objective.loss(output, leaf)
            # Through the model: the loss may hold a term of the values alone (smoothness).
            if step == 0 and not last and not _reaches(output, leaf):
                raise no_gradient(NEEDS_GRADIENT)
            active.finite = active.finite & loss.detach().isfinite()
            is_done = objective.is_done(output.detach())
            active.record_best(leaf.detach(), loss.detach(), is_done, keep)
            if not last:
                gradient = active.usable(_gradient(loss, leaf))
                active.step(
                    gradient.sign() if optimizer == "sign" else active.adam(gradient, step + 1),
                    1.0 if schedule == "constant" else half_cosine(step, steps),
                )
            del output, loss  # their graph too: the next step needs its memory
            if last or step % EVERY == EVERY - 1:
                over = active.done | ~active.finite
                if last or bool(over.any()):
                    active.write_to(result)
                    left = (~over).nonzero()[:, 0]
                    if last or len(left) == 0:
                        break
                    active, objective = active[left], objective[left]
    return result


@dataclass(frozen=True)
class DescentResult:
    """The perturbed values, their loss, which rows met their goal, and which stayed finite."""

    values: Float[Tensor, "batch time features"]
    losses: Float[Tensor, " batch"]
    done: Bool[Tensor, " batch"]
    finite: Bool[Tensor, " batch"]


def adam_moments(
    first: Tensor,
    second: Tensor,
    gradient: Tensor,
    count: int,
    beta1: float = 0.9,
    beta2: float = 0.999,
    tiny: float = 1e-12,
) -> tuple[Tensor, Tensor]:
    """Adam's corrected mean and the root of its second moment (Kingma and Ba 2015, algorithm 1).

    The direction of step `count` (from 1) is their quotient.  `first` and `second` are updated in
    place.  Everything is elementwise, so rows stay independent (torch.optim would need one tensor
    a row for that).
    """
    first.lerp_(gradient, 1 - beta1)
    second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    return first / (1 - beta1**count), (second / (1 - beta2**count)).sqrt_().add_(tiny)


@dataclass
class _ActiveRows:
    """The state of the rows that are not done yet."""

    row: Tensor
    lengths: Tensor
    values: Tensor
    lower: Tensor
    upper: Tensor
    step_size: Tensor
    best_values: Tensor
    best_loss: Tensor
    done: Tensor
    finite: Tensor
    first_moment: Tensor
    second_moment: Tensor

    @staticmethod
    def start(x: Sequences, start: Tensor, budget: Budget, step_size: Tensor) -> "_ActiveRows":
        lower, upper = (bound.detach() for bound in budget.bounds(x))
        values = start.detach().clamp(lower, upper)
        row = torch.arange(len(x), device=values.device)
        return _ActiveRows(
            row=row,
            lengths=x.lengths,
            values=values,
            lower=lower,
            upper=upper,
            step_size=step_size.detach(),
            best_values=values,
            best_loss=torch.full_like(values[:, 0, 0], torch.inf),
            done=torch.zeros_like(row, dtype=torch.bool),
            finite=torch.ones_like(row, dtype=torch.bool),
            first_moment=torch.zeros_like(values),
            second_moment=torch.zeros_like(values),
        )

    def empty_result(self) -> DescentResult:
        """A result of the whole batch, to be written into."""
        parts = (self.values, self.best_loss, self.done, self.finite)
        return DescentResult(*(one.clone() for one in parts))

    def record_best(self, seen: Tensor, loss: Tensor, is_done: Tensor | None, keep: Keep) -> None:
        """Keep this iterate, as the model saw it, in the rows where it is the one to return."""
        better = torch.ones_like(self.done) if keep == "last" else loss < self.best_loss
        if is_done is not None:
            better = (better | is_done) & ~self.done
            self.done = self.done | (is_done & self.finite)
        better = better & self.finite
        self.best_loss = torch.where(better, loss, self.best_loss)
        self.best_values = torch.where(better[:, None, None], seen, self.best_values)

    def usable(self, gradient: Tensor) -> Tensor:
        """The gradient of rows that are finite, where they may change; 0 elsewhere.

        torch.sign makes 0 of NaN, so a row that is not would look robust: it is marked, and stops.
        Off the budget and in the padding a gradient that is not finite means nothing.
        """
        gradient = torch.where(self.lower < self.upper, gradient, torch.zeros_like(gradient))
        self.finite = self.finite & all_finite(gradient)
        return torch.where(self.finite[:, None, None], gradient, torch.zeros_like(gradient))

    def step(self, direction: Tensor, rate: float) -> None:
        """One step against the direction, and the projection of equation 6."""
        moved = self.values - (rate * self.step_size) * direction
        self.values = moved.clamp_(self.lower, self.upper)

    def adam(self, gradient: Tensor, count: int) -> Tensor:
        """Adam's direction at step `count`, from 1."""
        mean, root = adam_moments(self.first_moment, self.second_moment, gradient, count)
        return mean.div_(root)

    def __getitem__(self, rows: Tensor) -> "_ActiveRows":
        """Some of the rows, cut to the longest of them."""
        longest = int(self.lengths[rows].max())
        some = {f.name: getattr(self, f.name)[rows] for f in fields(self)}
        return _ActiveRows(**{k: v[:, :longest] if v.ndim == 3 else v for k, v in some.items()})

    def write_to(self, result: DescentResult) -> None:
        """Write the kept iterates into the result of the whole batch."""
        result.values[self.row, : self.best_values.shape[1]] = self.best_values
        result.losses[self.row] = self.best_loss
        result.done[self.row] = self.done
        result.finite[self.row] = self.finite


def _output(model: nn.Module, values: Tensor, lengths: Tensor, precision: Precision) -> Tensor:
    if precision == "fp32":
        return forward_values(model, values, lengths)
    with torch.autocast(values.device.type, torch.bfloat16):
        output = forward_values(model, values, lengths)
    return output.to(values.dtype)


def _reaches(output: Tensor, leaf: Tensor) -> bool:
    """Whether the graph of the output contains the leaf.

    Without a backward pass: compiled models, and functions that free their buffers, allow one.
    """
    seen: set[Any] = set()
    waiting = [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        if getattr(node, "variable", None) is leaf:
            return True
        seen.add(node)
        waiting += [before for before, _ in node.next_functions]
    return output is leaf


def _gradient(output: Tensor, values: Tensor) -> Tensor:
    """D output / d values alone: no gradient of any parameter is computed."""
    gradient = None
    if output.requires_grad:
        try:
            (gradient,) = torch.autograd.grad(
                output, values, torch.ones_like(output), allow_unused=True
            )
        except (FeintError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # a backward of the user's own may raise anything
            raise FeintError(
                f"The model's backward pass fails: {one_line(error)}. If it "
                "names an in-place operation, write that line of the model without it "
                "(x = x + 1, not x += 1; relu(x), not relu_(x)).",
                code="backward-fails",
            ) from error
    if gradient is None:
        raise no_gradient(NEEDS_GRADIENT)
    return gradient


def no_gradient(needs: str) -> FeintError:
    """The error of a model whose output does not depend on its input; `needs` ends the message."""
    return FeintError(
        "No gradient reaches the model's input: its output does not depend on it, or the way is "
        f"cut off (detach, no_grad, NumPy, rounding). {needs}",
        code="no-gradient",
    )
