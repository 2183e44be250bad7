"""What the researcher may ask a server for: how far it is, kappa, and the answers."""

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
from feint.survey.answers.database import Storage, hashed
from feint.survey.server.errors import refusals, refused
from feint.survey.server.state import Served
from feint.survey.study.schema import NONE, Study, Trial

LEAST = 20
"""Characters of the administrator's token."""
DRAWS = 200
"""Resamples of judges for the researcher's page; `feint survey kappa` takes 1000."""


def progress(study: Study, storage: Storage) -> dict[str, Any]:
    """How many judges, and what they answered, by trial and by objective."""
    counts = storage.counts(study.id)
    by_trial: dict[str, dict[str | None, int]] = {}
    for trial, choice, number in counts.iter_rows():
        by_trial.setdefault(trial, {})[choice] = number
    return {
        "judges": {
            "consented": storage.judges(study.id),
            "finished": storage.finished(study.id, len(study.trials)),
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
    """The votes of every objective, over its trials of the paper's question that count."""
    told = []
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
        told.append(
            {
                **objective.model_dump(include={"name", "action", "reaction", "model"}),
                "eps": [panel.eps for panel in panels],
                "distances": [panel.distance_frame for panel in panels],
                "votes": [chosen.get(str(i + 1), 0) for i in range(len(panels))],
                "none": chosen.get(NONE, 0),
                "missing": chosen.get(None, 0),
            }
        )
    return told


def estimated(study: Study, answers: pl.DataFrame) -> dict[str, Any]:
    """Kappa as it is now.  Raises FeintError if too little was answered."""
    try:
        from feint.survey.analysis.estimate import estimate
    except ImportError as error:
        raise FeintError(f"Kappa cannot be estimated here: {error.name} is missing.") from error
    return estimate(study, answers, draws=DRAWS).told()


def router(served: Served) -> APIRouter:
    """The administrator's part of a server."""
    router, study, storage = APIRouter(), served.study, served.storage
    bearer = HTTPBearer(scheme_name="admin", description="The admin token.", auto_error=False)
    one_at_a_time = asyncio.Lock()
    latest: dict[tuple[Any, ...], dict[str, Any]] = {}

    async def allowed(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> None:
        if not hmac.compare_digest(hashed(given.credentials if given else ""), served.admin):
            raise refused(401, "This is not the administrator's token.", bearer=True)

    part = APIRouter(prefix="/api/admin", dependencies=[Depends(allowed)])

    @part.get("/progress", responses=refusals(401, 503))
    async def far() -> dict[str, JsonValue]:
        """How far the study is."""
        return await run_in_threadpool(progress, study, storage)

    @part.get("/kappa", responses=refusals(401, 409, 503))
    async def kappa() -> JSONResponse:
        """Kappa from what was answered so far."""
        async with one_at_a_time:
            answers = await run_in_threadpool(storage.answers, study.id)
            # The number alone would not do: who is forgotten makes room for another answer.
            now = (len(answers), answers["received"].max())
            if now not in latest:
                try:
                    told = await run_in_threadpool(estimated, study, answers)
                except FeintError as error:
                    raise refused(409, str(error)) from error
                latest.clear()
                latest[now] = told
            return JSONResponse(latest[now])

    @part.get("/answers.csv", response_class=Response, responses={**refusals(401, 503), **_CSV})
    async def csv() -> Response:
        """The answers in jsPsych's columns."""
        content = await run_in_threadpool(lambda: export.csv(storage.answers(study.id)))
        return _file(content, "text/csv; charset=utf-8", "answers.csv")

    @part.get("/answers.parquet", response_class=Response, responses=refusals(401, 503))
    async def parquet() -> Response:
        """The answers as they are stored."""
        content = await run_in_threadpool(lambda: export.parquet(storage.answers(study.id)))
        return _file(content, "application/vnd.apache.parquet", "answers.parquet")

    router.include_router(part)
    return router


_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}


def _file(content: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)
