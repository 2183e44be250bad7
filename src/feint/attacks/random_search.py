"""Random search: an attack without gradients, which only asks the model.

Each query proposes a perturbation that differs from the best one so far in one window of time: on
some of the features, held at plus or minus eps over the window.  It is kept where it brings the
model's output nearer to the target.  Long windows and many features come first, short ones and few
later.  The search over windows follows Andriushchenko et al. 2020 (Square Attack), from images to
sequences.

It is also the fair baseline of a gradient attack: one random draw learns nothing from the model,
while this has as many queries as the attack had steps.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.attacks.budget import Budget
from feint.attacks.noise import row_generator
from feint.attacks.settings import check_choices, check_integers
from feint.models.inference import predict
from feint.sequences import Norm, Sequences, check_alike, distance


@dataclass(frozen=True)
class RandomSearch:
    """The best of a number of queries to the model, without any gradient.

    Attributes:
        queries: forward passes a row, the clean one not counted.
        norm: of equation 7, "frame" or "joint".
        seed: with the row's own values it decides all proposals, whatever batch the row is in.

    Raises:
        FeintError: no query, an unknown norm.
    """

    queries: int = 400
    norm: Norm = "frame"
    seed: int = 0

    warm_start: ClassVar[bool] = True
    takes_goal: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_integers(self, queries=1, seed=None)
        check_choices(self, norm=Norm)

    @torch.no_grad()
    def __call__(
        self,
        model: nn.Module,
        x: Sequences,
        target: Sequences,
        budget: Budget,
        start: Sequences | None = None,
        goal: Float[Tensor, " batch"] | None = None,
    ) -> Sequences:
        """Perturb `x` within `budget` until `model` answers as near to `target` as found.

        See `feint.attacks.Attack`.

        Args:
            start: a batch to begin at, in place of x.
            goal: distances in data units; a row that is nearer than its goal asks no more.
        """
        begin = budget.project(start or x, x)
        output = predict(model, begin)
        check_alike(output, target, "RandomSearch (the model's output and the target)")
        best, nearest = begin.values.clone(), distance(output, target, self.norm)
        proposals = [
            _Proposals(row, free, self) for row, free in zip(x.unpad(), budget.mask(x), strict=True)
        ]
        for query in range(self.queries):
            rows = torch.arange(len(x), device=best.device)
            if goal is not None:
                rows = (nearest >= goal).nonzero()[:, 0]
                if len(rows) == 0:
                    break
            signs = torch.stack([proposals[i].signs(query) for i in rows.tolist()]).to(best)
            some = x[rows]
            own = some.values.shape[1]
            signs = signs[:, :own]
            proposed = some.values + signs * budget[rows].radius(some)
            proposed = torch.where(signs != 0, proposed, best[rows, :own])
            other = budget[rows].project(some.with_values(proposed), some)
            d = distance(predict(model, other), target[rows], self.norm)
            closer = d < nearest[rows]
            best[rows[closer], :own] = other.values[closer]
            nearest[rows[closer]] = d[closer]
        return x.with_values(best)


class _Proposals:
    """The proposals for one row, which depend on nothing but its values and the seed."""

    def __init__(self, row: Tensor, free: Tensor, settings: RandomSearch) -> None:
        self.generator = row_generator(row, settings.seed)
        self.frames, self.time = len(row), len(free)
        self.features = free.any(dim=0).nonzero()[:, 0].cpu()
        self.width = free.shape[1]
        self.queries = settings.queries

    def signs(self, query: int) -> Tensor:
        """The next proposal, (time, features): -1 and 1 for x -+ eps, 0 for the best so far."""
        left = 1 - query / self.queries
        draw = torch.rand(3, generator=self.generator).tolist()
        length = max(1, round(self.frames * left ** (2 * draw[0])))
        first = int(draw[1] * (self.frames - length + 1))
        count = max(1, round(len(self.features) * (left * draw[2]) ** 2))
        order = torch.randperm(len(self.features), generator=self.generator)[:count]
        which = torch.randint(0, 2, (count,), generator=self.generator) * 2 - 1
        signs = torch.zeros(self.time, self.width)
        signs[first : first + length, self.features[order]] = which.float()
        return signs
