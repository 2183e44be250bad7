"""Calling a model on Sequences: lengths, modes, memory, repeatable random states."""

import inspect
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from feint.errors import FeintError
from feint.sequences import Sequences


def forward(model: nn.Module, x: Sequences) -> Tensor:
    """One forward pass, with `lengths` where the model's `forward` asks for them.

    Gradients flow.  Raises FeintError on a model that is none, or of another precision or device
    than x, and on an output that is not (batch, time, outputs).
    """
    if not isinstance(model, nn.Module):  # who calls need not check types
        raise FeintError(
            f"The model is a {type(model).__name__}; expected a torch.nn.Module. Wrap a plain "
            "function: feint.Function(f)."
        )
    first = next(model.parameters(), None)
    if first is not None and first.device != x.values.device:
        raise FeintError(
            f"The model's weights are on {first.device} and its input on {x.values.device}; "
            "expected the same. Move one of them, model.to(device) or x.to(device)"
            + (", and load weights: on meta there are none." if first.is_meta else ".")
        )
    other = first is not None and first.is_floating_point() and first.dtype != x.values.dtype
    if other and not any(getattr(part, "converts", False) for part in model.modules()):
        raise FeintError(
            f"The model's weights are {next(model.parameters()).dtype} and its input "
            f"{x.values.dtype}; expected the same. Convert one of them: model.double(), or the "
            "tensors given to Sequences.pad."
        )
    return forward_values(model, x.values, x.lengths)


def forward_values(
    model: nn.Module, values: Float[Tensor, "batch time features"], lengths: Int[Tensor, " batch"]
) -> Tensor:
    """`forward` without looking at the numbers, for loops that did and cannot wait for a device."""
    values = values.clone()  # a model that writes into its input does not change the caller's
    try:
        with _differentiable(model, values):
            output = call_with_lengths(model, values, lengths)
    except (RuntimeError, TypeError, ValueError, LookupError, AssertionError) as error:
        if isinstance(error, FeintError | torch.OutOfMemoryError):
            raise
        raise FeintError(
            f"The model fails on an input (batch, time, features) of {tuple(values.shape)}: "
            f"{type(error).__name__}: {_short(error)}. Expected a model that takes such tensors, "
            "of any batch and time. Look at the features it expects, and at sizes it has fixed."
        ) from error
    if not isinstance(output, Tensor) or output.shape[:-1] != values.shape[:-1]:
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise FeintError(
            f"The model answered {got} to an input of shape {tuple(values.shape)}; expected a "
            "tensor (batch, time, outputs) with the input's batch and time. Wrap the model if it "
            "returns something else besides."
        )
    if output.dtype != values.dtype and not torch.is_autocast_enabled(values.device.type):
        raise FeintError(
            f"The model answered {output.dtype} to an input of {values.dtype}; expected the same. "
            "Convert it: model.float(), or answer.to(x.dtype) at its end."
        )
    return output


def call_with_lengths(model: nn.Module, values: Tensor, lengths: Tensor) -> Any:
    """The model's answer, given `lengths` where its `forward` has an argument of that name.

    A traced model has no names: its second input, if it has one, gets them.
    """
    answers: Any = model.forward
    try:
        named = "lengths" in inspect.signature(answers).parameters
    except ValueError:
        return model(values, *[lengths][: len(answers.schema.arguments) - 2])
    return model(values, lengths=lengths) if named else model(values)


def _differentiable(model: nn.Module, values: Tensor) -> AbstractContextManager[None]:
    """On a GPU, recurrent layers in evaluation mode by PyTorch's own kernels.

    cuDNN, which would run them, refuses their backward pass in evaluation mode.  Nothing else
    changes: the same weights, the same mode, the same answers but for rounding.
    """
    if values.is_cuda and torch.is_grad_enabled() and _still_recurrent(model):
        return torch.backends.cudnn.flags(enabled=False)
    return nullcontext()


def _still_recurrent(model: nn.Module) -> bool:
    """Whether a part of the model is an RNN in evaluation mode."""
    return any(isinstance(part, nn.RNNBase) and not part.training for part in model.modules())


def _short(error: Exception) -> str:
    """The first lines of what an error says."""
    return " ".join(str(error).split())[:300]


def predict(model: nn.Module, x: Sequences) -> Sequences:
    """The model's answer to each sequence of x: (batch, time, outputs), in the data's units.

    No gradient flows; the padding is 0.

    Raises:
        FeintError: the model is in a training mode that changes its answer, draws random numbers,
            answers with a wrong shape, or answers NaN.
    """
    check_mode(model)
    before = _random_states(x.values)
    with torch.no_grad():
        output = forward(model, x).detach()
    if not all(map(torch.equal, before, _random_states(x.values))):
        raise FeintError(
            "The model draws random numbers while it answers (dropout that is on, noise, "
            "sampling), so no two answers need be alike. Call model.eval(); a model that is meant "
            "to be random is wrapped, feint.EOTModel(model, samples=8), or has `samples` in its "
            "[[model]]."
        )
    own = x.mask[..., None]
    if not bool((output.isfinite() | ~own).all()):
        raise FeintError(
            "The model answered NaN or infinity to finite input. Check its weights and the units "
            "of its input: feint passes data through as it is."
        )
    return x.with_values(torch.where(own, output, torch.zeros_like(output)))


def _random_states(values: Tensor) -> list[Tensor]:
    """Of the generators that a model can draw from."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(values.device)] if values.is_cuda else states


def check_mode(model: nn.Module) -> None:
    """Raise if a part of the model answers differently because it is in training mode.

    Inside a `feint.EOTModel` dropout may be on: it is meant.
    """
    meant: tuple[str, ...] = ()
    for name, part in getattr(model, "named_modules", list)():  # what is no module: see `forward`
        if getattr(part, "means_to_draw", False):
            meant = (*meant, f"{name}." if name else "")
        if isinstance(part, nn.modules.dropout._DropoutNd):
            differs = part.p > 0 and not name.startswith(meant)
        elif isinstance(part, nn.RNNBase | nn.MultiheadAttention):
            differs = part.dropout > 0 and not name.startswith(meant)
        else:
            differs = isinstance(part, nn.modules.batchnorm._NormBase) and part.track_running_stats
        if part.training and differs:
            raise FeintError(
                f"The model is in training mode, and its part {name or type(part).__name__!r} "
                f"({type(part).__name__}) answers differently there; expected evaluation mode. "
                "Call model.eval() first: feint never changes a model's mode."
            )
