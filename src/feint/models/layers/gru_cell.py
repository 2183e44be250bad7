"""A GRU over whole sequences, forward and backward, with little work between matrix products.

Sequences lie (time, batch, channels).  The gradient of a step is linear in the gradient that
reaches it, so its coefficients are computed in the forward pass; in the backward pass a frame costs
one product and two elementwise operations.
"""

from collections.abc import Hashable
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.models.layers.weight_cache import (
    ScratchBuffer,
    Weights,
    cached,
    memoize,
    packed_linear,
    refuse_second_derivative,
)


def gru(
    layers: nn.GRU,
    x: Float[Tensor, "time batch inputs"],
    start: Float[Tensor, "batch outputs"] | None = None,
) -> Float[Tensor, "time batch outputs"]:
    """The states of `layers` (unidirectional, without dropout), in training and in evaluation mode.

    Args:
        start: the state before the first frame, for a single layer; zeros if not given.

    Returns:
        states of the last layer, frame by frame.
    """
    if x.is_cuda:
        return _on_cuda(layers, x, start)
    for layer in range(layers.num_layers):
        before = x.new_zeros(x.shape[1], layers.hidden_size) if start is None else start
        weights = cached((layers, layer), x, partial(_reordered, layers, layer))
        x = _GRULayer.apply(x, before, (layers, layer, x.dtype), *weights)
    return x


def _on_cuda(layers: nn.GRU, x: Tensor, start: Tensor | None) -> Tensor:
    """By cuDNN, in its training mode whatever the module's mode.

    cuDNN refuses the backward pass of an RNN that ran in evaluation mode.  Without dropout both
    modes are the same function, so nothing else changes.
    """
    if start is None:
        start = x.new_zeros(x.shape[1], layers.hidden_size)
    states = start.expand(layers.num_layers, -1, -1).contiguous()
    weights = [weight for weight in layers._flat_weights if weight is not None]
    keep = torch.is_grad_enabled()
    y, _ = torch.gru(x, states, weights, True, layers.num_layers, 0.0, keep, False, False)
    return y


def _reordered(layers: nn.GRU, layer: int) -> Weights:
    """The weights of one layer, with its gates in an order that makes every slice contiguous.

    PyTorch's order is reset, update, new.  On the input's side the new gate comes first, so that
    the gradients of (new, reset, update) and of (reset, update, new's hidden part) are two
    neighbouring slices of one array.
    """
    of_input, of_hidden, bias_input, bias_hidden = (
        getattr(layers, f"{name}_l{layer}")
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    two = 2 * layers.hidden_size
    return (
        torch.cat([of_input[two:], of_input[:two]]),
        torch.cat([bias_input[two:], bias_input[:two]]),
        of_hidden,
        bias_hidden,
    )


class _GRULayer(torch.autograd.Function):
    """h_t = (1 - z) n + z h_{t-1}, n = tanh(a_n + r c), r and z sigmoids, c = W_n h_{t-1} + b_n."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        start: Tensor,
        key: Hashable,
        of_input: Tensor,
        bias: Tensor,
        of_hidden: Tensor,
        bias_hidden: Tensor,
    ) -> Tensor:
        time, batch, _ = x.shape
        width = len(bias_hidden) // 3
        to_hidden = memoize(("to", key), lambda: packed_linear(of_hidden, bias_hidden, batch))
        ctx.from_hidden = memoize(("from", key), lambda: packed_linear(of_hidden.t(), None, batch))
        differentiable = any(ctx.needs_input_grad)
        ctx.buffers = [ScratchBuffer(x, time, batch, 3 * width)]
        gates = ctx.buffers[0].array
        torch.addmm(bias, x.flatten(0, 1), of_input.t(), out=gates.flatten(0, 1))
        states = x.new_empty(time + 1, batch, width)
        states[0] = start
        if differentiable:
            ctx.buffers.append(ScratchBuffer(x, time, batch, 4, width))
            slopes = ctx.buffers[1].array
        news, boths = gates[..., :width].unbind(0), gates[..., width:].unbind(0)
        every = states.unbind(0)
        per_frame = slopes.unbind(0) if differentiable else ()
        for t, (h, new, both) in enumerate(zip(every, news, boths, strict=False)):
            hidden = to_hidden(h)
            both.add_(hidden[:, : 2 * width]).sigmoid_()
            reset, update, hidden = both[:, :width], both[:, width:], hidden[:, 2 * width :]
            new.addcmul_(reset, hidden).tanh_()
            torch.lerp(new, h, update, out=every[t + 1])
            if differentiable:
                _slopes(h, new, reset, update, hidden, per_frame[t])
        if differentiable:
            ctx.save_for_backward(x, of_input, of_hidden, gates[..., 2 * width :], states, slopes)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, ...]:
        refuse_second_derivative()
        x, of_input, _, updates, states, slopes = ctx.saved_tensors
        width = slopes.shape[-1]
        scratch = ScratchBuffer(slopes, *slopes.shape)
        to_gates = scratch.array
        flat = to_gates.flatten(2)
        need_x, need_start, _, *need = ctx.needs_input_grad
        g = above[-1]
        frames = zip(slopes, to_gates, flat[..., width:], updates, strict=True)
        for t, (slope, to_gate, to_hidden, update) in reversed([*enumerate(frames)]):
            torch.mul(slope, g[:, None], out=to_gate)
            if t or need_start:
                g = torch.addcmul(above[t - 1], g, update) if t else g * update
                g += ctx.from_hidden(to_hidden.contiguous())
        to_input, to_hidden = flat.flatten(0, 1)[:, : 3 * width], flat.flatten(0, 1)[:, width:]
        return (
            to_input.mm(of_input).view_as(x) if need_x else None,
            g if need_start else None,
            None,
            to_input.t().mm(x.flatten(0, 1)) if need[0] else None,
            to_input.sum(0) if need[1] else None,
            to_hidden.t().mm(states[:-1].flatten(0, 1)) if need[2] else None,
            to_hidden.sum(0) if need[3] else None,
        )


def _slopes(
    h: Tensor, new: Tensor, reset: Tensor, update: Tensor, hidden: Tensor, out: Tensor
) -> None:
    """D h_t / d (a_n, a_r, a_z, c), elementwise, into `out` (batch, 4, width)."""
    keep = torch.rsub(update, 1)
    to_new, to_reset, to_update, to_hidden = out.unbind(1)
    torch.addcmul(keep, keep * new, new, value=-1, out=to_new)
    torch.mul(to_new, reset, out=to_hidden)
    through = to_hidden * hidden
    torch.addcmul(through, through, reset, value=-1, out=to_reset)
    torch.mul((h - new).mul_(update), keep, out=to_update)
