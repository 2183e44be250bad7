"""The forms in which people have sequences, and back: tensors, NumPy arrays, lists, `Sequences`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from feint.errors import FeintError
from feint.sequences import Sequences, check_alike

Array = Tensor | np.ndarray
Given = Array | Sequence[Array] | Sequences
"""(time, features), (batch, time, features), a list of (time, features), or `Sequences`."""


def sequences_of(given: Given, model: nn.Module, name: str) -> Sequences:
    """One of the accepted forms as a batch, in the model's precision and on its device."""
    if isinstance(given, Sequences):
        return given
    if isinstance(given, Tensor | np.ndarray):
        one = _tensor(given, model, name)
        if one.ndim not in (2, 3):
            raise FeintError(
                f"feint.attack got {name} of shape {tuple(one.shape)}; expected (time, features) "
                "or (batch, time, features), a list of (time, features), or feint.Sequences."
            )
        one = one[None] if one.ndim == 2 else one
        lengths = torch.full((len(one),), one.shape[1], device=one.device)
        return Sequences(one, lengths)
    if not isinstance(given, list | tuple):
        raise FeintError(
            f"feint.attack got {name} of type {type(given).__name__}; expected a tensor or NumPy "
            "array, a list of them, or feint.Sequences."
        )
    return Sequences.pad([_tensor(one, model, name) for one in given])


def _tensor(given: Any, model: nn.Module, name: str) -> Tensor:
    """A tensor or array as the model would take it."""
    if not isinstance(given, Tensor | np.ndarray):
        raise FeintError(
            f"feint.attack got {type(given).__name__} inside {name}; expected tensors or NumPy "
            "arrays (time, features)."
        )
    if isinstance(given, np.ndarray) and given.dtype.kind not in "fiub":
        raise FeintError(
            f"feint.attack got {name} of dtype {given.dtype}; expected numbers in every place."
        )
    one = torch.as_tensor(given).detach()
    like = next((p for p in model.parameters() if p.is_floating_point()), None)
    if like is not None:
        return one.to(like.device, like.dtype)
    return one if one.is_floating_point() else one.to(torch.get_default_dtype())


def beside(given: Given, model: nn.Module, answer: Sequences, targeted: bool) -> Sequences:
    """A target, or a reference, for every answer."""
    name = "the target" if targeted else "the reference"
    wanted = sequences_of(given, model, name)
    if len(wanted) == 1 and len(answer) > 1 and wanted.values.shape[1:] == answer.values.shape[1:]:
        wanted = wanted[[0] * len(answer)]
    if not isinstance(given, Sequences) and wanted.values.shape == answer.values.shape:
        wanted = Sequences(wanted.values, answer.lengths)  # what stands in the padding is not read
    check_alike(answer, wanted, f"feint.attack (the model's answer and {name})")
    return wanted


def coords_of(given: Any, x: Sequences) -> Tensor | None:
    """What may be changed, as one bool a feature."""
    if given is None:
        return None
    coords, features = torch.as_tensor(given), x.values.shape[-1]
    if coords.dtype != torch.bool:
        whole = not coords.is_floating_point() and coords.ndim == 1 and coords.numel()
        if not whole or not bool(((coords >= 0) & (coords < features)).all()):
            raise FeintError(
                f"feint.attack got coords={given}; expected one bool a feature ({features}), or "
                f"places of features from 0 to {features - 1}."
            )
        coords = torch.zeros(features, dtype=torch.bool).index_fill(0, coords.long().cpu(), True)
    return coords.to(x.values.device)


def as_given(x_adv: Sequences, given: Given) -> Any:
    """The perturbed batch in the form the input had."""
    if isinstance(given, Sequences):
        return x_adv
    if isinstance(given, list | tuple):
        return [_back(v, like) for v, like in zip(x_adv.unpad(), given, strict=True)]
    values = x_adv.values if given.ndim == 3 else x_adv.values[0]  # type: ignore[union-attr]
    return _back(values, given)


def _back(values: Tensor, like: Any) -> Array:
    """A tensor, or a NumPy array, like the one given."""
    if isinstance(like, Tensor):
        kind = like.dtype if like.is_floating_point() else values.dtype
        return values.to(like.device, kind)
    back = values.cpu().numpy()
    return back.astype(like.dtype) if like.dtype.kind == "f" else back
