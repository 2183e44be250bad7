"""Models and problems the attacks are tested on, shared with benchmarks/planted.py."""

from collections.abc import Iterator
from contextlib import contextmanager

import jaxtyping
import torch
from torch import Tensor, nn

from feint.attacks import AIA
from feint.attacks.budget import Budget
from feint.attacks.noise import uniform
from feint.data.pairs import pair, with_first_pose
from feint.data.synthetic.generate import generate
from feint.models.deepgru import DeepGRU
from feint.models.inference import predict
from feint.models.tcn import TCN
from feint.models.training import train
from feint.models.training_settings import Training
from feint.sequences import Sequences, distance
from feint.skeleton import SBU_15

DEPTH = SBU_15.axis("z")


@contextmanager
def unchecked() -> Iterator[None]:
    """Without the tests' own type checks: a user meets feint's errors, not beartype's."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)


class CausalLinear(nn.Module):
    """y_t = sum over s of W_s x_{t-s}, s = 0..taps-1: the convex problem among the models."""

    def __init__(self, inputs: int, outputs: int, taps: int = 3) -> None:
        super().__init__()
        self.taps = nn.Parameter(torch.randn(taps, outputs, inputs) * (taps * inputs) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        y = x @ self.taps[0].T
        for back, tap in enumerate(self.taps[1:], start=1):
            if back < x.shape[1]:
                y = y + nn.functional.pad((x @ tap.T)[:, :-back], (0, 0, back, 0))
        return y


class Centred(nn.Module):
    """Asks for `lengths`: every frame is answered relative to the mean of its own sequence.

    Not causal, and wrong in a batch unless the lengths it gets are right.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        own = (torch.arange(x.shape[1]) < lengths[:, None])[..., None]
        mean = (x * own).sum(dim=1, keepdim=True) / lengths[:, None, None]
        return torch.tanh(self.linear(x - 0.5 * mean))


def ragged(lengths: tuple[int, ...], features: int, seed: int = 0) -> Sequences:
    """Smooth random walks of these lengths, around 0."""
    generator = torch.Generator().manual_seed(seed)
    return Sequences.pad(
        [0.3 * torch.randn(n, features, generator=generator).cumsum(dim=0) for n in lengths]
    )


REACTORS = ("linear", "TCN", "DeepGRU")
SETS = ("s01s03", "s02s01", "s03s05", "s04s02", "s05s03", "s06s02")


def trained(name: str, overfit: bool = False) -> tuple[nn.Module, Sequences]:
    """A compact reactor trained for seconds on generated data, and what it sees of a new set.

    It knows its first pose and learns from the six sets of `SETS` (54 responding reactors), 40
    epochs.  `overfit` is the hard case: raw coordinates, two sets, 120 epochs; its answers to
    what it has not seen are erratic, and attacks get stuck.
    """
    epochs, rate, sets = (120, 1e-2, SETS[:2]) if overfit else (40, 5e-3, SETS)
    fit = pair(generate(repetitions=1, sets=sets), reactor_role="responder")
    test = pair(generate(repetitions=1, sets=["s07s01"]), reactor_role="responder")
    seen, unseen = (
        p.actor if overfit else with_first_pose(p.actor, p.reactor) for p in (fit, test)
    )
    inputs, pose = seen.values.shape[-1], not overfit
    torch.manual_seed(0)
    model: nn.Module
    if name == "TCN":
        model = TCN(inputs, 45, width=64, depth=5, dropout=0.1, first_pose=pose)
    elif name == "DeepGRU":
        model = DeepGRU(inputs, 45, widths=(64, 48, 32), first_pose=pose)
    else:
        model = CausalLinear(inputs, 45)
    settings = Training(
        epochs=epochs,
        learning_rate=rate,
        schedule="cosine",
        batch_size=8,
        keep="last",
        validation=0.1,
    )
    train(model, seen, fit.reactor, settings, groups=fit.interactions)
    return model, unseen


def depth(x: Sequences, eps: float = 0.3) -> Budget:
    """The actor's depth alone, not the pose behind it."""
    coords = torch.zeros(x.values.shape[-1], dtype=torch.bool)
    coords[: len(DEPTH)] = DEPTH
    return Budget(eps, coords=coords)


def planted(model: nn.Module, x: Sequences, budget: Budget) -> tuple[Sequences, Sequences]:
    """Targets that can be reached, by construction: y' = f(x + delta*).

    Returns:
        x thrice, and its targets: delta* is drawn on [-eps, eps], then at its corners, then a
        mixture of slow waves that somewhere touches eps.
    """
    drawn = uniform(x, seed=7)
    time = torch.arange(x.values.shape[1])[:, None] / 30
    waves = sum(
        torch.sin(2 * torch.pi * (cycles * time + drawn[:, i : i + 1]))
        for i, cycles in enumerate((0.5, 1.0, 1.5, 2.0))
    )
    peak = (waves * budget.mask(x)).abs().amax(dim=(1, 2), keepdim=True)
    targets = []
    for delta in (drawn, drawn.sign(), waves / peak):
        hidden = budget.project(x.with_values(x.values + budget.radius(x) * delta), x)
        targets.append(predict(model, hidden).values)
    rows = list(range(len(x))) * 3
    return x[rows], x[rows].with_values(torch.cat(targets))


def recovery(
    attack: AIA, model: nn.Module, x: Sequences, target: Sequences, budget: Budget
) -> Tensor:
    """The share of the gap closed, a row: 1 - d(f(x'), y') / d(f(x), y')."""
    after = distance(predict(model, attack(model, x, target, budget)), target)
    return 1 - after / distance(predict(model, x), target)
