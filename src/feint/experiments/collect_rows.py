"""From the results of finished jobs to a run's tables: rows, nulls and minimal.parquet.

The columns come from the jobs (`evaluation/scoring.py`); the format of the files is in
`evaluation/rows.py`.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from feint.errors import DamagedError
from feint.evaluation import rows
from feint.experiments import stages
from feint.experiments.execution import MAX_RETRIES, damaged_again
from feint.experiments.plan import Plan
from feint.experiments.results import read_rows, table
from feint.experiments.tensorboard import Tracker
from feint.io.atomic import safe_join
from feint.jobs.job import Job
from feint.jobs.store import Store

AT_ONCE = 20_000
"""Rows gathered before they are written."""
JOINT = "other_distance_joint"
OTHER_TARGETS = ("other_target", "other_distance_frame", JOINT)
"""Columns that rows of an untargeted attack do not have."""
Named = tuple[tuple[Any, ...], Job]
"""A job, with the values of the columns that its result does not hold."""


def scored(store: Store, plan: Plan, complete: Callable[[], None]) -> pl.DataFrame:
    """Complete the scorings of a plan, and write or read rows.parquet.

    Args:
        plan: a table written for the same plan is only read.
        complete: does the jobs that are missing.

    Raises:
        FeintError: a job failed; results stay damaged.
    """
    columns = ("surrogate", "victim", "target", "attack", "eps")
    path = safe_join(store.folder, "rows.parquet")
    jobs = partial(stages.scored, plan)
    gaps = plan.experiment.targeted and plan.experiment.reference is not None
    return _collected(store, path, plan.digest, columns, jobs, complete, rows.scored, gaps)


def nulls(store: Store, plan: Plan, complete: Callable[[], None]) -> pl.DataFrame:
    """Complete the null answers of a plan, and write or read nulls.parquet.

    Args and raises as `scored`.
    """
    path = safe_join(store.folder, "nulls.parquet")
    columns, jobs = ("surrogate", "victim", "target"), partial(stages.nulls, plan)
    return _collected(store, path, plan.digest, columns, jobs, complete, rows.nulls)


def minimal(store: Store, plan: Plan, complete: Callable[[], None]) -> pl.DataFrame:
    """Complete the searches for the smallest eps, and write or read minimal.parquet.

    Args and raises as `scored`.
    """
    path = safe_join(store.folder, "minimal.parquet")
    jobs = partial(stages.searched, plan)
    return _collected(store, path, plan.digest, ("surrogate",), jobs, complete, rows.read)


def _collected(
    store: Store,
    path: Path,
    plan: str,
    columns: tuple[str, ...],
    jobs: Callable[[], Iterable[Named]],
    complete: Callable[[], None],
    read: Callable[[Path], pl.DataFrame],
    gaps: bool = False,
) -> pl.DataFrame:
    for _ in range(MAX_RETRIES):
        complete()
        about = {"plan": plan}
        try:
            if path.exists() and rows.about(path).get("plan") == about["plan"]:
                return read(path)
        except DamagedError as error:
            store.quarantine(path, str(error))
        try:
            rows.write(path, tables(store, columns, jobs(), gaps), about)
        except DamagedError:
            continue  # a result was set aside: its job is done again
        return read(path)
    raise damaged_again(store)


def tables(
    store: Store, columns: tuple[str, ...], jobs: Iterable[Named], gaps: bool = False
) -> Iterator[pl.DataFrame]:
    """The rows of jobs, many jobs a table: small tables are what takes time.

    Args:
        columns: names of what is known of each job, beside what its result holds.
        jobs: each with the values of these columns.
        gaps: some rows have a target and others have none, so that these have gaps.

    Raises:
        DamagedError: a result was damaged, and is set aside.
    """
    held: list[dict[str, list[Any]]] = []
    count = 0
    for names, job in jobs:
        found = read_rows(store.read(job.key)[1])
        n = len(found["eps"])
        known = {name: [value] * n for name, value in zip(columns, names, strict=True)}
        if "eps" in known:
            known["eps"] = [round(value, 7) for value in known["eps"]]
        rest = {name: values for name, values in found.items() if name not in known}
        rest |= _gaps(rest, n) if gaps else {}
        held.append({"row": list(range(n)), **known, **rest, "job": [job.key] * n})
        count += n
        if count >= AT_ONCE:
            yield table(held)
            held, count = [], 0
    if held:
        yield table(held)


def _gaps(values: dict[str, list[Any]], n: int) -> dict[str, list[Any]]:
    """The columns about other targets, at the end; gaps where a result has none."""
    there = [name for name in OTHER_TARGETS if name != JOINT or "distance_joint" in values]
    return {name: values.pop(name, [None] * n) for name in there}


def track(tracker: Tracker, scored: pl.DataFrame) -> None:
    """Write mean distances to TensorBoard; its steps are thousandths of eps."""
    means = scored.group_by("eps", "surrogate", "victim", "attack").agg(
        pl.col("distance_frame").mean()
    )
    for (eps,), some in means.group_by("eps"):
        named = {f"distance/{s}-{v}-{a}": mean for _, s, v, a, mean in some.rows()}
        tracker.results(named, round(1000 * float(eps)))
