"""A server in a process of its own, and judges who answer it over HTTP."""

import asyncio
import os
import random
import signal
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from feint.survey.storage import Storage

TOKEN = "of-the-administrator-0123456789"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Making one for each of many clients takes longer than what is measured."""


class Process:
    """`feint survey serve` on a free port of loopback; killed at the end, if not before."""

    def __init__(self, folder: Path, url: str | None = None, port: int = 0) -> None:
        words = ["survey", "serve", str(folder), "--port", str(port), "--joins", "100000"]
        words += [] if url is None else ["--database", url]
        self.errors = folder.parent / "server.log"
        with self.errors.open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "feint.cli", *words],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "FEINT_ADMIN_TOKEN": TOKEN},
            )
        assert self.running.stdout is not None
        told = {}
        for line in self.running.stdout:
            name, _, rest = line.strip().partition(": ")
            told[name] = rest.strip()
            if name == "Researcher":
                break
        else:
            raise RuntimeError(f"the server did not start: {self.errors.read_text()}")
        self.base = told["Judges"].rstrip("/")
        self.port = int(self.base.rpartition(":")[2])
        self._wait()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                httpx.get(f"{self.base}/api/study", timeout=5).raise_for_status()
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError("the server does not answer")

    def kill(self) -> None:
        """As a failing machine would."""
        self.running.send_signal(signal.SIGKILL)
        self.running.wait()
        if self.running.stdout:
            self.running.stdout.close()

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self, a: type[BaseException] | None, b: BaseException | None, c: TracebackType | None
    ) -> None:
        if self.running.returncode is None:
            self.kill()


@dataclass
class Seen:
    """What judges were told.

    Attributes:
        acknowledged: the choice, by judge and trial, of every answer the server said is stored.
        seconds: from an answer's sending to its acknowledgement.
        sent: every choice, by judge and trial; it may or may not be stored.
        tokens: by judge.
    """

    acknowledged: dict[tuple[str, str], str | None] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    sent: dict[tuple[str, str], str | None] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


def client(base: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base, timeout=30, verify=_NO_TLS, trust_env=False)


async def join(one: httpx.AsyncClient, study: str) -> dict[str, Any]:
    told = await one.post("/api/judges", json={"study": study, "consent": True})
    told.raise_for_status()
    return dict(told.json())


async def judge(base: str, study: str, number: int, seen: Seen, pause: float = 0.0) -> None:
    """Take part, choose anything (or nothing), and note what was acknowledged.

    Raises:
        httpx.TransportError: the server is gone.
    """
    draw = random.Random(number)
    async with client(base) as one:
        me = await join(one, study)
        seen.tokens[me["judge"]] = me["token"]
        headers = {"Authorization": f"Bearer {me['token']}"}
        for position, trial in enumerate(me["trials"]):
            if pause:
                await asyncio.sleep(draw.uniform(0, 2 * pause))
            choice = draw.choice([None, *(option["value"] for option in trial["options"])])
            body = {"choice": choice, "rt_ms": draw.uniform(500, 9000), "position": position}
            raw = {"trial_type": "feint-skeletons", "trial_index": position, "response": choice}
            key = (me["judge"], trial["name"])
            seen.sent[key] = choice
            begun = time.perf_counter()
            told = await one.put(
                f"/api/answers/{trial['name']}", json={**body, "raw": raw}, headers=headers
            )
            if told.status_code != 201:
                raise RuntimeError(f"{told.status_code} {told.text}")
            seen.seconds.append(time.perf_counter() - begun)
            seen.acknowledged[key] = choice


async def crowd(base: str, study: str, many: int, seen: Seen, pause: float = 0.0) -> None:
    """So many judges at once; ends when all have, or the server is gone."""
    told = await asyncio.gather(
        *(judge(base, study, i, seen, pause) for i in range(many)), return_exceptions=True
    )
    wrong = [one for one in told if one and not isinstance(one, httpx.TransportError)]
    if wrong:
        raise wrong[0]


def killed(server: Process, study: str, many: int, after: int, seen: Seen) -> None:
    """Let a crowd answer, and kill the server once so many more answers are acknowledged."""

    async def both() -> None:
        work = asyncio.ensure_future(crowd(server.base, study, many, seen))
        goal, end = len(seen.acknowledged) + after, time.monotonic() + 60
        while len(seen.acknowledged) < goal and not work.done() and time.monotonic() < end:
            await asyncio.sleep(0)
        server.kill()
        await work

    asyncio.run(both())


def kept(url: str, study: str) -> dict[tuple[str, str], str | None]:
    storage = Storage(url)
    table = storage.answers(study)
    storage.close()
    found = {(row["judge"], row["trial"]): row["choice"] for row in table.iter_rows(named=True)}
    assert len(found) == len(table), "an answer is there twice"
    return found
