"""feint.attack asks the checks of `feint check-model`: each issue is a warning, or an error."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.errors import refused
from torch import Tensor, nn

import feint
from feint.errors import FeintError, FeintWarning

torch.manual_seed(3)
X, TARGET = torch.randn(4, 12, 3).cumsum(dim=1), torch.zeros(4, 12, 2)


class Model(nn.Module):
    """A linear layer with something around it."""

    def __init__(self, around: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.linear, self.around = nn.Linear(3, 2), around
        self.state = torch.zeros(2)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        return self.around(self, x)


def plain(model: nn.Module, x: Tensor) -> Tensor:
    return model.linear(x)


def remembers(model: nn.Module, x: Tensor) -> Tensor:
    y = model.linear(x) + model.state
    model.state = y.detach().mean(dim=(0, 1))
    return y


def counts(model: nn.Module, x: Tensor) -> Tensor:
    model.calls += 1
    return model.linear(x) + 0.1 * model.calls


def numpy_random(model: nn.Module, x: Tensor) -> Tensor:
    return model.linear(x) + float(np.random.default_rng().normal())


def batch_mean(model: nn.Module, x: Tensor) -> Tensor:
    return model.linear(x - x.mean(dim=0, keepdim=True))


def batch_maximum(model: nn.Module, x: Tensor) -> Tensor:
    return model.linear(x / x.abs().amax())


def wrong_layout(model: nn.Module, x: Tensor) -> Tensor:
    """Cumulates over the first axis, which it takes for time."""
    return model.linear(x).cumsum(dim=0)


def detached_norm(model: nn.Module, x: Tensor) -> Tensor:
    mean, std = x.mean(dim=1, keepdim=True).detach(), x.std(dim=1, keepdim=True).detach()
    return model.linear((x - mean) / (std + 1e-3))


def detached_last(model: nn.Module, x: Tensor) -> Tensor:
    last = x[:, -1:].detach()
    return torch.tanh(model.linear(x - last)) + model.linear(last)


def rounds(model: nn.Module, x: Tensor) -> Tensor:
    return model.linear((x * 5).round() / 5)


def straight_through(model: nn.Module, x: Tensor) -> Tensor:
    return model.linear(x + ((x * 2).round() / 2 - x).detach())


def looks_ahead(model: nn.Module, x: Tensor) -> Tensor:
    return model.linear(x + x.flip(1))


WARNED = {
    batch_mean: "batch-dependent",
    batch_maximum: "batch-dependent",
    wrong_layout: "batch-dependent",
    detached_norm: "wrong-gradient",
    detached_last: "wrong-gradient",
    rounds: "zero-gradient",
    straight_through: "wrong-gradient",
    looks_ahead: "not-causal",
}


@pytest.mark.parametrize("around", WARNED, ids=lambda one: one.__name__)
@pytest.mark.parametrize("rows", [1, 4])
def test_it_warns(around: Callable[[nn.Module, Tensor], Tensor], rows: int) -> None:
    x, target = X[:rows], TARGET[:rows]
    with pytest.warns(FeintWarning) as caught:
        found = feint.attack(Model(around), x, target, eps=0.2, steps=3)
    code = WARNED[around]
    assert code in [one.message.code for one in caught]  # type: ignore[union-attr]
    assert code in [one.code for one in found.notes]
    assert code in str(found)


@pytest.mark.parametrize("around", [remembers, counts, numpy_random], ids=lambda one: one.__name__)
@pytest.mark.parametrize("rows", [1, 4])
def test_it_refuses(around: Callable[[nn.Module, Tensor], Tensor], rows: int) -> None:
    with refused("random-answers"):
        feint.attack(Model(around), X[:rows], TARGET[:rows], eps=0.2, steps=3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [1, 4])
def test_it_is_silent_about_a_sound_model(dtype: torch.dtype, rows: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = 0.1 * X[:rows]
        found = feint.attack(Model(plain).to(dtype), x, TARGET[:rows], eps=0.2, steps=20)
    assert found.notes == ()


def test_the_layer_is_named() -> None:
    class Norm(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x - x.mean(dim=1, keepdim=True).detach()

    model = nn.Sequential(nn.Linear(3, 3), Norm(), nn.Linear(3, 2))
    with pytest.warns(FeintWarning):
        found = feint.attack(model, X, TARGET, eps=0.2, steps=3)
    assert "'1' (Norm)" in next(str(one) for one in found.notes if one.code == "wrong-gradient")


def test_only_what_the_budget_frees_is_tried() -> None:
    class Hours(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.linear = nn.Embedding(24, 2), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x[..., :2]) + self.embedding(x[..., 2].long())

    x = X.clone()
    x[..., 2] = torch.arange(12) + 12
    found = feint.attack(Hours(), x, TARGET, eps=0.2, steps=30, coords=[0, 1])
    assert found.notes == ()


def test_checks_can_be_left_out_and_a_cut_gradient_is_an_error() -> None:
    found = feint.attack(Model(batch_mean), X, TARGET, eps=0.2, steps=3, checks=False)
    assert "batch-dependent" not in str(found)

    def cut(model: nn.Module, x: Tensor) -> Tensor:
        return model.linear(x.detach())

    for checks in (True, False):
        with refused("no-gradient"):
            feint.attack(Model(cut), X, TARGET, eps=0.2, steps=3, checks=checks)


def test_an_untargeted_attack_asks_too() -> None:
    with pytest.warns(FeintWarning) as caught:
        feint.attack(Model(batch_mean), X, eps=0.2, steps=3)
    assert [one.message.code for one in caught] == ["batch-dependent"]  # type: ignore[union-attr]
    with pytest.raises(FeintError) as refusal:
        feint.attack(Model(counts), X, eps=0.2, steps=3)
    assert refusal.value.code == "random-answers"
