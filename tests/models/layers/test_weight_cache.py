"""Weights made ready once: what is shared, for how long, and what a user's model gains."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from feint.models.deepgru import DeepGRU
from feint.models.layers import weight_cache
from feint.models.layers.weight_cache import (
    ScratchBuffer,
    cached,
    cached_weights,
    packed_linear,
    to_autocast_dtype,
)
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
    with cached_weights():
        first = cached(layer, x, prepare)
        assert cached(layer, x, prepare) is first
        assert not first[0].requires_grad
        assert cached(other, x, prepare) is not first
        assert cached(layer, x.double(), prepare)[0].dtype == torch.float64
        with cached_weights():  # one in another is one
            assert cached(layer, x, prepare) is first
        assert cached(layer, x, prepare) is first
    assert len(asked) == 3
    assert cached(layer, x, prepare)[0].requires_grad
    assert len(asked) == 4


def test_weights_that_change_afterwards_are_seen() -> None:
    torch.manual_seed(0)
    model, x = TCN(3, 2, width=4, depth=2).eval(), torch.randn(2, 5, 3)
    with cached_weights():
        before = model(x)
    with torch.no_grad():
        model.blocks[0].first.bias += 1
    with cached_weights():
        assert not torch.equal(model(x), before)


def test_an_error_inside_leaves_nothing_behind() -> None:
    layer, x = nn.Identity(), torch.ones(1)
    for value in (1.0, 2.0):
        try:
            with cached_weights():
                assert cached(layer, x, lambda: (torch.tensor(value),))[0] == value  # noqa: B023
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass


def test_a_users_parametrized_model_is_computed_once() -> None:
    model = nn.Linear(3, 3)
    counted = Counted()
    parametrize.register_parametrization(model, "weight", counted)
    asked, x = counted.asked, torch.randn(2, 3)
    with cached_weights():
        same = [model(x) for _ in range(5)]
    assert counted.asked == asked + 1
    assert all(torch.equal(y, model(x)) for y in same)
    normed = weight_norm(nn.Linear(3, 3))
    with cached_weights():
        assert torch.equal(normed(x), normed(x))


def test_precision_is_what_autocast_asks_for() -> None:
    x = torch.ones(2)
    assert to_autocast_dtype(x) is x
    with torch.autocast("cpu", torch.bfloat16):
        assert to_autocast_dtype(x).dtype == torch.bfloat16


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_a_product_is_the_linear_layers(rows: int) -> None:
    torch.manual_seed(0)
    x, weight, bias = torch.randn(rows, 5), torch.randn(3, 5), torch.randn(3)
    wanted = nn.functional.linear(x, weight, bias)
    assert torch.equal(packed_linear(weight, bias, 64)(x), wanted)
    with cached_weights():
        torch.testing.assert_close(packed_linear(weight, bias, 64)(x), wanted)
        torch.testing.assert_close(
            packed_linear(weight.t().contiguous().t(), None, 64)(x), wanted - bias
        )
        double = packed_linear(weight.double(), bias.double(), 64)(x.double())
        torch.testing.assert_close(double.float(), wanted)


def test_without_onednn_a_product_is_pytorchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_cache.torch.ops, "mkldnn", object())
    x, weight = torch.randn(2, 5), torch.randn(3, 5)
    with cached_weights():
        assert torch.equal(packed_linear(weight, None, 64)(x), nn.functional.linear(x, weight))


def test_an_array_is_lent_again_only_when_its_loan_is_forgotten() -> None:
    like = torch.ones(1)
    with cached_weights():
        first, second = ScratchBuffer(like, 2, 3), ScratchBuffer(like, 2, 3)
        place = first.array.data_ptr()
        assert second.array.data_ptr() != place
        del first
        larger = ScratchBuffer(like, 7)
        assert larger.array.data_ptr() not in (place, second.array.data_ptr())
        assert ScratchBuffer(like.double(), 2, 3).array.dtype == torch.float64
        smaller = ScratchBuffer(like, 2, 2)
        assert smaller.array.data_ptr() == place
        assert smaller.array.shape == (2, 2)
        del larger, second
        again = ScratchBuffer(like, 6)  # of those large enough, the smallest
        assert again.array.numel() == 6
        assert again._flat.numel() == 6
    assert ScratchBuffer(like, 2, 3).array.shape == (2, 3)


def test_a_batch_that_closes_up_needs_no_more_memory() -> None:
    model = DeepGRU(3, 2, (8, 6, 4)).eval()
    with cached_weights():
        held = []
        for rows in (9, 8, 7, 5, 2, 1):
            x = torch.randn(rows, 5, 3, requires_grad=True)
            torch.autograd.grad(model(x).sum(), x)
            held.append(
                sum(len(flat) for flat in weight_cache._store.get().idle[x.dtype, x.device])
            )
        assert held == [held[0]] * 6


def test_graphs_that_live_at_once_do_not_share_their_memory() -> None:
    torch.manual_seed(0)
    model = DeepGRU(3, 2, (8, 6, 4)).eval()
    inputs = [torch.randn(4, 5, 3, requires_grad=True) for _ in range(3)]
    alone = [torch.autograd.grad(model(x).square().sum(), x)[0] for x in inputs]
    with cached_weights():
        torch.autograd.grad(model(inputs[0]).sum(), inputs[0])  # something to lend again
        losses = [model(x).square().sum() for x in inputs]
        for x, loss, wanted in zip(inputs, losses, alone, strict=True):
            for keep in (True, False):
                (gradient,) = torch.autograd.grad(loss, x, retain_graph=keep)
                torch.testing.assert_close(gradient, wanted)
