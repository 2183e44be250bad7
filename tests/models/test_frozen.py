"""Weights made ready once: what is shared, for how long, and what a user's model gains."""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from feint.models.frozen import frozen, narrowed, ready
from feint.models.tcn import TCN


class Counted(nn.Module):
    """A parametrization that counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def forward(self, weight: Tensor) -> Tensor:
        self.asked += 1
        return weight / weight.norm()


def test_weights_are_prepared_once_a_layer_and_precision() -> None:
    asked = []

    def prepare() -> tuple[Tensor, ...]:
        asked.append(1)
        return (weight * 2,)

    weight = nn.Parameter(torch.ones(2))
    x, layer, other = torch.ones(1), nn.Identity(), nn.Identity()
    with frozen():
        first = ready(layer, x, prepare)
        assert ready(layer, x, prepare) is first
        assert not first[0].requires_grad
        assert ready(other, x, prepare) is not first
        assert ready(layer, x.double(), prepare)[0].dtype == torch.float64
        with frozen():  # one in another is one
            assert ready(layer, x, prepare) is first
        assert ready(layer, x, prepare) is first
    assert len(asked) == 3
    assert ready(layer, x, prepare)[0].requires_grad
    assert len(asked) == 4


def test_weights_that_change_afterwards_are_seen() -> None:
    torch.manual_seed(0)
    model, x = TCN(3, 2, width=4, depth=2).eval(), torch.randn(2, 5, 3)
    with frozen():
        before = model(x)
    with torch.no_grad():
        model.blocks[0].first.bias += 1
    with frozen():
        assert not torch.equal(model(x), before)


def test_an_error_inside_leaves_nothing_behind() -> None:
    layer, x = nn.Identity(), torch.ones(1)
    for value in (1.0, 2.0):
        try:
            with frozen():
                assert ready(layer, x, lambda: (torch.tensor(value),))[0] == value  # noqa: B023
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass


def test_a_users_parametrized_model_is_computed_once() -> None:
    model = nn.Linear(3, 3)
    counted = Counted()
    parametrize.register_parametrization(model, "weight", counted)
    asked, x = counted.asked, torch.randn(2, 3)
    with frozen():
        same = [model(x) for _ in range(5)]
    assert counted.asked == asked + 1
    assert all(torch.equal(y, model(x)) for y in same)
    normed = weight_norm(nn.Linear(3, 3))
    with frozen():
        assert torch.equal(normed(x), normed(x))


def test_precision_is_what_autocast_asks_for() -> None:
    x = torch.ones(2)
    assert narrowed(x) is x
    with torch.autocast("cpu", torch.bfloat16):
        assert narrowed(x).dtype == torch.bfloat16
