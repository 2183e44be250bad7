"""Choose the sequence that each objective shows, and write motions as stimuli.

An objective shows one test sequence, attacked at several rising eps.  This file chooses it from
the run's rows, reproducibly from a seed, and encodes what judges see.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from feint.errors import FeintError
from feint.report.cases import case
from feint.report.cases.case import Case, Motion
from feint.report.cases.player import encode_motion, quantization_step
from feint.report.cases.selection import describe_rows
from feint.report.run_data import RunData
from feint.skeleton import Skeleton

SCHEMA = 1
MAX_PANELS = 6
"""The number of eps that a trial shows at most, as in the paper."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The sequence of an objective, attacked at every eps that is shown.

    Attributes:
        cases: one case an eps, by rising eps.
    """

    cases: tuple[Case, ...]

    @property
    def row(self) -> dict[str, Any]:
        """The row of the smallest eps; action, reaction, model and sequence are the same in all."""
        return self.cases[0].row

    @property
    def clean_success(self) -> bool:
        """Whether the output is within the tolerance of the target without an attack."""
        return bool(self.row["clean_success"])


def choose_sample(rows: pl.DataFrame, run_data: RunData, seed: int, rank: int = 0) -> Sample:
    """Choose the sequence that an objective shows.

    It is the first, in the order of `seeded_order`, of the sequences that fail without an attack;
    if there is none, of all sequences.

    Args:
        rows: rows of `RunData.judged`: of one objective, at the eps that are shown.
        seed: the study's seed.
        rank: 0 for the first sequence, 1 for the second if there is one.

    Raises:
        FeintError: the run's tensors are missing.
    """
    clean_failures = rows.filter(~pl.col("clean_success"))
    candidates = clean_failures if len(clean_failures) else rows
    keys = seeded_order(candidates["sequence"], f"{seed}:{rows['target'][0]}")
    chosen = rows.filter(pl.col("sequence") == keys[min(rank, len(keys) - 1)]).sort("eps")
    return Sample(tuple(case.read(run_data, row, "") for row in chosen.iter_rows(named=True)))


def seeded_order(names: Iterable[str], seed: int | str) -> list[str]:
    """Unique names ordered by the SHA-256 of seed and name: the same on every machine."""
    return sorted(set(names), key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())


def evenly_spaced(values: Iterable[float], most: int = MAX_PANELS) -> list[float]:
    """At most `most` values, rising: the smallest, the largest, and evenly spaced ones between."""
    rising = sorted(set(values))
    if len(rising) <= most:
        return rising
    return [rising[round(i * (len(rising) - 1) / (most - 1))] for i in range(most)]


def matching_rows(rows: pl.DataFrame, folder: Path, **asked: str | None) -> pl.DataFrame:
    """The rows with these values; None matches any.  Raises FeintError if no row matches."""
    given = {name: value for name, value in asked.items() if value is not None}
    found = rows.filter(*(pl.col(name) == value for name, value in given.items()))
    if not len(found):
        listed = ", ".join(f"{name} {value}" for name, value in given.items())
        raise FeintError(
            f"{folder} has no attacked sequence with {listed}. It has {describe_rows(rows)}. "
            "Choose among these (--objective ACTION:REACTION, --model), or attack what is missing.",
            code="no-matching-rows",
        )
    return found


def encode_stimulus(skeleton: Skeleton, people: Mapping[str, Motion]) -> bytes:
    """A stimulus as JSON: the motions of the people, and nothing about how they were made."""
    step = quantization_step(people.values())
    content = {
        "schema": SCHEMA,
        "frames": len(next(iter(people.values()))),
        "fps": skeleton.fps,
        "step": step,
        "people": {who: encode_motion(motion, step) for who, motion in people.items()},
    }
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
