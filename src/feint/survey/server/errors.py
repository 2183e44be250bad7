"""Error replies of the server: always `{"error": "one sentence"}`.

Raise `http_error(status, sentence)` in an endpoint, and list its status with `error_responses`.
"""

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


class ErrorBody(BaseModel):
    """The body of every error reply."""

    error: str


DESCRIPTIONS = {
    400: "Not a valid request, or a body that is not JSON",
    401: "No token, or a token of another study",
    404: "Not found",
    405: "This path does not allow the method",
    408: "The body took too long",
    409: "Conflict with what is stored",
    413: "The body is too large",
    415: "The body is not application/json",
    422: "The body is not valid",
    429: "Too many requests; see Retry-After",
    503: "The database or the study is not available; nothing was stored",
}


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error replies of an endpoint, for the OpenAPI schema."""
    always = (400, 405, 408, 413, 415, 422)
    return {
        status: {"model": ErrorBody, "description": DESCRIPTIONS[status]}
        for status in sorted({*always, *statuses})
    }


def http_error(
    status: int, sentence: str, retry: int | None = None, bearer: bool = False
) -> HTTPException:
    """An error reply, to be raised.

    Args:
        status: the HTTP status.
        sentence: the message for the client.
        retry: seconds for the header Retry-After.
        bearer: whether to ask for a bearer token.
    """
    headers = {}
    if retry is not None:
        headers["Retry-After"] = str(retry)
    if bearer:
        headers["WWW-Authenticate"] = "Bearer"
    return HTTPException(status, sentence, headers or None)


def install(app: FastAPI) -> None:
    """Make an application use these error replies for every error."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NotStoredError, _database)
    app.add_exception_handler(SQLAlchemyError, _database)


async def _http(_: Request, error: Any) -> JSONResponse:
    """An HTTPException; the framework's own have no sentence."""
    sentences = {
        "Not Found": "This path does not exist.",
        "Method Not Allowed": "This path does not allow the method.",
    }
    sentence = sentences.get(error.detail, error.detail)
    return JSONResponse({"error": sentence}, error.status_code, error.headers)


async def _invalid(_: Request, error: Any) -> JSONResponse:
    """Name the first invalid field and the fault.  The reply repeats nothing from the request."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return JSONResponse({"error": "The body is not JSON."}, 400)
    names = [str(part) for part in first["loc"] if part != "body"]
    where = ".".join(names) if all(re.fullmatch(r"[a-z_0-9]{1,20}", x) for x in names) else ""
    fault = re.sub(r"[^\w ,.'<>=-]", "", first["msg"])
    return JSONResponse({"error": f"{where or 'The body'}: {fault}."}, 422)


async def _database(_: Request, error: Exception) -> JSONResponse:
    log.error("the database: %s: %s", type(error).__name__, error.__cause__ or error)
    sentence = "The database is not available and nothing was stored. Try again in a moment."
    return JSONResponse({"error": sentence}, 503, {"Retry-After": "2"})
