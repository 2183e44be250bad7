"""Models and problems the attacks are tested on, shared with benchmarks/planted.py."""

import torch
from torch import Tensor, nn

from feint.attacks import AIA
from feint.attacks.noise import uniform
from feint.budget import Budget
from feint.data.interactions import pair
from feint.data.synthetic import generate
from feint.models.deepgru import DeepGRU
from feint.models.tcn import TCN
from feint.sequences import Sequences, distance, predict
from feint.skeleton import SBU_15
from feint.training import Training, train

DEPTH = SBU_15.axis("z")


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


def reactor(name: str) -> nn.Module:
    """A compact reactor, SBU's 45 coordinates in and out: "TCN", "DeepGRU" or "linear"."""
    torch.manual_seed(0)
    if name == "TCN":
        return TCN(45, 45, width=64, depth=5, dropout=0.1)
    if name == "DeepGRU":
        return DeepGRU(45, 45, widths=(64, 48, 32))
    return CausalLinear(45, 45)


def trained(name: str, epochs: int = 60) -> tuple[nn.Module, Sequences]:
    """A reactor trained briefly on six generated sets, and what actors do in a seventh."""
    fit = pair(generate(runs=1, sets=["s01s03", "s02s01", "s03s05", "s04s02", "s05s03", "s06s02"]))
    test = pair(generate(runs=1, sets=["s07s01"]), directions="responds")
    model = reactor(name)
    settings = Training(epochs=epochs, learning_rate=3e-3, schedule="cosine", batch_size=32)
    train(model, fit.actor, fit.reactor, settings, groups=fit.interactions)
    return model, test.actor


def planted(
    model: nn.Module, x: Sequences, budget: Budget, kind: str, seed: int = 7
) -> Sequences:
    """y' = f(x + delta*): a target that can be reached, by construction.

    Args:
        kind: delta* is drawn on [-eps, eps] ("uniform"), at its corners ("sign"), or is a mixture
            of four slow sines, somewhere at eps ("smooth").
    """
    delta = uniform(x, seed)
    if kind == "sign":
        delta = delta.sign()
    if kind == "smooth":
        weights = delta[:, :8].repeat(1, 1, 1)
        time = torch.arange(x.values.shape[1]) / 30
        waves = torch.stack(
            [f(2 * torch.pi * k * time) for k in (0.5, 1.0, 1.5, 2.0) for f in (torch.sin, torch.cos)]
        )
        delta = torch.einsum("kt,bkf->btf", waves, weights)
        delta = delta / (delta * x.mask[..., None]).abs().amax(dim=(1, 2), keepdim=True)
    hidden = budget.project(x.with_values(x.values + budget.radius(x) * delta), x)
    return predict(model, hidden)


def recovery(
    attack: AIA, model: nn.Module, x: Sequences, target: Sequences, budget: Budget
) -> Tensor:
    """The share of the gap closed, a row: 1 - d(f(x'), y') / d(f(x), y')."""
    after = distance(predict(model, attack(model, x, target, budget)), target)
    return 1 - after / distance(predict(model, x), target)
