"""What a client is told when something is not as expected: `{"error": "one sentence"}`."""

import logging
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from feint.survey.answers.writer import NotStoredError

log = logging.getLogger(__name__)


class Problem(BaseModel):
    """What every refusal looks like."""

    error: str


WORDS = {
    400: "The request is no request, or its body no JSON",
    401: "No token, or not one of this study",
    404: "There is no such thing here",
    405: "The method is not for this path",
    408: "The body took too long",
    409: "It is at odds with what is stored",
    413: "The body is too large",
    415: "The body is not application/json",
    422: "The body is not as expected",
    429: "Too often; see Retry-After",
    503: "The database, or the study, is not available; nothing was stored",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What an endpoint may refuse with, for the OpenAPI schema."""
    always = (400, 405, 408, 413, 415, 422)
    return {
        status: {"model": Problem, "description": WORDS[status]}
        for status in sorted({*always, *statuses})
    }


def refused(
    status: int, told: str, retry: int | None = None, bearer: bool = False
) -> HTTPException:
    """A refusal, to be raised."""
    headers = {}
    if retry is not None:
        headers["Retry-After"] = str(retry)
    if bearer:
        headers["WWW-Authenticate"] = "Bearer"
    return HTTPException(status, told, headers or None)


def install(app: FastAPI) -> None:
    """Let an application tell every problem in these words."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NotStoredError, _database)
    app.add_exception_handler(SQLAlchemyError, _database)


async def _http(_: Request, error: Any) -> JSONResponse:
    """An HTTPException; the framework's own speak no sentence."""
    plain = {
        "Not Found": "There is no such thing here.",
        "Method Not Allowed": "This method is not for this path.",
    }
    told = plain.get(error.detail, error.detail)
    return JSONResponse({"error": told}, error.status_code, error.headers)


async def _invalid(_: Request, error: Any) -> JSONResponse:
    """Where and what of the first thing that is wrong; nothing of what came is said again."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return JSONResponse({"error": "The body is no JSON."}, 400)
    names = [str(part) for part in first["loc"] if part != "body"]
    where = ".".join(names) if all(re.fullmatch(r"[a-z_0-9]{1,20}", x) for x in names) else ""
    told = re.sub(r"[^\w ,.'<>=-]", "", first["msg"])
    return JSONResponse({"error": f"{where or 'The body'}: {told}."}, 422)


async def _database(_: Request, error: Exception) -> JSONResponse:
    log.error("the database: %s: %s", type(error).__name__, error.__cause__ or error)
    told = "The database is not available and nothing was stored. Try again in a moment."
    return JSONResponse({"error": told}, 503, {"Retry-After": "2"})
