"""Finding the layer whose gradient does not belong to its answers.

Each submodule is called alone, on the input that it got inside the model, and its gradient is
compared with finite differences.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from feint.models.inference import forward
from feint.sequences import Sequences

Call = tuple[tuple[Any, ...], dict[str, Any]]


def inconsistent_layers(model: nn.Module, x: Sequences) -> str:
    """The innermost submodules with a wrong gradient, named for a message.

    If none of them is wrong by itself, the model's own forward is.
    """
    wrong = [
        name
        for name, call in _calls(model, x).items()
        if _is_wrong(model.get_submodule(name), call)
    ]
    inner = [name for name in wrong if not any(other.startswith(f"{name}.") for other in wrong)]
    if not inner:
        return f"the forward of {type(model).__name__}"
    named = [f"{name!r} ({type(model.get_submodule(name)).__name__})" for name in inner[:5]]
    return f"the layer {', '.join(named)}"


def _calls(model: nn.Module, x: Sequences) -> dict[str, Call]:
    """The arguments of the first call of each submodule, detached."""
    calls: dict[str, Call] = {}
    handles = []
    for name, part in model.named_modules():
        if name and not isinstance(part, nn.ModuleList | nn.ModuleDict):

            def keep(_: nn.Module, args: Any, kwargs: Any, name: str = name) -> None:
                calls.setdefault(name, (_detached(args), _detached(kwargs)))

            handles.append(part.register_forward_pre_hook(keep, with_kwargs=True))
    try:
        with torch.no_grad():
            forward(model, x)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def _is_wrong(part: nn.Module, call: Call) -> bool:
    """Whether a module's gradient differs from finite differences in its first float argument."""
    args, kwargs = call
    at = next((i for i, one in enumerate(args) if _is_float(one)), None)
    if at is None:
        return False
    given, generator = args[at], torch.Generator().manual_seed(7)

    def answer(value: Tensor) -> Tensor | None:
        """The module's first float output; of a copy, because it may keep a state."""
        output = copy.deepcopy(part)(*args[:at], value, *args[at + 1 :], **kwargs)
        while isinstance(output, tuple | list) and output:
            output = output[0]
        return output if _is_float(output) else None

    try:
        leaf = given.clone().requires_grad_()
        with torch.enable_grad():
            output = answer(leaf)
            if output is None or not output.requires_grad:
                return output is not None and _moves(answer, given)
            weights = torch.randn(output.shape, generator=generator).to(output)
            (slope,) = torch.autograd.grad((output * weights).sum(), leaf, allow_unused=True)
        slope = torch.zeros_like(given) if slope is None else slope
        size = max(float(given.std()), 1e-6) if given.numel() > 1 else 1.0
        off = total = 0.0
        for _ in range(3):
            along = torch.randn(given.shape, generator=generator).to(given) * size
            step = 1e-6 if given.dtype == torch.float64 else 1e-2
            with torch.no_grad():
                up, down = (answer(given + way * step * along) for way in (1, -1))
            assert up is not None
            assert down is not None
            true = float(((up - down) * weights).sum()) / (2 * step)
            by_gradient = float((slope * along).sum())
            off, total = max(off, abs(true - by_gradient)), max(total, abs(true), abs(by_gradient))
        return off > (1e-2 if given.dtype == torch.float64 else 1e-1) * total
    except Exception:  # somebody else's code, called in an unusual way
        return False  # it cannot be called alone


def _moves(answer: Any, given: Tensor) -> bool:
    with torch.no_grad():
        return not torch.equal(answer(given), answer(given + given.abs().mean() + 1))


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _detached(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if type(value) in (tuple, list):
        return type(value)(_detached(one) for one in value)
    if isinstance(value, dict):
        return {name: _detached(one) for name, one in value.items()}
    return value
