"""One attack step of feint against one of captum's, ART's, foolbox's and of a plain loop.

    sh benchmarks/peers/build.sh && python -m benchmarks.step

Everyone does the same sign step on equation 7 (benchmarks/peers/contenders.py; checked first) with
the same weights, data and threads, each in a process of its own, taking turns.  Peers attack the
reactors as published (benchmarks/peers/published.py) and, in rows of their own, feint's classes:
so what comes from the model is separate from what comes from the loop.  Seconds a step are the
difference between a long and a short attack, over the difference in steps: constant costs cancel.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

import torch
from benchmarks.machine import made_by
from benchmarks.peers import flops, problem
from benchmarks.peers.alternate import Worker, alternate
from benchmarks.peers.contenders import HACKS
from benchmarks.peers.worker import SIDE
from torch import nn

from feint.io.atomic import write_text
from feint.io.progress import bar, console
from feint.models.deepgru import DeepGRU
from feint.models.tcn import TCN

ROOT = Path(__file__).parents[1]
MODELS: dict[str, type[nn.Module]] = {"TCN": TCN, "DeepGRU": DeepGRU}
FEATURES, BATCH, TIME = 45, 64, 32
FEW, MANY = 2, 8
"""Steps of the short and the long attack."""
ROWS: list[tuple[str, problem.Definition]] = [
    ("feint", "feint"),
    *((peer, "published") for peer in ("bare", "frozen", "captum", "art", "foolbox", "feint")),
    *((peer, "feint") for peer in ("captum", "art", "foolbox")),
]
LOOPS = {"bare": "bare loop", "frozen": "bare loop, parameters frozen"}
OURS, PEAK = "feint on feint", "peak"


def section(name: str, python: str, threads: int, rounds: int) -> str:
    """One reactor's Markdown: measured, and only if all contenders agree."""
    torch.manual_seed(0)
    model = MODELS[name](FEATURES, FEATURES).eval()
    module = [python, "-W", "ignore", "-m", "benchmarks.peers.worker"]
    with tempfile.TemporaryDirectory() as folder:
        seen, wanted = torch.randn(2, BATCH, TIME, FEATURES)
        problem.write(Path(folder), model, seen, wanted)
        console.print(f"{name}: do all contenders do the same?")
        if subprocess.run([*module, "check", folder], stdout=sys.stderr).returncode:
            raise SystemExit(f"{name}: the check failed; nothing was measured.")
        tasks = {f"{who} on {code}": ["run", who, code, folder] for who, code in ROWS}
        commands = {row: [*module, *task] for row, task in {**tasks, PEAK: ["peak"]}.items()}
        taken, others, libraries = measure(name, commands, threads, rounds)
    lines = [f"## {name}", "", *table(taken, libraries), ""]
    lines += [share(taken, flops.step(model, BATCH, TIME)), ""]
    lines += [
        f"During these turns other programs used {median(others):.0%} of the machine's time (at "
        f"most {max(others):.0%})."
    ]
    return "\n".join(lines)


def measure(
    name: str, commands: dict[str, list[str]], threads: int, rounds: int
) -> tuple[dict[str, list[float]], list[float], dict[str, str]]:
    """Start every row's worker and let them alternate; also what each said of its library."""
    with ExitStack() as stack:
        workers = {}
        with bar(len(commands), f"{name}: starting") as progress:
            for row, command in commands.items():
                progress.show(row)
                workers[row] = stack.enter_context(Worker(command, threads))
                progress.advance()
        turns = {row: partial(per_step, worker) for row, worker in workers.items()}
        turns[PEAK] = partial(workers[PEAK].ask, tries=5)
        with bar(rounds * len(turns), f"{name}: measuring") as progress:

            def tell(row: str) -> None:
                progress.advance()
                progress.show(row)

            taken, others = alternate(turns, rounds, patience=300, tell=tell)
        return taken, others, {row: worker.ready for row, worker in workers.items()}


def per_step(worker: Worker) -> float:
    """Seconds of one attack step, without what an attack costs once."""
    return (worker.ask(steps=MANY) - worker.ask(steps=FEW)) / (MANY - FEW)


def table(taken: dict[str, list[float]], libraries: dict[str, str]) -> list[str]:
    """A line of Markdown a contender; ratios are taken round by round."""
    lines = [
        "| contender | the model's code | s a step | min to max | times feint | min to max "
        "| what it needed |",
        "|---|---|---|---|---|---|---|",
    ]
    hacks = dict(HACKS)
    for who, code in ROWS:
        seconds = taken[row := f"{who} on {code}"]
        ratios = [a / b for a, b in zip(seconds, taken[OURS], strict=True)]
        name = LOOPS.get(who, libraries[row])
        lines.append(
            f"| {name} | {code} | {median(seconds):.3f} | {span(seconds, 3)} "
            f"| {median(ratios):.2f} | {span(ratios, 2)} | {hacks.pop(who, 'as above')} |"
        )
    return lines


def share(taken: dict[str, list[float]], work: int) -> str:
    """A sentence: feint's rate of useful arithmetic beside what this processor reaches."""
    peaks = [2 * SIDE**3 / seconds / 1e9 for seconds in taken[PEAK]]
    rates = [work / seconds / 1e9 for seconds in taken[OURS]]
    shares = [rate / peak for rate, peak in zip(rates, peaks, strict=True)]
    return (
        f"A step needs {work / 1e9:.1f} GFLOP (forward and input gradient, no product with zeros): "
        f"feint does {median(rates):.0f} GFLOP/s, {median(shares):.0%} ({min(shares):.0%} to "
        f"{max(shares):.0%}) of the {median(peaks):.0f} ({span(peaks, 0)}) GFLOP/s of an fp32 "
        f"product of two {SIDE} x {SIDE} matrices in the same round."
    )


def span(values: list[float], digits: int) -> str:
    """The smallest and the largest."""
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def about(made: str) -> str:
    """Where, when and how this was measured."""
    return "\n".join(
        [
            "# One attack step",
            "",
            made,
            "",
            f"{BATCH} sequences of {TIME} frames, {FEATURES} features in and out, random weights; "
            "the same sign step on equation 7 for everyone, checked before. Median, and from the "
            "smallest to the largest, over rounds in which everyone had a turn; ratios are taken "
            "within a round. `feint` attacks its own class by its own loop; the other rows tell "
            "apart what comes from the model's code and what from the loop.",
        ]
    )


def main() -> None:
    """Measure, print, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "steps.md")
    parser.add_argument("--python", default=str(ROOT / ".venv-peers" / "bin" / "python"))
    args = parser.parse_args()
    if not Path(args.python).exists():
        raise SystemExit("No peers to measure: run `sh benchmarks/peers/build.sh` first.")
    made = made_by(f"benchmarks.step --rounds {args.rounds}", args.threads)
    parts = [about(made)]
    print(parts[0], flush=True)
    for name in args.models:
        parts.append(section(name, args.python, args.threads, args.rounds))
        print(f"\n{parts[-1]}", flush=True)
    write_text(args.out, "\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
