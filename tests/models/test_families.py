"""What every family promises: causal or said not to be, padding, batches, a gradient, sizes."""

from collections.abc import Callable

import pytest
import torch
from tests.attacks.problems import ragged
from tests.errors import refused
from torch import nn

from feint.models.gru import GRU
from feint.models.linear import DLinear, Ridge
from feint.models.lstm import LSTM
from feint.models.sanity_checks import check_model
from feint.models.simlpe import SiMLPe
from feint.models.transformer import Transformer

IN, OUT = 6, 3
MAKE: dict[str, Callable[[], nn.Module]] = {
    "GRU": lambda: GRU(IN, OUT, width=5, facing=False),
    "LSTM": lambda: LSTM(IN, OUT, width=5, layers=2),
    "LSTM both ways": lambda: LSTM(IN, OUT, width=5, bidirectional=True),
    "Transformer": lambda: Transformer(IN, OUT, width=8, heads=2),
    "Transformer with a mask": lambda: Transformer(IN, OUT, width=8, heads=2, causal=False),
    "SiMLPe": lambda: SiMLPe(IN, OUT, window=4, width=6, depth=2),
    "Ridge": lambda: Ridge(IN, OUT, taps=3),
    "DLinear": lambda: DLinear(IN, OUT, taps=4, window=3),
}


@pytest.mark.parametrize("name", MAKE)
def test_the_model_checks_find_no_issue(name: str) -> None:
    torch.manual_seed(0)
    model, x = MAKE[name]().eval(), ragged((9, 4, 12, 1), IN)
    whole = name in ("LSTM both ways", "Transformer with a mask")
    assert [one.code for one in check_model(model, x)] == (["not-causal"] if whole else [])


@pytest.mark.parametrize(
    "make", [*(lambda k=k: type(MAKE[k]())(0, 3) for k in MAKE), lambda: Transformer(6, 3, 9, 1, 3)]
)
def test_sizes_that_make_no_model_are_refused(make: Callable[[], nn.Module]) -> None:
    with refused("bad-setting"):
        make()
