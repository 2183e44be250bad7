"""The data of an experiment, read or generated, split, and seen as its models see it."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from feint.data import sbu, synthetic
from feint.data.interactions import Pairs, pair
from feint.errors import FeintError
from feint.experiment import Experiment
from feint.models.coordinates import with_first_pose
from feint.sequences import Sequences


@dataclass(frozen=True, eq=False)
class Prepared:
    """The data of an experiment, split, with what a model sees of it."""

    train: Pairs
    test: Pairs
    x_train: Sequences
    x_test: Sequences

    @property
    def seen(self) -> Bool[Tensor, " features"]:
        """The input features that show the actor."""
        seen = torch.zeros(self.x_test.values.shape[-1], dtype=torch.bool)
        seen[: self.test.actor.values.shape[-1]] = True
        return seen


def prepare(experiment: Experiment) -> Prepared:
    """Read or generate an experiment's data, split it, and take the test rows it asks for.

    Raises:
        FeintError: no folder was given for SBU, or what is there is damaged or lacks a test set.
    """
    spec = experiment.data
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
        pair(part, experiment.skeleton, spec.directions)
        for part in sbu.split(interactions, spec.test_sets)
    )
    limit = experiment.evaluation.limit
    if limit is not None and limit < len(held):
        generator = torch.Generator().manual_seed(experiment.seed)
        held = held[sorted(torch.randperm(len(held), generator=generator)[:limit].tolist())]
    sees = with_first_pose if spec.first_pose else _actor_alone
    return Prepared(
        learnt, held, sees(learnt.actor, learnt.reactor), sees(held.actor, held.reactor)
    )


def _actor_alone(actor: Sequences, reactor: Sequences) -> Sequences:
    return actor
