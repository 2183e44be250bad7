"""A transformer over frames (Vaswani et al. 2017, arXiv:1706.03762), causal or with a key mask.

Layer norm comes first in each layer (Xiong et al. 2020, arXiv:2002.04745).
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from feint.config import Count, Fraction
from feint.errors import FeintError
from feint.models.layers.normalization import Normalization
from feint.models.settings import checked_settings
from feint.sequences import Sequences


class Transformer(nn.Module):
    """The reaction to an actor's motion, frame by frame.

    Args:
        inputs, outputs: features of a frame.
        width: of a frame's embedding; even, and a multiple of `heads`.
        depth: number of layers.
        heads: attention heads.
        dropout: after attention and after the feed-forward part, in training mode only.
        causal: a frame attends to itself and to earlier frames.  Otherwise it attends to all own
            frames of its sequence, by a mask from `lengths`.
        first_pose: see `Normalization`.
    """

    training_defaults: ClassVar[dict[str, Any]] = {"learning_rate": 2e-3, "schedule": "cosine"}

    def __init__(
        self,
        inputs: Count,
        outputs: Count,
        width: Count = 64,
        depth: Count = 2,
        heads: Count = 4,
        dropout: Fraction = 0.1,
        causal: bool = True,
        first_pose: bool | Sequence[int] = False,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = checked_settings(Transformer, locals())
        if width % heads or width % 2:
            raise FeintError(
                f"Transformer got width={width} and heads={heads}; expected an even width that is "
                "a multiple of heads.",
                code="bad-setting",
            )
        self.causal = causal
        self.coordinates = Normalization(inputs, outputs, first_pose)
        self.embed = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(Layer(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch time outputs"]:
        """The answer, in data units."""
        time = torch.arange(x.shape[1], device=x.device)
        if self.causal:
            seen = (time[None, :] <= time[:, None])[None, None]
        elif lengths is None:
            seen = torch.ones(1, 1, 1, len(time), dtype=torch.bool, device=x.device)
        else:
            seen = (time < lengths[:, None])[:, None, None]
        frames = self.embed(self.coordinates.normalize(x))
        frames = frames + positions(x.shape[1], frames.shape[-1]).to(frames)
        for layer in self.layers:
            frames = layer(frames, seen)
        return self.coordinates.denormalize(self.head(self.norm(frames)), x)

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        """Set the normalisation by this training data."""
        self.coordinates.fit(x, y)


class Layer(nn.Module):
    """Self-attention and a feed-forward part, each after a layer norm, each with a residual."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.between = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "batch time width"], seen: Bool[Tensor, "#batch 1 #time time"]
    ) -> Float[Tensor, "batch time width"]:
        """The layer's output; `seen[..., i, j]` is True if frame i may attend to frame j."""
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.project(self.norms[0](x)).chunk(3, dim=-1)
        )
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        x = x + self.dropout(self.merge(attended.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.between(self.norms[1](x)))


def positions(time: int, width: int) -> Float[Tensor, "time width"]:
    """Sinusoidal position encoding of each frame."""
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angle = torch.arange(time)[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], dim=1)
