"""TCN, the temporal convolutional network of Bai, Kolter and Koltun (2018, arXiv:1803.01271).

Dilated causal convolutions with weight normalisation in residual blocks.  The outputs are those of
a convolution that pads both sides and cuts, computed without padding (`layers/causal_conv.py`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from feint.config import Count, Fraction
from feint.models.layers.causal_conv import causal_conv
from feint.models.layers.normalization import Normalization
from feint.models.layers.weight_cache import cached, to_autocast_dtype
from feint.models.settings import checked_settings
from feint.sequences import Sequences


class TCN(nn.Module):
    """The reaction to an actor's motion, frame by frame and causal.

    Args:
        inputs, outputs: features of a frame.
        width: channels of every block.
        depth: number of blocks; block i has dilation 2^i.
        kernel: taps of every convolution.
        dropout: in every block, in training mode only.
        first_pose: see `Normalization`.

    The paper uses `TCN(45, 45)`, "10 hidden layers with 256 units": 2,546,989 parameters with
    kernel 2.  It does not state the kernel; 3 gives 3,803,693.

    Raises:
        FeintError: an argument is out of its range, or the features hold no first pose.
    """

    def __init__(
        self,
        inputs: Count,
        outputs: Count,
        width: Count = 256,
        depth: Count = 10,
        kernel: Count = 2,
        dropout: Fraction = 0.2,
        first_pose: bool | Sequence[int] = False,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = checked_settings(TCN, locals())
        self.coordinates = Normalization(inputs, outputs, first_pose)
        widths = [inputs] + [width] * depth
        self.blocks = nn.Sequential(
            *(Block(widths[i], width, kernel, 2**i, dropout) for i in range(depth))
        )
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time outputs"]:
        """The answer, in data units; outputs up to t depend on inputs up to t alone."""
        seen = to_autocast_dtype(self.coordinates.normalize(x)).transpose(0, 1).contiguous()
        return self.coordinates.denormalize(self.head(self.blocks(seen)).transpose(0, 1), x)

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        """Set the normalisation by this training data."""
        self.coordinates.fit(x, y)


class Block(nn.Module):
    """Two causal convolutions with ReLU and dropout, a residual connection, then a ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.first = CausalConv(inputs, outputs, kernel, dilation)
        self.second = CausalConv(outputs, outputs, kernel, dilation)
        self.dropout = nn.Dropout(dropout)
        self.residual = nn.Linear(inputs, outputs) if inputs != outputs else nn.Identity()

    def forward(self, x: Float[Tensor, "time batch inputs"]) -> Float[Tensor, "time batch outputs"]:
        """The block's output."""
        y = self.dropout(self.second(self.dropout(self.first(x))))
        return F.relu(y + self.residual(x), inplace=True)


class CausalConv(nn.Module):
    """A dilated causal convolution, weight-normalised, and a ReLU.

    `weight` is (outputs, inputs, kernel) as in nn.Conv1d; its last tap reads the present.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel).normal_(0, 0.01))
        bound = (inputs * kernel) ** -0.5
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound))
        weight_norm(self, "weight")

    def forward(self, x: Float[Tensor, "time batch inputs"]) -> Float[Tensor, "time batch outputs"]:
        """relu(convolution + bias)."""
        bias, *taps = cached(self, x, self._taps)
        return causal_conv(x, tuple(taps), bias, self.dilation)

    def _taps(self) -> tuple[Tensor, ...]:
        """The bias, then one matrix for each tap, the present frame's first."""
        taps = self.weight.permute(2, 0, 1).contiguous().unbind()
        return (self.bias, *reversed(taps))
