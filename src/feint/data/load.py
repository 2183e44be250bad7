"""The data of an experiment, read or generated, split, and seen as its models see it."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from feint.data.config import AnyData, Data, People, Table
from feint.data.pairs import Pairs, pair, with_first_pose
from feint.data.recordings_load import of_people
from feint.data.sbu import dataset
from feint.data.series_load import load_windows
from feint.data.synthetic import generate
from feint.errors import FeintError
from feint.sequences import Sequences
from feint.skeleton import SBU_15


@dataclass(frozen=True, eq=False)
class LoadedData:
    """The data of an experiment, split, with what a model sees of it.

    Attributes:
        train, test: the pairs of both sides of the split.
        x_train, x_test: what a model sees of them.
        n_attacked: how many test rows, from the first on, are attacked.
        notes: what was done to the data on the way, in sentences.
    """

    train: Pairs
    test: Pairs
    x_train: Sequences
    x_test: Sequences
    n_attacked: int
    notes: tuple[str, ...] = ()

    @property
    def seen(self) -> Bool[Tensor, " features"]:
        """The input features that show the actor."""
        seen = torch.zeros(self.x_test.values.shape[-1], dtype=torch.bool)
        seen[: self.test.actor.values.shape[-1]] = True
        return seen


def load_data(spec: AnyData, limit: int | None = None, seed: int = 0) -> LoadedData:
    """Read or generate data, split it, and put the test rows that are attacked first.

    Args:
        spec: the experiment's data table.
        limit: how many test rows are attacked, chosen by `seed`; all in their order if None.
        seed: of that choice.

    Raises:
        FeintError: no folder was given, or what is there is damaged or lacks a test set.
    """
    notes: list[str] = []
    if isinstance(spec, Table):
        learnt, held, notes = load_windows(spec)
    elif isinstance(spec, People):
        learnt, held, notes = of_people(spec)
    else:
        learnt, held = _given(spec)
    n_attacked = len(held)
    if limit is not None:
        generator = torch.Generator().manual_seed(seed)
        held = held[torch.randperm(len(held), generator=generator).tolist()]
        n_attacked = min(limit, n_attacked)
    x_train, x_test = (model_input(pairs, spec.first_pose) for pairs in (learnt, held))
    return LoadedData(learnt, held, x_train, x_test, n_attacked, tuple(notes))


def _given(spec: Data) -> tuple[Pairs, Pairs]:
    """SBU, or what is generated."""
    if spec.source == "sbu":
        if spec.root is None:
            raise FeintError(
                "The experiment's data is SBU, and no folder was given. Pass --data DIR, or "
                "set data.root; `feint data sbu DIR` downloads it."
            )
        interactions = dataset.read(spec.root)
    elif spec.root is not None:
        raise FeintError(
            f'The experiment\'s data is generated (source = "synthetic"), and a folder was given: '
            f'{spec.root}. To use it, set data.source = "sbu"; else leave --data away.'
        )
    else:
        interactions = generate.generate(seed=spec.seed, repetitions=spec.repetitions)
    learnt, held = (
        pair(part, SBU_15, spec.reactor_role)
        for part in dataset.split(interactions, spec.test_sets)
    )
    return learnt, held


def model_input(pairs: Pairs, first_pose: bool) -> Sequences:
    """What a reactor sees: the actor, and with a first pose its own behind it."""
    return with_first_pose(pairs.actor, pairs.reactor) if first_pose else pairs.actor
