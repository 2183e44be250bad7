"""Derived weights computed once for many steps, and memory that steps reuse.

An attack runs one model hundreds of times with the same weights.  Inside `cached_weights()`
whatever a layer computes from its weights (weight normalisation, the order that a product needs)
is computed once and carries no gradient, so that a backward pass ends at the input.  Arrays
between a forward and its backward pass are used again by the next step: memory fresh from the
system costs more than the arithmetic done in it.
"""

import math
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import parametrize

from feint.errors import FeintError

Weights = tuple[Tensor, ...]
Prepared = TypeVar("Prepared")


@dataclass(frozen=True)
class _Cache:
    """What one `cached_weights()` holds: derived weights, and arrays that are not in use."""

    values: dict[Hashable, Any] = field(default_factory=dict)
    idle: dict[tuple[object, ...], list[Tensor]] = field(default_factory=dict)


_store: ContextVar[_Cache | None] = ContextVar("feint_cached_weights", default=None)


@contextmanager
def cached_weights() -> Iterator[None]:
    """Derive weights once inside this context; no gradient reaches them.

    Answers and input gradients are unchanged.  Your own model gains as well if it uses
    `torch.nn.utils.parametrizations`.  The cache is dropped on leaving.  Do not train inside.
    """
    if _store.get() is not None:
        yield
        return
    token = _store.set(_Cache())
    try:
        with parametrize.cached():
            yield
    finally:
        _store.reset(token)


def cached(layer: Hashable, x: Tensor, prepare: Callable[[], Weights]) -> Weights:
    """`prepare()` in the precision of x; inside `cached_weights()` computed once for each layer."""
    if _store.get() is None:
        return _in_precision(x.dtype, prepare)
    return memoize((layer, x.dtype), lambda: _detached(x.dtype, prepare))


def _in_precision(kind: torch.dtype, prepare: Callable[[], Weights]) -> Weights:
    return tuple(weight.to(kind) for weight in prepare())


def _detached(kind: torch.dtype, prepare: Callable[[], Weights]) -> Weights:
    with torch.no_grad():
        return tuple(weight.detach() for weight in _in_precision(kind, prepare))


def memoize(key: Hashable, prepare: Callable[[], Prepared]) -> Prepared:
    """`prepare()`; inside `cached_weights()` its first result for this key."""
    store = _store.get()
    if store is None:
        return prepare()
    if key not in store.values:
        store.values[key] = prepare()
    prepared: Prepared = store.values[key]
    return prepared


def packed_linear(weight: Tensor, bias: Tensor | None, rows: int) -> Callable[[Tensor], Tensor]:
    """A function x -> x weight^T + bias, for x of about this many rows.

    Inside `cached_weights()`, in fp32 on a CPU, oneDNN packs the weight once, which for few rows is
    faster than packing it for every product.  PyTorch's own compiler calls the same operator;
    without it, `F.linear` does the same.
    """
    plain = partial(F.linear, weight=weight, bias=bias)
    if _store.get() is None or weight.device.type != "cpu" or weight.dtype != torch.float32:
        return plain
    try:
        laid_out = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows)
        with_weight = partial(
            torch.ops.mkldnn._linear_pointwise, attr="none", scalars=[], algorithm=""
        )
        with_weight(weight.new_zeros(1, weight.shape[1]), laid_out, bias)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return plain
    return lambda x: with_weight(x, laid_out, bias)


class ScratchBuffer:
    """An uninitialised array whose memory is reused once the buffer is garbage-collected.

    Keep the buffer as long as its array is read: store it with the autograd graph that reads it.
    """

    def __init__(self, like: Tensor, *shape: int) -> None:
        store, size = _store.get(), math.prod(shape)
        self._idle = None if store is None else store.idle.setdefault((like.dtype, like.device), [])
        # The smallest that is large enough, so that a shrinking batch keeps its memory.
        fitting = [flat for flat in self._idle or () if len(flat) >= size]
        self._flat = min(fitting, key=len) if fitting else like.new_empty(size)
        if self._idle is not None and fitting:
            self._idle[:] = [flat for flat in self._idle if flat is not self._flat]
        self.array = self._flat[:size].view(shape)

    def __del__(self) -> None:
        if self._idle is not None:
            self._idle.append(self._flat)


def to_autocast_dtype(x: Tensor) -> Tensor:
    """X in the precision of `torch.autocast`, if that is on."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def refuse_second_derivative() -> None:
    """Call in a custom backward pass: differentiating it again would be silently wrong.

    Raises:
        FeintError: a graph of the gradient was requested.
    """
    if torch.is_grad_enabled():
        raise FeintError(
            "feint's TCN, GRU and DeepGRU have first derivatives only; create_graph=True asks for "
            "second ones. Use a plain PyTorch model for those.",
            code="no-second-derivative",
        )
