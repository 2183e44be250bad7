"""Write answers to files: CSV with jsPsych's column names, and Parquet.

`feint survey export --out` and the researcher's page use it.
"""

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
"""Columns of the CSV.  `rt` is in ms, `response` is the choice; both are empty if the judge gave no
answer.  `trial_type`, `trial_index` and `time_elapsed` are from jsPsych's record."""


def to_csv(answers: pl.DataFrame) -> bytes:
    """Answers as CSV, one row for each answer."""
    recorded = [_recorded(raw) for raw in answers["raw"]]
    schema = {"trial_type": pl.String, "trial_index": pl.Int64, "time_elapsed": pl.Float64}
    added = pl.DataFrame(recorded, schema=schema, orient="row")
    table = pl.concat([answers, added], how="horizontal")
    table = table.with_columns(
        pl.col("rt_ms").alias("rt"),
        pl.col("choice").alias("response"),
        pl.col("received").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
    )
    return table.select(COLUMNS).write_csv().encode()


def to_parquet(answers: pl.DataFrame) -> bytes:
    """Answers as Parquet; columns as in `ANSWERS`."""
    written = io.BytesIO()
    answers.write_parquet(written, compression="uncompressed")
    return written.getvalue()


def write(answers: pl.DataFrame, path: Path) -> None:
    """Write answers to a .csv or .parquet file.

    Raises:
        FeintError: the file has another suffix or cannot be written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise FeintError(f"Expected a .csv or .parquet file; got {path}.", code="bad-suffix")
    write_bytes(path, to_csv(answers) if path.suffix == ".csv" else to_parquet(answers))


def _recorded(raw: str) -> tuple[str | None, int | None, float | None]:
    """Type, index and time of jsPsych's record; None where a value is not valid.

    A client can send anything, and a spreadsheet interprets some texts as formulas.
    """
    record: dict[str, Any] = json.loads(raw)
    kind, index, time = (record.get(name) for name in COLUMNS[:3])
    if not (isinstance(kind, str) and re.fullmatch(r"[A-Za-z][\w-]{0,63}", kind, re.ASCII)):
        kind = None
    if isinstance(index, bool) or not (isinstance(index, int) and 0 <= index < 2**31):
        index = None
    if isinstance(time, bool) or not (isinstance(time, int | float) and 0 <= time < 1e12):
        time = None
    return kind, index, None if time is None else float(time)
