"""The paper's problem (1), which it states but never solves: every frame gets its own radius.

    minimise  sum over t of ||x'_t - x_t||_inf   subject to   D(f(x'), y') < kappa

with D equation 7.  Proximal Adam on the Lagrangian, sum + weight * D: a step of Adam goes down D,
then a proximal step cuts every frame back to the radius it is worth, many a frame to 0.  The
weight rises while the tolerance is missed and falls while it is met.

Proximal steps of norms: Parikh and Boyd 2014, Proximal Algorithms, section 6.5; in Adam's metric:
Yun, Lozano and Yang 2021, Adaptive Proximal Gradient Methods for Structured Neural Networks; a
weight under control: Stooke, Achiam and Abbeel 2020, PID Lagrangian Methods.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.attacks import not_finite
from feint.attacks.budget import Budget
from feint.attacks.gradient_descent import adam_moments, no_gradient
from feint.attacks.minimal import check_kappa
from feint.attacks.not_finite import all_finite
from feint.attacks.settings import check_choices, check_integers, check_positive
from feint.errors import FeintError
from feint.models.inference import forward_values, predict
from feint.models.layers.weight_cache import cached_weights
from feint.models.schedules import half_cosine
from feint.sequences import Norm, Sequences, check_alike, distance, frame_distance, sum_over_time

MARGIN = 1e-3
"""How far inside the tolerance the weight aims, as a share of kappa or of the way there."""
BETA2 = 0.99
BISECTIONS = 10


@dataclass(frozen=True)
class FramewiseMinimal:
    """The least sum over frames of the largest change, within the tolerance: problem (1).

    Attributes:
        steps: of the descent, a forward and a backward pass each; a few forward passes follow.
        step_size: Adam's first, as a fraction of eps; it falls towards 0 by half a cosine.
        rate: how fast the weight follows, at most by a factor exp(rate) a step.
        norm: of equation 7, "frame" or "joint" (`feint.distance`).

    Raises:
        FeintError: a number out of its range, an unknown norm.
    """

    steps: int = 400
    step_size: float = 0.1
    rate: float = 0.3
    norm: Norm = "frame"

    def __post_init__(self) -> None:
        check_integers(self, steps=1)
        check_positive(self, "step_size", "rate")
        check_choices(self, norm=Norm)

    def __call__(
        self,
        model: nn.Module,
        x: Sequences,
        target: Sequences,
        budget: Budget,
        kappa: float | Float[Tensor, " batch"],
        start: Sequences,
    ) -> Sequences:
        """Make the sum over frames of ||x'_t - x_t||_inf small, in the budget's unit.

        Args:
            model: (batch, time, features) -> (batch, time, outputs), used as it is.
            x: what the model sees.
            target: what it shall answer; the model's output shape, x's lengths.
            budget: its eps bounds every frame's own radius.
            kappa: the tolerance, in data units, one number or one a row.
            start: inside the budget, found by an attack with one eps for all frames.

        Returns:
            x', row by row the smallest sum seen (the start and x included) whose output is within
            kappa of the target by `feint.predict` and `feint.distance`; the start if there is none.

        Raises:
            FeintError: shapes or lengths differ, kappa is not finite and above 0, the start
                leaves the budget, no gradient reaches the input or it is not finite.
        """
        if budget.integer is not None:
            raise FeintError(
                "FramewiseMinimal got a budget with integer features, which it does not support. "
                "Use MinimalPerturbation.",
                code="unsupported-budget",
            )
        check_alike(predict(model, x), target, "FramewiseMinimal (the model's answer, the target)")
        _check_start(start, x, budget)
        problem = _Problem(model, x, target, budget, check_kappa(kappa, x), self.norm)
        begin = problem.change(start.values)
        with cached_weights():
            best, last = self._descend(problem, begin)
        # Measured anew, as a caller would; then by bisection on the way from the last to the start.
        seen = _Smallest(start.values.detach(), torch.full_like(problem.goal, torch.inf))
        for values in (seen.what, problem.values(best), problem.values(last)):
            problem.measure(values, seen)
        share = torch.zeros_like(problem.goal)
        for halving in range(1, BISECTIONS + 1):
            further = share + 0.5**halving
            between = torch.lerp(last, begin, further[:, None, None])
            met = problem.measure(problem.values(between), seen)
            share = torch.where(met, share, further)
        return x.with_values(seen.what)

    def _descend(self, problem: "_Problem", change: Tensor) -> tuple[Tensor, Tensor]:
        """The best change within the tolerance (none, where none was), and the last change."""
        goal, nothing = problem.goal, torch.zeros_like(change)
        far, slope = problem.look(nothing)
        finite = far.isfinite() & all_finite(slope)
        seen = _Smallest(nothing, torch.where(far < goal, 0.0, torch.inf).to(far))
        # What the weight has to steer in: from the target to kappa, or from kappa to x's answer.
        room = torch.minimum(goal, (far - goal).clamp_min(1e-6 * goal))
        # At a solution ||weight * dD/dx_t||_1 is 1 in the frames that move, at most 1 elsewhere.
        log_weight = -slope.abs().sum(dim=2).amax(dim=1).clamp_min(1e-30).log()
        first, second = torch.zeros_like(nothing), torch.zeros_like(nothing)
        for step in range(self.steps):
            d, gradient = problem.look(change)
            finite &= d.isfinite() & all_finite(gradient)
            gradient = torch.where(finite[:, None, None], gradient, torch.zeros_like(gradient))
            seen.add(change, change, d < goal - 0.1 * MARGIN * room)
            fade = half_cosine(step, self.steps)
            missed = ((d - goal) / room + MARGIN).clamp(-1, 1)
            log_weight = (log_weight + self.rate * math.sqrt(fade) * missed).clamp(-40, 40)
            weight = (log_weight + self.rate * missed).clamp(-40, 40).exp()[:, None, None]
            mean, root = adam_moments(first, second, gradient, step + 1, beta2=BETA2)
            length = self.step_size * fade
            moved = change - length * mean / root
            change = proximal(moved, problem.low, problem.high, weight * root / length)
            change = torch.where(finite[:, None, None], change, nothing)
        not_finite.report(finite)
        return seen.what, change


def proximal(
    point: Float[Tensor, "*frames features"],
    low: Float[Tensor, "*frames features"],
    high: Float[Tensor, "*frames features"],
    metric: Float[Tensor, "*frames features"],
) -> Float[Tensor, "*frames features"]:
    """The z in [low, high] with the least ||z||_inf + sum of metric / 2 * (z - point)^2, a frame.

    low <= 0 <= high, metric > 0.  z is the point cut to [low, high] and to one radius.  With the
    k coordinates that reach furthest at the radius, the norm's pull inwards, 1, balances theirs
    outwards, sum of metric * (|point| - radius).  The radius is the largest such balance over k,
    as far as its k coordinates reach.
    """
    size = point.abs()
    reach = torch.minimum(size, torch.where(point > 0, high, -low))
    reach, order = reach.sort(dim=-1, descending=True)
    metric = metric.gather(-1, order)
    pull = (metric * size.gather(-1, order)).cumsum(dim=-1)
    balance = (pull - 1) / metric.cumsum(dim=-1)
    radius = torch.minimum(reach, balance).amax(dim=-1, keepdim=True).clamp_min(0)
    return point.clamp(torch.maximum(low, -radius), torch.minimum(high, radius))


class _Problem:
    """Problem (1) for a batch.  A change is in units of eps: from -1 to 1 inside the range."""

    def __init__(
        self,
        model: nn.Module,
        x: Sequences,
        y: Sequences,
        budget: Budget,
        goal: Tensor,
        norm: Norm,
    ) -> None:
        self.model, self.x, self.target, self.goal, self.norm = model, x, y, goal, norm
        self.clean, self.radius = x.values.detach(), budget.radius(x).detach()
        self.lower, self.upper = (bound.detach() for bound in budget.bounds(x))
        self.low, self.high = ((b - self.clean) / self.radius for b in (self.lower, self.upper))

    def change(self, values: Tensor) -> Tensor:
        return ((values.detach() - self.clean) / self.radius).clamp(self.low, self.high)

    def values(self, change: Tensor) -> Tensor:
        return (self.clean + self.radius * change).clamp(self.lower, self.upper)

    def look(self, change: Tensor) -> tuple[Tensor, Tensor]:
        """Equation 7 and its gradient, which is 0 where nothing may change."""
        values, gradient = self.values(change).requires_grad_(), None
        with torch.enable_grad():
            missed = (
                forward_values(self.model, values, self.x.lengths) - self.target.values.detach()
            )
            d = sum_over_time(frame_distance(missed, self.norm), self.x.lengths)
        if d.requires_grad:
            (gradient,) = torch.autograd.grad(d, values, torch.ones_like(d), allow_unused=True)
        if gradient is None:
            raise no_gradient("FramewiseMinimal needs a differentiable model.")
        gradient = gradient * self.radius
        return d.detach(), torch.where(self.low < self.high, gradient, torch.zeros_like(gradient))

    def measure(self, values: Tensor, seen: "_Smallest") -> Tensor:
        """Which rows are within the tolerance, as `feint` measures it; noted in `seen`."""
        answer = predict(self.model, self.x.with_values(values))
        met = distance(answer, self.target, self.norm) < self.goal
        seen.add(values, (values - self.clean) / self.radius, met)
        return met


@dataclass
class _Smallest:
    """Row by row what has the smallest sum of radii among what is within the tolerance."""

    what: Tensor
    sum: Tensor

    def add(self, what: Tensor, change: Tensor, met: Tensor) -> None:
        size = change.abs().amax(dim=2).sum(dim=1)
        better = met & (size < self.sum)
        self.what = torch.where(better[:, None, None], what, self.what)
        self.sum = torch.where(better, size, self.sum)


def _check_start(start: Sequences, x: Sequences, budget: Budget) -> None:
    """Raise FeintError unless the start has x's shape and lies inside the budget around it."""
    check_alike(start, x, "FramewiseMinimal (the start and x)")
    violation = budget.violation(start, x)
    rounding = 8 * torch.finfo(x.values.dtype).eps * x.values.abs().amax(dim=(1, 2)).clamp_min(1)
    if bool((violation > rounding).any()):
        row = int((violation - rounding).argmax())
        raise FeintError(
            f"FramewiseMinimal got a start that leaves the budget by {float(violation[row]):.3g} "
            f"in sequence {row}; expected one inside. Give the budget that it was found in, or a "
            "larger one, or budget.project(start, x).",
            code="budget-left",
        )
