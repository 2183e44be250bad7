"""Success criteria: objects that decide from rows which answers are successes.

    all_of(Specific(tolerance), pose(limits))   # the default: this action, and no other

Rows hold distances, never successes, so another criterion needs no new attack.  Where an untargeted
attack leads away from an answer, only `Within` and `Recognised` have a meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Protocol, runtime_checkable

import polars as pl

from feint.errors import FeintError
from feint.evaluation.tolerance import Tolerance


@runtime_checkable
class Criterion(Protocol):
    """Decides from rows which answers are successes, and how far they are from the target."""

    @property
    def distance(self) -> pl.Expr:
        """The distance of a row's answer to its target, in the criterion's own unit."""
        ...

    def success(self, rows: pl.DataFrame) -> pl.Series:
        """(rows,), whether each row is a success."""
        ...


@runtime_checkable
class NamedCriterion(Criterion, Protocol):
    """A criterion that tables and charts can show."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of rows that it needs."""
        ...


@dataclass(frozen=True)
class Column:
    """A criterion whose verdict is a column of the rows already.

    Attributes:
        column: true where a row is a success.
        distance_column: the distance to the target.
    """

    column: str
    distance_column: str = "distance_frame"

    @property
    def distance(self) -> pl.Expr:
        """The distance column."""
        return pl.col(self.distance_column)

    def success(self, rows: pl.DataFrame) -> pl.Series:
        """The verdict's column."""
        return rows[self.column]


@dataclass(frozen=True)
class Within:
    """Within the tolerance of the target: equation 1, by the distance of equation 7."""

    tolerance: Tolerance
    name: str = "within tolerance"

    @property
    def columns(self) -> tuple[str, ...]:
        """The distance in the tolerance's norm."""
        return (f"distance_{self.tolerance.norm}", "frames", "target", "true_class")

    @property
    def distance(self) -> pl.Expr:
        """Of equation 7, or its mean over frames where the tolerance is one."""
        return self.tolerance.distance

    def success(self, rows: pl.DataFrame) -> pl.Series:
        """Strictly below the tolerance; for an untargeted attack at least the tolerance away."""
        return self.tolerance.success(rows)


@dataclass(frozen=True)
class Specific:
    """Within the tolerance, and nearer to this target than to that of any other class or curve."""

    tolerance: Tolerance
    name: str = "specific"

    @property
    def columns(self) -> tuple[str, ...]:
        """The distances to this target and to the nearest other one."""
        norm = self.tolerance.norm
        return (*Within(self.tolerance).columns, f"other_distance_{norm}")

    @property
    def distance(self) -> pl.Expr:
        """As of `Within`."""
        return self.tolerance.distance

    def success(self, rows: pl.DataFrame) -> pl.Series:
        """Within the tolerance and strictly nearer than the nearest other target."""
        norm = self.tolerance.norm
        nearer = rows[f"distance_{norm}"] < rows[f"other_distance_{norm}"].fill_null(float("inf"))
        return (Within(self.tolerance).success(rows) & nearer).alias("success")


@dataclass(frozen=True)
class Limit:
    """A distance in one column, in metres, below a limit of the target's class."""

    column: str
    limits: Mapping[str, float]
    name: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Its own column."""
        return (self.column, "target")

    @property
    def distance(self) -> pl.Expr:
        """Its own column, in metres."""
        return pl.col(self.column)

    def success(self, rows: pl.DataFrame) -> pl.Series:
        """Strictly below the limit.

        Raises:
            FeintError: a target has no limit.
        """
        unknown = sorted(set(rows["target"]) - set(self.limits))
        if unknown:
            raise FeintError(
                f"The criterion {self.name!r} has no limit for {', '.join(unknown)}; it has "
                f"{', '.join(sorted(self.limits))}. Fit it on data that has these classes.",
                code="unknown-label",
            )
        limits = rows["target"].replace_strict(dict(self.limits), return_dtype=pl.Float64)
        return (rows[self.column] < limits).fill_null(False).alias("success")


def pose(limits: Mapping[str, float]) -> Limit:
    """The pose alone: each body from its root, turned to one direction (`pose_distance`)."""
    return Limit("pose_distance_m", limits, "pose")


def place(limits: Mapping[str, float]) -> Limit:
    """The root's path alone (`place_distance`)."""
    return Limit("place_distance_m", limits, "place")


@dataclass(frozen=True)
class Recognised:
    """A recogniser of real reactions names the target.

    Attributes:
        column: the class that the recogniser gives the answer.
    """

    column: str = "recognised_as"
    name: str = "recognised"

    @property
    def columns(self) -> tuple[str, ...]:
        """What the recogniser says."""
        return (self.column, "target", "distance_frame")

    @property
    def distance(self) -> pl.Expr:
        """Of equation 7: a recogniser has no distance."""
        return pl.col("distance_frame")

    def success(self, rows: pl.DataFrame) -> pl.Series:
        """The named class is the target."""
        return rows[self.column].eq_missing(rows["target"]).alias("success")


@dataclass(frozen=True)
class AllOf:
    """Every one of several criteria; the distance is the first one's."""

    criteria: tuple[NamedCriterion, ...]

    @property
    def name(self) -> str:
        """The names, joined."""
        return " and ".join(one.name for one in self.criteria)

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of all of them."""
        return tuple(dict.fromkeys(name for one in self.criteria for name in one.columns))

    @property
    def distance(self) -> pl.Expr:
        """The first one's."""
        return self.criteria[0].distance

    def success(self, rows: pl.DataFrame) -> pl.Series:
        """All of them are met."""
        met = (one.success(rows) for one in self.criteria)
        return reduce(and_, met).alias("success")


def all_of(*criteria: NamedCriterion) -> AllOf:
    """Every one of these criteria."""
    return AllOf(criteria)


def usable(criterion: NamedCriterion, rows: pl.DataFrame) -> bool:
    """Whether rows hold what the criterion needs; it depends on the data and on the run."""
    return set(criterion.columns) <= set(rows.columns)


def criteria_for(
    rows: pl.DataFrame,
    nulls: pl.DataFrame | None,
    tolerance: Tolerance,
    limits: Mapping[str, Mapping[str, float]],
) -> list[NamedCriterion]:
    """The criteria that rows support: the tolerance first, the strictest last.

    Args:
        rows: of one targeted attack, and of its baselines.
        nulls: the rows of its null answers, if there are any.
        limits: of "pose" and of "place", in metres by class, as far as they are known.
    """
    found: list[NamedCriterion] = [Within(tolerance), Specific(tolerance)]
    targets = set(rows["target"])
    if all(targets <= {*limits.get(kind, ())} for kind in ("pose", "place")):
        in_pose = pose(limits["pose"])
        found += [in_pose, place(limits["place"]), all_of(found[1], in_pose)]
    there = [rows] if nulls is None else [rows, nulls]
    supported = [one for one in found if all(usable(one, some) for some in there)]
    return supported if found[1] in supported else found[:1]
