"""The paper's problem (1), which it states and never solves: each frame gets its own radius.

    minimise  sum over t of ||x'_t - x_t||_inf   subject to   D(f(x'), y') < kappa

with D equation 7.  Proximal Adam on the Lagrangian, sum of radii + weight * D: Adam's step goes
down the distance, and the proximal step then cuts every frame back to the radius it is worth,
most frames to none.  The weight rises while the tolerance is missed and falls while it is met.

The proximal step of a norm by Moreau's decomposition: Parikh and Boyd 2014, Proximal Algorithms,
6.5; in Adam's metric: Yun, Lozano and Yang 2021 (arXiv:2102.03869); the weight as a controller:
Stooke, Achiam and Abbeel 2020 (arXiv:2007.03964).
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from feint.budget import Budget
from feint.errors import FeintError
from feint.sequences import (
    Reading,
    Sequences,
    call,
    check_alike,
    check_mode,
    distance,
    frame_distance,
    predict,
    sum_over_time,
)

MARGIN = 1e-3
"""How far inside the tolerance the weight steers, as a share of what there is to steer in."""


@dataclass(frozen=True)
class FramewiseMinimal:
    """The least sum over frames of the largest change, within the tolerance: problem (1).

    Attributes:
        steps: of the descent, one forward and one backward pass each.
        step_size: Adam's, as a fraction of eps; it falls towards 0 by half a cosine.
        rate: how fast the weight follows: by at most a factor exp(rate) a step.
        reading: of equation 7, "frame" or "joint" (`feint.distance`).
    """

    steps: int = 400
    step_size: float = 0.1
    rate: float = 0.3
    reading: Reading = "frame"

    def __post_init__(self) -> None:
        if type(self.steps) is not int or self.steps < 1:
            raise FeintError(
                f"FramewiseMinimal got steps={self.steps!r}; expected a whole number, at least 1."
            )
        for name in ("step_size", "rate"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 < value < math.inf:
                raise FeintError(
                    f"FramewiseMinimal got {name}={value!r}; expected a finite number above 0."
                )
        if self.reading not in ("frame", "joint"):
            raise FeintError(
                f"FramewiseMinimal got reading={self.reading!r}; expected 'frame' or 'joint'."
            )

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
            budget: its eps bounds every frame's radius; coordinates and valid range hold too.
            kappa: the tolerance, in data units, one number or one a row.
            start: inside the budget, the solution of an attack with one eps for all frames.

        Returns:
            x', row by row the smallest sum seen with an answer within kappa of the target, the
            start and x itself among what was seen; the start where there was none.

        Raises:
            FeintError: shapes or lengths differ, kappa is not finite and above 0, the start
                leaves the budget, no gradient reaches the input or it is not finite.
        """
        goal = _goal(kappa, x)
        check_mode(model)
        check_alike(predict(model, x), target, "FramewiseMinimal (the model's answer, the target)")
        _check_start(start, x, budget)
        lower, upper = budget.bounds(x)
        radius = budget.radius(x)
        # From here on changes are in radii, from -1 to 1: where eps is one, so is each frame's.
        low, high = (lower - x.values) / radius, (upper - x.values) / radius

        def look(change: Tensor) -> tuple[Tensor, Tensor]:
            """The distance to the target, and its gradient where there is freedom."""
            values = (x.values + radius * change).clamp(lower, upper).detach().requires_grad_()
            with torch.enable_grad():
                missed = call(model, values, x.lengths) - target.values
                d = sum_over_time(frame_distance(missed, self.reading), x.lengths)
            return d.detach(), _gradient(d, values) * radius * (low < high)

        clean = torch.zeros_like(x.values)
        far, slope = look(clean)
        room = torch.minimum(goal, (far - goal).clamp_min(1e-6 * goal))
        # At a solution ||weight * dD/dx_t||_1 is 1 where a frame moves, and at most 1 elsewhere.
        log_weight = -slope.abs().sum(dim=2).amax(dim=1).clamp_min(1e-30).log()
        change = ((start.values - x.values) / radius).clamp(low, high).detach()
        best, least = clean, torch.where(far < goal, 0.0, torch.inf).to(far)
        first, second = torch.zeros_like(clean), torch.zeros_like(clean)
        for step in range(self.steps + 1):
            d, gradient = look(change)
            size = _sum_of_radii(change)
            better = (d < goal - 0.1 * MARGIN * room) & (size < least)
            best = torch.where(better[:, None, None], change, best)
            least = torch.where(better, size, least)
            if step == self.steps: break
            fade = 0.5 * (1 + math.cos(math.pi * step / self.steps))
            missed = ((d - goal) / room + MARGIN).clamp(-1, 1)
            log_weight = log_weight + self.rate * math.sqrt(fade) * missed
            weight = (log_weight + self.rate * missed).exp()[:, None, None]
            first = first.lerp(gradient, 0.1)
            second = second.lerp(gradient.square(), 0.01)
            root = (second / (1 - 0.99 ** (step + 1))).sqrt() + 1e-12
            moved = change - self.step_size * fade * first / (1 - 0.9 ** (step + 1)) / root
            change = proximal(moved, low, high, weight * root / (self.step_size * fade))
        return best, least, change


def proximal(
    point: Float[Tensor, "*frames features"],
    low: Float[Tensor, "*frames features"],
    high: Float[Tensor, "*frames features"],
    metric: Float[Tensor, "*frames features"],
) -> Float[Tensor, "*frames features"]:
    """The least of ||z||_inf + sum of metric / 2 * (z - point)^2 over low <= z <= high.

    0 lies between low and high.  The answer is the point, cut to the range and to one radius.
    Were it the radius s, the k coordinates that then reach beyond it would pull it outwards with
    sum of metric * (|point| - s), and it is pulled inwards with 1; they balance at the largest of
    the k's solutions, as far as their coordinates have room.
    """
    size = point.abs()
    reach = torch.minimum(size, torch.where(point > 0, high, -low))
    reach, order = reach.sort(dim=-1, descending=True)
    metric = metric.gather(-1, order)
    pull = (metric * size.gather(-1, order)).cumsum(dim=-1)
    balance = (pull - 1) / metric.cumsum(dim=-1)
    radius = torch.minimum(reach, balance).amax(dim=-1, keepdim=True).clamp_min(0)
    return point.clamp(torch.maximum(low, -radius), torch.minimum(high, radius))


def _sum_of_radii(change: Float[Tensor, "batch time features"]) -> Float[Tensor, " batch"]:
    """The objective of problem (1); the padding does not change."""
    return change.abs().amax(dim=2).sum(dim=1)


def _gradient(d: Tensor, values: Tensor) -> Tensor:
    """D d / d values alone: parameters get no gradient."""
    gradient = None
    if d.requires_grad:
        (gradient,) = torch.autograd.grad(d.sum(), values, allow_unused=True)
    if gradient is None:
        raise FeintError(
            "No gradient reaches the model's input: its answer does not depend on it, or it is cut "
            "off (detach, no_grad, NumPy, rounding) on the way. FramewiseMinimal needs a "
            "differentiable model."
        )
    return gradient


def _goal(kappa: float | Tensor, x: Sequences) -> Float[Tensor, " batch"]:
    """kappa as one number a row.  Raises FeintError unless it is finite and above 0."""
    goal = torch.as_tensor(kappa, dtype=x.values.dtype, device=x.values.device)
    if goal.shape not in ((), (len(x),)) or not bool(((goal > 0) & goal.isfinite()).all()):
        raise FeintError(
            f"FramewiseMinimal got kappa={kappa}; expected a finite distance above 0 (equation 7), "
            f"one for all or one for each of the {len(x)} sequences."
        )
    return goal.expand(len(x))


def _check_start(start: Sequences, x: Sequences, budget: Budget) -> None:
    """Raise unless the start is of x's shape and inside the budget around it."""
    check_alike(start, x, "FramewiseMinimal (its start and x)")
    excess = budget.excess(start, x)
    rounding = 8 * torch.finfo(x.values.dtype).eps * x.values.abs().amax(dim=(1, 2)).clamp_min(1)
    if bool((excess > rounding).any()):
        row = int(excess.argmax())
        raise FeintError(
            f"FramewiseMinimal got a start that leaves the budget by {float(excess[row]):.3g} in "
            f"sequence {row}; expected a perturbation inside it. Call it with the budget of the "
            "attack that found the start, or a larger one, or project it first: "
            "budget.project(start, x)."
        )
