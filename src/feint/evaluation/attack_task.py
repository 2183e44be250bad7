"""The attacked sequences of one model with the targets that an attacker wants."""

from dataclasses import dataclass

import torch
from torch import Tensor

from feint.sequences import Sequences

NONE = "none"
"""The name, in rows, of the attack that does nothing."""


ATTACK = "attack"
"""The name, in rows, of the attack an experiment is about; all others are baselines."""


@dataclass(frozen=True, eq=False)
class AttackTask:
    """One target asked of a set of test sequences.

    Attributes:
        target: the class asked for.
        x: what the model sees, clean.
        targets: the aligned target reactions, one a row; for an untargeted attack the answers to
            lead away from: the clean ones, or the true reactions.
        keys, labels, sides: of the test rows.
        exemplars: the key of the training reaction each row's target comes from.
        candidates: targets that an untargeted attack may try, each for all rows.
    """

    target: str
    x: Sequences
    targets: Sequences
    keys: tuple[str, ...]
    labels: tuple[str, ...]
    sides: tuple[str, ...]
    exemplars: tuple[str, ...]
    candidates: tuple[Sequences, ...] = ()


@dataclass(frozen=True, eq=False)
class Crafted:
    """Adversarial sequences: row i asks question row `sequence[i]` at `eps[i]`.

    Attributes:
        attack: its name in the rows; "none" for the clean input itself.
        eps: (rows,), in the budget's unit; 0 for "none".
        sequence: (rows,), index into the question's rows.
        x_adv: (rows, time, features).
    """

    attack: str
    eps: Tensor
    sequence: Tensor
    x_adv: Sequences


def clean(task: AttackTask) -> Crafted:
    """The baseline without an attack, as something to score."""
    rows = torch.arange(len(task.x))
    return Crafted(NONE, torch.zeros(len(rows)), rows, task.x)


AWAY = "untargeted"
"""The target, in rows, of an attack that only leads away from what stands in its place."""
