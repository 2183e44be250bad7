"""Conversion between the types a user has (tensors, arrays, lists) and `Sequences`, and back.

`feint.attack` uses it at its boundary; the attacks themselves take and return `Sequences` only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from feint.attacks.budget import Budget
from feint.attacks.precision import weight_dtype
from feint.errors import FeintError
from feint.sequences import Sequences, check_alike

Array = Tensor | np.ndarray
Numbers = float | Sequence[float] | Sequence[Sequence[float]] | Array
SequencesLike = Array | Sequence[Array] | Sequences
"""(time, features), (batch, time, features), a list of (time, features), or `Sequences`."""


@dataclass(frozen=True)
class Place:
    """The precision and the device of the search; a device of None leaves data where it is."""

    dtype: torch.dtype
    device: torch.device | None


def place_of(model: nn.Module, data: SequencesLike) -> Place:
    """The model's precision, or the data's if it has none; single precision at least."""
    device = next((p.device for p in model.parameters() if p.is_floating_point()), None)
    dtype = weight_dtype(model) or torch.float32
    if weight_dtype(model) is None:
        found = [one.dtype for one in _tensors(data, "x") if one.is_floating_point()]
        dtype = torch.float64 if torch.float64 in found else dtype
        dtype = dtype if found else torch.get_default_dtype()
    return Place(torch.promote_types(dtype, torch.float32), device)


def to_sequences(data: SequencesLike, place: Place, name: str) -> Sequences:
    """The data as a batch of one precision on one device; `Sequences` stay on their device."""
    if isinstance(data, Sequences):
        return data.with_values(data.values.to(place.dtype))
    found = [one.to(place.device, place.dtype) for one in _tensors(data, name)]
    if isinstance(data, list | tuple):
        return Sequences.pad(found)
    (one,) = found
    if one.ndim not in (2, 3):
        raise FeintError(
            f"feint.attack got {name} of shape {tuple(one.shape)}; expected (time, features) "
            "or (batch, time, features), a list of (time, features), or feint.Sequences.",
            code="wrong-shape",
        )
    one = one[None] if one.ndim == 2 else one
    lengths = torch.full((len(one),), one.shape[1], device=one.device)
    return Sequences(one, lengths)


def dtypes_of_rows(data: SequencesLike, rows: int, place: Place) -> list[torch.dtype]:
    """The precision in which each row is returned: its own, or one that holds its integers."""
    found = []
    for one in _tensors(data, "x"):
        if one.is_floating_point():
            found.append(one.dtype)
        else:
            exact = torch.equal(one.to(place.dtype).double(), one.double())
            found.append(place.dtype if exact else torch.float64)
    return found if isinstance(data, list | tuple) else found * rows


def _tensors(data: SequencesLike, name: str) -> list[Tensor]:
    """The tensors inside, in their own precision: one, or one a sequence of a list."""
    if isinstance(data, Sequences):
        return [data.values]
    if isinstance(data, list | tuple):
        return [_tensor(one, name) for one in data]
    if not isinstance(data, Tensor | np.ndarray):
        raise FeintError(
            f"feint.attack got {name} of type {type(data).__name__}; expected a tensor or NumPy "
            "array, a list of them, or feint.Sequences.",
            code="wrong-type",
        )
    return [_tensor(data, name)]


def _tensor(data: Any, name: str) -> Tensor:
    """A tensor or array as a tensor, in any byte order and memory layout."""
    if not isinstance(data, Tensor | np.ndarray):
        raise FeintError(
            f"feint.attack got {type(data).__name__} inside {name}; expected tensors or NumPy "
            "arrays (time, features).",
            code="wrong-type",
        )
    kind = data.dtype.kind if isinstance(data, np.ndarray) else "c" if data.is_complex() else "f"
    if kind not in "fiub":
        raise FeintError(
            f"feint.attack got {name} of dtype {data.dtype}; expected real numbers.",
            code="wrong-type",
        )
    if isinstance(data, np.ndarray):
        native = np.dtype(np.float64) if data.dtype.itemsize > 8 else data.dtype.newbyteorder("=")
        data = torch.from_numpy(np.array(data, dtype=native, order="C"))
    return data.detach()


def broadcast_target(data: SequencesLike, place: Place, output: Sequences, name: str) -> Sequences:
    """A target (or a reference, as `name` says) for every output; one serves the whole batch."""
    targets = to_sequences(data, place, name)
    if len(targets) == 1 < len(output) and targets.values.shape[1:] == output.values.shape[1:]:
        targets = targets[[0] * len(output)]
    if not isinstance(data, Sequences) and targets.values.shape == output.values.shape:
        targets = Sequences(targets.values, output.lengths)  # an array may hold anything there
    check_alike(output, targets, f"feint.attack (the model's output and {name})")
    return targets


def to_budget(eps: Any, coords: Any, low: Any, high: Any, x: Sequences) -> Budget:
    """The budget around x; see `feint.attack` for what each may be."""
    mask, features = to_mask(coords, x), x.values.shape[-1]
    least, most = (_limit(one, name, features) for one, name in ((low, "low"), (high, "high")))
    radius = _numbers(eps, "eps", "bad-eps")
    rows = len(x)
    fits = f"one number, one a sequence ({rows}) or one a feature ({features})"
    if radius.ndim == 0 or radius.numel() == 1:
        return Budget(float(radius), mask, least, most)
    by_row, by_feature = (
        radius.shape in ((n,), shape) for n, shape in ((rows, (rows, 1)), (features, (1, features)))
    )
    if by_row and by_feature:
        raise FeintError(
            f"feint.attack got {rows} eps for {rows} sequences of {features} features; expected "
            "which of them is meant: shape (sequences, 1) for one a sequence, (1, features) for "
            "one a feature.",
            code="ambiguous-eps",
        )
    if by_row:
        return Budget(radius.reshape(-1), mask, least, most)
    if not by_feature:
        raise FeintError(
            f"feint.attack got eps of shape {tuple(radius.shape)}; expected {fits}.",
            code="wrong-shape",
        )
    radius = radius.reshape(-1)
    changed = radius > 0 if mask is None else mask & (radius > 0).to(mask.device)
    if not bool(((radius >= 0) & radius.isfinite()).all()) or not bool(changed.any()):
        raise FeintError(
            f"feint.attack got eps={radius.tolist()}, one a feature; expected finite numbers of at "
            "least 0 (0: the feature is not changed), and one above 0 where coords allows it.",
            code="bad-eps",
        )
    unit = torch.where(radius > 0, radius, torch.ones_like(radius))
    return Budget(1.0, changed.to(x.values.device), least, most, unit=unit)


def _limit(value: Any, name: str, features: int) -> float | Tensor | None:
    """An end of the valid range: a number, or one a feature."""
    if value is None:
        return None
    limit = _numbers(value, name, "bad-range")
    if limit.ndim == 0:
        return float(limit)
    if limit.shape != (features,):
        raise FeintError(
            f"feint.attack got {name} of shape {tuple(limit.shape)}; expected one number, or one a "
            f"feature ({features}).",
            code="wrong-shape",
        )
    return limit


def _numbers(value: Any, name: str, code: str) -> Tensor:
    """A number, a list or an array of numbers, in double precision."""
    try:
        if value is None or isinstance(value, str | bool):
            raise TypeError(type(value).__name__)
        if isinstance(value, Tensor):
            return value.detach().double()
        return torch.from_numpy(np.array(value, dtype=np.float64))
    except (TypeError, ValueError, RuntimeError) as error:
        raise FeintError(
            f"feint.attack got {name}={value!r}; expected a number, or a list, array or tensor of "
            "numbers.",
            code=code,
        ) from error


def to_mask(coords: Any, x: Sequences) -> Tensor | None:
    """Which features may be changed: (features,) bool; None if all may."""
    if coords is None:
        return None
    features = x.values.shape[-1]
    wrong = FeintError(
        f"feint.attack got coords={coords}; expected one bool a feature ({features}), or "
        f"indices of features from 0 to {features - 1}.",
        code="bad-coords",
    )
    try:
        mask = torch.as_tensor(coords)
    except (TypeError, ValueError, RuntimeError) as error:
        raise wrong from error
    if mask.dtype != torch.bool:
        indices = not mask.is_floating_point() and mask.ndim == 1 and mask.numel()
        if not indices or not bool(((mask >= 0) & (mask < features)).all()):
            raise wrong
        mask = torch.zeros(features, dtype=torch.bool).index_fill(0, mask.long().cpu(), True)
    elif mask.shape != (features,) or not bool(mask.any()):
        raise wrong
    return mask.to(x.values.device)


def restore_type(x_adv: Sequences, data: SequencesLike, dtypes: list[torch.dtype]) -> Any:
    """The perturbed batch, in double precision, in the type, precision and shape of the data."""
    if isinstance(data, Sequences):
        return data.with_values(x_adv.values.to(dtypes[0]))
    if isinstance(data, list | tuple):
        rows = zip(x_adv.unpad(), data, dtypes, strict=True)
        return [_like(values.to(dtype), one) for values, one, dtype in rows]
    values = x_adv.values if data.ndim == 3 else x_adv.values[0]  # type: ignore[union-attr]
    return _like(values.to(dtypes[0]), data)


def _like(values: Tensor, like: Any) -> Array:
    """A tensor, or a NumPy array, of the type of `like`."""
    if isinstance(like, Tensor):
        return values.to(like.device)
    back = values.cpu().numpy()
    return back.astype(like.dtype) if like.dtype.kind == "f" else back
