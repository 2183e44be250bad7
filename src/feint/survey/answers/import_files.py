"""Import answers from files: `feint survey import-answers`.

The files come from a study that was hosted without a server, or from a judge who saved answers
that the page could not send.  A file has `{"study", "judge", "answers": [...]}` of one judge, or
one such object a line, as JATOS exports results.
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
from feint.survey.answers.database import Storage, hash_token, judges
from feint.survey.answers.schema import RAW_LIMIT, Answer, answer_row, unstorable_reason
from feint.survey.answers.writer import Outcome, insert_answers
from feint.survey.study.schema import Study


@dataclass
class ImportReport:
    """Result of an import.

    Attributes:
        judges: new judges.
        stored: new answers.
        unchanged: answers that were stored before.
        conflicts: answers with another choice than the stored one, which was kept.
    """

    judges: int = 0
    stored: int = 0
    unchanged: int = 0
    conflicts: int = 0


def import_answers(study: Study, storage: Storage, paths: list[Path]) -> ImportReport:
    """Store every answer in some files.  Answers that are already stored change nothing.

    Raises:
        FeintError: a file does not contain answers to this study.  The answers in the files before
            it are stored.
    """
    total = ImportReport()
    for path in paths:
        try:
            found = [_parse_judge(study, one) for one in _read(path)]
        except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FeintError(
                f"{path} does not contain answers to this study: {_reason(error)}. Expected an "
                "unchanged file from the judge's page.",
                code="bad-answers",
            ) from error
        try:
            with storage.engine.begin() as connection:
                for judge, rows in found:
                    _store(connection, study.id, judge, rows, total)
        except SQLAlchemyError as error:
            raise FeintError(
                f"The answers in {path} could not be stored: {error}.", code="not-stored"
            ) from error
    return total


def _read(path: Path) -> list[Any]:
    content = read_bytes(path, 16 * TEXT_LIMIT)
    try:
        return [parse(content)]
    except ValueError:
        return [parse(line) for line in content.splitlines() if line.strip()]


def _parse_judge(study: Study, content: Any) -> tuple[str, list[dict[str, Any]]]:
    """A judge's id and the rows of their answers."""
    judge = content["judge"]
    if (why := unstorable_reason(content)) is not None:
        raise ValueError(f"it contains {why}")
    if content["study"] != study.id:
        raise ValueError(f"its study is {str(content['study'])[:12]}, not {study.id[:12]}")
    if not re.fullmatch(r"[0-9a-f]{32}", judge):
        raise ValueError("the judge's id is not 32 hex digits")
    rows = []
    for one in content["answers"]:
        fields = one["body"] if "body" in one else {k: v for k, v in one.items() if k != "trial"}
        if one["trial"] not in study.by_name:
            raise ValueError("it names a trial that the study does not have")
        found = answer_row(study, judge, one["trial"], Answer.model_validate(fields))
        if len(found["raw"].encode()) > RAW_LIMIT:
            raise ValueError(f"jsPsych's record is larger than {RAW_LIMIT} bytes")
        rows.append(found)
    return judge, rows


def _store(
    connection: sa.Connection,
    study: str,
    judge: str,
    rows: list[dict[str, Any]],
    total: ImportReport,
) -> None:
    known = sa.select(judges.c.id).where(judges.c.study == study, judges.c.id == judge)
    if connection.execute(known).first() is None:
        token = hash_token(secrets.token_urlsafe(32))  # no one knows this token
        now = datetime.datetime.now(datetime.UTC)
        new = {"study": study, "id": judge, "token": token, "consented": now}
        connection.execute(sa.insert(judges), new)
        total.judges += 1
    for outcome in insert_answers(connection, rows) if rows else ():
        total.stored += outcome is Outcome.STORED
        total.unchanged += outcome is Outcome.UNCHANGED
        total.conflicts += outcome is Outcome.CONFLICT


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return first_of(error)
    return f"{error}" if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
