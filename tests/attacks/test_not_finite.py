"""A row whose gradient is NaN stops alone; padding never stops anything; one backward a graph."""

import math
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from tests.errors import refused
from torch import Tensor, nn

import feint
from feint.attacks import AIA, FramewiseMinimal, MinimalPerturbation, Untargeted
from feint.attacks.not_finite import NotFiniteWarning
from feint.evaluation.attack_task import AttackTask
from feint.evaluation.crafting import craft
from feint.sequences import Sequences

BUDGET = feint.Budget(0.3)


class Norms(nn.Module):
    """The length of each frame, next to its sum: no gradient where a frame is 0."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([(x**2).sum(-1).sqrt(), x.sum(-1)], dim=-1)


class Deviations(nn.Module):
    """The root of a variance, which is 0 in a constant frame."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x.var(-1).sqrt(), x.sum(-1)], dim=-1)


class Angles(nn.Module):
    """acos at 1."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([(1 - 0.05 * (x**2).sum(-1)).acos(), x.sum(-1)], dim=-1)


class Logs(nn.Module):
    """log1p of a square root at 0."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x.abs().sum(-1).sqrt().log1p(), x.sum(-1)], dim=-1)


MODELS = [Norms(), Deviations(), Angles(), Logs()]


def inputs(broken: int | None = None) -> Sequences:
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randn(n, 3, generator=generator) for n in (7, 4, 6)]
    if broken is not None:
        rows[broken][2] = 0.0
    return Sequences.pad(rows)


def target(x: Sequences) -> Sequences:
    generator = torch.Generator().manual_seed(1)
    return x.with_values(torch.randn(len(x), x.values.shape[1], 2, generator=generator) + 2)


def minimal(model: nn.Module, x: Sequences, y: Sequences, budget: feint.Budget) -> Sequences:
    return MinimalPerturbation(AIA(steps=8), precision=0.25)(model, x, y, budget, 1.0).x_adv


def framewise(model: nn.Module, x: Sequences, y: Sequences, budget: feint.Budget) -> Sequences:
    """From a start within the tolerance, without its warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = AIA(steps=20)(model, x, y, budget)
    kappa = feint.distance(feint.predict(model, start), y) + 0.5
    return FramewiseMinimal(steps=8)(model, x, y, budget, kappa, start)


ATTACKS: dict[str, Callable[..., Sequences]] = {
    "sign": AIA(steps=12, optimizer="sign"),
    "adam, restarts, smooth": AIA(steps=12, restarts=2, smoothness=0.1),
    "last": AIA(steps=12, keep="last"),
    "untargeted": Untargeted(steps=12, how="ascent", restarts=1),
    "minimal": minimal,
    "framewise": framewise,
}


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_padding_of_zeros_does_not_stop_a_row(name: str, model: nn.Module) -> None:
    x = inputs()
    y = target(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together = ATTACKS[name](model, x, y, BUDGET)
    for row in range(3):
        alone = ATTACKS[name](model, x[[row]], y[[row]], BUDGET)
        torch.testing.assert_close(together[[row]].values, alone.values)
    assert bool((together.values != x.values).any())


@pytest.mark.parametrize("name", [n for n in ATTACKS if "restarts" not in n])
@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_one_row_stops_alone_and_is_named(name: str, model: nn.Module) -> None:
    x = inputs(broken=1)
    y = target(x)
    with pytest.warns(NotFiniteWarning) as caught:
        found = ATTACKS[name](model, x, y, BUDGET)
    first = caught[0].message
    assert isinstance(first, NotFiniteWarning)
    assert (first.code, first.rows) == ("nan-gradient", (1,))
    others = [0, 2]
    alone = ATTACKS[name](model, x[others], y[others], BUDGET)
    torch.testing.assert_close(found[others].values, alone.values)
    assert bool(found.values.isfinite().all())
    with refused("nan-gradient"):
        ATTACKS[name](model, x[[1]], y[[1]], BUDGET)


def test_a_restart_may_leave_the_place_without_a_gradient() -> None:
    x = inputs(broken=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = AIA(steps=12, restarts=2)(Norms(), x, target(x), BUDGET)
    assert float((found.values - x.values)[1].abs().max()) > 0


@pytest.mark.parametrize("batch_size", [1, 2, None])
def test_crafting_names_the_sequence_and_goes_on(batch_size: int | None) -> None:
    x = inputs(broken=1)
    keys = ("a", "b", "c")
    task = AttackTask(
        "t", x, target(x), exemplars=("",) * 3, keys=keys, labels=("",) * 3, sides=("",) * 3
    )
    with pytest.warns(NotFiniteWarning, match="sequence b") as caught:
        found = craft("aia", AIA(steps=8), Norms(), task, BUDGET, [0.1, 0.3], batch_size=batch_size)
    assert len(caught) == 1
    moved = (found.x_adv.values - x.values[found.sequence]).abs().amax(dim=(1, 2))
    assert [bool(one) for one in moved > 0] == [True, False, True] * 2
    one = replace(task, x=x[[1]], targets=task.targets[[1]], keys=("b",))
    with refused("nan-gradient"):
        craft("aia", AIA(steps=8), Norms(), one, BUDGET, [0.1])


# -- one backward pass a graph -----------------------------------------------------------------


class Freeing(torch.autograd.Function):
    """Frees what it saved on its first backward pass, as donated buffers do."""

    @staticmethod
    def forward(ctx, x):
        ctx.kept = [x.cos()]
        return x.sin()

    @staticmethod
    def backward(ctx, above):
        return above * ctx.kept.pop()


class InPlace(torch.autograd.Function):
    """Writes into what it saved."""

    @staticmethod
    def forward(ctx, x):
        ctx.cos = x.cos()
        return x.sin()

    @staticmethod
    def backward(ctx, above):
        return ctx.cos.mul_(above)


class By(nn.Module):
    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function.apply(x)[..., :2] + 0  # type: ignore[no-untyped-call]


class Plain(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sin()[..., :2]


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("function", [Freeing, InPlace])
def test_a_graph_is_walked_back_once(name: str, function: type[torch.autograd.Function]) -> None:
    x = inputs()
    y = target(x)
    found = ATTACKS[name](By(function), x, y, BUDGET)
    torch.testing.assert_close(found.values, ATTACKS[name](Plain(), x, y, BUDGET).values)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(shutil.which("g++") is None, reason="no compiler")
@pytest.mark.parametrize("backend", ["inductor", "aot_eager"])
def test_a_compiled_model_is_attacked(backend: str) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 2)).eval()
    x = inputs()
    y = target(x)
    found = AIA(steps=5, smoothness=0.1)(torch.compile(net, backend=backend), x, y, BUDGET)
    torch.testing.assert_close(
        found.values, AIA(steps=5, smoothness=0.1)(net, x, y, BUDGET).values, rtol=1e-4, atol=1e-5
    )
    assert math.isfinite(float(found.values.sum()))
