"""`feint diff`: the differences between two runs, in settings and in results.

It reads both folders and computes; `report/terminal.py` prints.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from feint.evaluation import rows, success_rates
from feint.evaluation.tolerance import Tolerance
from feint.experiments.json_changes import changes
from feint.experiments.run_folder import describe
from feint.io.atomic import safe_join


@dataclass(frozen=True, eq=False)
class Difference:
    """The differences between two runs a and b.

    Attributes:
        settings: a line for everything that differs: experiment, data, weights, tolerance.
        origins: the same for versions, machine and commit.
        rates: success rates of both by surrogate, victim, attack and eps, with _a and _b after
            their names, and the difference of success_rate_if_clean_fails; None if one of them
            has no rows.
        alike: rows of the same attack task in both.
        same: how many of them have the same distance, to 1e-4.
        most: the largest relative difference of a distance among them.
    """

    settings: list[str]
    origins: list[str]
    rates: pl.DataFrame | None
    alike: int = 0
    same: int = 0
    most: float = 0.0


def diff(a: Path, b: Path) -> Difference:
    """Compare two runs.

    Raises:
        FeintError: one of them is not a run, or its files are damaged.
    """
    described = [describe(folder) for folder in (a, b)]
    tolerances = [_tolerance(folder) for folder in (a, b)]
    settings = [
        line
        for part in ("experiment", "data", "weights", "feature_spec")
        for line in changes(described[0].get(part), described[1].get(part), part)
    ]
    values = [None if tolerance is None else dict(tolerance.values) for tolerance in tolerances]
    settings += changes(values[0], values[1], "tolerance")
    origins = list(changes(_origin(described[0]), _origin(described[1])))
    key, headline = list(success_rates.BY), "success_rate_if_clean_fails"
    compared = ("n", "clean_success_rate", headline, "distance_reduction")
    tables, rates = [], []
    for folder, tolerance in zip((a, b), tolerances, strict=True):
        path = safe_join(folder, "rows.parquet")
        if tolerance is None or not path.exists():
            return Difference(settings, origins, None)
        tables.append(rows.scored(path, f"distance_{tolerance.norm}"))
        found = success_rates.success_rates(success_rates.judge(tables[-1], tolerance))
        rates.append(found.select(*key, *compared))
    joined = rates[0].join(rates[1], on=key, how="full", coalesce=True, suffix="_b")
    joined = joined.rename({c: f"{c}_a" for c in compared})
    joined = joined.with_columns(difference=pl.col(f"{headline}_b") - pl.col(f"{headline}_a")).sort(
        key
    )
    row = ["surrogate", "victim", "attack", "eps", "target", "sequence"]
    both = tables[0].join(tables[1], on=row, suffix="_b")
    first, second = both["distance_frame"], both["distance_frame_b"]
    off = ((first - second).abs() / first.abs().clip(1e-6)).fill_nan(float("inf"))
    most = float(off.max() or 0.0) if len(off) else 0.0  # type: ignore[arg-type]
    return Difference(settings, origins, joined, len(both), int((off <= 1e-4).sum()), most)


def _origin(described: dict[str, Any]) -> dict[str, Any]:
    """Of the last session: versions, machine, commit."""
    last: dict[str, Any] = (described.get("sessions") or [{}])[-1]
    kept = ("engine", "host", "system", "processor", "cores", "threads", "gpu", "commit")
    return {"versions": described.get("versions"), **{name: last.get(name) for name in kept}}


def _tolerance(folder: Path) -> Tolerance | None:
    path = safe_join(folder, "tolerance.json")
    return Tolerance.load(path) if path.exists() else None
