"""The tables of a reproduction's results, read when they are needed."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from feint.errors import FeintError
from feint.evaluation.tolerance import Tolerance
from feint.reproduction import metrics


@dataclass(frozen=True)
class Results:
    """The tables in a folder, read when they are needed."""

    folder: Path

    def has(self, name: str) -> bool:
        """Whether a table is there."""
        return (self.folder / f"{name}.parquet").exists()

    def table(self, name: str) -> pl.DataFrame:
        """A table.  Raises FeintError if it is not there or cannot be read."""
        path = self.folder / f"{name}.parquet"
        try:
            return pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise FeintError(
                f"Could not read {path}: {error}. Run `feint reproduce` again; what is finished "
                "is not done again."
            ) from error

    @cached_property
    def about(self) -> dict[str, Any]:
        """What was run.

        Raises:
            FeintError: the folder holds no results.
        """
        if not (self.folder / "about.json").exists():
            raise FeintError(
                f"{self.folder} holds no results: it has no about.json. Run `feint reproduce "
                "--data DIR` first, or name the folder it wrote its results to."
            )
        told: dict[str, Any] = json.loads((self.folder / "about.json").read_text(encoding="utf-8"))
        return told

    @cached_property
    def natural(self) -> Tolerance:
        """The natural tolerance of the targets."""
        return Tolerance.load(self.folder / "tolerance-natural.json")

    def judged(self, name: str) -> pl.DataFrame:
        """A table of rows with success by every yardstick."""
        return metrics.with_success(self.table(name), self.natural)

    @cached_property
    def fig5(self) -> pl.DataFrame:
        """Of Figure 5, judged."""
        return self.judged("fig5")

    @cached_property
    def rates5(self) -> pl.DataFrame:
        """Rates of Figure 5, by preset, source, victim and eps."""
        return metrics.rates(self.fig5, ["preset", "surrogate", "victim", "eps"])

    @cached_property
    def regular(self) -> pl.DataFrame:
        """Rates of the regularised reactors, by surrogate, axes and eps."""
        return metrics.rates(self.judged("regular"), ["surrogate", "axes", "eps"])

    @cached_property
    def variants(self) -> pl.DataFrame:
        """Rates of the attack's forms, by variant."""
        return metrics.rates(self.judged("variants"), ["variant"])

    @cached_property
    def targets5(self) -> pl.DataFrame:
        """The same by target, too."""
        return metrics.rates(self.fig5, ["preset", "surrogate", "victim", "target", "eps"])
