"""How much arithmetic one attack step cannot do without: forward, and the gradient of the input.

Each matrix product of the forward pass needs one of the same size on the way back.  Products with
what is always zero (padding, a GRU's first state) are not counted, nor is anything elementwise.
"""

from torch import nn

from feint.models.deepgru import DeepGRU
from feint.models.tcn import TCN


def step(model: nn.Module, batch: int, time: int) -> int:
    """Floating-point operations of one step on (batch, time, inputs); a multiply-add is two."""
    products = _tcn(model, time) if isinstance(model, TCN) else _deepgru(model, time)
    return 2 * 2 * batch * products


def _tcn(model: TCN, time: int) -> int:
    """Multiply-adds of one sequence's forward pass: a tap sees the frames it can reach."""
    about = model.settings
    inputs, width = about["inputs"], about["width"]
    total = width * about["outputs"] * time + (inputs * width * time if inputs != width else 0)
    for block in range(about["depth"]):
        reached = sum(max(0, time - tap * 2**block) for tap in range(about["kernel"]))
        total += ((width if block else inputs) + width) * width * reached
    return total


def _deepgru(model: nn.Module, time: int) -> int:
    """Multiply-adds of one sequence's forward pass: three gates of inputs, three of states."""
    assert isinstance(model, DeepGRU)
    inputs, (a, b, c) = model.settings["inputs"], model.settings["widths"]
    layers = [(inputs, a), (a, a), (a, b), (b, b), (b, c)]
    gates = sum(3 * (seen * width * time + width * width * (time - 1)) for seen, width in layers)
    return gates + c * model.settings["outputs"] * time
