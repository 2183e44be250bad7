"""Limits of pose and of place, fitted to how differently people perform the same action.

`natural_tolerance` does the same for the distance of equation 7, which mixes the two.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from feint.attacks.targets import Role, fit_length
from feint.data.pairs import Pairs
from feint.errors import DamagedError, first_of
from feint.evaluation.distances import place_distance, pose_distance
from feint.io.schema import check_schema
from feint.io.sealed import read_json, write_json
from feint.sequences import Sequences
from feint.skeleton import Skeleton

SCHEMA = 1
Measure = Callable[[Sequences, Sequences, Skeleton], Tensor]


@dataclass(frozen=True)
class NaturalLimit:
    """A limit of one class, in metres.

    Attributes:
        value: the median distance between two performances of the class.
        among_others: the share of other classes' performances that are nearer: near 1 means that
            the limit separates nothing.
        between_same: how many ordered pairs of performances it was measured on.
    """

    value: float
    among_others: float
    between_same: int


def pose_limits(train: Pairs, role: Role = "any") -> dict[str, NaturalLimit]:
    """The limit of `pose_distance` for every class in the training set.  See `_limits`."""
    return _limits(train, role, pose_distance)


def place_limits(train: Pairs, role: Role = "any") -> dict[str, NaturalLimit]:
    """The limit of `place_distance` for every class, after moving both to one first root."""
    return _limits(train, role, _place_from_one_root)


def _place_from_one_root(a: Sequences, b: Sequences, skeleton: Skeleton) -> Tensor:
    moved = b.values + skeleton.root_of(a.values[:, :1]) - skeleton.root_of(b.values[:, :1])
    return place_distance(a, b.with_values(moved), skeleton)


def _limits(train: Pairs, role: Role, measure: Measure) -> dict[str, NaturalLimit]:
    """Medians over pairs of different interactions of one class, the reactors on one side.

    Each performance is resampled to the length of the one that it is compared with.  A class
    without two performances on one side in this role has no limit.
    """
    nothing = torch.empty(0)
    labels = sorted(set(train.labels))
    same, other = ({label: [nothing] for label in labels} for _ in range(2))
    for side in ("left", "right"):
        rows = [
            i
            for i in range(len(train))
            if train.sides[i] == side and role in ("any", train.roles[i])
        ]
        each = train.reactor[rows].unpad() if rows else []
        resampled: dict[int, Sequences] = {}  # all of them, by length
        for i, one in zip(rows, each, strict=True):
            if len(one) not in resampled:
                fits = [fit_length(two, len(one), "resample") for two in each]
                resampled[len(one)] = Sequences.pad(fits)
            fitted = resampled[len(one)]
            repeated = fitted.with_values(one.expand_as(fitted.values))
            apart = measure(fitted, repeated, train.skeleton)
            stranger = torch.tensor([train.interactions[j] != train.interactions[i] for j in rows])
            alike = torch.tensor([train.labels[j] == train.labels[i] for j in rows])
            same[train.labels[i]].append(apart[alike & stranger])
            other[train.labels[i]].append(apart[~alike & stranger])
    found = {one: _limit(torch.cat(same[one]), torch.cat(other[one])) for one in labels}
    return {label: limit for label, limit in found.items() if limit}


def _limit(same: Tensor, other: Tensor) -> NaturalLimit | None:
    if not len(same):
        return None
    value = float(same.median())
    among = float((other < value).float().mean()) if len(other) else 0.0
    return NaturalLimit(value, among, len(same))


def save_limits(path: Path, limits: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the limits of "pose" and "place", by class, as JSON."""
    write_json(path, {"schema": SCHEMA, **limits})


def load_limits(path: Path) -> dict[str, dict[str, NaturalLimit]]:
    """Read what `save_limits` wrote: limits by class, of "pose" and of "place".

    Raises:
        FeintError: the file is missing, damaged, or has another schema.
    """
    content = read_json(path)
    check_schema(content.get("schema"), SCHEMA, path, "Run the experiment again.")
    try:
        return {
            kind: TypeAdapter(dict[str, NaturalLimit]).validate_python(content.get(kind))
            for kind in ("pose", "place")
        }
    except ValidationError as error:
        raise DamagedError(f"{path} does not contain limits: {first_of(error)}.") from error
