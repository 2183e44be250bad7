"""Measure several processes against one another, turn by turn, so that all share the weather.

    with Worker([python, "-m", ...], threads=2) as a, Worker(...) as b:
        taken, busy = alternate({"a": lambda: a.ask(steps=8), "b": ...}, rounds=7)

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
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closes its standard input: it ends
        self._errors.close()


def alternate(
    turns: Mapping[str, Callable[[], float]],
    rounds: int,
    rest: float = 0.3,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, list[float]], list[float]]:
    """Give everyone a turn in every round; who begins changes from round to round.

    Args:
        turns: by name, what to do in a turn; it returns what was measured.
        rounds: how many turns each gets.
        rest: seconds between turns, for the last one's threads to stop spinning, and again as
            long, to see how busy others keep the machine.
        tell: called with a name before its turn.

    Returns:
        by name, one measurement a round; and, for every turn, the share of the machine's time
        that others used just before it (near 0, or the measurements say little).
    """
    taken: dict[str, list[float]] = {name: [] for name in turns}
    busy: list[float] = []
    names = list(turns)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            tell(name)
            time.sleep(rest)
            busy.append(used(rest))
            taken[name].append(turns[name]())
    return taken, busy


def used(seconds: float) -> float:
    """The share of all cores' time that is used while this process sleeps; NaN if unknown."""
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    spent = [b - a for a, b in zip(before, after, strict=True)]
    return 1 - sum(spent[3:5]) / sum(spent) if sum(spent) else float("nan")


def _ticks() -> list[int]:
    """All cores' time so far by kind; the fourth and fifth are idle (proc(5))."""
    try:
        first, *_ = Path("/proc/stat").read_text().splitlines()
    except OSError:
        return []
    return [int(ticks) for ticks in first.split()[1:]]
