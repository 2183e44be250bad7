"""The files of a run that more than one stage touches: where they lie, and how they are read.

Tensors are safetensors; a file that is damaged or belongs elsewhere is refused.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from feint import checks
from feint.attacks import Minimal
from feint.errors import FeintError
from feint.evaluation import Crafted, Question
from feint.files import read_json, read_tensors, write_tensors
from feint.sequences import Sequences

SCHEMA = 1


def describe(folder: Path) -> dict[str, Any]:
    """What run.json says of a run in `folder`.  Raises FeintError if there is none."""
    path = folder / "run.json"
    if not path.exists():
        raise FeintError(
            f"{folder} is not a run: it has no run.json. Expected a folder written by "
            "`feint run` or `feint demo`."
        )
    described = read_json(path)
    if not isinstance(described, dict) or described.get("schema") != SCHEMA:
        raise FeintError(f"{path} is not of schema {SCHEMA}, the one this feint reads.")
    return described


def tensor_path(folder: Path, kind: str, *names: str) -> Path:
    """The file of some tensors of a run: `<kind>/<name>/.../<name>.safetensors`."""
    *folders, last = (kind, *names)
    return folder.joinpath(*folders, f"{last}.safetensors")


def gates(folder: Path, names: list[str]) -> Iterator[tuple[str, checks.Gate]]:
    """What each trained model of a run scored beside the trivial predictors."""
    for name in names:
        about = read_json(folder / "models" / f"{name}.json")["about"]
        yield name, checks.Gate(**about["gate"])


def write_crafted(path: Path, crafted: Crafted) -> None:
    """Write adversarial sequences, whole or not at all."""
    tensors = {
        "x_adv": crafted.x_adv.values,
        "lengths": crafted.x_adv.lengths,
        "eps": crafted.eps,
        "sequence": crafted.sequence,
    }
    write_tensors(path, tensors, {"schema": SCHEMA, "attack": crafted.attack})


def read_crafted(path: Path, name: str, question: Question) -> Crafted:
    """Read what `write_crafted` wrote for this attack and question.

    Raises:
        FeintError: the file is damaged, or belongs to another attack or other sequences.
    """
    tensors, about = read_tensors(path)
    try:
        if about != {"schema": SCHEMA, "attack": name}:
            raise KeyError("about")
        sequence = tensors["sequence"]
        x_adv = Sequences(tensors["x_adv"], tensors["lengths"])
        if not torch.equal(x_adv.lengths, question.x.lengths[sequence]):
            raise KeyError("lengths")
        return Crafted(name, tensors["eps"], sequence, x_adv)
    except (KeyError, IndexError) as error:
        raise FeintError(
            f"{path} does not belong to this run ({error}). Remove it and run `feint attack` again."
        ) from error


def write_minimal(path: Path, found: Minimal) -> None:
    """Write the smallest perturbations, whole or not at all."""
    tensors = {
        "x_adv": found.x_adv.values,
        "lengths": found.x_adv.lengths,
        "eps": found.eps,
        "distance": found.distance,
    }
    write_tensors(path, tensors, {"schema": SCHEMA, "attack": "minimal"})


def read_minimal(path: Path, question: Question) -> Minimal:
    """Read what `write_minimal` wrote for this question.

    Raises:
        FeintError: the file is damaged, or belongs to other sequences.
    """
    tensors, about = read_tensors(path)
    try:
        if about != {"schema": SCHEMA, "attack": "minimal"}:
            raise KeyError("about")
        if not torch.equal(tensors["lengths"], question.x.lengths):
            raise KeyError("lengths")
        x_adv = Sequences(tensors["x_adv"], tensors["lengths"])
        return Minimal(x_adv, tensors["eps"], tensors["distance"])
    except KeyError as error:
        raise FeintError(
            f"{path} does not belong to this run ({error}). Remove it and run `feint minimal` "
            "again."
        ) from error
