"""`SuccessCriteria`: what counts as success in a run, by every criterion that its files support.

`RunData` holds one.  The table, the sentences and the warnings of "What counts as success" come
from here; how they are laid out is decided in tables.py, terminal.py and the templates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import polars as pl

from feint.errors import FeintError
from feint.evaluation.criteria import NamedCriterion, criteria_for
from feint.evaluation.criteria_rates import ATTACK, rates_by_criterion, share_that_is_strict
from feint.evaluation.model_checks import EvaluationWarning
from feint.evaluation.result_checks import loose_criteria
from feint.evaluation.tolerance import Tolerance
from feint.io.text import percent, percent_interval
from feint.report import parts

IN_WORDS = {
    "specific": "nearer to this target than to any other",
    "specific and pose": "nearer to this target than to any other and in its pose",
}
"""What the stricter criteria mean, after "answers that are within the tolerance are also"."""
Part = TypeVar("Part")


@dataclass(frozen=True, eq=False)
class SuccessCriteria:
    """The criteria of one targeted attack.

    Attributes:
        folder: of the run.
        rows: of the attack and its baselines.
        tolerance: of the run.
    """

    folder: Path
    rows: pl.DataFrame
    tolerance: Tolerance

    @property
    def lost(self) -> list[str]:
        """A sentence for each file that is missing or damaged: the table does without it."""
        return [lost for _, lost in (self._nulls, self._limits) if lost]

    @cached_property
    def _nulls(self) -> tuple[pl.DataFrame | None, str]:
        return self._read(parts.read_nulls)

    @cached_property
    def _limits(self) -> tuple[dict[str, dict[str, float]] | None, str]:
        return (
            self._read(parts.read_limits) if "pose_distance_m" in self.rows.columns else (None, "")
        )

    def _read(self, read: Callable[[Path], Part]) -> tuple[Part | None, str]:
        """A part of the folder, or None and what is wrong; rows of before have neither."""
        if "other_distance_frame" not in self.rows.columns:
            return None, ""
        try:
            return read(self.folder), ""
        except FeintError as error:
            return None, str(error)

    @cached_property
    def criteria(self) -> list[NamedCriterion]:
        """Those that the rows support; the first is the tolerance, the last the strictest."""
        return criteria_for(self.rows, self._nulls[0], self.tolerance, self._limits[0] or {})

    @cached_property
    def table(self) -> pl.DataFrame:
        """`rates_by_criterion`; empty where the tolerance is all there is."""
        if len(self.criteria) < 2:
            return rates_by_criterion(self.rows, None, ())
        return rates_by_criterion(self.rows, self._nulls[0], self.criteria)

    @property
    def warnings(self) -> list[EvaluationWarning]:
        """Criteria that a null passes."""
        return loose_criteria(self.table)

    @cached_property
    def shares(self) -> dict[str, tuple[int, float | None]]:
        """By model: the attacked answers within the tolerance, and the share that is strict."""
        if not len(self.table):
            return {}
        return share_that_is_strict(self.rows, self.criteria[0], self.criteria[-1])

    @property
    def sentences(self) -> list[str]:
        """Which share of the answers within the tolerance meets the strictest criterion."""
        words = IN_WORDS[self.criteria[-1].name] if self.shares else ""
        return [
            f"{model}: {percent(share)} of the {n} attacked answers within the tolerance are also "
            f"{words}."
            for model, (n, share) in self.shares.items()
            if n
        ]

    def verdict(self, model: str) -> str:
        """A sentence with the rate of the strictest criterion; empty without one."""
        name = self.criteria[-1].name
        own = self.table.filter((pl.col("model") == model) & (pl.col("criterion") == name))
        if not len(own):
            return ""
        attack = own.row(by_predicate=pl.col("answer") == ATTACK, named=True)
        null = own.row(by_predicate=pl.col("strongest"), named=True)
        interval = percent_interval(attack["success_rate_low"], attack["success_rate_high"])
        return (
            f"{percent(attack['success_rate'])} of all {attack['n']} attacked answers are within "
            f"the tolerance and also {IN_WORDS[name]} (criterion “{name}”, 95\u00a0% interval "
            f"{interval}); the strongest null, {null['answer']}: {percent(null['success_rate'])}."
        )
