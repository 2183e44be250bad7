"""How near an answer must be to its target to be a success: kappa in the paper, per class.

A tolerance is applied when rows are read, so that another one needs no new attack.  It comes from
Table 1 of the paper (`table1`), from training data (`natural_tolerance`: as near as another
person's performance of the same reaction), from people (`feint survey`), or from a file or number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import polars as pl
import torch
from jaxtyping import Float, Int
from torch import Tensor

from feint.errors import FeintError
from feint.evaluation.attack_task import AWAY
from feint.io.schema import check_schema
from feint.io.sealed import read_json, write_json
from feint.sequences import Norm

SCHEMA = 3


@dataclass(frozen=True)
class Tolerance:
    """The distance below which an answer counts as the target, per class.

    Attributes:
        values: per class, in data units.
        other: for every class not in `values`; None refuses them.
        per_frame: the values are means over frames, not sums over them (equation 7).
        norm: of a frame, "frame" or "joint" (`feint.distance`).
        source: where it comes from, in words.
        among_others: per class, the share of *other* classes' real reactions that pass, aligned
            alike: near 1 means that the tolerance separates nothing.
        between_same: per class, how many pairs of performances it was measured on, each in both
            orders.
        low, high: per class, the ends of its 95 % interval, where they are known; success does
            not depend on them.
        judges: how many people it is from; 0 if from none.
        study: the id of the study they took part in.

    Raises:
        FeintError: no value, one not finite or not above 0, an unknown norm.
    """

    values: Mapping[str, float]
    other: float | None = None
    per_frame: bool = False
    norm: Norm = "frame"
    source: str = "given"
    among_others: Mapping[str, float] = field(default_factory=dict)
    between_same: Mapping[str, int] = field(default_factory=dict)
    low: Mapping[str, float] = field(default_factory=dict)
    high: Mapping[str, float] = field(default_factory=dict)
    judges: int = 0
    study: str = ""

    def __post_init__(self) -> None:
        numbers = [*self.values.values(), *([] if self.other is None else [self.other])]
        if not numbers or not all(0 < v < float("inf") for v in numbers):
            raise FeintError(
                f"Tolerance got values={dict(self.values)}, other={self.other}; expected finite "
                "numbers above 0, at least one.",
                code="bad-tolerance",
            )
        if self.norm not in get_args(Norm):
            raise FeintError(
                f"Tolerance got norm={self.norm!r}; expected one of {get_args(Norm)}.",
                code="unknown-norm",
            )

    def of(self, label: str) -> float:
        """The value of a class.  Raises FeintError on a class it does not know."""
        value = self.values.get(label, self.other)
        if value is None:
            raise FeintError(
                f"The tolerance ({self.source}) has no value for {label!r}; it has "
                f"{', '.join(sorted(self.values))}. Add one, or a value for `other`.",
                code="unknown-label",
            )
        return value

    def goals(self, label: str, lengths: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """The value of the class `label` as a sum (equation 7), for sequences of these lengths."""
        value = torch.full_like(lengths, self.of(label), dtype=torch.get_default_dtype())
        return value * lengths if self.per_frame else value

    @property
    def distance(self) -> pl.Expr:
        """The distance of a row that the tolerance is compared with."""
        measured = pl.col(f"distance_{self.norm}")
        return measured / pl.col("frames") if self.per_frame else measured

    def success(self, rows: pl.DataFrame) -> pl.Series:
        """(rows,), which answers count as the target: strictly below the tolerance (equation 1).

        The distance of an untargeted attack is to what it leads away from.  There an answer is a
        success that is at least the tolerance of the row's own class away.
        """
        measured = rows.select(measured=self.distance)["measured"]
        return ((measured < self.per_row(rows)) ^ (rows["target"] == AWAY)).alias("success")

    def per_row(self, rows: pl.DataFrame) -> pl.Series:
        """(rows,), the value for each: its target's, or untargeted that of its own class."""
        judged = rows["target"]
        if bool((judged == AWAY).any()):
            judged = judged.zip_with(judged != AWAY, rows["true_class"])
        return pl.Series("tolerance", [self.of(label) for label in judged], dtype=pl.Float64)

    def identity(self) -> dict[str, Any]:
        """What decides results, as JSON: jobs and tables are known by it.

        What is known of the people behind it changes no result, and is left out.
        """
        return {name: value for name, value in asdict(self).items() if name not in FROM_PEOPLE}

    def save(self, path: Path) -> None:
        """Write as JSON."""
        people = {n: value for n, value in asdict(self).items() if n in FROM_PEOPLE and value}
        write_json(path, {"schema": SCHEMA, **self.identity(), **people})

    @staticmethod
    def load(path: Path) -> "Tolerance":
        """Read what `save` wrote.  Raises FeintError on anything else."""
        content = read_json(path, sealed=False)
        check_schema(content.pop("schema", None), (SCHEMA,), path, "Make it again with feint.")
        return Tolerance.from_dict(content, str(path))

    @staticmethod
    def from_dict(content: Mapping[str, Any], name: str) -> "Tolerance":
        """The tolerance in JSON content (`asdict`).

        Args:
            content: the fields of a `Tolerance`.
            name: stands for the content in errors.

        Raises:
            FeintError: the content is not a tolerance.
        """
        try:
            found = Tolerance(**content)
            tables = (
                *(found.values, found.among_others, found.between_same),
                *(found.low, found.high, {"judges": found.judges}),
            )
            numbers = [*(v for table in tables for v in table.values()), found.other or 0]
            if not all(type(n) in (int, float) and abs(n) < 1e9 for n in numbers):
                raise TypeError("expected numbers below 1e9")
            if type(found.per_frame) is not bool or type(found.source) is not str:
                raise TypeError("expected true or false as per_frame, and text as source")
            if type(found.study) is not str or type(found.judges) is not int:
                raise TypeError("expected text as study, and a whole number of judges")
        except (AttributeError, TypeError) as error:
            raise FeintError(
                f"{name} does not contain a tolerance ({error}). Expected the JSON that feint "
                "writes.",
                code="damaged-file",
            ) from error
        return found


FROM_PEOPLE = ("low", "high", "judges", "study")
"""What only a tolerance from people has."""


def same_for_all(value: float, labels: Sequence[str], away: bool = False) -> Tolerance:
    """One number of the user's own for every target: a mean distance a frame, in data units.

    Args:
        away: for an untargeted attack, which is judged by the sequences' own classes: all of them.
    """
    return Tolerance(
        dict.fromkeys(labels, value),
        value if away else None,
        per_frame=True,
        source="given in the experiment",
    )
