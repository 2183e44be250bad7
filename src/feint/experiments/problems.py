"""What `feint verify` finds: counts, and a sentence for each problem.

`verification.py` fills a `Verification`, `report/terminal.py` prints it.
"""

from dataclasses import dataclass, field
from typing import Any

import polars as pl
import torch
from torch import Tensor

from feint.errors import FeintError

MAX_PROBLEMS = 20
"""Problems that are listed."""
NEAR = 1e-3
"""Relative difference that rounding on another machine explains."""


@dataclass
class Verification:
    """What was checked, and what is wrong.

    Attributes:
        results: how many finished jobs had their checksums checked; damaged: how many of them
            were quarantined.
        rows: how many were recomputed.
        largest: the largest relative difference of a distance.
        problems: a sentence each; the first `MAX_PROBLEMS`.
        wrong: how many problems there are in all.
    """

    results: int = 0
    damaged: int = 0
    rows: int = 0
    largest: float = 0.0
    problems: list[str] = field(default_factory=list)
    wrong: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong and not self.damaged

    def say(self, sentence: str) -> None:
        """One more problem."""
        self.wrong += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(sentence)

    def compare(self, job: str, name: str, old: Tensor, new: Tensor) -> float:
        """Report two tensors that differ; returns the largest relative difference."""
        if not new.numel():
            return 0.0
        size = new.abs().amax().clamp_min(1e-6)
        off = float(((old - new).abs().amax() / size).nan_to_num(torch.inf))
        if off > NEAR:
            self.say(f"job {job}: its {name} is off by {off:.2g} of its size when recomputed.")
        return off

    def compare_columns(self, job: str, old: pl.DataFrame, new: pl.DataFrame) -> None:
        """Report the columns of rows that are not what they are when recomputed.

        Args:
            new: recomputed, in the order of `old`; columns that `old` has not are left out.
        """
        for name in new.columns:
            if name not in old.columns:
                continue
            if new[name].dtype.is_float():
                off = self.compare(job, name, to_tensor(old[name]), to_tensor(new[name]))
                if name.startswith("distance"):
                    self.largest = max(self.largest, off)
            elif new[name].to_list() != old[name].to_list():
                self.say(f"job {job}: the rows' {name} is not what its sequences are.")


def to_tensor(column: pl.Series) -> Tensor:
    """A column of numbers; a gap, which no recomputed number is near to, becomes NaN."""
    return torch.tensor([float("nan") if n is None else n for n in column.to_list()])


class Problems:
    """Turns an error inside the block into one of the problems found."""

    def __init__(self, found: Verification, about: str) -> None:
        self.found, self.about = found, about

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if not isinstance(error, Exception):
            return False
        name = "" if isinstance(error, FeintError) else f"{type(error).__name__}: "
        self.found.say(f"{self.about}: {name}{error}")
        return True
