"""What a judge answers, as it is sent, and as a table."""

import datetime
import json
import math
from typing import Annotated, Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from feint.survey.study.schema import Study

RAW_LIMIT = 16 * 1024
"""Bytes of jsPsych's record of a trial, as JSON."""
POSITIONS = 1000
"""Trials a study has at most."""

Choice = Annotated[str, Field(max_length=100)]
Milliseconds = Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)]


class Answer(BaseModel):
    """One answer, as a judge's page sends it.

    Attributes:
        choice: the value of one of the trial's options; None where the trial was asked and not
            answered.  That is a missing answer, and not "none of them".
        rt_ms: from the trial's beginning to the choice, in ms.
        position: the trial's place in this judge's order, from 0.
        raw: what jsPsych recorded, kept as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    choice: Choice | None
    rt_ms: Milliseconds | None
    position: Annotated[int, Field(ge=0, lt=POSITIONS)]
    raw: dict[str, JsonValue]

    def record(self) -> str:
        """`raw` as JSON."""
        return json.dumps(self.raw, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


ANSWERS = pl.Schema(
    {
        "study": pl.String(),
        "judge": pl.String(),
        "trial": pl.String(),
        "kind": pl.String(),
        "objective": pl.String(),
        "practice": pl.Boolean(),
        "catch": pl.String(),
        "expected": pl.String(),
        "choice": pl.String(),
        "rt_ms": pl.Float64(),
        "position": pl.Int32(),
        "received": pl.Datetime("us", "UTC"),
        "raw": pl.String(),
    }
)
"""Answers as a table: a row an answer.  `choice` is null where a judge was asked and gave none;
`received` is when the server got it; `raw` is JSON."""


def row(study: Study, judge: str, name: str, answer: Answer) -> dict[str, Any]:
    """What is stored of an answer: the columns of `ANSWERS`, received now.

    Args:
        name: the trial's; one of the study.

    Raises:
        ValueError: it is no answer to this trial; the message is for who sent it.
    """
    trial, raw = study.by_name[name], answer.record()
    if answer.choice is not None and answer.choice not in {one.value for one in trial.options}:
        raise ValueError("choice: expected one of the trial's options, or null")
    if answer.position >= len(study.trials):
        raise ValueError("position: expected a place among the study's trials, from 0")
    return {
        "study": study.id,
        "judge": judge,
        "trial": name,
        "kind": trial.kind,
        "objective": trial.objective,
        "practice": trial.practice,
        "catch": trial.catch,
        "expected": trial.expected,
        "choice": answer.choice,
        "rt_ms": answer.rt_ms,
        "position": answer.position,
        "received": datetime.datetime.now(datetime.UTC),
        "raw": raw,
    }


def unkept(told: Any) -> str | None:
    """What in a JSON value not every database keeps, in words; None if there is nothing."""
    level = [told]
    while level:
        deeper: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                deeper += [*one, *one.values()]
            elif isinstance(one, list):
                deeper += one
            elif isinstance(one, float) and not math.isfinite(one):
                return "a number that is too large"
            elif isinstance(one, str) and "\0" in one:
                return "a text with a NUL"
            elif isinstance(one, str) and any("\ud800" <= letter <= "\udfff" for letter in one):
                return "a text with half a surrogate pair"
        level = deeper
    return None
