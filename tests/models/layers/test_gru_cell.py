"""The GRU against PyTorch's: answers, and every gradient."""

import pytest
import torch
from tests.errors import refused
from torch import Tensor, nn

from feint.models.deepgru import DeepGRU
from feint.models.layers.gru_cell import _on_cuda, gru
from feint.models.layers.weight_cache import cached_weights
from feint.models.tcn import TCN


def layers(depth: int) -> nn.GRU:
    torch.manual_seed(0)
    made = nn.GRU(5, 4, num_layers=depth).double()
    for parameter in made.parameters():
        parameter.data *= 3
    return made


def sequences(time: int) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, a first state, and what comes from above in the backward pass."""
    torch.manual_seed(1)
    x, start, above = torch.randn(time, 3, 5), torch.randn(3, 4), torch.randn(time, 3, 4)
    return x.double().requires_grad_(), start.double().requires_grad_(), above.double()


@pytest.mark.parametrize("time", [1, 2, 9])
@pytest.mark.parametrize("depth", [1, 3])
def test_it_is_pytorchs_gru_forward_and_backward(depth: int, time: int) -> None:
    made = layers(depth)
    x, _, above = sequences(time)
    theirs, ours = made(x)[0], gru(made, x)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    wanted = [x, *made.parameters()]
    for mine, other in zip(
        torch.autograd.grad(ours, wanted, above),
        torch.autograd.grad(theirs, wanted, above),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("time", [1, 4])
def test_a_first_state_has_its_gradient(time: int) -> None:
    made = layers(1)
    x, start, above = sequences(time)
    theirs, ours = made(x, start[None])[0], gru(made, x, start)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    for mine, other in zip(
        torch.autograd.grad(ours, [x, start], above),
        torch.autograd.grad(theirs, [x, start], above),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-10)


def test_the_backward_pass_can_be_repeated() -> None:
    made = layers(2)
    x, _, above = sequences(4)
    y = gru(made, x)
    (memoize,) = torch.autograd.grad(y, x, above, retain_graph=True)
    (again,) = torch.autograd.grad(y, x, above)
    assert torch.equal(memoize, again)


def test_frozen_weights_get_no_gradient_and_change_nothing_else() -> None:
    made = layers(2)
    x, _, above = sequences(4)
    y = gru(made, x)
    (wanted,) = torch.autograd.grad(y, x, above)
    with cached_weights():
        for _ in range(2):
            same = gru(made, x)
            assert torch.equal(same, y)
            got = torch.autograd.grad(same, [x, *made.parameters()], above, allow_unused=True)
            assert torch.equal(got[0], wanted)
            assert got[1:] == (None,) * 8


def test_what_is_said_to_cudnn_is_the_same_function() -> None:
    """The call a GPU gets, on this processor: the same answers with and without gradients."""
    made = layers(3).eval()
    x, _, _ = sequences(6)
    torch.testing.assert_close(_on_cuda(made, x, None), gru(made, x), rtol=0, atol=1e-12)
    with torch.no_grad():
        torch.testing.assert_close(_on_cuda(made, x, None), gru(made, x), rtol=0, atol=1e-12)
    one = layers(1)
    x, start, _ = sequences(6)
    torch.testing.assert_close(_on_cuda(one, x, start), gru(one, x, start), rtol=0, atol=1e-12)


@pytest.mark.parametrize("model", [DeepGRU(3, 2, (4, 4, 4)), TCN(3, 2, width=4, depth=2)])
def test_a_second_derivative_is_refused(model: nn.Module) -> None:
    x = torch.randn(2, 3, 3, requires_grad=True)
    with refused("no-second-derivative"):
        torch.autograd.grad(model.eval()(x).sum(), x, create_graph=True)
