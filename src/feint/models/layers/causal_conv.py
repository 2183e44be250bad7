"""A dilated causal convolution as one matrix product for each tap, forward and backward.  For TCN.

Sequences lie (time, batch, channels) here, so a shift in time is a slice of whole rows and every
tap adds to the output in place, without padding or copies.  Taps that reach past the first frame
of every sequence only read zeros and are skipped.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from feint.models.layers.weight_cache import ScratchBuffer, refuse_second_derivative


def causal_conv(
    x: Float[Tensor, "time batch inputs"],
    taps: tuple[Tensor, ...],
    bias: Float[Tensor, " outputs"],
    dilation: int,
) -> Float[Tensor, "time batch outputs"]:
    """relu(bias + sum_k x[t - k * dilation] taps[k]^T): the convolution and its ReLU.

    Args:
        taps: (outputs, inputs) each, the present frame's first, then back in time.
        dilation: frames between taps.
    """
    y: Tensor = _CausalConv.apply(x, bias, dilation, *taps)
    return y


class _CausalConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor, dilation: int, *taps: Tensor) -> Tensor:
        rows = x.flatten(0, 1)
        y = torch.addmm(bias, rows, taps[0].t())
        shifts = [k * dilation * x.shape[1] for k in range(len(taps))]  # in rows
        for tap, shift in _reaching(taps, shifts, len(rows)):
            y[shift:].addmm_(rows[:-shift], tap.t())
        y = y.relu_().unflatten(0, x.shape[:2])
        ctx.shifts = shifts
        ctx.save_for_backward(x, y, *taps)
        return y

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, ...]:
        refuse_second_derivative()
        x, y, *taps = ctx.saved_tensors
        need_x, need_bias, _, *need_taps = ctx.needs_input_grad
        rows = x.flatten(0, 1)
        scratch = ScratchBuffer(y, *y.shape)
        torch.ops.aten.threshold_backward.grad_input(above, y, 0, grad_input=scratch.array)
        g = scratch.array.flatten(0, 1)
        to_x = None
        if need_x:
            to_x = g.mm(taps[0])
            for tap, shift in _reaching(taps, ctx.shifts, len(rows)):
                to_x[:-shift].addmm_(g[shift:], tap)
            to_x = to_x.view_as(x)
        to_taps = [
            g[shift:].t().mm(rows[: max(len(rows) - shift, 0)]) if need else None
            for need, shift in zip(need_taps, ctx.shifts, strict=True)
        ]
        return (to_x, g.sum(0) if need_bias else None, None, *to_taps)


def _reaching(
    taps: tuple[Tensor, ...] | list[Tensor], shifts: list[int], rows: int
) -> list[tuple[Tensor, int]]:
    """The taps of the past that reach at least one frame."""
    pairs = zip(taps[1:], shifts[1:], strict=True)
    return [(tap, shift) for tap, shift in pairs if shift < rows]
