"""A server in a process of its own, and judges who answer it over HTTP."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from feint.survey.answers.database import Storage

TOKEN = "of-the-administrator-0123456789"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}


class Process:
    """`feint survey serve` on a free port of loopback; killed at the end, if not before."""

    def __init__(self, folder: Path, url: str | None = None, port: int = 0) -> None:
        words = ["survey", "serve", str(folder), "--port", str(port)]
        words += ["--max-joins-per-minute", "100000"]
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
        reply = {}
        for line in self.running.stdout:
            name, _, rest = line.strip().partition(": ")
            reply[name] = rest.strip()
            if name == "Researcher":
                break
        else:
            raise RuntimeError(f"the server did not start: {self.errors.read_text()}")
        self.base = reply["Judges"].rstrip("/")
        self.port = int(self.base.rpartition(":")[2])

    def worked(self) -> float:
        """Seconds of a processor that it took so far."""
        reply = Path(f"/proc/{self.running.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(reply[11]) + int(reply[12])) / os.sysconf("SC_CLK_TCK")

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
    """What judges received.

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


class Wire:
    """HTTP/1.1 on one connection and no more of it than is needed: 200 clients that do more take
    longer than the server they measure."""

    def __init__(self, base: str) -> None:
        self._host, _, port = base.removeprefix("http://").rpartition(":")
        self._port = int(port)

    async def __aenter__(self) -> "Wire":
        self._read, self._write = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._write.close()

    async def ask(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of an answer.  Raises GONE where there is none."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: study", f"Content-Length: {len(content)}"]
        lines += [] if body is None else ["Content-Type: application/json"]
        lines += [] if token is None else [f"Authorization: Bearer {token}"]
        self._write.write("\r\n".join([*lines, "", ""]).encode() + content)
        head = (await self._read.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split()[0])
        return int(head.split()[1]), json.loads(await self._read.readexactly(length))


GONE = (OSError, asyncio.IncompleteReadError)
"""What a server that was killed looks like."""


async def join(one: Wire, study: str) -> dict[str, Any]:
    status, reply = await one.ask("POST", "/api/judges", {"study": study, "consent": True})
    if status != 201:
        raise RuntimeError(f"{status} {reply}")
    return dict(reply)


async def judge(base: str, study: str, number: int, seen: Seen, pause: float = 0.0) -> None:
    """Take part, choose anything (or nothing), and note what was acknowledged.  Raises GONE."""
    draw = random.Random(number)
    async with Wire(base) as one:
        me = await join(one, study)
        seen.tokens[me["judge"]] = me["token"]
        for position, trial in enumerate(me["trials"]):
            if pause:
                await asyncio.sleep(draw.uniform(0, 2 * pause))
            choice = draw.choice([None, *(option["value"] for option in trial["options"])])
            raw = {"trial_type": "feint-skeletons", "trial_index": position, "response": choice}
            reply = {"choice": choice, "rt_ms": draw.uniform(500, 9000), "position": position}
            key = (me["judge"], trial["name"])
            seen.sent[key] = choice
            begun = time.perf_counter()
            path, body = f"/api/answers/{trial['name']}", {**reply, "raw": raw}
            status, said = await one.ask("PUT", path, body, me["token"])
            if status != 201:
                raise RuntimeError(f"{status} {said}")
            seen.seconds.append(time.perf_counter() - begun)
            seen.acknowledged[key] = choice


async def crowd(base: str, study: str, many: int, seen: Seen, pause: float = 0.0) -> None:
    """So many judges at once; ends when all have answered everything, or the server is gone."""
    reply = await asyncio.gather(
        *(judge(base, study, i, seen, pause) for i in range(many)), return_exceptions=True
    )
    wrong = [one for one in reply if one and not isinstance(one, GONE)]
    if wrong:
        raise wrong[0]


async def again(base: str, seen: Seen, all_: bool = True) -> set[int]:
    """The statuses of answers that are sent again: of all, or of those not acknowledged."""
    reply = set()
    some = seen.sent if all_ else dict(seen.sent.items() - seen.acknowledged.items())
    async with Wire(base) as one:
        for (judge, trial), choice in some.items():
            body = {"choice": choice, "rt_ms": 1.0, "position": 0, "raw": {}}
            reply.add((await one.ask("PUT", f"/api/answers/{trial}", body, seen.tokens[judge]))[0])
    return reply


def killed(server: Process, study: str, many: int, after: int, seen: Seen) -> None:
    """Let a crowd answer, and kill the server once so many more answers are acknowledged."""

    async def both() -> None:
        work = asyncio.ensure_future(crowd(server.base, study, many, seen))
        goal, end = len(seen.acknowledged) + after, time.monotonic() + 60
        while len(seen.acknowledged) < goal and not work.done() and time.monotonic() < end:
            await asyncio.sleep(0.001)
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
