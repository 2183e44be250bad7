"""What jobs cost: overhead of each engine, and taking up a run of 100,000 finished jobs.

    python -m benchmarks.jobs [--engines local ray] [--seconds 0.1 1 10] [--finished 100000]

Overhead: jobs that only sleep, so that everything beyond their sleep is feint's or Ray's; wall time
by the number of jobs at once, against the sleep itself.  Taking up: a run folder is filled with
results for every job of a plan, in this process `feint run` is asked to go on, and has nothing
to do.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from benchmarks.machine import made_by

from feint.experiments import config_file, stages
from feint.experiments.facts import Facts
from feint.experiments.plan import Plan
from feint.experiments.run import Run
from feint.io.atomic import write_text
from feint.io.progress import console
from feint.jobs import scheduler, store
from feint.jobs.engines import Engine
from feint.jobs.engines.local import LocalEngine
from feint.jobs.engines.shared import SharedEngine
from feint.jobs.job import Common, Fetch, Job
from feint.jobs.store import Store

HERE = Path(__file__).parent
RESULT = {"values": torch.zeros(64, 32, 45)}
"""As much as a scoring of 64 sequences gives back: 360 kB."""
SMALL = {"values": torch.zeros(4)}
UNTRAINED = {"tcn": "?", "other": "?"}
MANY = """
name = "many"
[data]
repetitions = 4
[[model]]
kind = "TCN"
width = 4
depth = 1
training = { epochs = 1 }
[[model]]
kind = "TCN"
name = "other"
width = 5
depth = 1
training = { epochs = 1 }
[attack]
eps = [0.075, 0.15, 0.225, 0.3, 0.375, 0.45]
[target]
labels = ["approaching", "departing", "kicking", "pushing", "handshaking", "hugging", "punching"]
[evaluation]
sequences_per_job = 1
max_sequences = LIMIT
tolerance = "paper"
"""


def nap(job: Job, fetch: Fetch) -> bytes:
    """A job that takes its time and gives back as much as a real one."""
    time.sleep(job.common.settings["seconds"])
    return store.result(job, RESULT, {})


def overhead(engine: Engine, at_once: int, seconds: float, count: int) -> tuple[float, float]:
    """Jobs a second, and the overhead of a job in seconds of one of those at once."""
    jobs = [Job("nap", Common(seconds=seconds), {"n": n}, name=f"nap {n}") for n in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        held, kept = SharedEngine(engine), Store(Path(folder))
        warm = [Job("nap", Common(seconds=2), {"n": n}, name="warm") for n in range(2 * at_once)]
        scheduler.complete(warm, kept, held, nap, _nothing)  # every worker has begun
        began = time.monotonic()
        counts = scheduler.complete(jobs, kept, held, nap, _nothing)
        taken = time.monotonic() - began
        held.end()
    if counts.done != count:
        raise SystemExit(f"Jobs failed: {tally.failures}")
    return count / taken, taken * at_once / count - seconds


def _nothing(key: str) -> bytes:
    return b""


def fill(folder: Path, wanted: int) -> int:
    """A run whose jobs are all finished; how many there are."""
    one = Plan(config_file.parse(MANY.replace("LIMIT", "1"), ""), Facts("", "", 1), UNTRAINED)
    per_row = sum(stages.sizes(one)[stage] for stage in ("attack", "score"))
    text = MANY.replace("LIMIT", str(-(-wanted // per_row)))
    run = Run(config_file.parse(text, "many.toml"), folder)
    run.train()
    run.measure_tolerance()
    plan = run.plan()
    count = sum(1 for _ in store.Store(folder))
    numbers = {name: [0.5] for name in ("distance_frame", "distance_joint", "linf")}
    words = {name: ["left"] for name in ("exemplar", "label", "side")}
    for jobs in (stages.attack(plan), stages.score(plan)):
        for job in jobs:
            path = run.store.path(job.key)
            path.parent.mkdir(parents=True, exist_ok=True)
            sequence = [f"sequence {job.name.rpartition(' ')[2]}"]
            columns = {**numbers, **words, "eps": [0.0], "frames": [20], "target": ["kicking"]}
            columns |= {"sequence": sequence}
            content = store.result(job, SMALL, {"rows": columns, "made": {"seconds": 1}})
            path.write_bytes(content)  # not synced: a hundred thousand syncs are not the point
            count += 1
    return count


def child(code: str, *words: str) -> tuple[float, float]:
    """Seconds and MiB at its peak of a Python of its own."""
    began = time.monotonic()
    command = [sys.executable, "-c", code + PEAK, *words]
    done = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.monotonic() - began, int(done.stderr.split()[-1]) / 1024


PEAK = """
import sys
status = open("/proc/self/status").read()
print(status.partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""
RESUME = """
import sys
from pathlib import Path
from feint import experiment
from feint.artefacts import describe
from feint.experiments.run import Run
folder = Path(sys.argv[1])
run = Run(experiment.restore(describe(folder)["experiment"], "run.json"), folder)
run.attack()
rows = run.score()
assert run.store.n_quarantined == 0
"""
LIST = """
import sys
sys.argv = ["feint", "status", sys.argv[1], "--jobs"]
from feint import cli
cli.app(standalone_mode=False)
"""
IMPORT = "import feint.experiments.run, feint.report.terminal"


def taking_up(wanted: int) -> list[str]:
    """Markdown about a run that is finished."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        count = fill(folder, wanted)
        first = child(RESUME, str(folder))
        times = [child(RESUME, str(folder)) for _ in range(3)]
        listed = [child(LIST, str(folder)) for _ in range(3)]
        size = sum(p.stat().st_size for p in (folder / "jobs").rglob("*.safetensors"))
        bare = child(IMPORT)
    seconds = sorted(t for t, _ in times)
    return [
        f"{count:,} finished jobs ({size / 2**20:.0f} MiB). Python with its imports alone takes "
        f"{bare[0]:.1f} s. All in a process of its own, imports and data included:",
        "",
        "| | seconds | MiB at the peak |",
        "|---|---|---|",
        f"| rows collected for the first time | {first[0]:.1f} | {first[1]:.0f} |",
        f"| taken up again, nothing to do | {seconds[1]:.1f} ({seconds[0]:.1f}-{seconds[2]:.1f}) | "
        f"{max(m for _, m in times):.0f} |",
        f"| `feint status --jobs` | {sorted(t for t, _ in listed)[1]:.1f} | "
        f"{max(m for _, m in listed):.0f} |",
    ]


def main() -> None:
    """Measure, print, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engines", nargs="*", default=["local", "ray"])
    parser.add_argument("--seconds", nargs="*", type=float, default=[0.1, 1, 10])
    parser.add_argument("--total", type=float, default=60, help="seconds of sleep a measurement")
    parser.add_argument("--finished", type=int, default=100_000)
    parser.add_argument("--out", type=Path, default=HERE / "jobs.md")
    args = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    lines = ["# What jobs cost", "", made_by("benchmarks.jobs", torch.get_num_threads()), ""]
    if args.engines:
        lines += [
            "Jobs that only sleep and give back 360 kB, which are written and synced; workers are "
            "warm (Ray itself starts in a few seconds, a worker in three).",
            "",
            "| engine | a job sleeps | jobs | at once | jobs a second | overhead a job | |",
            "|---|---|---|---|---|---|---|",
        ]
    for name in args.engines:
        for seconds in args.seconds:
            engine: Engine = LocalEngine()
            at_once = 1
            if name == "ray":
                from feint.jobs.engines.ray import RayEngine

                engine, at_once = RayEngine(), cores
            count = max(6, round(args.total * at_once / seconds))
            rate, extra = overhead(engine, at_once, seconds, count)
            lines.append(
                f"| {name} | {seconds:g} s | {count} | {at_once} | {rate:.2f} | "
                f"{1000 * extra:.1f} ms | {extra / seconds:.1%} |"
            )
            console.print(lines[-1], markup=False)
    if args.finished:
        lines += ["", *taking_up(args.finished)]
    text = "\n".join(lines) + "\n"
    console.print(text, markup=False)
    write_text(args.out, text)


if __name__ == "__main__":
    main()
