"""Answers that came as files: of a study that was hosted as files, or saved by a judge's page.

A file is what the page makes of one judge, `{"study", "judge", "answers": [...]}`, or several of
these, a line each, as JATOS exports results.
"""

import datetime
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from feint.errors import FeintError, first_of
from feint.io.atomic import read_bytes
from feint.io.sealed import TEXT_LIMIT, parse
from feint.survey.answers.database import Storage, hashed, judges
from feint.survey.answers.schema import RAW_LIMIT, Answer, row, unkept
from feint.survey.answers.writer import Outcome, insert
from feint.survey.study.schema import Study


@dataclass
class Collected:
    """What became of collected answers: stored, there before, and at odds with those there."""

    judges: int = 0
    stored: int = 0
    same: int = 0
    other: int = 0


def collect(study: Study, storage: Storage, paths: list[Path]) -> Collected:
    """Store every answer in some files; those that are stored already change nothing.

    Raises:
        FeintError: a file holds anything but answers to this study.  What was in the files before
            it is stored.
    """
    total = Collected()
    for path in paths:
        try:
            told = [_one(study, one) for one in _read(path)]
        except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FeintError(
                f"{path} holds no answers to this study: {_said(error)}. Expected a file that the "
                "judge's page made, unchanged."
            ) from error
        try:
            with storage.engine.begin() as connection:
                for judge, rows in told:
                    _store(connection, study.id, judge, rows, total)
        except SQLAlchemyError as error:
            raise FeintError(f"The answers in {path} could not be stored: {error}.") from error
    return total


def _read(path: Path) -> list[Any]:
    content = read_bytes(path, 16 * TEXT_LIMIT)
    try:
        return [parse(content)]
    except ValueError:
        return [parse(line) for line in content.splitlines() if line.strip()]


def _one(study: Study, told: Any) -> tuple[str, list[dict[str, Any]]]:
    """A judge and the rows of their answers."""
    judge = told["judge"]
    if (why := unkept(told)) is not None:
        raise ValueError(f"it holds {why}")
    if told["study"] != study.id:
        raise ValueError(f"it is of the study {str(told['study'])[:12]}, not {study.id[:12]}")
    if not re.fullmatch(r"[0-9a-f]{32}", judge):
        raise ValueError("the judge's id is not 32 hex digits")
    rows = []
    for one in told["answers"]:
        fields = one["body"] if "body" in one else {k: v for k, v in one.items() if k != "trial"}
        if one["trial"] not in study.by_name:
            raise ValueError("it names a trial that the study does not have")
        found = row(study, judge, one["trial"], Answer.model_validate(fields))
        if len(found["raw"].encode()) > RAW_LIMIT:
            raise ValueError(f"jsPsych's record is larger than {RAW_LIMIT} bytes")
        rows.append(found)
    return judge, rows


def _store(
    connection: sa.Connection, study: str, judge: str, rows: list[dict[str, Any]], total: Collected
) -> None:
    known = sa.select(judges.c.id).where(judges.c.study == study, judges.c.id == judge)
    if connection.execute(known).first() is None:
        token = hashed(secrets.token_urlsafe(32))  # nobody has it
        now = datetime.datetime.now(datetime.UTC)
        new = {"study": study, "id": judge, "token": token, "consented": now}
        connection.execute(sa.insert(judges), new)
        total.judges += 1
    for outcome in insert(connection, rows) if rows else ():
        total.stored += outcome is Outcome.STORED
        total.same += outcome is Outcome.SAME
        total.other += outcome is Outcome.OTHER


def _said(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return first_of(error)
    return f"{error}" if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
