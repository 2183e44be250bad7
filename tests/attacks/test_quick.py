"""One line: every form of input, what it returns, and what it says when something is wrong."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.attacks.problems import unchecked
from tests.errors import refused
from torch import Tensor, nn

import feint
from feint.errors import FeintWarning
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
        # In double precision the budget holds more exactly.
        torch.testing.assert_close(one.perturbed.values, found["batch"].perturbed.values)
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
    with pytest.warns(FeintWarning) as caught:
        found = attack(X, TARGET, Deaf())
    assert [one.message.code for one in caught] == ["ignores-input"]  # type: ignore[union-attr]
    assert {one.code for one in found.notes} == {"ignores-input"}
    assert "in 2 of 2" in str(found)
    assert attack(X, TARGET).notes == ()
    stuck = attack(X, TARGET, preset="paper-adam", kappa=0.1, steps=1)
    codes = [one.code for one in stuck.notes]
    assert codes == ["noise-wins"] * bool((stuck.after > stuck.noise).any())


def test_a_large_offset_of_the_output_is_not_deafness() -> None:
    class Far(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 4e6 + 10 * x[..., :3]

    found = attack(X, 4e6 + TARGET, Far(), steps=5)
    assert found.notes == ()
    assert (found.after < found.before).all()


class Cut(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[..., :3].detach()


NAN = X.masked_fill(X > 2, torch.nan).index_fill(1, torch.tensor([2]), torch.nan)
DROPOUT = TCN(4, 3, width=8, depth=2, dropout=0.5)
WRONG: dict[str, tuple[dict[str, Any], str, tuple[Any, ...]]] = {
    "NaN": ({"x": NAN}, "not-finite", ("sequence 0",)),
    "one dimension": ({"x": X[0, 0]}, "wrong-shape", ("(4,)",)),
    "a string": ({"x": "abc"}, "wrong-type", ("str",)),
    "strings inside": ({"x": [["a"]]}, "wrong-type", ("list", "x")),
    "objects": ({"x": np.array([["a"]])}, "wrong-type", ("<U1",)),
    "complex": ({"x": X + 0j}, "wrong-type", ("complex64",)),
    "a complex array": ({"target": (TARGET + 0j).numpy()}, "wrong-type", ("complex64", "target")),
    "no data": ({"x": None}, "wrong-type", ("NoneType",)),
    "eps 0": ({"eps": 0.0}, "bad-eps", ("0.0",)),
    "eps below 0": ({"eps": -1.0}, "bad-eps", ("-1.0",)),
    "eps None": ({"eps": None}, "bad-eps", ("None",)),
    "eps in words": ({"eps": "0.3"}, "bad-eps", ("0.3",)),
    "eps a bool": ({"eps": True}, "bad-eps", ("True",)),
    "eps of unequal lists": ({"eps": [[1.0], [1.0, 2.0]]}, "bad-eps", ()),
    "eps not finite": ({"eps": [0.1, 0.1, float("nan"), 0.1]}, "bad-eps", ("nan",)),
    "eps below 0 in a feature": ({"eps": [0.1, 0.1, -0.1, 0.1]}, "bad-eps", ("-0.1",)),
    "eps 0 in a sequence": ({"eps": [0.1, 0.0]}, "bad-eps", ("0.0",)),
    "eps 0 where it counts": ({"eps": [0.0, 1, 1, 1], "coords": [0]}, "bad-eps", ("coords",)),
    "three eps": ({"eps": [0.1, 0.2, 0.3]}, "wrong-shape", ("(3,)", "(2)", "(4)")),
    "an eps a coordinate": ({"eps": torch.ones(2, 4)}, "wrong-shape", ("(2, 4)",)),
    "an eps a frame": ({"eps": np.ones((7, 1))}, "wrong-shape", ("(7, 1)",)),
    "eps that could be both": ({"x": X[:, :, :2], "target": X[:, :, :2], "eps": [0.1, 0.2],
                                "model": nn.Identity()}, "ambiguous-eps", ("(1, features)",)),
    "no eps": ({"eps": []}, "wrong-shape", ("(0,)",)),
    "low's count": ({"low": [-9.0, -9.0]}, "wrong-shape", ("low", "(2,)", "(4)")),
    "high in words": ({"high": "9"}, "bad-range", ("high",)),
    "target's width": ({"target": X}, "shape-mismatch", ("the target",)),
    "target's length": ({"target": TARGET[:, :5]}, "shape-mismatch", ("the target",)),
    "reference too": ({"reference": TARGET}, "conflicting-settings", ("reference",)),
    "coords too far": ({"coords": [4]}, "bad-coords", ("from 0 to 3",)),
    "coords' number": ({"coords": [True]}, "bad-coords", ("(4)",)),
    "coords in words": ({"coords": "z"}, "bad-coords", ("z",)),
    "no coords": ({"coords": [False] * 4}, "bad-coords", ("False",)),
    "preset": ({"preset": "best"}, "unknown-preset", ("best",)),
    "preset alone": ({"target": None, "preset": "paper-eq6"}, "conflicting-settings", ("preset",)),
    "no kappa": ({"preset": "paper-eq6"}, "no-tolerance", ("kappa",)),
    "no gradient": ({"model": Cut()}, "no-gradient", ("detach",)),
    "training": ({"model": DROPOUT}, "training-mode", ("Dropout",)),
    "a plain function": ({"model": lambda x: x[..., :3]}, "not-a-module", ("feint.Function",)),
    "a class": ({"model": TCN}, "not-a-module", ("class TCN",)),
    "no model": ({"model": None}, "not-a-module", ("NoneType",)),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_it_says_what_is_wrong(wrong: str) -> None:
    change, code, facts = WRONG[wrong]
    with unchecked(), refused(code, facts):
        attack(**{"x": X, "target": TARGET, **change})


class Broken(nn.Module):
    """Fails as models of people do, in its forward or in its backward."""

    def __init__(self, error: Exception, backward: bool = False) -> None:
        super().__init__()
        self.error, self.backward = error, backward

    def forward(self, x: Tensor) -> Tensor:
        if not self.backward:
            raise self.error
        y = x[..., :3] * 1.0
        if y.requires_grad:
            y.register_hook(self.fail)
        return y

    def fail(self, gradient: Tensor) -> None:
        raise self.error


class NoneInside(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : self.mask.shape[-1]]  # type: ignore[union-attr]


class OwnError(Exception):
    pass


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("division"), OSError("no file"), OwnError("own"), StopIteration()]
)
def test_whatever_a_model_raises_is_named(error: Exception) -> None:
    with refused("model-fails", [type(error).__name__, str(error)]):
        attack(X, TARGET, Broken(error))
    with refused("backward-fails", [str(error)]):
        attack(X, TARGET, Broken(error, backward=True))


def test_none_in_a_forward_is_named_and_a_long_message_is_whole() -> None:
    with refused("model-fails", ["AttributeError", "'shape'"]):
        attack(X, TARGET, NoneInside())
    long = " ".join(f"line {i}" for i in range(60))
    with refused("model-fails", [long]):
        attack(X, TARGET, Broken(RuntimeError(long)))


def test_an_interrupt_is_no_fault_of_the_model() -> None:
    class Interrupted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attack(X, TARGET, Interrupted())


@pytest.mark.parametrize("make", [list, tuple, np.array, torch.tensor])
def test_eps_in_any_form(make: Any) -> None:
    by_feature = [0.1, 0.2, 0.0, 0.4]
    found = attack(X, TARGET, eps=make(by_feature))
    moved = (found.x_adv - X).abs().amax(dim=(0, 1))
    assert moved[2] == 0
    for size, most in zip(moved.tolist(), by_feature, strict=True):
        assert size <= most * (1 + 1e-5) + 1e-6
        assert size > 0.5 * most or most == 0
    assert "eps 0.1-0.4 on 3 of 4 features" in str(found)
    by_row = attack(X, TARGET, eps=make([0.1, 0.4]))
    moved = (by_row.x_adv - X).abs().amax(dim=(1, 2))
    torch.testing.assert_close(moved, torch.tensor([0.1, 0.4]), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(by_row.change, moved)
    one = attack(X, TARGET, eps=make([0.3]))
    assert torch.equal(one.x_adv, attack(X, TARGET, eps=0.3).x_adv)
    both = attack(X, TARGET, eps=make([by_feature]), coords=[1, 2])
    assert ((both.x_adv - X).abs().amax(dim=(0, 1)) > 0).tolist() == [False, True, False, False]


def test_shapes_tell_sequences_from_features() -> None:
    x = X[:, :, :2]
    rows = attack(x, x + 9, nn.Identity(), eps=[[0.1], [0.2]], checks=False)
    assert rows.x_adv[1, 0, 0] - x[1, 0, 0] == pytest.approx(0.2, abs=1e-5)
    assert rows.x_adv[0, 0, 1] - x[0, 0, 1] == pytest.approx(0.1, abs=1e-5)
    features = attack(x, x + 9, nn.Identity(), eps=[[0.1, 0.2]], checks=False)
    assert features.x_adv[0, 0, 1] - x[0, 0, 1] == pytest.approx(0.2, abs=1e-5)


def test_limits_one_a_feature() -> None:
    found = attack(X, TARGET, low=[-9.0] * 4, high=np.array([9.0, 9, 9, 9]))
    assert torch.equal(found.x_adv, attack(X, TARGET, low=-9.0, high=9.0).x_adv)
    tight = (X.amax(dim=(0, 1)) + 0.01).double()
    found = attack(X, TARGET, high=tight.tolist())
    assert (found.x_adv.amax(dim=(0, 1)) <= tight + 1e-6).all()
