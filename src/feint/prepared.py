"""The data of an experiment, read or generated, split, and seen as its models see it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from feint.data import sbu, synthetic
from feint.data.interactions import Pairs, pair
from feint.errors import FeintError
from feint.experiment import Experiment
from feint.files import pack
from feint.models.coordinates import with_first_pose
from feint.own import of_people, of_table
from feint.sequences import Sequences
from feint.series import form_of
from feint.skeleton import SBU_15
from feint.sources import Data, People, Table


@dataclass(frozen=True, eq=False)
class Prepared:
    """The data of an experiment, split, with what a model sees of it.

    Attributes:
        train, test: the pairs of both sides of the split.
        x_train, x_test: what a model sees of them.
        asked: how many test rows, from the first on, are attacked.
        notes: what was done to the data on the way, in sentences.
    """

    train: Pairs
    test: Pairs
    x_train: Sequences
    x_test: Sequences
    asked: int
    notes: tuple[str, ...] = ()

    @property
    def seen(self) -> Bool[Tensor, " features"]:
        """The input features that show the actor."""
        seen = torch.zeros(self.x_test.values.shape[-1], dtype=torch.bool)
        seen[: self.test.actor.values.shape[-1]] = True
        return seen


def prepare(experiment: Experiment) -> Prepared:
    """Read or generate an experiment's data, split it, and put the test rows it asks for first.

    Raises:
        FeintError: no folder was given, or what is there is damaged or lacks a test set.
    """
    spec = experiment.data
    notes: list[str] = []
    if isinstance(spec, Table):
        learnt, held, notes = of_table(spec)
    elif isinstance(spec, People):
        learnt, held, notes = of_people(spec)
    else:
        learnt, held = _given(spec)
    limit, asked = experiment.evaluation.limit, len(held)
    if limit is not None:
        generator = torch.Generator().manual_seed(experiment.seed)
        held = held[torch.randperm(len(held), generator=generator).tolist()]
        asked = min(limit, asked)
    x_train, x_test = (as_seen(pairs, spec.first_pose) for pairs in (learnt, held))
    return Prepared(learnt, held, x_train, x_test, asked, tuple(notes))


def _given(spec: Data) -> tuple[Pairs, Pairs]:
    """SBU, or what is generated."""
    if spec.source == "sbu":
        if spec.root is None:
            raise FeintError(
                "The experiment's data is SBU, and no folder was given. Pass --data DIR, or "
                "set data.root; `feint data sbu DIR` downloads it."
            )
        interactions = sbu.read(spec.root)
    elif spec.root is not None:
        raise FeintError(
            f'The experiment\'s data is generated (source = "synthetic"), and a folder was given: '
            f'{spec.root}. To use it, set data.source = "sbu"; else leave --data away.'
        )
    else:
        interactions = synthetic.generate(seed=spec.seed, runs=spec.runs)
    learnt, held = (
        pair(part, SBU_15, spec.directions) for part in sbu.split(interactions, spec.test_sets)
    )
    return learnt, held


def as_seen(pairs: Pairs, first_pose: bool) -> Sequences:
    """What a reactor sees: the actor, and with a first pose its own behind it."""
    return with_first_pose(pairs.actor, pairs.reactor) if first_pose else pairs.actor


def pack_pairs(pairs: Pairs) -> bytes:
    """Pairs as sealed safetensors, to be sent to whoever works on them."""
    told = {"keys": pairs.keys, "labels": pairs.labels, "sets": pairs.sets, "sides": pairs.sides}
    names = json.dumps({**told, "roles": pairs.roles, "skeleton": asdict(pairs.form)})
    tensors = {
        "actor": pairs.actor.values,
        "reactor": pairs.reactor.values,
        "lengths": pairs.actor.lengths,
        "names": torch.frombuffer(bytearray(names.encode()), dtype=torch.uint8),
    }
    return pack(tensors, {})


def unpack_pairs(tensors: Mapping[str, Tensor], about: object = None) -> Pairs:
    """What `pack_pairs` packed."""
    told = json.loads(bytes(tensors["names"].numpy()))
    lengths = tensors["lengths"]
    return Pairs(
        Sequences(tensors["actor"], lengths),
        Sequences(tensors["reactor"], lengths),
        tuple(told["keys"]),
        tuple(told["labels"]),
        tuple(told["sets"]),
        tuple(told["sides"]),
        tuple(told["roles"]),
        form_of(told["skeleton"]),
    )
