"""Linear models: ridge regression over past frames, and DLinear.

An attack on a linear model is a convex problem with a known optimum, which attacks are tested
against (`tests/models/test_linear.py`).  A network should beat them.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from feint.config import Count, Positive
from feint.models.layers.normalization import Normalization
from feint.models.settings import checked_settings
from feint.sequences import Sequences


class Ridge(nn.Module):
    """Causal ridge regression: y_t = b + sum over s of W_s x_{t-s}, s = 0..taps-1.

    Frames before a sequence's first are the training data's mean.  The weights have a closed form,
    so that epochs and learning rate are not used.

    Args:
        inputs, outputs: features of a frame.
        taps: frames that an answer depends on, including the present one.
        penalty: on the squared weights, with inputs and outputs in units of their deviation.
        first_pose: see `Normalization`.
    """

    def __init__(
        self,
        inputs: Count,
        outputs: Count,
        taps: Count = 8,
        penalty: Positive = 100.0,
        first_pose: bool | Sequence[int] = False,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = checked_settings(Ridge, locals())
        self.taps, self.penalty = taps, penalty
        self.coordinates = Normalization(inputs, outputs, first_pose)
        self.head = nn.Linear(taps * inputs, outputs)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time outputs"]:
        """The answer, in data units; outputs up to t depend on inputs up to t alone."""
        return self.coordinates.denormalize(self.head(self._past(x)), x)

    def _past(self, x: Tensor) -> Float[Tensor, "batch time seen"]:
        """The present frame, the one before it, ..., concatenated."""
        return past(self.coordinates.normalize(x), self.taps).flatten(2)

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        """Set the normalisation by this training data."""
        self.coordinates.fit(x, y)

    @torch.no_grad()
    def solve(self, x: Sequences, y: Sequences) -> None:
        """Set the weights to the optimum on this training data."""
        nothing = torch.zeros_like(y.values)
        away = self.coordinates.denormalize(
            nothing, x.values
        )  # the answer of a network that outputs 0
        response = ((y.values - away) / self.coordinates.output_scale)[y.mask].double()
        design = self._past(x.values)[x.mask].double()
        offset, answer = design.mean(dim=0), response.mean(dim=0)  # constants are not penalised
        design, response = design - offset, response - answer
        gram = design.T @ design + self.penalty * torch.eye(design.shape[1]).to(design)
        weights = torch.linalg.solve(gram, design.T @ response)
        self.head.weight.copy_(weights.T)
        self.head.bias.copy_(answer - offset @ weights)


def past(x: Float[Tensor, "batch time features"], taps: int) -> Tensor:
    """Each frame with those before it, the present first: (batch, time, taps, features).

    Frames before the first are 0.
    """
    padded = F.pad(x, (0, 0, taps - 1, 0))
    return padded.unfold(1, taps, 1).flip(-1).transpose(2, 3)


class DLinear(nn.Module):
    """DLinear (Zeng, Chen, Zhang and Xu, AAAI 2023, arXiv:2205.13504), frame by frame.

    A causal moving average splits each feature into trend and remainder, and each part has its own
    linear filter over time.  Departures: the published model maps one window to another and keeps
    features apart; here each frame is answered from the frames up to it, and a linear layer mixes
    features, because the output has other features than the input.

    Args:
        inputs, outputs: features of a frame.
        taps: length of the filters, in frames.
        window: length of the moving average, in frames.
        first_pose: see `Normalization`.
    """

    training_defaults: ClassVar[dict[str, Any]] = {"learning_rate": 1e-2, "schedule": "cosine"}

    def __init__(
        self,
        inputs: Count,
        outputs: Count,
        taps: Count = 16,
        window: Count = 9,
        first_pose: bool | Sequence[int] = False,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = checked_settings(DLinear, locals())
        self.window = window
        self.coordinates = Normalization(inputs, outputs, first_pose)
        self.trend, self.remainder = (Filter(inputs, outputs, taps) for _ in range(2))

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time outputs"]:
        """The answer, in data units; outputs up to t depend on inputs up to t alone."""
        seen = self.coordinates.normalize(x)
        trend = self._trend(seen)
        return self.coordinates.denormalize(self.trend(trend) + self.remainder(seen - trend), x)

    def _trend(self, x: Tensor) -> Tensor:
        """The mean of the last `window` frames, or of all frames so far if there are fewer."""
        before = x.shape[1] - self.window
        total = x.cumsum(dim=1)
        if before > 0:
            total = total - F.pad(total[:, :before], (0, 0, self.window, 0))
        count = torch.arange(1, x.shape[1] + 1, device=x.device).clamp_max(self.window)
        return total / count[:, None]

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        """Set the normalisation by this training data."""
        self.coordinates.fit(x, y)


class Filter(nn.Module):
    """A filter over time for each feature, then a linear layer over features."""

    def __init__(self, inputs: int, outputs: int, taps: int) -> None:
        super().__init__()
        first = torch.zeros(taps, inputs)
        first[0] = 1.0  # the present frame, until training says otherwise
        self.taps = nn.Parameter(first)
        self.mix = nn.Linear(inputs, outputs)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time outputs"]:
        """The filter's output."""
        return self.mix((past(x, len(self.taps)) * self.taps).sum(dim=2))
