"""From finished scorings to tables of rows."""

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from feint.experiments.results import read_rows, table
from feint.experiments.tensorboard import Tracker
from feint.jobs.job import Job
from feint.jobs.store import Store

AT_ONCE = 20_000
"""Rows gathered before they are written."""


def tables(
    store: Store, columns: tuple[str, ...], jobs: Iterable[tuple[tuple[Any, ...], Job]]
) -> Iterator[pl.DataFrame]:
    """The rows that jobs tell, many jobs a table: small tables are what takes time.

    Args:
        columns: names of what is known of each job, beside what it tells.
        jobs: each with the values of these columns.

    Raises:
        DamagedError: a result was damaged, and is set aside.
    """
    held: list[dict[str, list[Any]]] = []
    rows = 0
    for names, job in jobs:
        told = read_rows(store.read(job.key)[1])
        count = len(told["eps"])
        known = {name: [value] * count for name, value in zip(columns, names, strict=True)}
        if "eps" in known:
            known["eps"] = [round(value, 7) for value in known["eps"]]
        rest = {name: values for name, values in told.items() if name not in known}
        held.append({"row": list(range(count)), **known, **rest, "job": [job.key] * count})
        rows += count
        if rows >= AT_ONCE:
            yield table(held)
            held, rows = [], 0
    if held:
        yield table(held)


def track(tracker: Tracker, rows: pl.DataFrame) -> None:
    """Mean distances, for who watches; TensorBoard's steps are thousandths of eps."""
    means = rows.group_by("eps", "surrogate", "victim", "attack").agg(
        pl.col("distance_frame").mean()
    )
    for (eps,), some in means.group_by("eps"):
        named = {f"distance/{s}-{v}-{a}": mean for _, s, v, a, mean in some.rows()}
        tracker.results(named, round(1000 * float(eps)))
