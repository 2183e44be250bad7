"""A whole grid of targets and eps: feint's search beside independent runs of captum's PGD.

    sh benchmarks/peers/build.sh && python -m benchmarks.grid --data DIR

Reactors at the paper's size are trained on SBU (benchmarks/grid.toml; once, into runs/grid).  Then
every sequence is asked for eight targets at six eps.  captum starts anew for every eps, 400 steps
each; feint finds the smallest eps for every sequence and target.  They take turns: after each eps
of captum's, feint does the whole grid once.  Success is measured here, from what both return.
"""

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median

import torch
from benchmarks.machine import made_by
from benchmarks.peers.alternate import Worker, alternate
from benchmarks.peers.grid import SHARE, STEPS, Asked, read_result, write

from feint.experiments import config_file
from feint.experiments.run import Run
from feint.io.atomic import write_text
from feint.io.progress import bar, console
from feint.models import checkpoints
from feint.models.inference import predict
from feint.sequences import Sequences, distance

HERE = Path(__file__).parent
ROOT = HERE.parent


def asked(run: Run, name: str, model: torch.nn.Module) -> Asked:
    """Every test sequence with every target, side by side."""
    labels = run.experiment.target.labels
    tasks = [run.attack_task(name, label) for label in labels]
    x = tasks[0].x
    count = len(x)
    rows = [*range(count)] * len(labels)
    targets = torch.cat([task.targets.values for task in tasks])
    tolerance = run.measure_tolerance()
    values = torch.tensor([tolerance.of(label) for label in labels]).repeat_interleave(count)
    every = x[rows]
    frames = every.lengths if tolerance.per_frame else torch.ones_like(every.lengths)
    return Asked(every, every.with_values(targets), values * frames, run.plan().budget.coords)


def section(name: str, run: Run, python: str, threads: int) -> str:
    """One reactor's Markdown."""
    model = checkpoints.load(run.folder / "models" / name)
    task, levels = asked(run, name, model), run.experiment.eps
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write(place, run.folder / "models" / name, task)
        command = [python, "-W", "ignore", "-m", "benchmarks.peers.grid"]
        with (
            Worker([*command, "captum", folder], threads) as captum,
            Worker([*command, "feint", folder], threads) as feint,
            bar(2 * len(levels), f"{name}: the grid") as progress,
        ):
            left = iter(levels)
            turns = {
                "captum": lambda: captum.ask(eps=next(left)),
                "feint": lambda: feint.ask(levels=list(levels)),
            }
            taken, busy = alternate(turns, len(levels), tell=lambda _: progress.advance())
        theirs = [rate(model, task, read_result(place, f"captum {eps}"), eps) for eps in levels]
        ours = [rate(model, task, read_result(place, f"feint {eps}"), eps) for eps in levels]
    clean = float((distance(predict(model, task.x), task.targets) < task.tolerance).double().mean())
    total, once = sum(taken["captum"]), median(taken["feint"])
    lines = [
        f"## {'TCN' if name == 'tcn' else 'DeepGRU'}",
        "",
        "| | " + " | ".join(f"eps {eps:g}" for eps in levels) + " | seconds |",
        "|---|" + "---|" * (len(levels) + 1),
        "| captum, success | " + " | ".join(f"{one:.1%}" for one in theirs) + f" | {total:.0f} |",
        "| feint, success | "
        + " | ".join(f"{one:.1%}" for one in ours)
        + f" | {once:.1f} ({min(taken['feint']):.1f} to {max(taken['feint']):.1f}) |",
        "",
        f"Without an attack {clean:.1%} are within the tolerance. feint takes {total / once:.0f} "
        f"times less time. During these turns other programs used {median(busy):.0%} of the "
        f"machine (at most {max(busy):.0%}).",
    ]
    return "\n".join(lines)


def rate(model: torch.nn.Module, task: Asked, x_adv: Sequences, eps: float) -> float:
    """The share within the tolerance, for perturbations found to keep the budget."""
    change = (x_adv.values - task.x.values).abs()
    if float(change.max()) > eps * (1 + 1e-5) or float(change[..., ~task.coords].max()) > 0:
        raise SystemExit(f"A perturbation leaves eps {eps}: the comparison is off.")
    return float((distance(predict(model, x_adv), task.targets) < task.tolerance).double().mean())


def main() -> None:
    """Train if needed, measure, print, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="SBU's folder")
    parser.add_argument("--run", type=Path, default=ROOT / "runs" / "grid")
    parser.add_argument("--models", nargs="+", default=["tcn", "deepgru"])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, default=HERE / "grids.md")
    parser.add_argument("--python", default=str(ROOT / ".venv-peers" / "bin" / "python"))
    args = parser.parse_args()
    if not Path(args.python).exists():
        raise SystemExit("No peers to measure: run `sh benchmarks/peers/build.sh` first.")
    asked_for = config_file.read(HERE / "grid.toml")
    data = asked_for.data.model_copy(update={"root": args.data})
    run = Run(asked_for.model_copy(update={"data": data}), args.run)
    run.train()
    parts = [
        "# The whole grid",
        "",
        made_by("benchmarks.grid --data DIR", args.threads),
        "",
        f"{asked_for.evaluation.max_sequences} test sequences of SBU, "
        f"{len(asked_for.target.labels)} targets, {len(asked_for.eps)} eps, depth only, the "
        "natural tolerance; reactors at the paper's size. captum: PGD from the clean input for "
        f"every eps, {STEPS} sign steps of "
        f"{SHARE:.0%} of eps (steps of 1 % reached as much). feint: "
        "`MinimalPerturbation(levels=...)`.",
    ]
    for name in args.models:
        parts += ["", section(name, run, args.python, args.threads)]
    text = "\n".join(parts) + "\n"
    console.print(text, markup=False)
    write_text(args.out, text)


if __name__ == "__main__":
    main()
