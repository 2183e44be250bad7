"""The two reactors as published, in plain torch.nn, for the peers to attack.

Both take feint's weights and answer as feint's models do; only the arithmetic differs: the TCN
pads both sides of every convolution and cuts the tail off, as its authors' code does.  The
normalisation is feint's own module, so that trained weights can be attacked in data units.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from feint.models import deepgru, tcn
from feint.models.layers.normalization import Normalization


class Block(nn.Module):
    """Bai, Kolter and Koltun's temporal block, over (batch, channels, time)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.chomp = (kernel - 1) * dilation
        self.first, self.second = (
            weight_norm(nn.Conv1d(channels, outputs, kernel, padding=self.chomp, dilation=dilation))
            for channels in (inputs, outputs)
        )
        self.dropout = nn.Dropout(dropout)
        self.residual = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Convolution, chomp, ReLU, dropout; twice; beside the residual."""
        y = x
        for convolution in (self.first, self.second):
            y = convolution(y)
            y = y[:, :, : y.shape[-1] - self.chomp].contiguous()
            y = self.dropout(F.relu(y))
        return F.relu(y + self.residual(x))


class TCN(nn.Module):
    """Temporal blocks with dilations 1, 2, 4, ..., and a linear layer on every frame."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int,
        depth: int,
        kernel: int,
        dropout: float,
        first_pose: bool,
    ) -> None:
        super().__init__()
        self.coordinates = Normalization(inputs, outputs, first_pose)
        widths = [inputs] + [width] * depth
        self.blocks = nn.Sequential(
            *(Block(widths[i], width, kernel, 2**i, dropout) for i in range(depth))
        )
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, inputs) -> (batch, time, outputs)."""
        states = self.blocks(self.coordinates.normalize(x).transpose(1, 2))
        return self.coordinates.denormalize(self.head(states.transpose(1, 2)), x)


class DeepGRU(nn.Module):
    """Maghoumi and LaViola's encoder, and a linear layer on every frame."""

    def __init__(
        self, inputs: int, outputs: int, widths: tuple[int, int, int], first_pose: bool
    ) -> None:
        super().__init__()
        self.coordinates = Normalization(inputs, outputs, first_pose)
        self.encoder = nn.ModuleDict(
            {
                "first": nn.GRU(inputs, widths[0], num_layers=2, batch_first=True),
                "second": nn.GRU(widths[0], widths[1], num_layers=2, batch_first=True),
                "third": nn.GRU(widths[1], widths[2], num_layers=1, batch_first=True),
            }
        )
        self.head = nn.Linear(widths[2], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, inputs) -> (batch, time, outputs)."""
        states = self.coordinates.normalize(x)
        for gru in self.encoder.values():
            states, _ = gru(states)
        return self.coordinates.denormalize(self.head(states), x)


def as_published(model: nn.Module, x: Tensor, tolerance: float = 1e-5) -> nn.Module:
    """The published definition with a feint TCN's or DeepGRU's weights, in evaluation mode.

    Raises:
        ValueError: the two answers to x differ.
    """
    assert isinstance(model, tcn.TCN | deepgru.DeepGRU)
    settings = model.settings
    twin = TCN(**settings) if isinstance(model, tcn.TCN) else DeepGRU(**settings)
    weights = model.state_dict()
    twin.load_state_dict(  # the names are the same; a 1x1 convolution is feint's linear layer
        {name: weights[name].reshape(like.shape) for name, like in twin.state_dict().items()}
    )
    twin.eval()
    with torch.no_grad():
        apart = float((twin(x) - model(x)).abs().max())
    if not apart <= tolerance:
        raise ValueError(f"the published model's answers differ by {apart:.2g} from feint's")
    return twin
