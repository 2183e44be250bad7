"""Random noise inside the budget: the baseline of every attack, and a start for their restarts.

A new kind of noise is a value of `Kind` and a branch here; experiments name it in
`evaluation.noise`.
"""

import zlib
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.attacks.budget import Budget
from feint.attacks.settings import check_choices, check_integers
from feint.models.inference import predict
from feint.sequences import Sequences, distance

Kind = Literal["uniform", "sign", "offset"]


@dataclass(frozen=True)
class Noise:
    """Noise that uses up the same budget as an attack, and learns nothing from the model.

    Attributes:
        kind: "uniform" on [-eps, eps]; "sign": -eps or eps in every frame; "offset": -eps or eps
            once for all frames, a displacement held over time, which models average out least.
        tries: the best of so many draws, by the distance to the target; 1 needs no model.
        seed: with the row's own values it decides the draw, whatever batch the row is in.

    Raises:
        FeintError: an unknown kind, no try.
    """

    kind: Kind = "sign"
    tries: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(self, kind=Kind)
        check_integers(self, tries=1, seed=None)

    def __call__(
        self, model: nn.Module, x: Sequences, target: Sequences, budget: Budget
    ) -> Sequences:
        """X with noise inside the budget.  See `feint.attacks.Attack` for the contract."""
        best = self.draw(x, budget, self.seed)
        if self.tries == 1:
            return best
        nearest = distance(predict(model, best), target)
        for t in range(1, self.tries):
            other = self.draw(x, budget, self.seed + t)
            d = distance(predict(model, other), target)
            closer = (d < nearest)[:, None, None]
            best = x.with_values(torch.where(closer, other.values, best.values))
            nearest = torch.minimum(d, nearest)
        return best

    @torch.no_grad()
    def draw(self, x: Sequences, budget: Budget, seed: int) -> Sequences:
        """One draw around x, inside the budget, by this seed."""
        noise = uniform(x, seed)
        if self.kind == "offset":
            noise = noise[:, :1].expand_as(noise)
        if self.kind != "uniform":
            noise = torch.where(noise < 0, -1.0, 1.0)
        return budget.project(x.with_values(x.values + budget.radius(x) * noise), x)


def uniform(x: Sequences, seed: int) -> Float[Tensor, "batch time features"]:
    """Noise on [-1, 1], each row seeded by `seed` and the row's own values; 0 in the padding.

    So a row gets the same noise alone and in any batch.
    """
    rows = torch.zeros_like(x.values, device="cpu")
    for i, own in enumerate(x.unpad()):
        drawn = torch.rand(own.shape, generator=row_generator(own, seed))
        rows[i, : len(own)] = drawn.to(rows.dtype) * 2 - 1
    return rows.to(x.values.device)


def row_generator(row: Float[Tensor, "time features"], seed: int) -> torch.Generator:
    """A generator seeded by `seed` and a row's own values, so the same alone and in any batch."""
    content = zlib.crc32(row.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    # Folded into 32 bits: torch's generator on the CPU drops the rest of a seed.
    return torch.Generator().manual_seed(zlib.crc32(str(seed).encode(), content))
