"""A template of your own model, used by its import path (docs/your-model.md).

feint check-model examples/sbu.toml --data sbu/ --model examples.your_model:build
feint run examples/sbu.toml --data sbu/ --model examples.your_model:build --weights mine.safetensors
"""

import torch
from torch import Tensor, nn


class Mine(nn.Module):
    """(batch, time, inputs) -> (batch, time, outputs), in the data's own units on both sides."""

    def __init__(self, inputs: int, outputs: int, width: int) -> None:
        super().__init__()
        # What the model needs in order to work in its own units lives inside it.
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.lstm = nn.LSTM(inputs, width, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """`lengths` is optional: a model with this argument gets the length of each sequence."""
        packed = nn.utils.rnn.pack_padded_sequence(
            (x - self.mean) / self.scale, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = nn.utils.rnn.pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=x.shape[1]
        )
        return self.head(states)


def build(inputs: int = 90, outputs: int = 45, width: int = 32) -> nn.Module:
    """What --model names: called with `arguments`, it returns the model, trained or not."""
    return Mine(inputs, outputs, width)
