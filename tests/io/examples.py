"""What the tests of io write and read again."""

import math

import torch

TENSORS = {
    "a": torch.arange(6.0).reshape(2, 3),
    "step": torch.tensor(7),
    "mask": torch.tensor([True, False]),
    "none": torch.zeros(0, 4),
    "double": torch.tensor([math.nan, math.inf, 1e-300], dtype=torch.float64),
}
