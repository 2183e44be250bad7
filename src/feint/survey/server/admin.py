"""The researcher's part of the server: progress, thresholds, and the answers as files.

Every endpoint here needs the admin token; the judges' endpoints are in `app.py`.
"""

import asyncio
import hmac
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import JsonValue
from starlette.concurrency import run_in_threadpool

from feint.errors import FeintError
from feint.survey.answers import export
from feint.survey.answers.database import Storage, hash_token
from feint.survey.server.errors import error_responses, http_error
from feint.survey.server.state import ServerState
from feint.survey.study.schema import NONE, Study, Trial

MIN_TOKEN_LENGTH = 20
"""Characters of the admin token, at least."""
RESAMPLES = 200
"""Resamples of judges for the researcher's page; `feint survey threshold` takes 1000."""


def progress(study: Study, storage: Storage) -> dict[str, Any]:
    """The number of judges, and of answers by trial and by objective."""
    counts = storage.choice_counts(study.id)
    by_trial: dict[str, dict[str | None, int]] = {}
    for trial, choice, number in counts.iter_rows():
        by_trial.setdefault(trial, {})[choice] = number
    return {
        "judges": {
            "consented": storage.count_judges(study.id),
            "finished": storage.count_finished(study.id, len(study.trials)),
        },
        "answers": int(counts["answers"].sum()),
        "trials": [_trial(one, by_trial.get(one.name, {})) for one in study.trials],
        "objectives": _objectives(study, by_trial),
    }


def _trial(trial: Trial, chosen: dict[str | None, int]) -> dict[str, Any]:
    missing = chosen.get(None, 0)
    return {
        "name": trial.name,
        "kind": trial.kind,
        "objective": trial.objective,
        "answered": sum(chosen.values()) - missing,
        "missing": missing,
    }


def _objectives(study: Study, by_trial: dict[str, dict[str | None, int]]) -> list[dict[str, Any]]:
    """The votes of every objective: the paper's question, without practice and catch trials."""
    rows = []
    for objective in study.objectives:
        trials = [
            trial
            for trial in study.trials
            if trial.objective == objective.name
            and trial.kind == "leftmost"
            and not (trial.practice or trial.catch)
        ]
        if not trials:
            continue
        panels = trials[0].panels
        chosen: dict[str | None, int] = {}
        for trial in trials:
            for choice, number in by_trial.get(trial.name, {}).items():
                chosen[choice] = chosen.get(choice, 0) + number
        rows.append(
            {
                **objective.model_dump(include={"name", "action", "reaction", "model"}),
                "eps": [panel.eps for panel in panels],
                "distances": [panel.distance_frame for panel in panels],
                "votes": [chosen.get(str(i + 1), 0) for i in range(len(panels))],
                "none": chosen.get(NONE, 0),
                "missing": chosen.get(None, 0),
            }
        )
    return rows


def estimate_thresholds(study: Study, answers: pl.DataFrame) -> dict[str, Any]:
    """The thresholds from the answers so far.  Raises FeintError if there are too few."""
    try:
        from feint.survey.analysis.estimate import estimate
    except ImportError as error:
        raise FeintError(
            f"Thresholds cannot be estimated: {error.name} is not installed. Expected: pip "
            "install 'feint[survey]'",
            code="missing-package",
        ) from error
    return estimate(study, answers, draws=RESAMPLES).to_dict()


def admin_routes(server: ServerState) -> APIRouter:
    """The routes under /api/admin; all need the admin token."""
    router, study, storage = APIRouter(), server.study, server.storage
    bearer = HTTPBearer(scheme_name="admin", description="The admin token.", auto_error=False)
    one_at_a_time = asyncio.Lock()
    latest: dict[tuple[Any, ...], dict[str, Any]] = {}

    async def authorize(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> None:
        if not hmac.compare_digest(hash_token(given.credentials if given else ""), server.admin):
            raise http_error(401, "The token is not the admin token.", bearer=True)

    part = APIRouter(prefix="/api/admin", dependencies=[Depends(authorize)])

    @part.get("/progress", responses=error_responses(401, 503))
    async def get_progress() -> dict[str, JsonValue]:
        """The number of judges and answers so far."""
        return await run_in_threadpool(progress, study, storage)

    @part.get("/thresholds", responses=error_responses(401, 409, 503))
    async def get_thresholds() -> JSONResponse:
        """The thresholds from the answers so far."""
        async with one_at_a_time:
            answers = await run_in_threadpool(storage.answers, study.id)
            # The number alone is not enough: after a deletion, new answers can restore it.
            now = (len(answers), answers["received"].max())
            if now not in latest:
                try:
                    found = await run_in_threadpool(estimate_thresholds, study, answers)
                except FeintError as error:
                    raise http_error(409, str(error)) from error
                latest.clear()
                latest[now] = found
            return JSONResponse(latest[now])

    csv_responses = {**error_responses(401, 503), 200: {"content": {"text/csv": {}}}}

    @part.get("/answers.csv", response_class=Response, responses=csv_responses)
    async def get_csv() -> Response:
        """The answers as CSV with jsPsych's column names."""
        content = await run_in_threadpool(lambda: export.to_csv(storage.answers(study.id)))
        return _file(content, "text/csv; charset=utf-8", "answers.csv")

    @part.get("/answers.parquet", response_class=Response, responses=error_responses(401, 503))
    async def get_parquet() -> Response:
        """The answers as Parquet."""
        content = await run_in_threadpool(lambda: export.to_parquet(storage.answers(study.id)))
        return _file(content, "application/vnd.apache.parquet", "answers.parquet")

    router.include_router(part)
    return router


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
