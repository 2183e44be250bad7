"""The attacks, one file each, beside the paper they come from; `descent` is the loop they share."""

from typing import Protocol, runtime_checkable

from torch import nn

from feint.attacks.aia import AIA
from feint.attacks.budget import Budget
from feint.attacks.framewise import FramewiseMinimal
from feint.attacks.minimal import Minimal, MinimalPerturbation
from feint.attacks.noise import Noise
from feint.attacks.untargeted import Untargeted
from feint.sequences import Sequences

__all__ = [
    "AIA",
    "Attack",
    "FramewiseMinimal",
    "Minimal",
    "MinimalPerturbation",
    "Noise",
    "Untargeted",
]


@runtime_checkable
class Attack(Protocol):
    """A frozen dataclass of settings, called with everything it works on.

    It returns x' inside the budget around x, equal to x off the budget's coordinates and in the
    padding.  It leaves x, and the model's mode, parameters, buffers and `.grad`, untouched, and
    gives a row the same result alone and in a batch.  Shapes: x and x' are (batch, time, features),
    the target (batch, time, outputs), padded alike; eps and all changes are in x's units.
    """

    def __call__(
        self, model: nn.Module, x: Sequences, target: Sequences, budget: Budget, /
    ) -> Sequences:
        """Perturb x inside the budget so that the model answers with the target.

        An untargeted attack is given the answer to lead away from in the target's place.  All
        four are as in the contract above: the model any module (batch, time, features) -> (batch,
        time, outputs).
        """
        ...
