"""Weights made ready once for many steps, and gradients of the input alone.

An attack runs one model hundreds of times with the same weights.  Inside `frozen()` whatever a
layer computes from its weights (weight normalisation, the order a product wants them in) is
computed once and carries no gradient, so that a backward pass ends at the input.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from feint.errors import FeintError

Weights = tuple[Tensor, ...]
_ready: ContextVar[dict[tuple[Hashable, torch.dtype], Weights] | None] = ContextVar(
    "feint_frozen", default=None
)


@contextmanager
def frozen() -> Iterator[None]:
    """Run models with their weights as they are now; no gradient reaches them.

    Answers and input gradients are unchanged.  A model of the user's gains where it is
    parametrized with `torch.nn.utils.parametrizations`; nothing about it is changed, and what was
    computed is forgotten on leaving.  Weights must not be trained inside.
    """
    if _ready.get() is not None:
        yield
        return
    token = _ready.set({})
    try:
        with parametrize.cached():
            yield
    finally:
        _ready.reset(token)


def ready(layer: Hashable, x: Tensor, prepare: Callable[[], Weights]) -> Weights:
    """`prepare()`, in the precision of x; inside `frozen()` computed once a layer."""
    known = _ready.get()
    if known is None:
        return _in(x.dtype, prepare())
    key = (layer, x.dtype)
    if key not in known:
        with torch.no_grad():
            known[key] = tuple(w.detach() for w in _in(x.dtype, prepare()))
    return known[key]


def narrowed(x: Tensor) -> Tensor:
    """X in the precision `torch.autocast` asks for, where it is on."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def only_first_derivative() -> None:
    """Refuse, inside a backward pass, to be differentiated again, rather than be silently wrong."""
    if torch.is_grad_enabled():
        raise FeintError(
            "feint's TCN and DeepGRU give first derivatives only, and were asked for a graph of "
            "their gradient (create_graph=True). Use a plain PyTorch model for second derivatives."
        )


def _in(dtype: torch.dtype, weights: Weights) -> Weights:
    return tuple(weight.to(dtype) for weight in weights)
