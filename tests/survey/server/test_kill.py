"""SIGKILL in the middle of a crowd: every acknowledged answer is there, none twice."""

import asyncio
from pathlib import Path

import pytest
from tests.survey.judging import Process, Seen, again, crowd, kept, killed

from feint.survey.answers.database import default_url

JUDGES = 12
"""At once."""
MOMENT = 30
"""How many answers are acknowledged when the server is killed."""


@pytest.mark.slow
def test_what_was_acknowledged_is_there(folder: Path, url: str | None, small_study):
    """benchmarks/survey_load.py does the same with 200 judges, again and again."""
    seen, study = Seen(), small_study.id
    with Process(folder, url) as server:
        killed(server, study, JUDGES, MOMENT, seen)
    found = kept(url or default_url(folder), study)
    assert len(seen.acknowledged) >= MOMENT
    assert len(seen.sent) > len(seen.acknowledged), "it was killed too late to mean anything"
    assert seen.acknowledged.items() <= found.items()
    assert found.items() <= seen.sent.items()
    with Process(folder, url) as server:
        assert asyncio.run(again(server.base, seen)) == {200, 201}
        crowded = Seen()
        asyncio.run(crowd(server.base, study, 2, crowded))
    assert server.errors.read_text() == "", "and nobody's address was logged"
    assert kept(url or default_url(folder), study) == {**seen.sent, **crowded.acknowledged}
