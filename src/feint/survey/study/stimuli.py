"""From a run's rows and tensors to what judges see: one sequence an objective, by rising eps."""

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
from feint.report.cases.selection import has
from feint.report.run_data import RunData
from feint.skeleton import Skeleton

SCHEMA = 1
PANELS = 6
"""At most, as in the paper."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The sequence that stands for an objective, attacked at every eps that is shown.

    Attributes:
        cases: by rising eps.
    """

    cases: tuple[Case, ...]

    @property
    def row(self) -> dict[str, Any]:
        """Of the smallest eps; action, reaction, model and sequence are those of all."""
        return self.cases[0].row

    @property
    def clean(self) -> bool:
        """The answer counts as the target without an attack already."""
        return bool(self.row["clean"])


def sample(rows: pl.DataFrame, run_data: RunData, seed: int, place: int = 0) -> Sample:
    """Choose the sequence that is asked about.

    The first, in the order that seed and reaction give (`drawn`), of those whose answer does not
    count as the target without an attack; of all, if there is none.

    Args:
        rows: of `RunData.judged`: one objective's, at the eps that are shown.
        seed: the study's.
        place: 1 for the next one, if there is one.

    Raises:
        FeintError: the tensors are not there.
    """
    open_ = rows.filter(~pl.col("clean"))
    keys = drawn((open_ if len(open_) else rows)["sequence"], f"{seed}:{rows['target'][0]}")
    chosen = rows.filter(pl.col("sequence") == keys[min(place, len(keys) - 1)]).sort("eps")
    return Sample(tuple(case.read(run_data, row, "") for row in chosen.iter_rows(named=True)))


def drawn(names: Iterable[str], seed: int | str) -> list[str]:
    """Names in a seeded order, each once: by the SHA-256 of seed and name, on any machine."""
    return sorted(set(names), key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())


def evenly(values: Iterable[float], most: int = PANELS) -> list[float]:
    """At most so many values, rising: the least, the largest, and evenly chosen ones between."""
    rising = sorted(set(values))
    if len(rising) <= most:
        return rising
    return [rising[round(i * (len(rising) - 1) / (most - 1))] for i in range(most)]


def among(rows: pl.DataFrame, folder: Path, **asked: str | None) -> pl.DataFrame:
    """The rows with these values, None for any.  Raises FeintError if there is none."""
    wanted = {name: value for name, value in asked.items() if value is not None}
    found = rows.filter(*(pl.col(name) == value for name, value in wanted.items()))
    if not len(found):
        told = ", ".join(f"{name} {value}" for name, value in wanted.items())
        raise FeintError(
            f"{folder} has no attacked sequence with {told}. It has {has(rows)}. Choose among "
            "these (--objective ACTION:REACTION, --model), or attack what is missing."
        )
    return found


def stimulus(skeleton: Skeleton, people: Mapping[str, Motion]) -> bytes:
    """A stimulus as it is written: who is seen, and nothing of how it was made."""
    step = quantization_step(people.values())
    told = {
        "schema": SCHEMA,
        "frames": len(next(iter(people.values()))),
        "fps": skeleton.fps,
        "step": step,
        "people": {who: encode_motion(motion, step) for who, motion in people.items()},
    }
    return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()
