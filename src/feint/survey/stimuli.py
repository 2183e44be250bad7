"""From a run's rows and tensors to what judges see: one sequence an objective, by rising eps."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from feint.report import case
from feint.report.case import WHITE, Case, Motion
from feint.report.findings import Findings
from feint.report.player import drawn_skeleton as drawn_skeleton
from feint.report.player import encoded, step_of
from feint.skeleton import Skeleton

SCHEMA = 1
PANELS = 6
"""As in the paper."""


@dataclass(frozen=True, eq=False)
class Sample:
    """An objective and the sequence that stands for it.

    Attributes:
        cases: what the model made of it, by rising eps.
    """

    cases: tuple[Case, ...]

    @property
    def row(self) -> dict[str, Any]:
        """Of the smallest eps: what all have in common."""
        return self.cases[0].row

    @cached_property
    def objective(self) -> tuple[str, str, str]:
        """Action, reaction, model."""
        return self.row["label"], self.row["target"], self.row["victim"]


def evenly(values: list[float], most: int = PANELS) -> list[float]:
    """At most so many of them, ascending, evenly chosen, the first and the last among them."""
    ordered = sorted(set(values))
    if len(ordered) <= most:
        return ordered
    last = len(ordered) - 1
    return [ordered[round(i * last / (most - 1))] for i in range(most)]


def drawn_order(keys: list[str], seed: int) -> list[str]:
    """The sequences in the order of a study's seed: by the hash of the seed and the key."""
    return sorted(set(keys), key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest())


def sample(
    findings: Findings, rows: pl.DataFrame, epsilons: list[float], seed: int, place: int = 0
) -> Sample:
    """The sequence of some rows that is asked about.

    The first in `drawn_order` whose answer does not count as the target without an attack; if all
    do, the first.
    """
    open_ = rows.filter(~pl.col("clean"))
    keys = drawn_order((open_ if len(open_) else rows)["sequence"].to_list(), seed)
    key = keys[place % len(keys)]
    chosen = rows.filter(pl.col("sequence") == key, pl.col("eps").is_in(epsilons)).sort("eps")
    return Sample(tuple(case.read(findings, row, "") for row in chosen.iter_rows(named=True)))


def white(findings: Findings) -> pl.DataFrame:
    return findings.judged.filter(WHITE)


def stimulus(skeleton: Skeleton, people: Mapping[str, Motion]) -> bytes:
    """A stimulus as it is written: who is seen, and nothing of how it was made."""
    step = step_of(people.values())
    told = {
        "schema": SCHEMA,
        "frames": len(next(iter(people.values()))),
        "fps": skeleton.fps,
        "step": step,
        "people": {who: encoded(motion, step) for who, motion in people.items()},
    }
    return json.dumps(told, separators=(",", ":")).encode()
