"""The study's server: its FastAPI application and the endpoints for judges.

A judge is a random id and a token, both made at consent.  The page stores the token, the database
its SHA-256.  The server stores nothing else about a judge, and sends nothing about one judge to
another.  The researcher's endpoints are in `admin.py`.
"""

import contextlib
import datetime
import secrets
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema
from starlette.concurrency import run_in_threadpool

from feint.errors import FeintError
from feint.survey.answers.database import Storage, default_url, hash_token
from feint.survey.answers.schema import RAW_LIMIT, Answer, answer_row
from feint.survey.answers.writer import Outcome
from feint.survey.server import admin, errors, static_files
from feint.survey.server.errors import error_responses, http_error
from feint.survey.server.middleware import RequestGuard, ServerLimits, client_key
from feint.survey.server.state import ServerState
from feint.survey.study.schema import Study


def _agreed(consent: bool) -> bool:
    if not consent:
        raise ValueError("taking part needs consent")
    return consent


class Consent(BaseModel):
    """A judge's consent, as the page sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    study: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    consent: Annotated[bool, AfterValidator(_agreed), WithJsonSchema({"const": True})]


class StudyInfo(BaseModel):
    """What a judge may read of a study before consent."""

    id: str
    name: str
    consent: str
    instructions: list[str]
    thanks: str
    skeleton: dict[str, JsonValue]
    trials: int


class Stored(BaseModel):
    """The reply to an answer that is on the disk."""

    stored: Literal[True]


class JudgeProgress(BaseModel):
    """A judge's trials in their order, and the names of those answered."""

    judge: str
    trials: list[dict[str, JsonValue]]
    answered: list[str]


class NewJudge(JudgeProgress):
    """A new judge and their token, which is sent only once."""

    token: str


def create_app(
    folder: Path, url: str | None = None, *, admin_token: str, limits: ServerLimits | None = None
) -> FastAPI:
    """Make the server of a study, an ASGI application.  `app.state.server.close()` ends it.

    Args:
        folder: the study's folder; every file in it is read and checked first.
        url: URL of the database; the default is `answers.sqlite` in the folder.
        admin_token: the token that gives access to all answers.
        limits: limits of the server.

    Raises:
        FeintError: the study is damaged, the database cannot be used, or the token is too short.
    """
    if len(admin_token) < admin.MIN_TOKEN_LENGTH:
        raise FeintError(
            f"The admin token has {len(admin_token)} characters; expected at least "
            f"{admin.MIN_TOKEN_LENGTH}. Without a token given, feint makes one.",
            code="bad-token",
        )
    Study.load(folder)  # before a database is created
    storage = Storage(url or default_url(folder))
    try:
        server = ServerState(folder, storage, limits or ServerLimits(), admin_token)
    except BaseException:
        storage.close()
        raise

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(server.close)

    app = FastAPI(
        title="feint survey",
        version=version("feint"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.server = server
    errors.install(app)
    app.include_router(static_files.pages())
    app.include_router(_study_routes(server))
    app.include_router(_judge_routes(server))
    app.include_router(admin.admin_routes(server))
    app.add_middleware(RequestGuard)
    return app


def _study_routes(server: ServerState) -> APIRouter:
    """Routes that need no token: the study, its stimuli, and taking part."""
    router = APIRouter()

    @router.get("/api/study", response_model=StudyInfo, responses=error_responses())
    async def get_study() -> JSONResponse:
        """What a judge reads before consent."""
        return JSONResponse(server.info)

    @router.get("/api/stimuli/{name}", responses=error_responses(404))
    async def get_stimulus(request: Request, name: str) -> Response:
        """A stimulus; it never changes."""
        if name not in server.stimuli:
            raise http_error(404, "The study has no such stimulus.")
        return server.stimuli[name].response(request)

    @router.post(
        "/api/judges",
        status_code=201,
        response_model=NewJudge,
        responses=error_responses(404, 409, 429, 503),
    )
    async def join(request: Request, consent: Consent) -> JSONResponse:
        """Take part: makes a judge and sends their token, once."""
        address = client_key(request.client.host if request.client else None)
        if seconds := server.join_limit.take(address):
            message = "Too many new judges from this address; wait a while."
            raise http_error(429, message, retry=seconds)
        if consent.study != server.study.id:
            raise http_error(404, "This server serves another study. Reload the page.")
        if not await run_in_threadpool(server.unchanged):
            raise http_error(503, "The study was changed; the researcher must restart the server.")
        judge, token = secrets.token_hex(16), secrets.token_urlsafe(32)
        now = datetime.datetime.now(datetime.UTC)
        digest = hash_token(token)
        row = {"study": server.study.id, "id": judge, "token": digest, "consented": now}
        outcome = await server.writer.store_judge(row, server.limits.max_judges)
        if outcome is Outcome.STUDY_FULL:
            raise http_error(409, "The study has enough judges. Thank you for coming.")
        server.remember(digest, judge)
        return JSONResponse({**server.progress(judge, []), "token": token}, 201)

    return router


def _judge_routes(server: ServerState) -> APIRouter:
    """Routes that need a judge's token: their progress and their answers."""
    router = APIRouter()
    study = server.study
    bearer = HTTPBearer(scheme_name="judge", description="A judge's token.", auto_error=False)

    async def authenticate(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> str:
        return await server.authenticate(given.credentials if given else "")

    Judge = Annotated[str, Depends(authenticate)]  # noqa: N806

    @router.get(
        "/api/judges/me", response_model=JudgeProgress, responses=error_responses(401, 429, 503)
    )
    async def resume(judge: Judge) -> JSONResponse:
        """A judge's progress, for a page that was reloaded."""
        answered = await run_in_threadpool(server.storage.answered_trials, study.id, judge)
        if answered is None:
            raise server.forget(judge)
        return JSONResponse(server.progress(judge, answered))

    @router.put(
        "/api/answers/{trial}",
        status_code=201,
        response_model=Stored,
        responses={
            200: {"model": Stored, "description": "The same choice was stored before"},
            **error_responses(401, 404, 409, 429, 503),
        },
    )
    async def put_answer(trial: str, answer: Answer, judge: Judge) -> JSONResponse:
        """Store an answer.  The reply comes after the commit; the answer never changes."""
        if trial not in study.by_name:
            raise http_error(404, "The study has no such trial.")
        try:
            row = answer_row(study, judge, trial, answer)
        except ValueError as error:
            raise http_error(422, f"{error}.") from error
        if len(row["raw"].encode()) > RAW_LIMIT:
            raise http_error(413, f"raw: too large; expected at most {RAW_LIMIT} bytes.")
        outcome = await server.writer.store_answer(row)
        if outcome is Outcome.CONFLICT:
            raise http_error(409, "Another answer to this trial is stored. It is kept.")
        if outcome is Outcome.UNKNOWN_JUDGE:
            raise server.forget(judge)
        return JSONResponse({"stored": True}, 201 if outcome is Outcome.STORED else 200)

    return router
