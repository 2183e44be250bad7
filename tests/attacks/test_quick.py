"""One line: every form of input, what it returns, and what it says when something is wrong."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.attacks.problems import unchecked
from tests.errors import refused
from torch import Tensor, nn

import feint
from feint.errors import FeintError
from feint.models.tcn import TCN
from feint.sequences import Sequences

torch.manual_seed(0)
MODEL = TCN(4, 3, width=8, depth=2).eval()
X, TARGET = torch.randn(2, 7, 4), torch.randn(2, 7, 3)


def attack(x: Any, target: Any = None, model: nn.Module = MODEL, **more: Any) -> Any:
    return feint.attack(model, x, target, **{"eps": 0.3, "steps": 15, **more})


def test_every_form_gives_the_same_and_comes_back_as_it_was_given() -> None:
    lengths = torch.tensor([7, 7])
    forms: dict[str, tuple[Any, Any]] = {
        "batch": (X, TARGET),
        "list": (list(X), list(TARGET)),
        "numpy": (X.double().numpy(), TARGET.double().numpy()),
        "sequences": (Sequences(X, lengths), Sequences(TARGET, lengths)),
        "mixed": (X, Sequences(TARGET, lengths)),
    }
    found = {name: attack(x, target) for name, (x, target) in forms.items()}
    for one in found.values():
        assert torch.equal(one.perturbed.values, found["batch"].perturbed.values)
        assert (one.after < one.noise).all()
        assert (one.noise - one.before).abs().min() > 0
        assert (one.change <= 0.3 + 1e-6).all()
    assert found["batch"].x_adv.shape == X.shape
    assert [one.shape for one in found["list"].x_adv] == [(7, 4), (7, 4)]
    assert found["numpy"].x_adv.dtype == np.float64
    assert isinstance(found["sequences"].x_adv, Sequences)
    alone = attack(X[0], TARGET[0])
    assert alone.x_adv.shape == (7, 4)
    torch.testing.assert_close(alone.after[0], found["batch"].after[0], rtol=1e-2, atol=0)
    ragged = attack([X[0], X[1, :4]], [TARGET[0], TARGET[1, :4]])
    assert [len(one) for one in ragged.x_adv] == [7, 4]


def test_one_target_serves_all_and_without_one_the_answer_is_led_away() -> None:
    both = attack(X, TARGET[0])
    assert torch.equal(both.target.values[0], both.target.values[1])
    away = attack(X)
    assert (away.before == 0).all()
    assert (away.after > away.noise).all()
    true = attack(X, reference=TARGET)
    assert (true.after > true.before).all()


def test_coords_range_and_kappa() -> None:
    found = attack(X, TARGET, coords=[1, 3], low=-9.0, high=9.0, kappa=1.0)
    moved = (found.x_adv - X).abs().amax(dim=(0, 1))
    assert (moved > 0).tolist() == [False, True, False, True]
    as_bools = attack(X, TARGET, coords=[False, True, False, True], low=-9.0, high=9.0)
    assert torch.equal(as_bools.x_adv, found.x_adv)
    assert found.success.tolist() == (found.after < 1).tolist()
    assert "eps 0.3 on 2 of 4 features" in str(found)
    assert "without an attack" in repr(found)
    with refused("no-tolerance"):
        _ = as_bools.success
    away = attack(X, kappa=0.1)
    assert away.success.tolist() == (away.after >= 0.1).tolist()
    paper = attack(X, TARGET, preset="paper-eq6", kappa=1.0)
    assert paper.attack.surface == "sphere"


class Deaf(nn.Module):
    """Sees its input, and gives it no weight."""

    def forward(self, x: Tensor) -> Tensor:
        return 1.0 + 0.0 * x[..., :3]


def test_what_must_be_known_is_said() -> None:
    found = attack(X, TARGET, Deaf())
    assert "ignores its input in 2 of 2" in str(found)
    assert attack(X, TARGET).notes == ()
    stuck = attack(X, TARGET, preset="paper-adam", kappa=0.1, steps=1)
    assert "Random noise does better" in str(stuck) or (stuck.after <= stuck.noise).all()


class Cut(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[..., :3].detach()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "NaN": ({"x": X.masked_fill(X > 2, torch.nan).index_fill(1, torch.tensor([2]), torch.nan)},
            "got nan in sequence 0"),
    "one dimension": ({"x": X[0, 0]}, r"\(time, features\) or"),
    "a string": ({"x": "abc"}, "type str"),
    "strings inside": ({"x": [["a"]]}, "list inside x"),
    "objects": ({"x": np.array([["a"]])}, "dtype"),
    "eps 0": ({"eps": 0.0}, "eps=0.0"),
    "eps below 0": ({"eps": -1.0}, "eps=-1.0"),
    "target's width": ({"target": X}, "the target"),
    "target's length": ({"target": TARGET[:, :5]}, "the target"),
    "reference too": ({"reference": TARGET}, "at most one"),
    "coords too far": ({"coords": [4]}, "from 0 to 3"),
    "coords' number": ({"coords": [True]}, "coords for 1 features"),
    "preset": ({"preset": "best"}, "preset 'best'"),
    "preset without a target": ({"target": None, "preset": "paper-eq6"}, "no target"),
    "no kappa": ({"preset": "paper-eq6"}, "no kappa"),
    "no gradient": ({"model": Cut()}, "No gradient reaches"),
    "training": ({"model": TCN(4, 3, width=8, depth=2, dropout=0.5)}, "evaluation mode"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_it_says_what_is_wrong(wrong: str) -> None:
    change, match = WRONG[wrong]
    told = {"x": X, "target": TARGET, **change}
    with unchecked(), pytest.raises(FeintError, match=match):
        attack(**told)
