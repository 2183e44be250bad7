"""Random search: a known optimum, what it learns from queries, and how many it asks."""

import torch
from tests.attacks.problems import CausalLinear, ragged
from tests.errors import refused
from torch import Tensor, nn

from feint.attacks import Noise, RandomSearch
from feint.attacks.budget import Budget
from feint.models.inference import predict
from feint.sequences import distance

X = ragged((9, 6, 1), 4, seed=1)
BUDGET = Budget(0.3)


class Counted(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.rows = model, 0

    def forward(self, x: Tensor) -> Tensor:
        self.rows += len(x)
        return self.model(x)


def test_it_finds_the_optimum_of_the_identity() -> None:
    """All targets are out of reach by more than eps, so the optimum is the projected target."""
    target = X.with_values(
        (X.values + ragged((9, 6, 1), 4, seed=2).values.sign()) * X.mask[..., None]
    )
    identity = nn.Identity().eval()
    found = distance(RandomSearch(2000)(identity, X, target, BUDGET), target)
    best = distance(BUDGET.project(target, X), target)
    clean = distance(X, target)
    assert ((clean - found) / (clean - best)).min() > 0.99


def test_more_queries_are_never_worse_and_beat_as_many_draws() -> None:
    torch.manual_seed(0)
    model = CausalLinear(4, 3).eval()
    reachable = X.with_values(X.values + 0.3 * ragged((9, 6, 1), 4, seed=3).values.sign())
    target = predict(model, reachable.with_values(reachable.values * X.mask[..., None]))
    drawn = Noise("offset", tries=300)(model, X, target, BUDGET)
    searched = RandomSearch(300)(model, X, target, BUDGET)
    clean, drawn, searched = (distance(predict(model, x), target) for x in (X, drawn, searched))
    assert (searched <= drawn).all()
    assert (searched[:2] < 0.7 * clean[:2]).all()


def test_it_asks_as_often_as_it_says_and_stops_at_the_goal() -> None:
    model = Counted(CausalLinear(4, 3)).eval()
    target = predict(model, X)
    other = target.with_values((target.values + 1) * X.mask[..., None])
    model.rows = 0
    RandomSearch(20)(model, X, other, BUDGET)
    assert model.rows == 21 * len(X)
    model.rows = 0
    RandomSearch(20)(model, X, target, BUDGET, goal=torch.ones(len(X)))
    assert model.rows == len(X)


def test_it_begins_at_the_start() -> None:
    model = CausalLinear(4, 3).eval()
    start = BUDGET.project(X.with_values((X.values + 0.2) * X.mask[..., None]), X)
    target = predict(model, start)
    assert torch.equal(RandomSearch(5)(model, X, target, BUDGET, start=start).values, start.values)


def test_no_query_is_refused() -> None:
    with refused("bad-number", ["queries=0"]):
        RandomSearch(0)
