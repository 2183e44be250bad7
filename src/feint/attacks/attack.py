"""The contract of an attack, and what an attack may declare about itself.

Every attack of this package keeps it, and `tests/attacks/test_contract.py` checks each one.  A new
ability is a class attribute described here and read by `abilities`.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import nn

from feint.attacks.budget import Budget
from feint.sequences import Norm, Sequences


@runtime_checkable
class Attack(Protocol):
    """A frozen dataclass of settings, called with everything it works on.

    It returns x' inside the budget around x, equal to x off the budget's coordinates and in the
    padding.  It leaves x, and the model's mode, parameters, buffers and `.grad`, untouched, and
    gives a row the same result alone and in a batch.  Shapes: x and x' are (batch, time, features),
    the target (batch, time, outputs), padded alike; eps and all changes are in x's units.

    What else it can do is declared by class attributes (or properties) of these names, each False
    unless it is there, but for `targeted`:

    * `targeted` (True): the third argument is the target; if False, the output to lead away from.
    * `warm_start`: the call takes `start=`, a batch to begin at, and never ends further from its
      goal than there.  A sweep then begins every eps at the result of the smaller one.
    * `takes_goal`: the call takes `goal=`, (batch,) distances at which a row stops.
    * `takes_candidates`: the call takes `candidates=`, a sequence of targets that it may try.

    `PRESETS` maps names to settings.  A method `with_tolerance(value, norm, per_frame)`, for an
    attack whose loss needs the tolerance, returns the same attack with it.
    """

    def __call__(
        self, model: nn.Module, x: Sequences, target: Sequences, budget: Budget, /
    ) -> Sequences:
        """Perturb x inside the budget so that the model's output becomes the target.

        An untargeted attack gets the output to lead away from as its target.  All four are as in
        the contract above: the model any module (batch, time, features) -> (batch, time, outputs).
        """
        ...


@dataclass(frozen=True)
class Abilities:
    """What an attack declares; see `Attack`."""

    targeted: bool
    warm_start: bool
    takes_goal: bool
    takes_candidates: bool


def with_tolerance(attack: Attack, value: float, norm: Norm, per_frame: bool) -> Attack:
    """The attack with the tolerance of a target, if its loss needs one; see `Attack`."""
    needs = getattr(attack, "with_tolerance", None)
    return attack if needs is None else needs(value, norm, per_frame)


def abilities(attack: Attack) -> Abilities:
    """The declared abilities of an attack, with the defaults that `Attack` names."""
    return Abilities(
        targeted=bool(getattr(attack, "targeted", True)),
        warm_start=bool(getattr(attack, "warm_start", False)),
        takes_goal=bool(getattr(attack, "takes_goal", False)),
        takes_candidates=bool(getattr(attack, "takes_candidates", False)),
    )
