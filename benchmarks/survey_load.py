"""200 judges at once: how long until an answer is stored, on SQLite and on PostgreSQL.

    python -m benchmarks.survey_load

The server is a process of its own, and all judges are one other, on loopback.  Every judge sends
the next answer as soon as the last is acknowledged ("no pause"), which people do not; "1 s" pauses
for a second on average.  Then the server is killed (SIGKILL) in the middle of such a crowd and
started again, five times on each database.  Prints what survey.md holds.
"""

import asyncio
import random
import tempfile
import time
from pathlib import Path

import numpy as np
from benchmarks.machine import made_by
from tests.survey import postgres, studies
from tests.survey.judging import Process, Seen, again, crowd, kept, killed

from feint.survey.answers.database import default_url
from feint.survey.study.schema import Study

JUDGES = 200
QUESTIONS = 18
"""For each of two objectives: 40 trials, as many as `feint survey make` asks."""

KILLS = 5


def measure(study: Study, folder: Path, url: str | None, pause: float) -> tuple[Seen, float, float]:
    """One crowd, through the whole study: what they saw, the seconds it took, and the server's."""
    seen = Seen()
    with Process(folder, url) as server:
        begun, before = time.perf_counter(), server.worked()
        asyncio.run(crowd(server.base, study.id, JUDGES, seen, pause))
        took, worked = time.perf_counter() - begun, server.worked() - before
    expected = JUDGES * len(study.trials)
    if len(seen.acknowledged) != expected:
        raise RuntimeError(f"{len(seen.acknowledged)} answers were stored, expected {expected}")
    return seen, took, worked


def kill(study: Study, folder: Path, url: str | None) -> str:
    """Kill a server `KILLS` times; what was found, as a row of a table.

    Raises:
        RuntimeError: an acknowledged answer is missing or changed, or one is there twice.
    """
    draw, seen, replayed = random.Random(1), Seen(), set()
    for _ in range(KILLS):
        with Process(folder, url) as server:
            killed(server, study.id, JUDGES, draw.randint(1, 2000), seen)
        found = kept(url or default_url(folder), study.id)
        if not seen.acknowledged.items() <= found.items() <= seen.sent.items():
            raise RuntimeError("what was acknowledged is not what is stored")
    lost = len(seen.sent) - len(found)
    with Process(folder, url) as server:
        replayed = asyncio.run(again(server.base, seen, all_=False))
    if kept(url or default_url(folder), study.id) != seen.sent or not replayed <= {200, 201}:
        raise RuntimeError("what was sent again is not what is stored")
    unsure = len(seen.sent) - len(seen.acknowledged)
    return f"{KILLS} | {len(seen.acknowledged)} | 0 | 0 | {unsure} | {unsure - lost} |"


def main() -> None:
    """Measure both, and print tables."""
    made = made_by("benchmarks.survey_load", 1)
    lines = [
        "| database | pause | answers | a second | p50 | p95 | p99 | slowest | processor |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    deaths = [
        "| database | kills | acknowledged | of these missing or changed | there twice "
        "| under way when it was killed | of these stored |",
        "|---|---|---|---|---|---|---|",
    ]
    study, stimuli = studies.small("load", QUESTIONS)
    with tempfile.TemporaryDirectory() as where, postgres.cluster(durable=True) as cluster:
        for database in ("SQLite", "PostgreSQL"):
            for pause in (0.0, 1.0):
                folder = Path(where) / f"{database}-{pause}" / "study"
                study.save(folder, stimuli)
                url = None if database == "SQLite" else cluster.schema()
                seen, took, worked = measure(study, folder, url, pause)
                p50, p95, p99 = np.percentile(seen.seconds, (50, 95, 99)) * 1000
                lines.append(
                    f"| {database} | {f'{pause:g} s' if pause else 'none'} | {len(seen.seconds)} "
                    f"| {len(seen.seconds) / took:.0f} | {p50:.0f} ms | {p95:.0f} ms "
                    f"| {p99:.0f} ms | {max(seen.seconds) * 1000:.0f} ms "
                    f"| {worked / len(seen.seconds) * 1000:.2f} ms an answer |"
                )
                print(lines[-1], flush=True)
            folder = Path(where) / f"{database}-killed" / "study"
            study.save(folder, stimuli)
            url = None if database == "SQLite" else cluster.schema()
            deaths.append(f"| {database} | {kill(study, folder, url)}")
            print(deaths[-1], flush=True)
    print("\n".join(["", *lines, "", *deaths, "", made]))


if __name__ == "__main__":
    main()
