"""What feint.attack returns holds in the caller's own precision, and is what was measured."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.errors import refused
from torch import Tensor, nn

import feint
from feint.attacks.budget import Budget
from feint.attacks.precision import to_caller
from feint.errors import FeintWarning
from feint.models.gru import GRU
from feint.models.tcn import TCN
from feint.sequences import Sequences

EPS = 0.3


class Local(nn.Module):
    """Subtracts the first frame, as models of places do, and answers by some weights."""

    def __init__(self, features: int = 3) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.linear = nn.Linear(features, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.linear((x - x[:, :1]) / 3))


def walk(rows: int = 4, offset: Any = 0.0, seed: int = 0) -> np.ndarray:
    """Random walks in steps of metres, in double precision, about an offset a feature."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 20, 3)).cumsum(axis=1) + np.asarray(offset)


def attacked(model: nn.Module, x: Any, **more: Any) -> Any:
    given = x[0] if isinstance(x, list) else x
    target = torch.zeros(*given.shape[:-1], 2)
    settings = {"eps": EPS, "steps": 10, "checks": False, **more}
    return feint.attack(model, x, [target] * len(x) if isinstance(x, list) else target, **settings)


def measured(model: nn.Module, x_adv: Any, dtype: torch.dtype) -> Tensor:
    """The distance that a user gets who gives `x_adv` to the model."""
    with torch.no_grad():
        answer = model(torch.as_tensor(x_adv).to(dtype)).double()
    return answer.norm(dim=-1).sum(dim=1)


def test_places_on_a_map_in_double_precision_are_refused_with_the_reason() -> None:
    x = walk(offset=[5e5, 5e6, 0.0])
    with refused("eps-below-precision", ["Feature 1", "float32", "0.5", "coords", "0.3"]):
        attacked(Local(), x)


@pytest.mark.parametrize("offset", [1e4, 1e5, 1e6])
def test_eps_and_the_mask_hold_on_a_map(offset: float) -> None:
    x = walk(offset=[offset, 5e6, 0.0])
    with_warning = offset > 5e5
    if with_warning:
        with pytest.warns(FeintWarning) as caught:
            found = attacked(Local(), x, coords=[0])
        assert caught[0].message.code == "eps-below-precision"  # type: ignore[union-attr]
        assert [one.code for one in found.notes] == ["eps-below-precision"]
    else:
        found = attacked(Local(), x, coords=[0])
    assert found.x_adv.dtype == np.float64
    assert np.abs(found.x_adv - x)[..., 0].max() <= EPS
    assert np.array_equal(found.x_adv[..., 1:], x[..., 1:])
    assert (found.after < found.before).all()
    torch.testing.assert_close(
        measured(Local(), found.x_adv, torch.float32).float(), found.after, rtol=1e-4, atol=1e-5
    )
    assert found.change.max() == np.abs(found.x_adv - x).max()


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (torch.float32, torch.float64),
        (torch.float64, torch.float32),
        (torch.float32, torch.float16),
        (torch.float32, torch.bfloat16),
        (torch.float64, torch.float16),
        (torch.float16, torch.float16),
        (torch.bfloat16, torch.bfloat16),
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float64),
        (torch.float16, torch.bfloat16),
    ],
)
@pytest.mark.parametrize("form", ["batch", "list", "sequences"])
@pytest.mark.filterwarnings("ignore:feint.attack:feint.FeintWarning")
def test_every_pair_of_precisions(model: torch.dtype, data: torch.dtype, form: str) -> None:
    net = Local().to(model)
    x = torch.tensor(0.3 * walk()).to(data)
    lengths = torch.full((len(x),), x.shape[1])
    forms: dict[str, Any] = {"batch": x, "list": list(x), "sequences": Sequences(x, lengths)}
    before = x.clone()
    found = (
        attacked(net, x if form == "batch" else list(x))
        if form != "sequences"
        else (
            feint.attack(net, forms[form], torch.zeros(4, 20, 2), eps=EPS, steps=10, checks=False)
        )
    )
    back = found.x_adv
    back = torch.stack(back) if form == "list" else back.values if form == "sequences" else back
    assert back.dtype == data
    assert torch.equal(x, before)
    moved = float((back.double() - x.double()).abs().max())
    assert moved <= EPS + 1e-6 * (data == torch.float32)  # there the search rounds x + eps itself
    assert (found.after < found.before).all()
    assert (found.after < found.noise).all()
    # Rounding inside the model is the model's; what it is asked is exactly what was returned.
    torch.testing.assert_close(
        measured(net, back, model), found.after.double(), rtol=1e-2, atol=1e-2
    )
    assert torch.equal(found.perturbed.values, back.to(found.perturbed.values.dtype))
    assert next(net.parameters()).dtype == model


def test_single_precision_is_bit_for_bit_what_it_was() -> None:
    x = torch.tensor(walk()).float()
    target = torch.zeros(4, 20, 2)
    found = attacked(Local(), x)
    direct = feint.AIA.preset("strong", steps=10)(
        Local(), Sequences.pad(list(x)), Sequences.pad(list(target)), Budget(EPS)
    )
    assert torch.equal(found.x_adv, direct.values)


@pytest.mark.parametrize("net", [TCN(3, 2, width=8, depth=2), GRU(3, 2, width=8, facing=False)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.filterwarnings("ignore:feint.attack:feint.FeintWarning")
def test_the_reactors_in_half_precision(net: nn.Module, dtype: torch.dtype) -> None:
    import copy

    half = copy.deepcopy(net).eval().to(dtype)
    x = torch.tensor(0.3 * walk()).to(dtype)
    found = feint.attack(half, x, torch.zeros(4, 20, 2), eps=EPS, steps=10)
    whole = feint.attack(net.eval(), x.float(), torch.zeros(4, 20, 2), eps=EPS, steps=10)
    assert found.x_adv.dtype == dtype
    assert (found.after < found.before).all()
    torch.testing.assert_close(found.after, whole.after, rtol=0.1, atol=0.1)
    codes = {one.code for one in (*found.notes, *whole.notes)}
    assert codes <= {"eps-below-precision", "noise-wins"}  # no check is misled by the rounding


@pytest.mark.filterwarnings("ignore:feint.attack:feint.FeintWarning")
def test_a_model_without_weights_computes_in_the_precision_of_the_data() -> None:
    seen = set()

    def function(x: Tensor) -> Tensor:
        seen.add(x.dtype)
        return x[..., :2]

    for dtype in (torch.float16, torch.float32, torch.float64):
        seen.clear()
        found = attacked(feint.Function(function), torch.tensor(0.3 * walk()).to(dtype))
        assert seen == {dtype}
        assert found.x_adv.dtype == dtype


def test_arrays_in_any_byte_order_and_layout() -> None:
    x = (0.3 * walk()).astype(np.float32)
    plain = attacked(Local(), x).x_adv
    frozen = x.copy()
    frozen.flags.writeable = False
    for other in (x.astype(">f4"), np.asfortranarray(x), x[:, ::-1][:, ::-1], frozen):
        found = attacked(Local(), other).x_adv
        assert found.dtype == other.dtype
        assert np.array_equal(found, plain)
    longer = attacked(Local(), x.astype(np.longdouble)).x_adv
    assert longer.dtype == np.longdouble
    assert np.abs(longer - x.astype(np.longdouble)).max() <= EPS


def test_integers_stay_exact_where_they_are_not_changed() -> None:
    x = np.stack([np.arange(20), 123_456_789 + np.arange(20), np.arange(20)], axis=-1)[None]
    found = attacked(Local(), x, coords=[0])
    assert found.x_adv.dtype == np.float64
    assert np.array_equal(found.x_adv[..., 1:], x[..., 1:])
    small = attacked(Local(), x % 100, coords=[0])
    assert small.x_adv.dtype == np.float32
    assert np.array_equal(small.x_adv[..., 1:], x[..., 1:] % 100)


def test_a_list_may_mix_precisions() -> None:
    x = 0.3 * walk()
    found = attacked(Local(), [x[0], x[1].astype(np.float32), torch.tensor(x[2])])
    assert [one.dtype for one in found.x_adv] == [np.float64, np.float32, torch.float64]
    for one, own in zip(found.x_adv, x, strict=False):
        given = own.astype(np.float32) if one.dtype == np.float32 else own
        assert np.abs(np.asarray(one, np.float64) - given).max() <= EPS


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_rounding_never_leaves_the_budget(dtype: torch.dtype) -> None:
    """At many sizes, with a range, eps one a feature, both signs, zeros, and x' at the bounds."""
    generator = torch.Generator().manual_seed(0)
    sizes = 10.0 ** torch.linspace(-6, 3, 40)[:, None, None]
    x = (sizes * torch.randn(40, 9, 4, generator=generator)).to(dtype).double()
    x[:, 0] = 0.0
    batch = Sequences(x, torch.full((40,), 9))
    unit = torch.tensor([0.3, 0.1, 1e-3, 7.0], dtype=torch.float64)
    high = float(x.max()) + 0.05
    budget = Budget(1.0, coords=torch.tensor([True, True, True, False]), high=high, unit=unit)
    sign = torch.randn(x.shape, generator=generator).sign()
    seen = batch.with_values(x.float() + (2 * unit * sign).float())
    clean = batch.with_values(x.float())
    found = to_caller(seen, clean, batch, budget, [dtype] * 40)
    assert torch.equal(found.values.to(dtype).double(), found.values)
    assert ((found.values - x).abs() <= unit).all()
    assert (found.values <= high).all()
    assert torch.equal(found.values[..., 3], x[..., 3])
    moved = (found.values - x).abs() / unit
    assert float(moved[..., :2].median()) > 0.9
