"""Reads the single parts of a run's folder: rows, tolerance, null answers, baseline comparisons.

Each function reads one part and says what to do where it is missing or damaged. `RunData` calls
them, keeps what they return and collects their errors.
"""

from pathlib import Path

import polars as pl

from feint.errors import DamagedError, FeintError
from feint.evaluation import rows as table
from feint.evaluation.attack_task import NONE
from feint.evaluation.model_checks import BaselineComparison
from feint.evaluation.natural_limits import load_limits
from feint.evaluation.tolerance import Tolerance
from feint.experiments import run_folder
from feint.experiments.tensor_reader import TensorReader
from feint.io.atomic import safe_join


def read_rows(folder: Path, distance: str) -> pl.DataFrame:
    """rows.parquet, with the column of distances that is needed."""
    path = safe_join(folder, "rows.parquet")
    if not path.exists():
        raise _not_run_yet(path, "the run was not evaluated yet", "evaluate")
    return table.scored(path, distance)


def read_tolerance(folder: Path) -> Tolerance:
    """tolerance.json."""
    path = safe_join(folder, "tolerance.json")
    if not path.exists():
        raise _not_run_yet(path, "no tolerance was measured yet", "evaluate")
    return Tolerance.load(path)


def read_comparison(folder: Path, model: str) -> BaselineComparison:
    """A model beside the trivial predictors."""
    path = safe_join(folder, "models", f"{model}.json")
    if not path.exists():
        raise _not_run_yet(path, f"{model} was not trained yet", "train")
    try:
        return dict(run_folder.baseline_comparisons(folder, [model]))[model]
    except (KeyError, TypeError) as error:
        raise FeintError(
            f"{path} does not say how {model} compares with the trivial predictors ({error}). "
            "Remove it and run `feint train` again.",
            code="damaged-file",
        ) from error


def read_minimal_eps(folder: Path) -> pl.DataFrame | None:
    """minimal.parquet, which `feint min-eps` writes; None if it is missing."""
    path = safe_join(folder, "minimal.parquet")
    if not path.exists():
        return None
    found = table.read(path, ("surrogate", "target", "true_class", "sequence"))
    if "eps" not in found.columns or found["eps"].is_nan().any():
        raise DamagedError(
            f"Could not read {path}: it has no minimal eps for each sequence. Remove it and run "
            "`feint min-eps` again."
        )
    return found.filter(pl.col("true_class") != pl.col("target"))


def read_nulls(folder: Path) -> pl.DataFrame:
    """nulls.parquet: the rows of the null answers."""
    path = safe_join(folder, "nulls.parquet")
    if not path.exists():
        raise _not_run_yet(path, "the null answers were not scored yet", "evaluate")
    return table.nulls(path)


def read_limits(folder: Path) -> dict[str, dict[str, float]]:
    """limits.json: the limits of "pose" and of "place" in metres, by class."""
    path = safe_join(folder, "limits.json")
    if not path.exists():
        raise _not_run_yet(path, "the limits of pose and place were not measured yet", "evaluate")
    return {
        kind: {label: one.value for label, one in each.items()}
        for kind, each in load_limits(path).items()
    }


def with_tensors(judged: pl.DataFrame, tensors: TensorReader) -> tuple[pl.DataFrame, list[str]]:
    """The rows whose tensors can be read, and a sentence about the others; this reads all of them.

    A row needs the tensors of its job, and those of the row without an attack.
    """
    bad: dict[str, FeintError] = {}
    for job in judged["job"].unique(maintain_order=True):
        try:
            tensors.attack_task(job), tensors.victim_input(job)
        except FeintError as error:
            bad[job] = error
    if not bad:
        return judged, []
    key = table.TASK_KEY
    kept = judged.filter(~pl.col("job").is_in(list(bad)))
    clean = kept.filter(pl.col("attack") == NONE)
    kept = kept.join(clean.select(key), on=key, how="semi", maintain_order="left")
    return kept, [
        f"The motion of {len(judged) - len(kept)} of {len(judged)} rows cannot be read, so the "
        "rows are left out of images, player and accelerations; success rates include them. "
        f"{len(bad)} results are missing or damaged, the first of them: {next(iter(bad.values()))}"
    ]


def _not_run_yet(path: Path, what: str, command: str) -> FeintError:
    return FeintError(
        f"{path} is not there: {what}. Run `feint {command}` on the experiment first (`feint run` "
        "does all in one).",
        code="not-run-yet",
    )
