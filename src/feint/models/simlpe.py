"""siMLPe, a motion predictor of linear layers and layer norms alone, over a causal window.

Guo, Du, Shen, Lepetit, Alameda-Pineda and Moreno-Noguer, Back to MLP: A Simple Baseline for Human
Motion Prediction, WACV 2023 (arXiv:2207.01567), from its description: a cosine transform over
time, a linear layer over features, blocks (a linear layer over time, a layer norm, a residual),
and back; the answer is a change of the last pose seen.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.config import Count
from feint.models.layers.normalization import Normalization
from feint.models.settings import checked_settings
from feint.sequences import Sequences


class SiMLPe(nn.Module):
    """Actor sequences -> reactions, causally, frame by frame.

    Departures: a frame is answered from a window that ends with it (its first frame held before
    the sequence begins), where the published one maps 50 frames to the next; the change is that
    of the first pose (`Coordinates`), or of the mean; 6 blocks of width 64, not 48 of 66.

    Args:
        inputs, outputs: features a frame.
        window: frames seen.
        width: of a frame inside.
        depth: blocks.
        first_pose: see `Coordinates`.
    """

    training_defaults: ClassVar[dict[str, Any]] = {
        "epochs": 40,
        "learning_rate": 3e-3,
        "schedule": "cosine",
    }
    cosines: Tensor

    def __init__(
        self,
        inputs: Count,
        outputs: Count,
        window: Count = 12,
        width: Count = 64,
        depth: Count = 6,
        first_pose: bool | Sequence[int] = False,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = checked_settings(SiMLPe, locals())
        self.window = window
        self.coordinates = Normalization(inputs, outputs, first_pose)
        self.register_buffer("cosines", cosines(window), persistent=False)
        self.enter = nn.Linear(inputs, width)
        self.blocks = nn.Sequential(*(Block(window, width) for _ in range(depth)))
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time outputs"]:
        """Data units in, data units out; outputs up to t depend on inputs up to t alone."""
        seen = self.enter(self.coordinates.normalize(x))
        held = seen[:, :1].expand(-1, self.window - 1, -1)
        windows = torch.cat([held, seen], dim=1).unfold(1, self.window, 1)
        spectrum = self.blocks(windows @ self.cosines.T)  # (batch, time, width, window)
        last = spectrum @ self.cosines[:, -1]  # back in time, of the present frame
        return self.coordinates.denormalize(self.head(last), x)

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        """Normalise by this training data."""
        self.coordinates.fit(x, y)


class Block(nn.Module):
    """A linear layer over the window, the same for every feature, a layer norm, a residual."""

    def __init__(self, window: int, width: int) -> None:
        super().__init__()
        self.over_time = nn.Linear(window, window)
        self.norm = nn.LayerNorm(width)

    def forward(
        self, x: Float[Tensor, "batch time width window"]
    ) -> Float[Tensor, "batch time width window"]:
        """One block."""
        mixed = self.over_time(x).transpose(2, 3)
        return x + self.norm(mixed).transpose(2, 3)


def cosines(size: int) -> Float[Tensor, "size size"]:
    """The orthonormal cosine transform (type II), as a matrix: its transpose is its inverse."""
    at = torch.arange(size)
    matrix = torch.cos(math.pi / size * (at + 0.5) * at[:, None]) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix
