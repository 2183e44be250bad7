"""Read a reproduction's results: the tables that the parts wrote, and rates from them.

`metrics.py` and the page read tables only through `Results`; `runner.py` writes them.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from feint.errors import FeintError
from feint.evaluation.tolerance import Tolerance
from feint.io.schema import check_schema
from feint.reproduction import metrics

SCHEMA = 2
"""Schema of about.json and of the tables beside it."""


@dataclass(frozen=True)
class Results:
    """The tables in a results folder; each is read when it is first needed."""

    folder: Path

    def has(self, name: str) -> bool:
        """Whether the folder contains a table."""
        return (self.folder / f"{name}.parquet").exists()

    def table(self, name: str) -> pl.DataFrame:
        """Read a table.  Raises FeintError if it is missing or damaged."""
        path = self.folder / f"{name}.parquet"
        try:
            return pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise FeintError(
                f"Could not read {path}: {error}. Run `feint reproduce` again; it skips finished "
                "jobs.",
                code="damaged-file",
            ) from error

    @cached_property
    def about(self) -> dict[str, Any]:
        """The content of about.json: profile, versions and sizes.

        Raises:
            FeintError: the folder contains no results, or those of another feint.
        """
        path = self.folder / "about.json"
        if not path.exists():
            raise FeintError(
                f"{self.folder} contains no results: it has no about.json. Run `feint reproduce "
                "--data DIR` first, or name its folder of results.",
                code="no-results",
            )
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        check_schema(about.get("schema"), SCHEMA, path, "Run `feint reproduce` again.")
        return about

    @cached_property
    def natural(self) -> Tolerance:
        """The natural tolerance of the targets."""
        return Tolerance.load(self.folder / "tolerance-natural.json")

    def judged(self, name: str) -> pl.DataFrame:
        """A table of rows with a success column for each criterion."""
        return metrics.with_success(self.table(name), self.natural)

    @cached_property
    def fig5(self) -> pl.DataFrame:
        """The rows of Figure 5, with success columns."""
        return self.judged("fig5")

    @cached_property
    def fig5_rates(self) -> pl.DataFrame:
        """Success rates of Figure 5, by preset, surrogate, victim and eps."""
        return metrics.rates(self.fig5, ["preset", "surrogate", "victim", "eps"])

    @cached_property
    def fig5_target_rates(self) -> pl.DataFrame:
        """Success rates of Figure 5, by preset, surrogate, victim, target and eps."""
        return metrics.rates(self.fig5, ["preset", "surrogate", "victim", "target", "eps"])

    @cached_property
    def regularised_rates(self) -> pl.DataFrame:
        """Success rates of the regularised reactors, by surrogate, axes and eps."""
        return metrics.rates(self.judged("regularised"), ["surrogate", "axes", "eps"])

    @cached_property
    def variant_rates(self) -> pl.DataFrame:
        """Success rates of the attack's variants, by variant."""
        return metrics.rates(self.judged("attack_variants"), ["variant"])
