"""Models whose gradient is missing, not finite, zero, cut or blind to jumps are named as such."""

import pytest
import torch
from tests.models.mine import IN, OUT, Net
from torch import Tensor, nn

import feint
from feint.attacks.random_search import RandomSearch
from feint.models.sanity_checks import check_model
from feint.sequences import Sequences

GRADIENT = {"no-gradient", "nan-gradient", "zero-gradient", "wrong-gradient", "jumps"}


@pytest.fixture
def x() -> Sequences:
    generator = torch.Generator().manual_seed(0)
    return Sequences.pad([torch.randn(n, IN, generator=generator) for n in (9, 4, 12, 6, 7)])


def found(model: nn.Module, x: Sequences, **more) -> dict[str, str]:
    """The issues of the gradient, by code."""
    torch.manual_seed(0)
    issues = check_model(model.eval(), x, **more)
    return {one.code: one.message for one in issues if one.code in GRADIENT}


class Before(nn.Module):
    """A function of the input, then a linear layer."""

    def __init__(self, function, outputs: int = OUT, inputs: int = IN) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.function, self.head = function, nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.function(x))


class Lookup(nn.Module):
    """A table in place of a function: what quantised models do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.table = nn.Embedding(64, OUT)

    def forward(self, x: Tensor) -> Tensor:
        return self.table(((x + 4) * 8).long().clamp(0, 63)).sum(dim=2)


def straight_through(x: Tensor) -> Tensor:
    return x + (x.round() - x).detach()


ZERO = {
    "rounded": Before(lambda x: (x * 5).round() / 5),
    "signs": Before(torch.sign),
    "whole numbers": Before(lambda x: x.int().to(x.dtype)),
    "thresholds": Before(lambda x: (x > 0).to(x.dtype)),
}


@pytest.mark.parametrize("name", ZERO)
def test_a_gradient_of_zero_is_named_where_answers_change(name: str, x: Sequences) -> None:
    codes = found(ZERO[name], x)
    assert len(codes) == 1
    assert codes.keys() <= {"zero-gradient", "no-gradient"}


def test_a_search_without_gradients_finds_what_a_rounded_model_hides(x: Sequences) -> None:
    """The gradient attack leaves every distance as it is; the check has said why."""
    model, budget = ZERO["rounded"], feint.Budget(0.6)
    assert found(model, x).keys() == {"zero-gradient"}
    clean = feint.predict(model, x)
    target = clean.with_values(clean.values + 0.5 * clean.mask[..., None])
    before = feint.distance(clean, target)
    by_gradient = feint.AIA(steps=20)(model, x, target, budget)
    assert torch.equal(by_gradient.values, x.values)
    by_search = RandomSearch(queries=300)(model, x, target, budget)
    assert (feint.distance(feint.predict(model, by_search), target) < 0.8 * before).all()


def test_a_table_has_no_gradient(x: Sequences) -> None:
    assert found(Lookup(), x).keys() == {"no-gradient"}


def test_one_rounded_feature_is_named(x: Sequences) -> None:
    def rounds(values: Tensor) -> Tensor:
        return torch.cat([values[..., :4], (values[..., 4:5] * 3).round(), values[..., 5:]], dim=-1)

    assert "feature 4," in found(Before(rounds), x)["zero-gradient"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x * 2).round() + 0.01 * x,
        lambda x: torch.where(x > 0, x + 5, 0.1 * x),
        lambda x: torch.floor(3 * x) + 0.05 * x.tanh(),
    ],
    ids=["rounded, and a little more", "a step", "stairs"],
)
def test_jumps_that_a_gradient_does_not_see_are_named(function, x: Sequences) -> None:
    assert found(Before(function), x).keys() == {"jumps"}


def test_straight_through_is_another_gradient(x: Sequences) -> None:
    assert found(Before(straight_through), x).keys() == {"wrong-gradient"}


@pytest.mark.parametrize(
    "function", [torch.relu, torch.abs, lambda x: x.clamp(-1, 1), lambda x: (4 * x).tanh()]
)
def test_kinks_and_curves_are_no_jumps(function, x: Sequences) -> None:
    assert found(Before(function), x) == {}


class Norm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(1, OUT)

    def forward(self, x: Tensor) -> Tensor:
        return self.head((x**2).sum(-1, keepdim=True).sqrt())


NAN = {
    "a norm": (Norm(), 0.0),
    "a deviation": (Before(lambda x: x / x.var(-1, keepdim=True).sqrt().clamp_min(1e-3)), 0.7),
    "a log": (Before(lambda x: x.abs().sqrt().log1p()), 0.0),
}


@pytest.mark.parametrize("name", NAN)
def test_a_gradient_of_nan_is_named_with_its_place(name: str, x: Sequences) -> None:
    model, value = NAN[name]
    values = x.values.clone()
    values[3, 2] = value
    broken = x.with_values(values)
    assert found(model, x) == {}  # zeros in the padding are nobody's
    message = found(model, broken)["nan-gradient"]
    assert "1 of 5 sequences" in message
    assert "sequence 3, frame 2, feature 0" in message


def test_nan_everywhere_ends_the_run(x: Sequences) -> None:
    issues = check_model(Norm(), x.with_values(torch.zeros_like(x.values)))
    assert [one.code for one in issues if one.fatal] == ["nan-gradient"]


class RevIN(nn.Module):
    """Reversible instance normalisation with detached statistics, as it is published."""

    def forward(self, x: Tensor, mode: str) -> Tensor:
        if mode == "norm":
            self.mean = x.mean(dim=1, keepdim=True).detach()
            self.std = x.std(dim=1, keepdim=True, correction=0).add(1e-5).detach()
            return (x - self.mean) / self.std
        return x * self.std[..., :OUT] + self.mean[..., :OUT]


class Reversible(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.revin, self.net = RevIN(), nn.Linear(IN, OUT)

    def forward(self, x: Tensor) -> Tensor:
        return self.revin(self.net(self.revin(x, "norm")), "denorm")


class NLinear(nn.Module):
    """NLinear: the last value is subtracted, detached, and added again."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(IN, OUT)

    def forward(self, x: Tensor) -> Tensor:
        last = x[:, -1:].detach()
        return self.net(x - last) + last[..., :OUT]


class Inner(nn.Module):
    """The cut two levels down, in a block among good ones."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Before(torch.tanh, IN), Before(Tensor.detach, IN), nn.Tanh())
        self.skip, self.head = nn.Linear(IN, IN), nn.Linear(IN, OUT)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(x) + self.skip(x))


@pytest.mark.parametrize(
    ("make", "layer"),
    [(Reversible, "'revin' (RevIN)"), (NLinear, "NLinear"), (Inner, "'blocks.1' (Before)")],
)
def test_the_layer_that_cuts_the_gradient_is_named(make, layer: str, x: Sequences) -> None:
    torch.manual_seed(0)
    if make is not Inner:  # the others read the padding
        x = Sequences(x.values[[0, 2], :9], torch.tensor([9, 9]))
    assert layer in found(make(), x)["wrong-gradient"]


def test_a_good_model_has_a_good_gradient_on_any_scale(x: Sequences) -> None:
    for scale in (1e-8, 1.0, 1e6):
        model = Before(lambda v, s=scale: (v / s).tanh())
        assert found(model, x.with_values(x.values * scale)) == {}
    assert found(Net(), x) == {}
