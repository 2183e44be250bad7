"""The smallest eps: against closed forms and convex optima, and what a search promises."""

import cvxpy as cp
import pytest
import torch
from scipy.optimize import brentq
from tests.attacks.problems import CausalLinear, ragged, unchecked
from tests.attacks.test_contract import nothing_changes
from tests.errors import refused
from torch import Tensor, nn

from feint.attacks import AIA, MinimalPerturbation
from feint.attacks.budget import Budget
from feint.models.inference import predict
from feint.models.tcn import TCN
from feint.sequences import Norm, Sequences, distance

LENGTHS = (9, 1, 5, 14)
SEARCH = MinimalPerturbation(AIA(steps=150))


def doubled(sequences: Sequences) -> Sequences:
    return sequences.with_values(sequences.values.double())


def problem(outputs: int = 6) -> tuple[Sequences, Sequences]:
    return doubled(ragged(LENGTHS, 6, seed=1)), doubled(ragged(LENGTHS, outputs, seed=2))


def test_for_the_identity_it_is_the_closed_form() -> None:
    """The nearest answer at eps leaves max(|y - x| - eps, 0) of every coordinate."""
    x, target = problem()
    before = distance(x, target)
    kappa = before * torch.tensor([0.2, 0.5, 0.05, 0.8])
    found = SEARCH(nn.Identity(), x, target, Budget(4.0), kappa)
    assert found.success.all()
    for row, (clean, wanted) in enumerate(zip(x, target, strict=True)):
        gap = (wanted - clean).abs()

        def left(eps: float, gap: Tensor = gap, row: int = row) -> float:
            return float((gap - eps).clamp_min(0).norm(dim=-1).sum() - kappa[row])

        optimum = brentq(left, 0, 4)
        assert optimum * (1 - 1e-6) <= found.eps[row] <= optimum + 1.1 * 4 / 64


@pytest.mark.parametrize("norm", ["frame", "joint"])
def test_for_a_linear_model_it_is_the_convex_optimum(norm: Norm) -> None:
    torch.manual_seed(0)
    model = CausalLinear(6, 6).double()
    x, target = problem()
    coords = torch.tensor([True, True, False, True, True, True])
    unit = torch.tensor([1.0, 2.0, 1.0, 0.5, 1.0, 1.0]).double()
    kappa = 0.6 * distance(predict(model, x), target, norm)
    search = MinimalPerturbation(AIA(steps=150, norm=norm), precision=1 / 32)
    found = search(model, x, target, Budget(3.0, coords=coords, unit=unit), kappa)
    assert found.success.all()
    for row, (clean, wanted) in enumerate(zip(x, target, strict=True)):
        change, eps = cp.Variable(clean.shape), cp.Variable()
        answer = 0
        taps = model.taps.detach().numpy()
        for back in range(min(len(taps), len(clean))):
            shift = torch.diag(torch.ones(len(clean) - back), -back).numpy()
            answer = answer + shift @ (clean.numpy() + change) @ taps[back].T
        miss = answer - wanted.numpy()
        parts = [miss] if norm == "frame" else [miss[:, :3], miss[:, 3:]]
        missed = sum(cp.sum(cp.norm(part, 2, axis=1)) for part in parts)
        reach = (unit * coords).numpy()[None].repeat(len(clean), axis=0)
        within = cp.abs(change) <= cp.multiply(eps, reach)
        optimum = cp.Problem(cp.Minimize(eps), [within, missed <= float(kappa[row])]).solve(
            solver=cp.CLARABEL
        )
        assert optimum * (1 - 1e-4) <= float(found.eps[row]) <= 1.02 * optimum + 1.1 * 3 / 32


def reactor() -> nn.Module:
    torch.manual_seed(0)
    model = TCN(6, 4, width=12, depth=3).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model


def test_what_it_promises_holds_when_measured_again() -> None:
    model, (x, target) = reactor(), problem(outputs=4)
    before = distance(predict(model, x), target)
    kappa = before * torch.tensor([0.97, 2.0, 0.95, 1e-3])  # one is there already, one never
    coords = torch.tensor([True, False] * 3)
    budget = Budget(torch.tensor([1.0, 2.0, 3.0, 0.5]).double(), coords=coords, high=9.0)
    with nothing_changes(model, x, target):
        found = MinimalPerturbation()(model, x, target, budget, kappa)
    assert found.success.tolist() == [True, True, True, False]
    assert found.eps[1] == 0
    assert torch.equal(found.x_adv.values[1], x.values[1])
    torch.testing.assert_close(distance(predict(model, found.x_adv), target), found.distance)
    assert torch.equal(found.distance < kappa, found.success)
    moved = [0, 2]
    within = Budget(found.eps[moved], coords=coords, high=9.0)
    assert (within.violation(found.x_adv[moved], x[moved]) <= 1e-12).all()
    assert budget.violation(found.x_adv, x).max() <= 1e-12
    assert found.distance[3] < before[3]  # the nearest try, for who wants to look at it
    for row in range(4):
        alone = MinimalPerturbation()(
            model, x[[row]], target[[row]], budget[torch.tensor([row])], kappa[[row]]
        )
        assert float(alone.eps[0]) == float(found.eps[row])


def test_the_curve_is_as_good_as_an_attack_at_each_eps() -> None:
    model, (x, target) = reactor(), problem(outputs=4)
    x, target = x[[0, 2, 3] * 4], target[[0, 2, 3] * 4]
    levels = (0.2, 0.5, 1.0, 2.0)
    before = distance(predict(model, x), target)
    kappa = before * torch.linspace(0.75, 0.99, len(x))
    found = MinimalPerturbation(AIA(steps=100), levels=levels)(model, x, target, Budget(1.0), kappa)
    assert set(found.eps.tolist()) <= {0.0, *levels, float("inf")}
    for eps in levels:
        x_adv = AIA(steps=100)(model, x, target, Budget(eps))
        plain = (distance(predict(model, x_adv), target) < kappa).double().mean()
        assert found.rate(eps) >= float(plain) - 1e-9
    assert 0 < found.rate(0.2) < found.rate(2.0)


@pytest.mark.parametrize("kappa", [0.0, -1.0, float("nan"), float("inf"), torch.ones(3)])
def test_a_tolerance_that_is_none_is_refused(kappa: float | Tensor) -> None:
    x, target = problem()
    with unchecked(), refused("bad-tolerance", names=["kappa"]):
        MinimalPerturbation()(nn.Identity(), x, target, Budget(1.0), kappa)


@pytest.mark.parametrize(
    "settings", [{"precision": 0.0}, {"precision": 2.0}, {"levels": ()}, {"levels": (0.1, -1.0)}]
)
def test_settings_that_make_no_search_are_refused(settings: dict[str, object]) -> None:
    code = "bad-number" if "precision" in settings else "bad-eps"
    with refused(code, names=settings):
        MinimalPerturbation(**settings)
