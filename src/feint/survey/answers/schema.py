"""An answer: as a judge's page sends it, as a row of the table, and what cannot be stored.

A new field of an answer needs a column here, in `database.py` and in a migration.
"""

import datetime
import json
import math
from typing import Annotated, Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from feint.survey.study.schema import Study

RAW_LIMIT = 16 * 1024
"""The size limit of jsPsych's record of a trial: bytes of JSON."""
MAX_TRIALS = 1000
"""The number of trials that a study has at most."""

Choice = Annotated[str, Field(max_length=100)]
Milliseconds = Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)]


class Answer(BaseModel):
    """One answer, as a judge's page sends it.

    Attributes:
        choice: the value of one of the trial's options.  None means that the trial was shown and
            not answered, which is different from the option "none of them".
        rt_ms: time from the start of the trial to the choice, in ms.
        position: index of the trial in this judge's order, from 0.
        raw: jsPsych's record, stored unchanged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    choice: Choice | None
    rt_ms: Milliseconds | None
    position: Annotated[int, Field(ge=0, lt=MAX_TRIALS)]
    raw: dict[str, JsonValue]

    def raw_json(self) -> str:
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
"""The table of answers, one row for each.  `choice` is null if the judge gave no answer;
`received` is the time of arrival; `raw` is JSON."""


def answer_row(study: Study, judge: str, name: str, answer: Answer) -> dict[str, Any]:
    """The row of an answer that arrives now; keys as in `ANSWERS`.

    Args:
        study: the study's plan.
        judge: the judge's id.
        name: name of one of the study's trials.
        answer: the answer.

    Raises:
        ValueError: the answer does not fit the trial; the message may be sent to the client.
    """
    trial, raw = study.by_name[name], answer.raw_json()
    if answer.choice is not None and answer.choice not in {one.value for one in trial.options}:
        raise ValueError("choice: expected one of the trial's options, or null")
    if answer.position >= len(study.trials):
        raise ValueError("position: expected an index of the study's trials, from 0")
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


def unstorable_reason(content: Any) -> str | None:
    """Why some database cannot store a JSON value, as a noun phrase; None if all can."""
    level = [content]
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
