"""Targets of a series: the curves that the attacker wants as the model's output.

The counterpart of `targets.py` for data in columns; `[[target.curves]]` in a TOML file.
"""

import math
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from feint.attacks.targets import fit_length
from feint.data.pairs import Pairs
from feint.errors import FeintError
from feint.io.csv_reader import read_rows
from feint.sequences import Sequences

Kind = Literal["offset", "ramp", "curve", "window"]
LARGEST_FILE = 2**20
LONGEST = 10_000
"""Steps of a curve in a file."""
WIDEST = 1024
LARGEST = 1e30


@dataclass(frozen=True)
class Curve:
    """One target curve, the target of every sequence.

    Attributes:
        name: what it is called in the rows.
        kind: "offset": the clean answer and `by` more; "ramp": the clean answer and from nothing
            at the first step to `by` more at the last; "curve": `values`, resampled to the
            sequence's length; "window": the true outcome of another window of the training set.
        by: one number, or one an output, in the outputs' own units.
        values: (steps, outputs) of a "curve".
        seed: of a "window".
    """

    name: str
    kind: Kind
    by: tuple[float, ...] = ()
    values: tuple[tuple[float, ...], ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise FeintError(
                f"Curve got kind={self.kind!r}; expected one of {', '.join(get_args(Kind))}.",
                code="unknown-choice",
            )
        numbers = [*self.by, *(n for row in self.values for n in row)]
        if not all(abs(n) < LARGEST for n in numbers):
            raise FeintError(
                f"Curve {self.name!r} got a number that is not finite.", code="not-finite"
            )
        relative = self.kind in ("offset", "ramp")
        if relative and not any(self.by):
            raise FeintError(
                f"Curve {self.name!r} ({self.kind}) got by={self.by}; expected a number that is "
                "not 0, or one an output.",
                code="bad-number",
            )
        widths = {len(row) for row in self.values}
        if self.kind == "curve" and (len(widths) != 1 or 0 in widths):
            raise FeintError(
                f"Curve {self.name!r} got rows of {sorted(widths)} numbers; expected at least one "
                "row, one number an output.",
                code="wrong-shape",
            )

    @property
    def relative(self) -> bool:
        """Whether it depends on the model's output without an attack."""
        return self.kind in ("offset", "ramp")

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @staticmethod
    def from_dict(content: dict[str, Any]) -> "Curve":
        """The curve that `to_dict` wrote."""
        values = tuple(tuple(row) for row in content["values"])
        return Curve(**{**content, "by": tuple(content["by"]), "values": values})

    def targets(self, train: Pairs, test: Pairs, answer: Sequences) -> tuple[list[str], Sequences]:
        """The name of each test row's curve, and the curves.

        Args:
            answer: the model's clean answers to the test rows, (rows, steps, outputs).

        Raises:
            FeintError: it has another number of outputs than the data.
        """
        true, outputs = test.reactor, test.reactor.values.shape[-1]
        names = [self.name] * len(test)
        if self.kind == "window":
            names, curves = self._others(train, test)
        elif self.kind == "curve":
            self._fits(len(self.values[0]), outputs)
            curve = true.values.new_tensor(self.values)
            curves = [fit_length(curve, n, "resample") for n in true.lengths.tolist()]
        else:
            if len(self.by) > 1:
                self._fits(len(self.by), outputs)
            by = true.values.new_tensor(self.by)
            curves = [one + self._rise(len(one)) * by for one in answer.to("cpu").unpad()]
        return names, true.with_rows(curves)

    def _rise(self, steps: int) -> torch.Tensor:
        if self.kind == "offset":
            return torch.ones(steps, 1)
        return torch.linspace(0, 1, steps)[:, None]

    def _others(self, train: Pairs, test: Pairs) -> tuple[list[str], list[torch.Tensor]]:
        """For each row a training window; the row's key alone decides which one is drawn."""
        each, names, curves = train.reactor.unpad(), [], []
        for key, frames in zip(test.keys, test.reactor.lengths.tolist(), strict=True):
            drawn = zlib.crc32(f"{self.seed} {self.name} {key}".encode()) % len(each)
            names.append(train.keys[drawn])
            curves.append(fit_length(each[drawn], frames, "resample"))
        return names, curves

    def _fits(self, got: int, outputs: int) -> None:
        if got != outputs:
            raise FeintError(
                f"The target curve {self.name!r} has {got} numbers a step, and the data {outputs} "
                "outputs; expected as many.",
                code="wrong-shape",
            )


def read_curve(path: Path) -> list[list[float]]:
    """Rows of numbers from a CSV file, one row for each step; a first row of names is skipped.

    Raises:
        FeintError: no such file, too large, or a cell that is not a finite number.
    """
    rows: list[list[float]] = []
    for k, (number, line) in enumerate(read_rows(path, LARGEST_FILE)):
        numbers = [_number(field) for field in line]
        if k == 0 and all(math.isnan(n) for n in numbers):
            continue
        row = [] if any(math.isnan(n) for n in numbers) else numbers
        wrong = not row or len(row) > WIDEST or (rows and len(row) != len(rows[0]))
        if wrong or not all(abs(n) < LARGEST for n in row):
            raise FeintError(
                f"{path}, line {number}: got {','.join(line)[:80]!r}; expected finite numbers, as "
                "many in every row: one for each output.",
                code="not-a-number",
            )
        rows.append(row)
    if not 1 <= len(rows) <= LONGEST:
        raise FeintError(
            f"{path} has {len(rows)} rows of numbers; expected 1 to {LONGEST}.", code="wrong-shape"
        )
    return rows


def _number(cell: str) -> float:
    """A cell's number; NaN if it is not one."""
    try:
        return float(cell)
    except ValueError:
        return math.nan
