"""A made-up model family, one file: what docs/adding-a-model.md describes."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from feint.config import Count, Fraction
from feint.models.layers.normalization import Normalization
from feint.models.settings import checked_settings
from feint.sequences import Sequences


class LeakyAverage(nn.Module):
    """A linear layer on leaky averages of the past."""

    training_defaults: ClassVar[dict[str, Any]] = {"epochs": 2, "learning_rate": 0.02}

    def __init__(
        self,
        inputs: Count,
        outputs: Count,
        averages: Count = 3,
        leak: Fraction = 0.5,
        first_pose: bool | Sequence[int] = False,
    ) -> None:
        super().__init__()
        self.settings = checked_settings(LeakyAverage, locals())
        self.averages, self.leak = averages, leak
        self.coordinates = Normalization(inputs, outputs, first_pose)
        self.head = nn.Linear(averages * inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        frames = self.coordinates.normalize(x).unbind(1)
        states, seen = [torch.zeros_like(frames[0])] * self.averages, []
        for frame in frames:
            for i in range(self.averages):
                states[i] = self.leak * states[i] + (1 - self.leak) * frame
            seen.append(torch.cat(states, dim=-1))
        return self.coordinates.denormalize(self.head(torch.stack(seen, dim=1)), x)

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        self.coordinates.fit(x, y)
