"""The data of an experiment: read or generated, split, and in the form that its models take.

`load_data` is the one way from an experiment's [data] to pairs, whatever the source.
"""

from dataclasses import dataclass

import torch

from feint.data.config import AnyData, Data, PeopleData, TableData
from feint.data.pairs import Pairs, pair, with_first_pose
from feint.data.recordings_load import load_people
from feint.data.sbu import dataset
from feint.data.series_load import load_windows
from feint.data.synthetic import generate
from feint.errors import FeintError
from feint.sequences import Sequences
from feint.skeleton import SBU_15


@dataclass(frozen=True, eq=False)
class LoadedData:
    """The data of an experiment, split, with the inputs that a model takes.

    Attributes:
        train, test: the pairs of both sides of the split.
        x_train, x_test: a model's inputs for them.
        n_attacked: how many test rows, from the first on, are attacked.
        notes: what was done to the data when it was read, in sentences.
    """

    train: Pairs
    test: Pairs
    x_train: Sequences
    x_test: Sequences
    n_attacked: int
    notes: tuple[str, ...] = ()


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
    if isinstance(spec, TableData):
        train, test, notes = load_windows(spec)
    elif isinstance(spec, PeopleData):
        train, test, notes = load_people(spec)
    else:
        train, test = _interactions(spec)
    n_attacked = len(test)
    if limit is not None:
        generator = torch.Generator().manual_seed(seed)
        test = test[torch.randperm(len(test), generator=generator).tolist()]
        n_attacked = min(limit, n_attacked)
    x_train, x_test = (model_input(pairs, spec.first_pose) for pairs in (train, test))
    return LoadedData(train, test, x_train, x_test, n_attacked, tuple(notes))


def _interactions(spec: Data) -> tuple[Pairs, Pairs]:
    if spec.source == "sbu":
        if spec.root is None:
            raise FeintError(
                "The experiment's data is SBU, and no folder was given. Pass --data DIR, or "
                "set data.root; `feint data download-sbu DIR` downloads it.",
                code="no-data-folder",
            )
        interactions = dataset.read(spec.root)
    elif spec.root is not None:
        raise FeintError(
            f'The experiment\'s data is generated (source = "synthetic"), and a folder was given: '
            f'{spec.root}. To use it, set data.source = "sbu"; otherwise leave --data away.',
            code="conflicting-keys",
        )
    else:
        interactions = generate.generate(seed=spec.seed, repetitions=spec.repetitions)
    train, test = (
        pair(part, SBU_15, spec.reactor_role)
        for part in dataset.split(interactions, spec.test_sets)
    )
    return train, test


def model_input(pairs: Pairs, first_pose: bool) -> Sequences:
    """A reactor's input: the actor, and after it the reactor's own first pose if it is given."""
    return with_first_pose(pairs.actor, pairs.reactor) if first_pose else pairs.actor
