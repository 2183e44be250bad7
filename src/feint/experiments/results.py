"""The contents of a job's result, written and read back: tensors and metadata.

A result may come from a stranger, so every reader checks types, ranks and counts.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import polars as pl
import torch
from torch import Tensor

from feint.attacks.budget import Budget
from feint.errors import DamagedError, FeintError
from feint.evaluation.attack_task import AttackTask
from feint.sequences import Sequences

Result = tuple[dict[str, Tensor], dict[str, Any]]
"""Tensors, and metadata as JSON values."""
T = TypeVar("T")


def tensor(tensors: Mapping[str, Tensor], name: str, rank: int, kind: torch.dtype) -> Tensor:
    """One of a result's tensors.  Raises DamagedError if there is none of that rank and kind."""
    one = tensors.get(name)
    if one is None or one.ndim != rank or one.dtype != kind:
        got = "nothing" if one is None else f"{one.dtype} of rank {one.ndim}"
        raise DamagedError(
            f"A result holds {got} as its {name!r}; expected {kind} of rank {rank}. {_ADVICE}"
        )
    return one


def get_field(about: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """A field of a result's metadata.  Raises DamagedError if it is missing or of another type."""
    value = about.get(name)
    if not isinstance(value, kind):
        raise DamagedError(
            f"The result of {about.get('name')!r} has {type(value).__name__} as its {name!r}; "
            f"expected {kind.__name__}. {_ADVICE}"
        )
    return value


def read_attack_task(
    tensors: Mapping[str, Tensor], about: Mapping[str, Any], device: torch.device | str = "cpu"
) -> AttackTask:
    """The attack task that a result holds.  Raises FeintError if it has none."""
    x = _sequences(tensors, "x").to(device)
    names = {
        name: tuple(get_field(about, name, list))
        for name in ("keys", "labels", "sides", "exemplars")
    }
    each = names.values()
    if not all(len(some) == len(x) and all(isinstance(n, str) for n in some) for some in each):
        raise DamagedError(
            f"The result of {about.get('name')!r} does not name its {len(x)} sequences. {_ADVICE}"
        )
    targets = _sequences(tensors, "targets").to(device)
    count = sum(name.startswith("candidate.") for name in tensors)
    candidates = (_sequences(tensors, f"candidate.{i}").to(device) for i in range(count))
    others = {
        name.removeprefix("other."): _sequences(tensors, name).to(device)
        for name in sorted(tensors)
        if name.startswith("other.")
    }
    return AttackTask(
        get_field(about, "target", str),
        x,
        targets,
        **names,
        candidates=tuple(candidates),
        others=others,
    )


def join_tasks(parts: Sequence[AttackTask]) -> AttackTask:
    """The attack tasks of several jobs, about one target, as one."""

    def all_of(name: str) -> tuple[str, ...]:
        return tuple(one for part in parts for one in getattr(part, name))

    return AttackTask(
        parts[0].target,
        Sequences.pad([one for part in parts for one in part.x]),
        Sequences.pad([one for part in parts for one in part.targets]),
        keys=all_of("keys"),
        labels=all_of("labels"),
        sides=all_of("sides"),
        exemplars=all_of("exemplars"),
    )


def read_reactor(tensors: Mapping[str, Tensor]) -> Sequences:
    """The true reactions of an attack task.  Raises FeintError if it holds none."""
    return _sequences(tensors, "reactor")


def read_answers(tensors: Mapping[str, Tensor]) -> Sequences:
    """The answers that the result of a scoring holds.  Raises FeintError if it holds none."""
    return _sequences(tensors, "values")


def read_rows(about: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The rows in a result's metadata, by column.  Raises DamagedError if there are none."""
    columns = get_field(about, "rows", dict)
    counts = {len(values) if isinstance(values, list) else -1 for values in columns.values()}
    if len(counts) != 1 or -1 in counts or "eps" not in columns:
        raise DamagedError(
            f"The result of {about.get('name')!r} has no rows; expected lists of one length, "
            f"eps among them. {_ADVICE}"
        )
    return columns


_TYPES: dict[str, type[pl.DataType]] = {
    "eps": pl.Float64,
    "other_target": pl.String,
    "other_distance_frame": pl.Float64,
    "other_distance_joint": pl.Float64,
}
"""Of columns whose values do not tell it: whole numbers, or gaps alone."""


def table(parts: Sequence[Mapping[str, list[Any]]]) -> pl.DataFrame:
    """Rows of several results as one table.  Raises DamagedError if they do not go together."""
    names = list(parts[0])
    try:
        if any(part.keys() != parts[0].keys() for part in parts):
            raise ValueError("their columns differ")
        columns = {name: [value for part in parts for value in part[name]] for name in names}
        types = {name: kind for name, kind in _TYPES.items() if name in columns}
        return pl.DataFrame(columns, schema_overrides=types)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise DamagedError(
            f"The rows of several results do not fit into one table ({error}). {_ADVICE}"
        ) from error


_ADVICE = "It was not written by feint: remove it and run `feint run` again."


def _sequences(tensors: Mapping[str, Tensor], name: str) -> Sequences:
    values, lengths = _values(tensors, name), _lengths(tensors)
    if len(values) != len(lengths):
        raise DamagedError(
            f"A result holds {len(values)} sequences as its {name!r}, and lengths of "
            f"{len(lengths)}; expected as many. {_ADVICE}"
        )
    return Sequences(values, lengths)


def _values(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    return tensor(tensors, name, 3, torch.float32)


def _lengths(tensors: Mapping[str, Tensor]) -> Tensor:
    return tensor(tensors, "lengths", 1, torch.int64)


def pack_perturbed(x_adv: Sequences, budget: Budget) -> Result:
    """A perturbed batch as a result: only the features that may change are kept, exactly."""
    coords = budget.coords
    if coords is None:
        coords = torch.ones(x_adv.values.shape[-1], dtype=torch.bool)
    coords = coords.cpu()
    return {"changed": x_adv.values[..., coords], "coords": coords, "lengths": x_adv.lengths}, {}


def unpack_perturbed(
    tensors: Mapping[str, Tensor], about: Mapping[str, Any], x: Sequences
) -> Sequences:
    """The perturbed batch that a result holds, around its clean input.

    Raises:
        FeintError: they do not belong together.
    """
    device = x.values.device
    values, coords = x.values.clone(), tensor(tensors, "coords", 1, torch.bool).to(device)
    kept = _values(tensors, "changed").to(device)
    if (
        coords.shape != values.shape[-1:]
        or kept.shape != (*values.shape[:-1], int(coords.sum()))
        or not torch.equal(_lengths(tensors).to(device), x.lengths)
    ):
        raise FeintError(
            f"A result of {about.get('name')!r} was perturbed around other sequences: shape "
            f"{tuple(kept.shape)} where {tuple(values.shape)} are expected. Run `feint run` again.",
            "damaged-file",
        )
    values[..., coords] = kept
    return x.with_values(values)


def budget_to_dict(budget: Budget) -> dict[str, Any]:
    """A budget without its eps, as JSON; an end that is not limited is null."""
    found: dict[str, Any] = {"unit": None if budget.unit is None else budget.unit.tolist()}
    for name in ("coords", "integer", "low", "high"):
        value = getattr(budget, name)
        if value is not None:
            limits = torch.as_tensor(value)
            each = [n if abs(n) < float("inf") else None for n in limits.tolist()]
            found[name] = each
    return found


def budget_from_dict(
    settings: Mapping[str, Any], eps: float, device: torch.device | str = "cpu"
) -> Budget:
    """The budget in a job's settings."""
    unit, integer = settings["unit"], settings.get("integer")

    def limit(name: str, end: float) -> Tensor | None:
        each = settings.get(name)
        if each is None:
            return None
        return torch.tensor([end if n is None else n for n in each], device=device)

    return Budget(
        eps,
        torch.tensor(settings["coords"], device=device),
        low=limit("low", -torch.inf),
        high=limit("high", torch.inf),
        unit=None if unit is None else torch.tensor(unit, device=device),
        integer=None if integer is None else torch.tensor(integer, device=device),
    )
