"""Time and memory of an attack as the work grows: more sequences, longer ones.

    python -m benchmarks.scaling

Each size runs in a process of its own, which tells its time and by how much its memory grew at
most.  Of that, what is asked and what is answered grows with the work; the rest must not.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
from benchmarks.machine import made_by

from feint.attacks import AIA
from feint.attacks.budget import Budget
from feint.evaluation.attack_task import AttackTask
from feint.evaluation.crafting import craft
from feint.io.atomic import write_text
from feint.io.progress import bar, console
from feint.models.tcn import TCN
from feint.sequences import Sequences

COUNTS, TIMES, FEATURES, STEPS = (1, 10, 100, 1000), (16, 64, 256, 1024), 45, 3


def attack(count: int, frames: int) -> dict[str, float]:
    """Seconds, and MiB: the growth of this process at most, and of that the work's own tensors."""
    torch.manual_seed(0)
    model = TCN(FEATURES, FEATURES, width=96, depth=5).eval()
    attack, budget = AIA(steps=STEPS), Budget(0.3)

    def task(count: int, frames: int) -> AttackTask:
        x = Sequences(torch.randn(count, frames, FEATURES), torch.full((count,), frames))
        names = tuple(map(str, range(count)))
        return AttackTask("any", x, x.with_values(torch.randn_like(x.values)), *[names] * 4)

    craft("warm", attack, model, task(2, 16), budget, [0.3])
    asked, before = task(count, frames), peak()
    start = time.perf_counter()
    crafted = craft("it", attack, model, asked, budget, [0.3])
    seconds = time.perf_counter() - start
    own = crafted.x_adv.values.nbytes / 2**20
    return {"seconds": seconds, "grown": peak() - before, "own": own}


def peak() -> float:
    """The largest this process ever was, in MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--one", nargs=2, type=int, metavar=("COUNT", "FRAMES"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "scalings.md")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(attack(*args.one)))
        return
    lines = [
        "| sequences | frames | s | microseconds a frame and step | memory grew, MiB "
        "| of that the answer, MiB |",
        "|---|---|---|---|---|---|",
    ]
    with bar(len(COUNTS) * len(TIMES), "scaling") as progress:
        for frames in TIMES:
            for count in COUNTS:
                command = [sys.executable, "-m", "benchmarks.scaling", "--one"]
                done = subprocess.run(
                    [*command, str(count), str(frames)], check=True, capture_output=True, text=True
                )
                got = json.loads(done.stdout)
                each = 1e6 * got["seconds"] / (count * frames * (STEPS + 1))
                lines.append(
                    f"| {count} | {frames} | {got['seconds']:.3f} | {each:.1f} "
                    f"| {got['grown']:.0f} | {got['own']:.0f} |"
                )
                progress.advance()
    parts = [
        "# As the work grows",
        "",
        made_by("benchmarks.scaling", torch.get_num_threads()),
        "",
        f"`feint.evaluation.craft` on a TCN of 5 blocks of 96 channels, {STEPS} steps at one eps.",
        "",
        *lines,
    ]
    text = "\n".join(parts) + "\n"
    console.print(text, markup=False)
    write_text(args.out, text)


if __name__ == "__main__":
    main()
