"""Conversion between the types a user has (tensors, arrays, lists) and `Sequences`, and back.

`feint.attack` uses it at its boundary; the attacks themselves take and return `Sequences` only.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from feint.errors import FeintError
from feint.sequences import Sequences, check_alike

Array = Tensor | np.ndarray
SequencesLike = Array | Sequence[Array] | Sequences
"""(time, features), (batch, time, features), a list of (time, features), or `Sequences`."""


def to_sequences(data: SequencesLike, model: nn.Module, name: str) -> Sequences:
    """The data as a batch, in the model's precision and on its device; `Sequences` as they are."""
    if isinstance(data, Sequences):
        return data
    if isinstance(data, Tensor | np.ndarray):
        one = _tensor(data, model, name)
        if one.ndim not in (2, 3):
            raise FeintError(
                f"feint.attack got {name} of shape {tuple(one.shape)}; expected (time, features) "
                "or (batch, time, features), a list of (time, features), or feint.Sequences.",
                code="wrong-shape",
            )
        one = one[None] if one.ndim == 2 else one
        lengths = torch.full((len(one),), one.shape[1], device=one.device)
        return Sequences(one, lengths)
    if not isinstance(data, list | tuple):
        raise FeintError(
            f"feint.attack got {name} of type {type(data).__name__}; expected a tensor or NumPy "
            "array, a list of them, or feint.Sequences.",
            code="wrong-type",
        )
    return Sequences.pad([_tensor(one, model, name) for one in data])


def _tensor(data: Any, model: nn.Module, name: str) -> Tensor:
    """A tensor or array in the model's precision and on its device."""
    if not isinstance(data, Tensor | np.ndarray):
        raise FeintError(
            f"feint.attack got {type(data).__name__} inside {name}; expected tensors or NumPy "
            "arrays (time, features).",
            code="wrong-type",
        )
    if isinstance(data, np.ndarray) and data.dtype.kind not in "fiub":
        raise FeintError(
            f"feint.attack got {name} of dtype {data.dtype}; expected an array of numbers.",
            code="wrong-type",
        )
    one = torch.as_tensor(data).detach()
    like = next((p for p in model.parameters() if p.is_floating_point()), None)
    if like is not None:
        return one.to(like.device, like.dtype)
    return one if one.is_floating_point() else one.to(torch.get_default_dtype())


def broadcast_target(
    data: SequencesLike, model: nn.Module, output: Sequences, name: str
) -> Sequences:
    """A target (or a reference, as `name` says) for every output; one serves the whole batch."""
    targets = to_sequences(data, model, name)
    if len(targets) == 1 < len(output) and targets.values.shape[1:] == output.values.shape[1:]:
        targets = targets[[0] * len(output)]
    if not isinstance(data, Sequences) and targets.values.shape == output.values.shape:
        targets = Sequences(targets.values, output.lengths)  # an array may hold anything there
    check_alike(output, targets, f"feint.attack (the model's output and {name})")
    return targets


def to_mask(coords: Any, x: Sequences) -> Tensor | None:
    """Which features may be changed: (features,) bool; None if all may."""
    if coords is None:
        return None
    mask, features = torch.as_tensor(coords), x.values.shape[-1]
    if mask.dtype != torch.bool:
        indices = not mask.is_floating_point() and mask.ndim == 1 and mask.numel()
        if not indices or not bool(((mask >= 0) & (mask < features)).all()):
            raise FeintError(
                f"feint.attack got coords={coords}; expected one bool a feature ({features}), or "
                f"indices of features from 0 to {features - 1}.",
                code="bad-coords",
            )
        mask = torch.zeros(features, dtype=torch.bool).index_fill(0, mask.long().cpu(), True)
    return mask.to(x.values.device)


def restore_type(x_adv: Sequences, data: SequencesLike) -> Any:
    """The perturbed batch in the type and shape of the data that was given."""
    if isinstance(data, Sequences):
        return x_adv
    if isinstance(data, list | tuple):
        return [_like(v, one) for v, one in zip(x_adv.unpad(), data, strict=True)]
    values = x_adv.values if data.ndim == 3 else x_adv.values[0]  # type: ignore[union-attr]
    return _like(values, data)


def _like(values: Tensor, like: Any) -> Array:
    """A tensor, or a NumPy array, of the type of `like`."""
    if isinstance(like, Tensor):
        kind = like.dtype if like.is_floating_point() else values.dtype
        return values.to(like.device, kind)
    back = values.cpu().numpy()
    return back.astype(like.dtype) if like.dtype.kind == "f" else back
