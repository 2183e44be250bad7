"""The server of a study: its pages, its stimuli, and the judges' answers.

A judge is a random id and a token, made when they agree to take part; the page keeps the token, and
the database its SHA-256.  Nothing else is known of them, and nothing of one is told to another.
"""

import contextlib
import datetime
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema
from starlette.concurrency import run_in_threadpool

import feint
from feint.errors import FeintError
from feint.survey.answers import schema
from feint.survey.answers.database import Storage, beside, hashed
from feint.survey.answers.schema import RAW_LIMIT, Answer
from feint.survey.answers.writer import Outcome
from feint.survey.server import admin, errors, static_files
from feint.survey.server.errors import refusals, refused
from feint.survey.server.middleware import Guard, Limits, place
from feint.survey.server.state import Served
from feint.survey.study.schema import Study


def _agreed(told: bool) -> bool:
    if not told:
        raise ValueError("nobody takes part without it")
    return told


class Consent(BaseModel):
    """What a judge agrees to, as the page sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    study: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    consent: Annotated[bool, AfterValidator(_agreed), WithJsonSchema({"const": True})]


class About(BaseModel):
    """A study, as a judge may see it."""

    id: str
    name: str
    consent: str
    instructions: list[str]
    thanks: str
    skeleton: dict[str, JsonValue]
    trials: int


class Stored(BaseModel):
    """What is said of an answer that is on the disk."""

    stored: Literal[True]


class Place(BaseModel):
    """Where a judge is: the trials in their order, and the names of those answered."""

    judge: str
    trials: list[dict[str, JsonValue]]
    answered: list[str]


class Welcome(Place):
    """A new judge, and the token that is told once."""

    token: str


def app(
    folder: Path, url: str | None = None, *, admin_token: str, limits: Limits | None = None
) -> FastAPI:
    """The server of a study, as an ASGI application; `app.state.served.close()` ends it.

    Args:
        folder: the study's; all of it is read, and checked, before anything is served.
        url: of the database; `answers.sqlite` in the folder if not given.
        admin_token: who has it may read everything.
        limits: how often, and how many.

    Raises:
        FeintError: no whole study, or a database that cannot be used.
    """
    if len(admin_token) < admin.LEAST:
        raise FeintError(
            f"The administrator's token has {len(admin_token)} characters; expected at least "
            f"{admin.LEAST}, such as feint makes if none is given."
        )
    Study.load(folder)  # or a database is made where no study is
    storage = Storage(url or beside(folder))
    try:
        served = Served(folder, storage, limits or Limits(), admin_token)
    except BaseException:
        storage.close()
        raise

    @contextlib.asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(served.close)

    made = FastAPI(
        title="feint survey",
        version=feint.__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=life,
    )
    made.state.served = served
    errors.install(made)
    made.include_router(static_files.pages())
    made.include_router(_judging(served))
    made.include_router(admin.router(served))
    made.add_middleware(Guard)
    return made


def _judging(served: Served) -> APIRouter:
    router = APIRouter()
    study, writer = served.study, served.writer
    bearer = HTTPBearer(scheme_name="judge", description="A judge's token.", auto_error=False)

    async def known(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> str:
        return await served.judge(given.credentials if given else "")

    Judge = Annotated[str, Depends(known)]  # noqa: N806

    @router.get("/api/study", response_model=About, responses=refusals())
    async def told() -> JSONResponse:
        """What a judge reads before they agree."""
        return JSONResponse(served.about)

    @router.get("/api/stimuli/{name}", responses=refusals(404))
    async def stimulus(request: Request, name: str) -> Response:
        """A stimulus; it never changes."""
        if name not in served.stimuli:
            raise refused(404, "The study has no such stimulus.")
        return served.stimuli[name].response(request)

    @router.post(
        "/api/judges",
        status_code=201,
        response_model=Welcome,
        responses=refusals(404, 409, 429, 503),
    )
    async def join(request: Request, consent: Consent) -> JSONResponse:
        """Take part: make a judge, who is told their token once."""
        if seconds := served.joins.wait(place(request.client.host if request.client else None)):
            raise refused(429, "Too many new judges from here; wait a while.", retry=seconds)
        if consent.study != study.id:
            raise refused(404, "This is not the study that is served here. Reload the page.")
        if not await run_in_threadpool(served.unchanged):
            raise refused(503, "The study was changed; who runs it must start the server again.")
        judge, token = secrets.token_hex(16), secrets.token_urlsafe(32)
        row = {"study": study.id, "id": judge, "token": hashed(token), "consented": _now()}
        if await writer.judge(row, served.limits.judges) is Outcome.FULL:
            raise refused(409, "The study has as many judges as it wants. Thank you for coming.")
        served.remember(hashed(token), judge)
        return JSONResponse({**served.place(judge, []), "token": token}, 201)

    @router.get("/api/judges/me", response_model=Place, responses=refusals(401, 429, 503))
    async def resume(judge: Judge) -> JSONResponse:
        """Where a judge is, after a reload."""
        answered = await run_in_threadpool(served.storage.answered, study.id, judge)
        if answered is None:
            raise served.gone(judge)
        return JSONResponse(served.place(judge, answered))

    @router.put(
        "/api/answers/{trial}",
        status_code=201,
        response_model=Stored,
        responses={
            200: {"model": Stored, "description": "The same choice was stored before"},
            **refusals(401, 404, 409, 429, 503),
        },
    )
    async def answer(trial: str, answer: Answer, judge: Judge) -> JSONResponse:
        """Store an answer: it is on the disk when this returns, and is never changed after."""
        if trial not in study.by_name:
            raise refused(404, "The study has no such trial.")
        try:
            row = schema.row(study, judge, trial, answer)
        except ValueError as error:
            raise refused(422, f"{error}.") from error
        if len(row["raw"].encode()) > RAW_LIMIT:
            raise refused(413, f"raw: too large; expected at most {RAW_LIMIT} bytes.")
        outcome = await writer.answer(row)
        if outcome is Outcome.OTHER:
            raise refused(409, "This trial was answered before, and otherwise. That answer stays.")
        if outcome is Outcome.NOBODY:
            raise served.gone(judge)
        return JSONResponse({"stored": True}, 201 if outcome is Outcome.STORED else 200)

    return router


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
