"""Measure several processes against one another, turn by turn, so that all share the weather.

    with Worker([python, "-m", ...], threads=2) as a, Worker(...) as b:
        taken, others = alternate({"a": lambda: a.ask(steps=8), "b": ...}, rounds=7)

Only one works at a time.  Times of one round are compared with each other, never with those of
another round.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self


class Worker:
    """A process that answers lines of JSON (benchmarks/peers/worker.py), as a context.

    Attributes:
        ready: what it said when it had warmed up.
        cpu: seconds of processor time it had used when it last answered.
    """

    def __init__(self, command: Sequence[str], threads: int) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)},
        )
        self.ready: str = self._read()["ready"]
        _RUNNING.append(self)

    def ask(self, **request: Any) -> float:
        """Send one request; the seconds that it says it took."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()["seconds"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            raise RuntimeError(f"A worker ended early:\n{self._errors.read()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        self.cpu: float = answer["cpu"]
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _RUNNING.remove(self)
        self._process.communicate()  # closes its standard input: it ends
        self._errors.close()


_RUNNING: list[Worker] = []


def alternate(
    turns: Mapping[str, Callable[[], float]],
    rounds: int,
    *,
    rest: float = 0.3,
    patience: float = 0.0,
    limit: float = 0.05,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, list[float]], list[float]]:
    """Give everyone a turn in every round; who begins changes from round to round.

    Args:
        turns: by name, what to do in a turn; it returns what was measured.
        rounds: how many turns each gets.
        rest: seconds before a turn, for the last one's threads to stop spinning.
        patience: seconds to spend, in all, on turns that are repeated because other programs
            disturbed them; 0 repeats none.
        limit: the share of the machine's time that others may use without disturbing a turn.
        tell: called with a name before its turn.

    Returns:
        by name, one measurement a round; and the share that others used, one a turn that counts
        (near 0, or the measurements say little; NaN where the system does not tell).
    """
    taken: dict[str, list[float]] = {name: [] for name in turns}
    shares: list[float] = []
    names = list(turns)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            tell(name)
            while True:
                start = time.perf_counter()
                time.sleep(rest)
                measured, share = _watched(turns[name])
                if not share > limit or patience <= 0:
                    break
                time.sleep(5)
                patience -= time.perf_counter() - start
            taken[name].append(measured)
            shares.append(share)
    return taken, shares


def _watched(turn: Callable[[], float]) -> tuple[float, float]:
    """What a turn measured, and the share of the machine's time that others used meanwhile."""
    used, total = _time_used()
    measured = turn()
    used_now, total_now = _time_used()
    return measured, max((used_now - used) / (total_now - total), 0.0)  # NaN stays NaN


def _time_used() -> tuple[float, float]:
    """All cores' seconds so far, used by others and in all (proc(5)); NaN where it is not known."""
    try:
        first, *_ = Path("/proc/stat").read_text().splitlines()
    except OSError:
        return float("nan"), float("nan")
    seconds = [int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in first.split()[1:9]]
    idle, ours = sum(seconds[3:5]), sum(worker.cpu for worker in _RUNNING)
    return sum(seconds) - idle - ours, sum(seconds)
