"""DeepGRU (Maghoumi and LaViola 2019), as a reactor and as the published classifier.

The encoder is the published one: unidirectional GRUs of 512 (two layers), 256 (two) and 128 units.
The reactor adds a linear layer on every frame (section 6.1 of the AIA paper).  The classifier keeps
the published attention; `evaluation.recogniser` uses it to name interactions.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from feint.config import Count, Fraction
from feint.models.layers.gru_cell import gru
from feint.models.layers.normalization import Normalization
from feint.models.layers.weight_cache import to_autocast_dtype
from feint.models.settings import checked_settings
from feint.sequences import Sequences

Widths = Annotated[Sequence[Count], Field(min_length=3, max_length=3)]
"""State sizes of the encoder's three GRUs."""


class Encoder(nn.Module):
    """DeepGRU's stack of GRUs: (time, batch, inputs) -> (time, batch, widths[-1])."""

    def __init__(self, inputs: int, widths: Widths) -> None:
        super().__init__()
        self.first = nn.GRU(inputs, widths[0], num_layers=2)
        self.second = nn.GRU(widths[0], widths[1], num_layers=2)
        self.third = nn.GRU(widths[1], widths[2], num_layers=1)

    def forward(self, x: Float[Tensor, "time batch inputs"]) -> Float[Tensor, "time batch width"]:
        """The states of the last GRU."""
        for layers in (self.first, self.second, self.third):
            x = gru(layers, x)
        return x


class DeepGRU(nn.Module):
    """The reaction to an actor's motion, frame by frame and causal.

    Args:
        inputs, outputs: features of a frame.
        widths: state sizes of the three GRUs; the published ones give 3,574,701 parameters for 45
            inputs and outputs.
        first_pose: see `Normalization`.
    """

    def __init__(
        self,
        inputs: Count,
        outputs: Count,
        widths: Widths = (512, 256, 128),
        first_pose: bool | Sequence[int] = False,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = checked_settings(DeepGRU, locals())
        self.coordinates = Normalization(inputs, outputs, first_pose)
        self.encoder = Encoder(inputs, widths)
        self.head = nn.Linear(widths[-1], outputs)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time outputs"]:
        """The answer, in data units; outputs up to t depend on inputs up to t alone."""
        seen = to_autocast_dtype(self.coordinates.normalize(x)).transpose(0, 1).contiguous()
        return self.coordinates.denormalize(self.head(self.encoder(seen)).transpose(0, 1), x)

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        """Set the normalisation by this training data."""
        self.coordinates.fit(x, y)


class DeepGRUClassifier(nn.Module):
    """The published classifier: attention over the encoder's states, then two linear layers.

    Args:
        inputs: features of a frame.
        classes: number of classes.
        widths: state sizes of the three GRUs.
        hidden: width of the classifier's hidden layer; published as 256.
        dropout: published as 0.5; in training mode only.
    """

    def __init__(
        self,
        inputs: Count,
        classes: Count,
        widths: Widths = (512, 256, 128),
        hidden: Count = 256,
        dropout: Fraction = 0.5,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = checked_settings(DeepGRUClassifier, locals())
        width = widths[-1]
        self.encoder = Encoder(inputs, widths)
        self.attention = nn.Linear(width, width, bias=False)
        self.context = nn.GRU(width, width)
        self.classifier = nn.Sequential(
            nn.BatchNorm1d(2 * width),
            nn.Dropout(dropout),
            nn.Linear(2 * width, hidden),
            nn.ReLU(),
            nn.BatchNorm1d(hidden),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits; attention covers a sequence's own frames alone."""
        states = self.encoder(x.transpose(0, 1).contiguous()).transpose(0, 1)
        last = states[torch.arange(len(x), device=x.device), lengths - 1]
        energy = torch.einsum("btw,bw->bt", self.attention(states), last)
        own = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        weights = energy.masked_fill(~own, -torch.inf).softmax(dim=1)
        context = torch.einsum("bt,btw->bw", weights, states)
        refined = gru(self.context, context[None], last)
        return self.classifier(torch.cat([refined[0], context], dim=1))
