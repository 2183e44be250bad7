"""What is attacked: test sequences with the target of each, and the names that rows use.

`crafting` attacks an `AttackTask`, `scoring` measures the result, `success_rates` counts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl
import torch
from torch import Tensor

from feint.sequences import Sequences

NONE = "none"
"""In the column `attack` of rows: the clean input, without an attack."""
NOISE = "-noise"
"""In the same column: how the names of the noise baselines end."""
AWAY = "untargeted"
"""In the column `target` of rows: the target of every untargeted attack."""
IS_NOISE = pl.col("attack").str.ends_with("noise")
IS_ATTACK = (pl.col("attack") != NONE) & ~IS_NOISE
"""Rows of an attack; its name is the experiment's own.  The others are baselines."""


def is_attack_name(name: str) -> bool:
    """Whether the column `attack` means an attack by this name, and no baseline."""
    return name != NONE and not name.endswith("noise")


def of_attack(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows of one attack and of its baselines: of the same targets and eps."""
    own = rows.filter(pl.col("attack") == name)
    asked = pl.col("target").is_in(own["target"].unique().implode())
    sizes = pl.col("eps").is_in(own["eps"].unique().implode())
    baseline = ~IS_ATTACK & asked & (sizes | (pl.col("attack") == NONE))
    return rows.filter((pl.col("attack") == name) | baseline)


@dataclass(frozen=True, eq=False)
class AttackTask:
    """One target, for a set of test sequences.

    Attributes:
        target: the target class.
        x: what the model sees, clean.
        targets: the aligned target reactions, one a row; for an untargeted attack the answers to
            lead away from: the clean ones, or the true reactions.
        keys, labels, sides: of the test rows.
        exemplars: the key of the training reaction each row's target comes from.
        candidates: targets that an untargeted attack may try, each for all rows.
        others: the targets of the other classes or curves, each for all rows, to tell whether an
            answer is this target rather than another.
    """

    target: str
    x: Sequences
    targets: Sequences
    keys: tuple[str, ...]
    labels: tuple[str, ...]
    sides: tuple[str, ...]
    exemplars: tuple[str, ...]
    candidates: tuple[Sequences, ...] = ()
    others: Mapping[str, Sequences] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Crafted:
    """Adversarial sequences: row i is the task's row `sequence[i]`, attacked at `eps[i]`.

    Attributes:
        attack: its name in the rows; "none" for the clean input itself.
        eps: (rows,), in the budget's unit; 0 for "none".
        sequence: (rows,), index into the task's rows.
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
