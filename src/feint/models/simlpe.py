"""siMLPe, a motion predictor made of linear layers and layer norms, over a causal window.

Guo, Du, Shen, Lepetit, Alameda-Pineda and Moreno-Noguer, Back to MLP: A Simple Baseline for Human
Motion Prediction, WACV 2023 (arXiv:2207.01567), written from the paper's description: a cosine
transform over time, a linear layer over features, blocks of a linear layer over time, a layer norm
and a residual, then the inverse transform; the output is a change of the last pose.
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
    """The reaction to an actor's motion, frame by frame and causal.

    Departures: each frame is answered from the window that ends with it (before the sequence
    begins, its first frame is repeated), where the published model maps 50 frames to the next; the
    output is a change of the first pose (`Normalization`) or of the mean pose; 6 blocks of width
    64, not 48 of 66.

    Args:
        inputs, outputs: features of a frame.
        window: frames that an answer depends on.
        width: of a frame's embedding.
        depth: number of blocks.
        first_pose: see `Normalization`.
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
        """The answer, in data units; outputs up to t depend on inputs up to t alone."""
        seen = self.enter(self.coordinates.normalize(x))
        held = seen[:, :1].expand(-1, self.window - 1, -1)
        windows = torch.cat([held, seen], dim=1).unfold(1, self.window, 1)
        spectrum = self.blocks(windows @ self.cosines.T)  # (batch, time, width, window)
        last = spectrum @ self.cosines[:, -1]  # the inverse transform at the present frame
        return self.coordinates.denormalize(self.head(last), x)

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        """Set the normalisation by this training data."""
        self.coordinates.fit(x, y)


class Block(nn.Module):
    """A linear layer over time, shared by all features, a layer norm and a residual."""

    def __init__(self, window: int, width: int) -> None:
        super().__init__()
        self.over_time = nn.Linear(window, window)
        self.norm = nn.LayerNorm(width)

    def forward(
        self, x: Float[Tensor, "batch time width window"]
    ) -> Float[Tensor, "batch time width window"]:
        """The block's output."""
        mixed = self.over_time(x).transpose(2, 3)
        return x + self.norm(mixed).transpose(2, 3)


def cosines(size: int) -> Float[Tensor, "size size"]:
    """The matrix of the orthonormal cosine transform (DCT-II); its transpose is its inverse."""
    at = torch.arange(size)
    matrix = torch.cos(math.pi / size * (at + 0.5) * at[:, None]) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix
