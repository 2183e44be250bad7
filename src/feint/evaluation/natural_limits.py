"""Limits of pose and of place, in metres, fitted to how differently people perform one action.

`natural_tolerance` does the same for the distance of equation 7, which mixes the two.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from feint.attacks.targets import Role, fit_length
from feint.data.pairs import Pairs
from feint.errors import DamagedError, first_of
from feint.evaluation.distances import place_distance, pose_distance
from feint.evaluation.performances import Spread, spread_by_class
from feint.io.schema import check_schema
from feint.io.sealed import read_json, write_json
from feint.sequences import Sequences
from feint.skeleton import Skeleton

SCHEMA = 1
Measure = Callable[[Sequences, Sequences, Skeleton], Tensor]


def pose_limits(train: Pairs, role: Role = "any") -> dict[str, Spread]:
    """The limit of `pose_distance` for every class in the training set.  A class without
    two performances on one side in this role has no limit.
    """
    return _limits(train, role, pose_distance)


def place_limits(train: Pairs, role: Role = "any") -> dict[str, Spread]:
    """The limit of `place_distance` by class, after moving both performances to one first root."""
    return _limits(train, role, _place_from_one_root)


def _place_from_one_root(a: Sequences, b: Sequences, skeleton: Skeleton) -> Tensor:
    moved = b.values + skeleton.root_of(a.values[:, :1]) - skeleton.root_of(b.values[:, :1])
    return place_distance(a, b.with_values(moved), skeleton)


def _limits(train: Pairs, role: Role, measure: Measure) -> dict[str, Spread]:
    """The spread of a measure; each performance is resampled to the length of the other one."""

    def all_pairs(reactions: Sequences) -> Tensor:
        each, rows = reactions.unpad(), []
        resampled: dict[int, Sequences] = {}  # all of them, by length
        for one in each:
            if len(one) not in resampled:
                fits = [fit_length(two, len(one), "resample") for two in each]
                resampled[len(one)] = Sequences.pad(fits)
            fitted = resampled[len(one)]
            repeated = fitted.with_values(one.expand_as(fitted.values))
            rows.append(measure(fitted, repeated, train.skeleton))
        return torch.stack(rows)

    return spread_by_class(train, role, all_pairs)


def save_limits(path: Path, limits: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the limits of "pose" and "place", by class, as JSON."""
    write_json(path, {"schema": SCHEMA, **limits})


def load_limits(path: Path) -> dict[str, dict[str, Spread]]:
    """Read what `save_limits` wrote: limits by class, of "pose" and of "place".

    Raises:
        FeintError: the file is missing, damaged, or has another schema.
    """
    content = read_json(path)
    check_schema(content.get("schema"), SCHEMA, path, "Run the experiment again.")
    try:
        return {
            kind: TypeAdapter(dict[str, Spread]).validate_python(content.get(kind))
            for kind in ("pose", "place")
        }
    except ValidationError as error:
        raise DamagedError(f"{path} does not contain limits: {first_of(error)}.") from error
