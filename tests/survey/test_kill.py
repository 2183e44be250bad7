"""SIGKILL in the middle of a crowd: every acknowledged answer is there, none twice."""

import asyncio
from pathlib import Path

import pytest
from tests.survey.judging import ADMIN, Process, Seen, client, crowd, kept, killed

from feint.survey.storage import beside

JUDGES = 12
MOMENT = 30
"""How many answers are acknowledged when the server is killed."""


async def again(base: str, tokens: dict[str, str], seen: Seen) -> list[int]:
    """What every answer that was ever sent is told when it is sent once more."""
    told = []
    async with client(base) as one:
        for (judge, trial), choice in seen.sent.items():
            body = {"choice": choice, "rt_ms": 1.0, "position": 0, "raw": {}}
            headers = {"Authorization": f"Bearer {tokens[judge]}"}
            answer = await one.put(f"/api/answers/{trial}", json=body, headers=headers)
            told.append(answer.status_code)
    return told


@pytest.mark.slow
def test_what_was_acknowledged_is_there(folder: Path, url: str | None, small_study):
    """benchmarks/survey_load.py does the same with 200 judges, again and again."""
    seen, study = Seen(), small_study.id
    with Process(folder, url) as server:
        killed(server, study, JUDGES, MOMENT, seen)
    found = kept(url or beside(folder), study)
    assert len(seen.acknowledged) >= MOMENT
    assert len(seen.sent) > len(seen.acknowledged), "it was killed too late to mean anything"
    assert seen.acknowledged.items() <= found.items()
    assert found.items() <= seen.sent.items()
    with Process(folder, url) as server:
        told = asyncio.run(again(server.base, seen.tokens, seen))
        assert set(told) <= {200, 201}
        crowded = Seen()
        asyncio.run(crowd(server.base, study, 2, crowded))
        progress = asyncio.run(_progress(server.base))
    assert kept(url or beside(folder), study) == {**seen.sent, **crowded.acknowledged}
    assert progress["answers"] == len(seen.sent) + len(crowded.acknowledged)


async def _progress(base: str) -> dict[str, int]:
    async with client(base) as one:
        return (await one.get("/api/admin/progress", headers=ADMIN)).json()
