"""Answers as files: CSV in the names that jsPsych gives its columns, and Parquet."""

import io
import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from feint.errors import FeintError
from feint.io.atomic import write_bytes

COLUMNS = (
    "trial_type",
    "trial_index",
    "time_elapsed",
    "rt",
    "response",
    "study",
    "judge",
    "trial",
    "kind",
    "objective",
    "practice",
    "catch",
    "expected",
    "position",
    "received",
    "raw",
)
"""Of the CSV.  `rt` is in ms, `response` the choice; both are empty where no answer was given.
`trial_type`, `trial_index` and `time_elapsed` are what the page's jsPsych said."""


def csv(answers: pl.DataFrame) -> bytes:
    """Answers as CSV, a row an answer."""
    told = [_recorded(raw) for raw in answers["raw"]]
    schema = {"trial_type": pl.String, "trial_index": pl.Int64, "time_elapsed": pl.Float64}
    table = pl.concat([answers, pl.DataFrame(told, schema=schema, orient="row")], how="horizontal")
    table = table.with_columns(
        pl.col("rt_ms").alias("rt"),
        pl.col("choice").alias("response"),
        pl.col("received").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
    )
    return table.select(COLUMNS).write_csv().encode()


def parquet(answers: pl.DataFrame) -> bytes:
    """Answers as Parquet, the columns of `ANSWERS`."""
    written = io.BytesIO()
    answers.write_parquet(written, compression="uncompressed")
    return written.getvalue()


def write(answers: pl.DataFrame, path: Path) -> None:
    """Write answers to a file, by its suffix.

    Raises:
        FeintError: another suffix; the file cannot be written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise FeintError(f"Answers are written to .csv or .parquet; got {path}.")
    write_bytes(path, csv(answers) if path.suffix == ".csv" else parquet(answers))


def _recorded(raw: str) -> tuple[str | None, int | None, float | None]:
    """Type, index and time of jsPsych's record, where they are what they should be.

    Whoever answers can send anything; and a spreadsheet takes some words for formulas.
    """
    told: dict[str, Any] = json.loads(raw)
    kind, index, time = (told.get(name) for name in COLUMNS[:3])
    if not (isinstance(kind, str) and re.fullmatch(r"[A-Za-z][\w-]{0,63}", kind, re.ASCII)):
        kind = None
    if isinstance(index, bool) or not (isinstance(index, int) and 0 <= index < 2**31):
        index = None
    if isinstance(time, bool) or not (isinstance(time, int | float) and 0 <= time < 1e12):
        time = None
    return kind, index, None if time is None else float(time)
