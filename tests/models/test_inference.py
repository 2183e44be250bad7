"""Lengths reach a model through every kind of wrapper."""

import functools
import shutil

import pytest
import torch
from tests.models.mine import IN, BothWays, Packed
from torch import Tensor, nn

import feint
from feint.models.inference import forward, predict
from feint.sequences import Sequences


@pytest.fixture
def x() -> Sequences:
    generator = torch.Generator().manual_seed(0)
    return Sequences.pad([torch.randn(n, IN, generator=generator) for n in (9, 4, 12)])


class Passing(nn.Module):
    """Hands on whatever it gets."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *args, **kwargs):
        return self.inner(*args, **kwargs)


class ByPosition(Passing):
    def forward(self, *args):
        return self.inner(*args)


class Named(Passing):
    def forward(self, x, **kwargs):
        return self.inner(x, **kwargs)


class Decorated(Packed):
    """A forward behind a decorator."""

    @functools.wraps(Packed.forward)
    def forward(self, *args, **kwargs):
        return super().forward(*args, **kwargs)


def packed() -> Packed:
    torch.manual_seed(0)
    return Packed().eval()


def decorated() -> Decorated:
    torch.manual_seed(0)
    return Decorated().eval()


WRAPPED = {
    "passing all": lambda: Passing(packed()),
    "by position": lambda: ByPosition(packed()),
    "by name": lambda: Named(packed()),
    "twice": lambda: Passing(Named(packed())),
    "data parallel": lambda: nn.DataParallel(packed()),
    "decorated": decorated,
    "a compiled module": lambda: torch.compile(packed(), backend="eager"),
    "compiled, in another": lambda: Passing(torch.compile(packed(), backend="eager")),
    "a function": lambda: feint.Function(packed().forward),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapper_does_not_hide_lengths(name: str, x: Sequences) -> None:
    torch.testing.assert_close(predict(WRAPPED[name](), x).values, predict(packed(), x).values)


def test_a_wrapper_of_a_model_without_lengths_gets_none(x: Sequences) -> None:
    torch.manual_seed(0)
    inner = BothWays().eval()
    for wrapper in (Passing(inner), ByPosition(inner), Named(inner), nn.DataParallel(inner)):
        assert torch.equal(predict(wrapper, x).values, predict(inner, x).values)


def test_lengths_that_come_third_are_not_handed_on_by_position(x: Sequences) -> None:
    class Third(nn.Module):
        def forward(self, x: Tensor, scale: float = 2.0, lengths: Tensor | None = None) -> Tensor:
            return scale * x

    assert torch.equal(forward(ByPosition(Third()), x), 2 * x.values)
    assert torch.equal(forward(Passing(Third()), x), 2 * x.values)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(shutil.which("g++") is None, reason="no compiler")
def test_a_compiled_model_gets_lengths(x: Sequences) -> None:
    class Mean(nn.Module):
        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            own = (torch.arange(x.shape[1]) < lengths[:, None])[..., None]
            return x - (x * own).sum(dim=1, keepdim=True) / lengths[:, None, None]

    torch.testing.assert_close(predict(torch.compile(Mean()), x).values, predict(Mean(), x).values)
