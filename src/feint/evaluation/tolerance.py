"""kappa: how near an answer has to be to count as the target.

Success is decided when rows are read.  Three sources: the paper's Table 1 as printed, a file, or
the natural tolerance: the median distance between two people's performances of the same reaction,
so that "reached" means "as close as another person would be".
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

SCHEMA = 1
SCHEMA_JUDGED = 2
"""Of files that also tell intervals, judges or a study; the others are written as ever."""


@dataclass(frozen=True)
class Tolerance:
    """The distance under which an answer counts as the target, per class.

    Attributes:
        kappa: per class, in data units.
        other: for every class not in `kappa`; None refuses them.
        per_frame: kappa is a mean over frames, not the sum of equation 7.
        norm: of a frame, "frame" or "joint" (`feint.distance`).
        source: where it comes from, in words.
        among_others: per class, the share of *other* classes' real reactions that pass, aligned
            alike: near 1 means the tolerance tells nothing.
        between_same: per class, how many pairs of performances it was measured on, each in both
            orders.
        low, high: per class, the ends of kappa's 95 % interval, where they are known; success
            does not depend on them.
        judges: how many people it is from; 0 if from none.
        study: the id of the study they took part in.

    Raises:
        FeintError: no kappa, one not finite or not above 0, an unknown norm.
    """

    kappa: Mapping[str, float]
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
        values = [*self.kappa.values(), *([] if self.other is None else [self.other])]
        if not values or not all(0 < v < float("inf") for v in values):
            raise FeintError(
                f"Tolerance got kappa={dict(self.kappa)}, other={self.other}; expected finite "
                "numbers above 0, at least one."
            )
        if self.norm not in get_args(Norm):
            raise FeintError(f"Tolerance got norm={self.norm!r}; expected one of {get_args(Norm)}.")

    def of(self, label: str) -> float:
        """Kappa of a class.  Raises FeintError on a class it does not know."""
        value = self.kappa.get(label, self.other)
        if value is None:
            raise FeintError(
                f"The tolerance ({self.source}) has no kappa for {label!r}; it has "
                f"{', '.join(sorted(self.kappa))}. Add one, or a value for `other`."
            )
        return value

    def goals(self, label: str, lengths: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Kappa of the class `label` as a sum (equation 7), for sequences of these lengths."""
        kappa = torch.full_like(lengths, self.of(label), dtype=torch.get_default_dtype())
        return kappa * lengths if self.per_frame else kappa

    def reached(self, rows: pl.DataFrame) -> pl.Series:
        """Which rows count as the target: strictly below kappa, as in equation 1.

        Where an attack was untargeted the distance is to what it leads away from, and those count
        that are led kappa or further: no longer within kappa of the row's own class.
        """
        measured = rows[f"distance_{self.norm}"]
        if self.per_frame:
            measured = measured / rows["frames"]
        return ((measured < self.kappas(rows)) ^ (rows["target"] == AWAY)).alias("reached")

    def kappas(self, rows: pl.DataFrame) -> pl.Series:
        """Kappa by which each row is judged: the target's, or untargeted its own class's."""
        judged = rows["target"]
        if bool((judged == AWAY).any()):
            judged = judged.zip_with(judged != AWAY, rows["true_class"])
        return pl.Series("kappa", [self.of(label) for label in judged], dtype=pl.Float64)

    def settled(self) -> dict[str, Any]:
        """All that jobs and tables are known by: what it is from people is only told beside."""
        return {name: value for name, value in asdict(self).items() if name not in JUDGED}

    def save(self, path: Path) -> None:
        """Write as JSON."""
        judged = {n: value for n, value in asdict(self).items() if n in JUDGED and value}
        schema = SCHEMA_JUDGED if judged else SCHEMA
        write_json(path, {"schema": schema, **self.settled(), **judged})

    @staticmethod
    def load(path: Path) -> "Tolerance":
        """Read what `save` wrote.  Raises FeintError on anything else."""
        content = read_json(path, sealed=False)
        check_schema(
            content.pop("schema", None), (SCHEMA, SCHEMA_JUDGED), path, "Make it again with feint."
        )
        return Tolerance.told(content, str(path))

    @staticmethod
    def told(content: Mapping[str, Any], name: str) -> "Tolerance":
        """The tolerance that JSON content tells (`asdict`); `name` stands for it in errors.

        Raises:
            FeintError: it tells none.
        """
        try:
            found = Tolerance(**content)
            tables = (
                *(found.kappa, found.among_others, found.between_same),
                *(found.low, found.high, {"judges": found.judges}),
            )
            numbers = [*(v for table in tables for v in table.values()), found.other or 0]
            if not all(type(n) in (int, float) and abs(n) < 1e9 for n in numbers):
                raise TypeError("expected numbers below 1e9")
            if type(found.per_frame) is not bool or type(found.source) is not str:
                raise TypeError("expected true or false as per_frame, and words as source")
            if type(found.study) is not str or type(found.judges) is not int:
                raise TypeError("expected words as study, and a whole number of judges")
        except (AttributeError, TypeError) as error:
            raise FeintError(
                f"{name} tells no tolerance ({error}); expected what feint writes."
            ) from error
        return found


JUDGED = ("low", "high", "judges", "study")
"""What only a tolerance from people has."""


def given(kappa: float, labels: Sequence[str], away: bool = False) -> Tolerance:
    """A number of the user's own for every target: a mean distance a frame, in data units.

    Args:
        away: for an untargeted attack, which is judged by the sequences' own classes: all of them.
    """
    other = kappa if away else None
    told = "given in the experiment"
    return Tolerance(dict.fromkeys(labels, kappa), other, per_frame=True, source=told)
