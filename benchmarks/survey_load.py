"""200 judges at once: how long until an answer is stored, on SQLite and on PostgreSQL.

    python -m benchmarks.survey_load

The server is a process of its own, and all judges are one other, on loopback.  Every judge sends
the next answer as soon as the last is acknowledged ("no pause"), which people do not; "1 s" pauses
for a second on average.  Prints what survey.md holds.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import made_by
from feint.survey.study import Study
from tests.survey import postgres, studies
from tests.survey.judging import Process, Seen, crowd

JUDGES = 200
QUESTIONS = 18
"""For each of two objectives: 40 trials, as many as `feint survey make` asks."""


def measure(study: Study, folder: Path, url: str | None, pause: float) -> tuple[Seen, float]:
    """One crowd, through the whole study: what they saw, and how many seconds it took."""
    seen = Seen()
    with Process(folder, url) as server:
        begun = time.perf_counter()
        asyncio.run(crowd(server.base, study.id, JUDGES, seen, pause))
        took = time.perf_counter() - begun
    expected = JUDGES * len(study.trials)
    if len(seen.acknowledged) != expected:
        raise RuntimeError(f"{len(seen.acknowledged)} answers were stored, expected {expected}")
    return seen, took


def main() -> None:
    """Measure both, and print a table."""
    told = made_by("benchmarks.survey_load", 1)
    lines = [
        "| database | pause | answers | a second | p50 | p95 | p99 | slowest |",
        "|---|---|---|---|---|---|---|---|",
    ]
    study, stimuli = studies.small("load", QUESTIONS)
    with tempfile.TemporaryDirectory() as where, postgres.cluster() as cluster:
        for database in ("SQLite", "PostgreSQL"):
            for pause in (0.0, 1.0):
                folder = Path(where) / f"{database}-{pause}" / "study"
                study.save(folder, stimuli)
                url = None if database == "SQLite" else cluster.database()
                seen, took = measure(study, folder, url, pause)
                p50, p95, p99 = np.percentile(seen.seconds, (50, 95, 99)) * 1000
                lines.append(
                    f"| {database} | {f'{pause:g} s' if pause else 'none'} | {len(seen.seconds)} "
                    f"| {len(seen.seconds) / took:.0f} | {p50:.0f} ms | {p95:.0f} ms "
                    f"| {p99:.0f} ms | {max(seen.seconds) * 1000:.0f} ms |"
                )
                print(lines[-1], flush=True)
    print("\n".join(["", *lines, "", told]))


if __name__ == "__main__":
    main()
