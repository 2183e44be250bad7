"""Minimum-norm attack: the smallest eps that is enough, row by row, by bisection.

Problem (1) of the paper asks for the smallest perturbation within the tolerance; its algorithm
fixes eps and minimises the distance instead.  This search bisects a ladder of eps: each descent
begins at the best perturbation found so far, and a row stops as soon as it is within its tolerance.
One search gives the whole curve of success against eps.
"""

import math
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from feint.attacks.aia import AIA
from feint.attacks.budget import Budget
from feint.attacks.not_finite import BrokenRows
from feint.errors import FeintError
from feint.models.inference import predict
from feint.sequences import Sequences, distance


@dataclass(frozen=True, eq=False)
class Minimal:
    """The result of a search for the smallest eps.

    Attributes:
        x_adv: within the tolerance where `success`, elsewhere the nearest try at the largest eps.
        eps: (batch,), the smallest eps found, in the budget's unit: 0 where the clean input is
            within the tolerance, infinite where no eps was enough.
        distance: (batch,), of the model's output for x_adv to the target (equation 7).
    """

    x_adv: Sequences
    eps: Float[Tensor, " batch"]
    distance: Float[Tensor, " batch"]

    @property
    def success(self) -> Bool[Tensor, " batch"]:
        """Whether some eps was enough, row by row."""
        return self.eps.isfinite()

    def rate(self, eps: float) -> float:
        """The share of rows for which at most this eps is enough."""
        return float((self.eps <= eps * (1 + 1e-6)).float().mean())


@dataclass(frozen=True)
class MinimalPerturbation:
    """The smallest eps for each row, up to the budget's own.

    Attributes:
        attack: one descent of the search.
        precision: the search ends when the smallest eps is known to this fraction of the largest.
        levels: search among these eps only (in the budget's unit), instead of to a precision.

    Raises:
        FeintError: a precision or levels out of their range.
    """

    attack: AIA = field(default_factory=lambda: AIA(steps=100))
    precision: float = 1 / 64
    levels: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.precision <= 1:
            raise FeintError(
                f"MinimalPerturbation got precision={self.precision}; expected a fraction of the "
                "largest eps, above 0 and at most 1.",
                code="bad-number",
            )
        if self.levels is not None and (
            not self.levels or min(self.levels) <= 0 or max(self.levels) == float("inf")
        ):
            raise FeintError(
                f"MinimalPerturbation got levels={self.levels}; expected at least one eps, all "
                "finite and above 0.",
                code="bad-eps",
            )

    def __call__(
        self,
        model: nn.Module,
        x: Sequences,
        target: Sequences,
        budget: Budget,
        kappa: float | Float[Tensor, " batch"],
    ) -> Minimal:
        """Search for the smallest eps at which the model's answer is within kappa of the target.

        Args:
            model: (batch, time, features) -> (batch, time, outputs), used as it is.
            x: what the model sees.
            target: what it shall answer; the model's output shape, x's lengths.
            budget: its eps is the largest one tried (unless there are `levels`); what may be
                changed and the valid range hold throughout.
            kappa: the tolerance, equation 7 in the attack's `norm`, one number or one a row.

        Raises:
            FeintError: kappa is not finite and above 0, and everything `AIA` raises.
        """
        goal = check_kappa(kappa, x)
        ladder = self._ladder(x, budget)
        top = ladder.shape[1] - 1  # rung 0 is eps 0, the last one infinite
        best = x.values.detach().clone()
        nearest = distance(predict(model, x), target, self.attack.norm)
        last = best.clone()
        # The lowest rung known to do, and the highest known to fail.
        does = torch.where(nearest < goal, 0, top)
        fails = torch.zeros_like(does)
        rung, broken = torch.full_like(does, top - 1), BrokenRows()
        while len(left := (does - fails > 1).nonzero()[:, 0]):
            some, targets = x[left], target[left]
            time = some.values.shape[1]
            within = replace(budget, eps=ladder[left, rung[left]])
            start = some.with_values(last[left, :time])
            call = partial(self.attack, model, some, targets, within, start=start, goal=goal[left])
            tried = broken.run(call, start, left)
            d = distance(predict(model, tried), targets, self.attack.norm)
            within_tolerance = d < goal[left]
            # Kept is what does, or the nearest try of a row for which nothing does yet.
            keep = within_tolerance | ((does[left] == top) & (d < nearest[left]))
            last[left, :time] = tried.values
            best[left[keep], :time] = tried.values[keep]
            nearest[left[keep]] = d[keep]
            used = torch.searchsorted(ladder[left], _size(tried, some, within) * (1 - 1e-6))
            does[left[within_tolerance]] = torch.minimum(used[:, 0], rung[left])[within_tolerance]
            fails[left[~within_tolerance]] = rung[left[~within_tolerance]]
            rung = (does + fails) // 2
        broken.report(len(x))
        return Minimal(x.with_values(best), ladder.gather(1, does[:, None])[:, 0], nearest)

    def _ladder(self, x: Sequences, budget: Budget) -> Float[Tensor, "batch rungs"]:
        """0, the eps to search among in rising order, infinity; in the budget's unit."""
        like = x.values
        if self.levels is None:
            largest = torch.as_tensor(budget.eps, dtype=like.dtype, device=like.device)
            rungs = torch.linspace(0, 1, math.ceil(1 / self.precision) + 1).to(largest)
            ladder = largest.expand(len(x))[:, None] * rungs
        else:
            levels = torch.tensor([0.0, *sorted(self.levels)], dtype=like.dtype, device=like.device)
            ladder = levels.expand(len(x), -1)
        return torch.cat([ladder, torch.full_like(ladder[:, :1], torch.inf)], dim=1).contiguous()


def _size(x_adv: Sequences, x: Sequences, budget: Budget) -> Float[Tensor, "batch 1"]:
    """The largest change in the budget's unit."""
    unit = budget.radius(x) / torch.as_tensor(budget.eps).to(x.values).reshape(-1, 1, 1)
    return ((x_adv.values - x.values).abs() / unit).amax(dim=(1, 2))[:, None]


def check_kappa(kappa: float | Tensor, x: Sequences) -> Float[Tensor, " batch"]:
    """Kappa as one number a row.  Raises FeintError unless it is finite and above 0."""
    goal = torch.as_tensor(kappa, dtype=x.values.dtype, device=x.values.device)
    if goal.shape not in ((), (len(x),)) or not bool(((goal > 0) & goal.isfinite()).all()):
        raise FeintError(
            f"kappa is {kappa}; expected a finite distance above 0 (equation 7), one for all or "
            f"one for each of the {len(x)} sequences.",
            code="bad-tolerance",
        )
    return goal.expand(len(x))
