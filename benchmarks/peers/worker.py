"""One contender in one process, that takes its commands as lines of JSON.

    python -m benchmarks.peers.worker run captum published FOLDER   # answers {"steps": n}
    python -m benchmarks.peers.worker peak                          # answers {"tries": n}
    python -m benchmarks.peers.worker check FOLDER                  # do all of them agree?

A worker says {"ready": its library and version} when everything is imported and has run once.
Every answer is {"seconds": s}; with either comes "cpu", the processor time it has used so far.
It ends when its standard input does.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from benchmarks.peers.contenders import CONTENDERS
from benchmarks.peers.problem import DEFINITIONS, Definition, loss, read
from torch import Tensor

SIDE = 2048
"""Of the square matrices whose product is the yardstick."""
LIBRARIES = {
    "feint": "feint",
    "captum": "captum",
    "art": "adversarial-robustness-toolbox",
    "foolbox": "foolbox",
}
"""A contender's, by its name on the package index; the others use torch alone."""


def serve(answer: Callable[..., float], library: str, warm: dict[str, Any]) -> None:
    """Answer `warm`, say so, then answer every line of standard input with the seconds it took."""
    replies, sys.stdout = sys.stdout, sys.stderr  # a peer that prints does not break the protocol

    def reply(**said: Any) -> None:
        print(json.dumps({**said, "cpu": time.process_time()}), file=replies, flush=True)

    answer(**warm)
    reply(ready=f"{library} {version(library)}")
    for line in sys.stdin:
        reply(seconds=answer(**json.loads(line)))


def timed(contender: str, definition: Definition, folder: Path) -> Callable[[int], float]:
    """Seconds that a number of attack steps takes."""
    problem = read(folder, definition)

    def answer(steps: int) -> float:
        start = time.perf_counter()
        CONTENDERS[contender](problem, steps)
        return time.perf_counter() - start

    return answer


def peak() -> Callable[[int], float]:
    """Seconds of the fastest of some fp32 matrix products."""
    a, b = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)

    def answer(tries: int) -> float:
        seconds = []
        for _ in range(tries):
            start = time.perf_counter()
            torch.mm(a, b)
            seconds.append(time.perf_counter() - start)
        return min(seconds)

    return answer


def check(folder: Path, steps: int = 5, same: float = 1e-4, share: float = 0.999) -> bool:
    """Whether every contender ends where the bare loop does, on either definition.

    A sign step turns rounding into 2 alpha where a gradient is nearly 0, so agreement is a share
    of coordinates.  The objective reached is printed beside it.
    """
    expected: Tensor | None = None
    agreed = True
    for definition in DEFINITIONS:
        for name in ("bare", *(name for name in CONTENDERS if name != "bare")):
            problem = replace(read(folder, definition), eps=0.1)  # reached within the steps
            result = CONTENDERS[name](problem, steps)
            expected = result if expected is None else expected
            equal = float(((result - expected).abs() <= same).float().mean())
            with torch.no_grad():
                before = loss(problem.model(problem.x), problem.target).sum()
                after = loss(problem.model(result), problem.target).sum()
            moved = float((result - problem.x).abs().max())
            agreed &= equal >= share
            print(
                f"{name:8} on the {definition:9} model: {equal:.4%} of coordinates as bare, "
                f"moved {moved:.3f}, objective {float(before):.2f} -> {float(after):.2f}"
            )
    return agreed


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    run = tasks.add_parser("run")
    run.add_argument("contender", choices=CONTENDERS)
    run.add_argument("definition", choices=DEFINITIONS)
    run.add_argument("folder", type=Path)
    tasks.add_parser("peak")
    tasks.add_parser("check").add_argument("folder", type=Path)
    args = parser.parse_args()
    if args.task == "run":
        answer = timed(args.contender, args.definition, args.folder)
        serve(answer, LIBRARIES.get(args.contender, "torch"), warm={"steps": 1})
    elif args.task == "peak":
        serve(peak(), "torch", warm={"tries": 1})
    elif not check(args.folder):
        sys.exit("The contenders do not do the same: their times would not compare.")


if __name__ == "__main__":
    main()
