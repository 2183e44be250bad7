"""A contender in the grid (benchmarks/grid.py), in a process of its own.

    python -m benchmarks.peers.grid captum FOLDER     # answers {"eps": e}: one eps, every row
    python -m benchmarks.peers.grid feint FOLDER      # answers {"levels": [...]}: all of them

What was found is written beside what was asked, for others to measure.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from benchmarks.peers.published import as_published
from benchmarks.peers.worker import serve
from torch import Tensor

from feint.io.sealed import read_tensors, write_tensors
from feint.models import checkpoints
from feint.sequences import Sequences, frame_distance, sum_over_time

STEPS, SHARE = 400, 0.03
"""captum's steps, and the size of one as a share of eps."""


@dataclass(frozen=True)
class Asked:
    """Rows: what is seen, what is wanted, how near is enough, and what may be moved."""

    x: Sequences
    targets: Sequences
    tolerance: Tensor
    coords: Tensor


def write(folder: Path, model: Path, asked: Asked) -> None:
    """Put what is asked where the workers find it."""
    checkpoints.save(checkpoints.load(model), folder / "model")
    tensors = {
        "x": asked.x.values,
        "lengths": asked.x.lengths,
        "targets": asked.targets.values,
        "tolerance": asked.tolerance,
        "coords": asked.coords,
    }
    write_tensors(folder / "asked.safetensors", tensors, None)


def read(folder: Path) -> Asked:
    """What `write` wrote."""
    t, _ = read_tensors(folder / "asked.safetensors")
    x = Sequences(t["x"], t["lengths"])
    return Asked(x, x.with_values(t["targets"]), t["tolerance"], t["coords"])


def read_result(folder: Path, name: str) -> Sequences:
    """What a contender found."""
    t, _ = read_tensors(folder / f"{name}.safetensors")
    return Sequences(t["x"], t["lengths"])


def write_result(folder: Path, name: str, x_adv: Tensor, lengths: Tensor) -> None:
    """Keep what was found."""
    write_tensors(folder / f"{name}.safetensors", {"x": x_adv, "lengths": lengths}, None)


def captum(folder: Path) -> Callable[..., float]:
    """Independent runs of captum.robust.PGD, on the reactor as published, parameters frozen."""
    from captum.robust import PGD

    asked = read(folder)
    model = as_published(checkpoints.load(folder / "model"), asked.x.values).requires_grad_(False)

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return sum_over_time(frame_distance(output - target), asked.x.lengths)

    attack = PGD(model, loss)
    attack.fgsm.zero_thresh = 0.0
    mask = asked.x.mask[..., None] & asked.coords

    def answer(eps: float, steps: int = STEPS) -> float:
        start = time.perf_counter()
        x_adv = attack.perturb(
            asked.x.values,
            radius=eps,
            step_size=SHARE * eps,
            step_num=steps,
            target=asked.targets.values,
            targeted=True,
            random_start=False,
            mask=mask.to(asked.x.values),
        )
        taken = time.perf_counter() - start
        write_result(folder, f"captum {eps}", x_adv, asked.x.lengths)
        return taken

    return lambda eps=0.1, steps=STEPS: answer(eps, steps)


def feint(folder: Path) -> Callable[..., float]:
    """One search for the smallest eps."""
    from feint import Budget, MinimalPerturbation

    asked = read(folder)
    model = checkpoints.load(folder / "model")

    def answer(levels: list[float]) -> float:
        start = time.perf_counter()
        search = MinimalPerturbation(levels=tuple(levels))
        budget = Budget(max(levels), coords=asked.coords)
        found = search(model, asked.x, asked.targets, budget, asked.tolerance)
        taken = time.perf_counter() - start
        for eps in levels:
            # A row counts at every eps its perturbation fits into; elsewhere it stays clean.
            fits = (found.eps <= eps)[:, None, None]
            x_adv = torch.where(fits, found.x_adv.values, asked.x.values)
            write_result(folder, f"feint {eps}", x_adv, asked.x.lengths)
        return taken

    return answer


def main() -> None:
    """See above."""
    contender, folder = sys.argv[1], Path(sys.argv[2])
    if contender == "captum":
        turn = captum(folder)
        serve(turn, "captum", warm={"eps": 0.1, "steps": 1})
    else:
        serve(feint(folder), "feint", warm={"levels": [0.1]})


if __name__ == "__main__":
    main()
