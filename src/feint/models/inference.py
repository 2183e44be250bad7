"""Calling a model on `Sequences`: lengths, modes, devices, and errors that say what is wrong.

Every package calls models through this file.  `predict` is the checked call without a gradient;
`forward` keeps the gradient; `forward_values` is for the inner loops of attacks.
"""

import inspect
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from feint.errors import FeintError
from feint.sequences import Sequences

LONGEST_MESSAGE = 600


def predict(model: nn.Module, x: Sequences) -> Sequences:
    """The model's answer to each sequence of x: (batch, time, outputs), in the data's units.

    No gradient flows; the padding of the answer is 0.

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
            "sampling), so that two answers differ. Call model.eval(). Wrap a model that is meant "
            "to be random, feint.EOTModel(model, samples=8), or set `samples` in its [[model]].",
            code="random-model",
        )
    own = x.mask[..., None]
    if not bool((output.isfinite() | ~own).all()):
        raise FeintError(
            "The model answered NaN or infinity to finite input. Check its weights and the units "
            "of its input: feint passes data through as it is.",
            code="not-finite",
        )
    return x.with_values(torch.where(own, output, torch.zeros_like(output)))


def check_is_module(model: object) -> None:
    """Refuse what is not an `nn.Module`: a plain function, a class, another library's model.

    Raises:
        FeintError: it is not one.
    """
    if not isinstance(model, nn.Module):  # callers need not check types
        kind = f"class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise FeintError(
            f"The model is a {kind}; expected a torch.nn.Module. Wrap a plain function: "
            "feint.Function(f). Of a class, give an instance.",
            code="not-a-module",
        )


def forward(model: nn.Module, x: Sequences) -> Tensor:
    """One forward pass, with `lengths` if the model's `forward` has that argument.

    Gradients flow.

    Raises:
        FeintError: the model is not an `nn.Module`, has another precision or device than x, fails,
            or does not answer (batch, time, outputs).
    """
    check_is_module(model)
    first = next(model.parameters(), None)
    if first is not None and first.device != x.values.device:
        raise FeintError(
            f"The model's weights are on {first.device} and its input on {x.values.device}; "
            "expected the same. Move one of them, model.to(device) or x.to(device)"
            + (", and load the weights: the meta device holds none." if first.is_meta else "."),
            code="wrong-device",
        )
    other = first is not None and first.is_floating_point() and first.dtype != x.values.dtype
    if other and not any(getattr(part, "converts", False) for part in model.modules()):
        raise FeintError(
            f"The model's weights are {next(model.parameters()).dtype} and its input "
            f"{x.values.dtype}; expected the same. Convert one of them: model.double(), or the "
            "tensors given to Sequences.pad.",
            code="wrong-dtype",
        )
    return forward_values(model, x.values, x.lengths)


def forward_values(
    model: nn.Module, values: Float[Tensor, "batch time features"], lengths: Int[Tensor, " batch"]
) -> Tensor:
    """`forward` without a look at the numbers, for loops that must not wait for a device.

    Raises:
        FeintError: the model fails, or does not answer (batch, time, outputs).
    """
    values = values.clone()  # a model that writes into its input does not change the caller's
    try:
        with _differentiable(model, values):
            output = call_with_lengths(model, values, lengths)
    except (FeintError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a model may raise anything
        raise FeintError(
            f"The model fails on an input (batch, time, features) of {tuple(values.shape)}: "
            f"{type(error).__name__}: {one_line(error)}. Expected a model that takes such tensors "
            "of any batch and time. Check the features it expects, and sizes that are fixed in it.",
            code="model-fails",
        ) from error
    if not isinstance(output, Tensor) or output.shape[:-1] != values.shape[:-1]:
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise FeintError(
            f"The model answered {got} to an input of shape {tuple(values.shape)}; expected a "
            "tensor (batch, time, outputs) with the input's batch and time. Wrap a model that "
            "returns something else besides.",
            code="wrong-shape",
        )
    if output.dtype != values.dtype and not torch.is_autocast_enabled(values.device.type):
        raise FeintError(
            f"The model answered {output.dtype} to an input of {values.dtype}; expected the same. "
            "Convert it: model.float(), or answer.to(x.dtype) at its end.",
            code="wrong-dtype",
        )
    return output


def call_with_lengths(model: nn.Module, values: Tensor, lengths: Tensor) -> Any:
    """The model's answer, given `lengths` if its `forward` has an argument of that name.

    A wrapper that takes any arguments (`torch.compile`, `DataParallel`, `forward(*args)`) gets them
    if the model inside takes them.  The signature of a traced model has no names: its second
    input, if it has one, gets them.
    """
    try:
        passing = _how_to_pass_lengths(model)
    except ValueError:
        call: Any = model.forward
        return model(values, *[lengths][: len(call.schema.arguments) - 2])
    if passing == "by name":
        return model(values, lengths=lengths)
    return model(values, lengths) if passing == "by position" else model(values)


def _how_to_pass_lengths(model: nn.Module) -> Literal["by name", "by position", "not"]:
    parameters = inspect.signature(model.forward).parameters
    if "lengths" in parameters:
        return "by name"
    kinds = {one.kind for one in parameters.values()}
    if not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        return "not"
    inner = [one for one in model.children() if _how_to_pass_lengths(one) != "not"]
    if not inner:
        return "not"
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return "by name"
    names = list(inspect.signature(inner[0].forward).parameters)
    return "by position" if names.index("lengths") == 1 else "not"


def check_mode(model: nn.Module) -> None:
    """Refuse a model with a part that answers differently because it is in training mode.

    Inside a `feint.EOTModel` dropout may be on.

    Raises:
        FeintError: there is such a part.
    """
    allowed: tuple[str, ...] = ()
    for name, part in getattr(model, "named_modules", list)():  # `forward` refuses non-modules
        if getattr(part, "averages_draws", False):
            allowed = (*allowed, f"{name}." if name else "")
        if isinstance(part, nn.modules.dropout._DropoutNd):
            differs = part.p > 0 and not name.startswith(allowed)
        elif isinstance(part, nn.RNNBase | nn.MultiheadAttention):
            differs = part.dropout > 0 and not name.startswith(allowed)
        else:
            differs = isinstance(part, nn.modules.batchnorm._NormBase) and part.track_running_stats
        if part.training and differs:
            raise FeintError(
                f"The model is in training mode, and its part {name or type(part).__name__!r} "
                f"({type(part).__name__}) answers differently there; expected evaluation mode. "
                "Call model.eval() first: feint never changes a model's mode.",
                code="training-mode",
            )


def _differentiable(model: nn.Module, values: Tensor) -> AbstractContextManager[None]:
    """On a GPU, recurrent layers in evaluation mode run by PyTorch's own kernels.

    cuDNN refuses their backward pass in evaluation mode.  The weights, the mode, and the answers
    but for rounding stay the same.
    """
    if values.is_cuda and torch.is_grad_enabled() and _has_frozen_rnn(model):
        return torch.backends.cudnn.flags(enabled=False)
    return nullcontext()


def _has_frozen_rnn(model: nn.Module) -> bool:
    return any(isinstance(part, nn.RNNBase) and not part.training for part in model.modules())


def one_line(error: Exception) -> str:
    """The message of somebody else's error in one line, cut where it is very long."""
    found = " ".join(str(error).split())
    return found if len(found) <= LONGEST_MESSAGE else found[:LONGEST_MESSAGE] + " ..."


def _random_states(values: Tensor) -> list[Tensor]:
    """Of the generators that a model can draw from."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(values.device)] if values.is_cuda else states
