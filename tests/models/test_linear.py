"""Ridge and DLinear: attacks on them end at the convex optimum; what their algebra says."""

import cvxpy as cp
import pytest
import torch
from tests.attacks.problems import ragged
from torch import nn

import feint
from feint.models.linear import DLinear, Ridge

IN, OUT = 6, 3


def linear(name: str) -> nn.Module:
    torch.manual_seed(2)
    model = Ridge(IN, OUT, taps=3) if name == "Ridge" else DLinear(IN, OUT, taps=4, window=3)
    model = model.double().eval()
    for part in model.parameters():
        nn.init.normal_(part, std=0.3)
    return model


@pytest.mark.parametrize("name", ["Ridge", "DLinear"])
def test_the_attack_is_at_the_convex_optimum(name: str) -> None:
    model, x = linear(name), ragged((7, 7), IN, seed=3)
    x = x.with_values(x.values.double())
    target = x.with_values(torch.randn(2, 7, OUT, dtype=torch.float64))
    coords = torch.arange(IN) % 3 == 2
    found = feint.AIA(steps=300)(model, x, target, feint.Budget(0.4, coords=coords))
    reached = feint.distance(feint.predict(model, found), target)
    for row in range(2):
        slope = torch.autograd.functional.jacobian(lambda v: model(v[None])[0], x.values[row])
        change = cp.Variable((7, IN))
        answer = feint.predict(model, x[[row]]).values[0].numpy()
        moved = slope.flatten(2).flatten(0, 1).numpy() @ cp.vec(change, order="C")
        missed = answer + cp.reshape(moved, (7, OUT), order="C") - target.values[row].numpy()
        limits = [cp.abs(change) <= 0.4 * coords.double().numpy()[None].repeat(7, axis=0)]
        problem = cp.Problem(cp.Minimize(cp.sum(cp.norm(missed, 2, axis=1))), limits)
        best = problem.solve(solver=cp.CLARABEL)
        assert best <= reached[row] * (1 + 1e-6)
        assert reached[row] <= 1.005 * best


def test_ridge_finds_the_line_that_is_there() -> None:
    torch.manual_seed(0)
    x, teacher = ragged((30, 20, 25, 40), IN), Ridge(IN, OUT, taps=3)
    teacher.fit_normalization(x, x.with_values(3 + torch.randn(4, 40, OUT)))
    y = feint.predict(teacher.eval(), x)
    model, other = Ridge(IN, OUT, taps=3, penalty=1e-9), feint.Training(epochs=7, validation=0.25)
    settings = feint.Training(epochs=7, validation=0.0, keep="last")
    history = feint.train(model, x, y, settings)
    assert (len(history.loss), history.validation, history.best_epoch) == (1, [], 0)
    torch.testing.assert_close(feint.predict(model, x).values, y.values, rtol=1e-3, atol=1e-3)
    assert len(feint.train(model, x, y, other).validation) == 1


def test_the_trend_is_the_mean_of_the_last_frames() -> None:
    x = torch.randn(1, 8, IN)
    trend = DLinear(IN, OUT, window=3)._trend(x)
    for t in range(8):
        torch.testing.assert_close(trend[0, t], x[0, max(0, t - 2) : t + 1].mean(dim=0))
