"""Projected gradient descent on the input: the one loop every gradient attack here shares.

Equation 6 of the paper with what varies as arguments: the direction (sign or Adam), the schedule
of the step size, and which iterate is kept.  Rows never see one another: the loss is one number a
row, and its sum is differentiated.  A row that has reached its goal is done, and every few steps
the batch closes up over the rows that are.
"""

import math
from dataclasses import dataclass, fields
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from feint.attacks.budget import Budget
from feint.errors import FeintError
from feint.models.inference import forward_values
from feint.models.layers.weight_cache import cached_weights
from feint.sequences import Sequences

Optimizer = Literal["sign", "adam"]
Schedule = Literal["constant", "cosine"]
Keep = Literal["best", "last"]
Precision = Literal["fp32", "bf16"]
EVERY = 10
"""Steps between two looks at the results: on a GPU each look waits for the device."""


@runtime_checkable
class Aim(Protocol):
    """What a descent is after, for a batch of rows."""

    def loss(
        self, output: Tensor, values: Float[Tensor, "batch time features"]
    ) -> Float[Tensor, " batch"]:
        """What to make small, given the model's output and the perturbed input."""
        ...

    def met(self, output: Tensor) -> Tensor | None:
        """Which rows are done, (batch,) bool; None: the descent goes on to its last step."""
        ...

    def __getitem__(self, rows: Int[Tensor, " rows"]) -> "Aim":
        """The same for some of the rows, cut to the longest of them."""
        ...


def descend(
    model: nn.Module,
    x: Sequences,
    start: Float[Tensor, "batch time features"],
    budget: Budget,
    aim: Aim,
    *,
    steps: int,
    step_size: Float[Tensor, "batch 1 _"],
    optimizer: Optimizer,
    schedule: Schedule,
    keep: Keep,
    precision: Precision = "fp32",
) -> "Found":
    """Minimise the aim's loss over the budget around x, from `start`.

    Args:
        step_size: (batch, 1, 1 or features), in data units.
        keep: "best" returns, row by row, the iterate with the smallest loss, the start and
            the last step among them; "last" returns the last.  A row that is done is returned as
            it was when it met its aim.
        precision: of the model's answers and gradients; "bf16" is `torch.autocast`'s.

    Raises:
        FeintError: no gradient reaches the input, or it is not finite.
    """
    live = _Rows.start(x, start, budget, step_size)
    found = Found(live.values.clone(), live.lowest.clone(), live.done.clone())
    finite = torch.ones((), dtype=torch.bool, device=live.values.device)
    with cached_weights():
        for step in range(steps + 1):
            last = step == steps
            with torch.set_grad_enabled(not last):
                # What must be whole is seen rounded; its gradient moves the value behind it.
                seen = budget.settle(live.values).detach()
                leaf = seen.requires_grad_(not last)
                output = _answer(model, leaf, live.lengths, precision)
                loss = aim.loss(output, leaf)
            if step == 0:
                # Through the model: the loss may hold a term of the values alone (smoothness).
                _gradient(output, leaf, keep_graph=True)
            finite &= loss.isfinite().all()
            live.note(leaf.detach(), loss.detach(), aim.met(output.detach()), keep)
            if not last:
                gradient = _gradient(loss, leaf)
                # torch.sign makes 0 of NaN: it would look like a model that resists.
                finite &= gradient.isfinite().all()
                along = gradient.sign() if optimizer == "sign" else live.adam(gradient, step + 1)
                live.move(along, _rate(schedule, step, steps))
            del output, loss  # and with them their graph: the next step has its memory
            if last or step % EVERY == EVERY - 1:
                _check(finite)
                if last or bool(live.done.any()):
                    live.write(found)
                    going = (~live.done).nonzero()[:, 0]
                    if last or len(going) == 0:
                        break
                    live, aim = live[going], aim[going]
    return found


@dataclass(frozen=True)
class Found:
    """What a descent found: the perturbed values, their loss, and which rows met their aim."""

    values: Float[Tensor, "batch time features"]
    losses: Float[Tensor, " batch"]
    met: Bool[Tensor, " batch"]


@dataclass
class _Rows:
    """The rows still under way: everything that belongs to each of them."""

    row: Tensor
    lengths: Tensor
    values: Tensor
    lower: Tensor
    upper: Tensor
    step_size: Tensor
    best: Tensor
    lowest: Tensor
    done: Tensor
    first: Tensor
    second: Tensor

    @staticmethod
    def start(x: Sequences, start: Tensor, budget: Budget, step_size: Tensor) -> "_Rows":
        lower, upper = (bound.detach() for bound in budget.bounds(x))
        values = start.detach().clamp(lower, upper)
        row = torch.arange(len(x), device=values.device)
        return _Rows(
            row=row,
            lengths=x.lengths,
            values=values,
            lower=lower,
            upper=upper,
            step_size=step_size.detach(),
            best=values,
            lowest=torch.full_like(values[:, 0, 0], torch.inf),
            done=torch.zeros_like(row, dtype=torch.bool),
            first=torch.zeros_like(values),
            second=torch.zeros_like(values),
        )

    def note(self, seen: Tensor, loss: Tensor, met: Tensor | None, keep: Keep) -> None:
        """Keep this iterate, as the model saw it, where it is the one to keep."""
        better = torch.ones_like(self.done) if keep == "last" else loss < self.lowest
        if met is not None:
            better = (better | met) & ~self.done
            self.done = self.done | met
        self.lowest = torch.where(better, loss, self.lowest)
        self.best = torch.where(better[:, None, None], seen, self.best)

    def move(self, direction: Tensor, rate: float) -> None:
        """One step against the direction, and the projection of equation 6."""
        moved = self.values - (rate * self.step_size) * direction
        self.values = moved.clamp_(self.lower, self.upper)

    def adam(
        self,
        gradient: Tensor,
        count: int,
        beta1: float = 0.9,
        beta2: float = 0.999,
        tiny: float = 1e-12,
    ) -> Tensor:
        """Adam's direction (Kingma and Ba 2015, algorithm 1), elementwise: a row stays its own."""
        self.first.lerp_(gradient, 1 - beta1)
        self.second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        root = (self.second / (1 - beta2**count)).sqrt_().add_(tiny)
        return (self.first / (1 - beta1**count)).div_(root)

    def __getitem__(self, rows: Tensor) -> "_Rows":
        """Some of the rows, cut to the longest of them."""
        longest = int(self.lengths[rows].max())
        some = {f.name: getattr(self, f.name)[rows] for f in fields(self)}
        return _Rows(**{k: v[:, :longest] if v.ndim == 3 else v for k, v in some.items()})

    def write(self, found: Found) -> None:
        """Put what is kept where it belongs in the whole batch."""
        found.values[self.row, : self.best.shape[1]] = self.best
        found.losses[self.row] = self.lowest
        found.met[self.row] = self.done


def _answer(model: nn.Module, values: Tensor, lengths: Tensor, precision: Precision) -> Tensor:
    if precision == "fp32":
        return forward_values(model, values, lengths)
    with torch.autocast(values.device.type, torch.bfloat16):
        output = forward_values(model, values, lengths)
    return output.to(values.dtype)


def _gradient(output: Tensor, values: Tensor, keep_graph: bool = False) -> Tensor:
    """D output / d values alone: parameters get no gradient, none is even computed."""
    gradient = None
    if output.requires_grad:
        try:
            (gradient,) = torch.autograd.grad(
                output, values, torch.ones_like(output), retain_graph=keep_graph, allow_unused=True
            )
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise FeintError(
                f"The model's backward pass fails: {' '.join(str(error).split())[:300]}. If it "
                "names an in-place operation, write that line of the model without it "
                "(x = x + 1, not x += 1; relu(x), not relu_(x))."
            ) from error
    if gradient is None:
        raise FeintError(
            "No gradient reaches the model's input: its answer does not depend on it, or it is cut "
            "off (detach, no_grad, NumPy, rounding) on the way. A gradient attack needs a "
            "differentiable model; feint.Noise does not."
        )
    return gradient


def _check(finite: Tensor) -> None:
    if not bool(finite):
        raise FeintError(
            "The attack met NaN: the model's answer or its gradient is not finite near the input. "
            "Look for sqrt or norms at 0, divisions by a variance, or overflow in the model."
        )


def _rate(schedule: Schedule, step: int, steps: int) -> float:
    """The factor on the step size: 1, or half a cosine from 1 towards 0."""
    if schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * step / steps))
