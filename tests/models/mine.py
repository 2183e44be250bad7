"""Models as people bring them: some well made, most wrong in one way."""

import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn import functional as F

IN, OUT = 6, 3


class Net(nn.Module):
    """A GRU as most people would write it."""

    def __init__(self, inputs: int = IN, outputs: int = OUT, width: int = 8) -> None:
        super().__init__()
        self.gru = nn.GRU(inputs, width, batch_first=True)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(x)[0])


class OnHub(Net, PyTorchModelHubMixin):
    """The same, as it lies on Hugging Face."""


class Packed(nn.Module):
    """Both ways, without reading the padding."""

    def __init__(self, inputs: int = IN, outputs: int = OUT) -> None:
        super().__init__()
        self.rnn = nn.LSTM(inputs, 6, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = nn.utils.rnn.pad_packed_sequence(
            self.rnn(packed)[0], batch_first=True, total_length=x.shape[1]
        )
        return self.head(states)


class Masked(nn.Module):
    """PyTorch's own transformer, with a key-padding mask."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(IN, 2, 8, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(IN, OUT)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        behind = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]
        return self.head(self.encoder(x, src_key_padding_mask=behind))


class BothWays(Packed):
    """Reads the padding: no lengths."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0])


class Looped(Net):
    """A Python loop over time."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(IN, 8)

    def forward(self, x: Tensor) -> Tensor:
        state, states = x.new_zeros(len(x), 8), []
        for frame in x.unbind(1):
            state = self.cell(frame, state)
            states.append(self.head(state))
        return torch.stack(states, dim=1)


class Changed(Net):
    """Something else is done with the answer, or the input, of a `Net`."""

    def __init__(self, how: str, inputs: int = IN, outputs: int = OUT) -> None:
        super().__init__(inputs, outputs)
        self.how, self.calls = how, 0
        self.norm = nn.BatchNorm1d(outputs, track_running_stats=False)
        self.dropout = nn.Dropout(0.5 if how == "dropout" else 0.0)

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        match self.how:
            case "ignores its input":
                return 0 * y + self.head.bias
            case "does not look at its input":
                return self.head.bias.expand_as(y)
            case "NaN":
                return y / 0
            case "double":
                return y.double()
            case "writes into its input":
                x += 1
                return super().forward(x)
            case "in place":
                z = y.exp()
                z += 1  # exp needs its answer on the way back
                return z
            case "dropout":
                return self.dropout(y)
            case "functional dropout":
                return F.dropout(y, 0.5, self.training)
            case "dropout always":
                return F.dropout(y, 0.5, True)
            case "numpy noise":
                return y + float(np.random.default_rng().normal())
            case "counts":
                self.calls += 1
                return y * self.calls
            case "batch statistics":
                return self.norm(y.transpose(1, 2)).transpose(1, 2)
            case "detached":
                return y + 5 * x[..., :OUT].detach()
            case "last frame alone":
                return y[:, -1]
            case "a tuple":
                return y, None  # type: ignore[return-value]
            case "eight frames":
                return y + torch.zeros(8, 1)
        return y


def build(width: int = 8) -> Net:
    return Net(width=width)


def function():
    return lambda x: x[..., :OUT].cumsum(dim=1).tanh()


def noisy(inputs: int = IN, outputs: int = OUT) -> Changed:
    return Changed("dropout always", inputs, outputs)


def double() -> Net:
    return Net().double()


class Rounded(nn.Module):
    """A linear model of inputs that are rounded to a fiftieth."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.head = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head((x * 50).round() / 50)


class Steep(Rounded):
    """A distance from the first frame's depth, in it a root of 0, for actors on the left."""

    def forward(self, x: Tensor) -> Tensor:
        left = x[:, :1, :1] < 0.5
        away = torch.where(left, x[..., 2:3] - x[:, :1, 2:3].detach(), torch.ones_like(x[..., :1]))
        return self.head(x) + 0.1 * (away**2).sqrt()


def rounded() -> Rounded:
    return Rounded(90, 45)


def steep() -> Steep:
    return Steep(90, 45)


def fails() -> Net:
    raise RuntimeError("no such file: weights.bin")


def on_meta() -> Net:
    with torch.device("meta"):
        return Net()


number = 3
