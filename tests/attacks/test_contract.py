"""What every attack promises (`feint.attacks.Attack`), over models, batches and budgets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from tests.attacks.problems import CausalLinear, Centred, ragged
from torch import Tensor, nn

import feint.attacks
from feint.attacks import (
    AIA,
    Attack,
    FramewiseMinimal,
    MinimalPerturbation,
    Noise,
    RandomSearch,
    Untargeted,
)
from feint.attacks.budget import Budget
from feint.models.deepgru import DeepGRU
from feint.models.gru import GRU
from feint.models.inference import predict
from feint.models.linear import DLinear, Ridge
from feint.models.lstm import LSTM
from feint.models.simlpe import SiMLPe
from feint.models.tcn import TCN
from feint.models.transformer import Transformer
from feint.sequences import Sequences, distance

F, OUT = 9, 6
LENGTHS = (7, 1, 4, 9, 2, 5, 3, 6)
STEPS = 12

ATTACKS: dict[str, Attack] = {
    **{name: AIA.preset(name, kappa=0.1, steps=STEPS) for name in AIA.PRESETS},
    "paper-adam": AIA.preset("paper-adam", kappa=0.1, steps=60),  # 0.06 at most; 12 lead nowhere
    "sign": AIA(steps=STEPS, optimizer="sign"),
    "sign in data units": AIA(steps=STEPS, optimizer="sign", step_unit="data", step_size=0.05),
    "constant": AIA(steps=STEPS, schedule="constant"),
    "last": AIA(steps=STEPS, keep="last"),
    "last, restarts": AIA(steps=STEPS, keep="last", restarts=3, seed=5),
    "ball": AIA(steps=STEPS, surface="ball", eta=0.05),
    "sphere": AIA(steps=STEPS, surface="sphere", eta=0.05),
    "smooth": AIA(steps=STEPS, smoothness=0.1),
    # Long steps about the norm's kink at no change at all magnify rounding beyond the bound below.
    "velocity": AIA(steps=STEPS, step_size=0.1, smoothness=0.1, temporal="velocity"),
    "acceleration": AIA(steps=STEPS, smoothness=0.1, temporal="acceleration"),
    "jerk": AIA(steps=STEPS, smoothness=0.1, temporal="jerk"),
    "joint": AIA(steps=STEPS, norm="joint"),
    "sign noise": Noise("sign"),
    "uniform noise": Noise("uniform"),
    "offset noise": Noise("offset"),
    "best noise": Noise("sign", tries=4),
    "random search": RandomSearch(queries=40),
    "ascent": Untargeted("ascent", steps=STEPS, restarts=2),
    "far targets": Untargeted("target", steps=STEPS),
}


def scaled(model: nn.Module, factor: float) -> nn.Module:
    """Larger weights: five GRUs with PyTorch's first ones hardly react to their input."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= factor
    return model


MODELS: dict[str, Callable[[], nn.Module]] = {
    "TCN": lambda: TCN(F, OUT, width=16, depth=3, dropout=0.2),
    "DeepGRU": lambda: scaled(DeepGRU(F, OUT, widths=(16, 12, 8)), 3),
    "linear": lambda: CausalLinear(F, OUT),
    "lengths": lambda: Centred(F, OUT),
}
OTHERS: dict[str, Callable[[], nn.Module]] = {
    "GRU": lambda: scaled(GRU(F, OUT, width=8, facing=False), 2),
    "LSTM": lambda: scaled(LSTM(F, OUT, width=8), 2),
    "LSTM both ways": lambda: scaled(LSTM(F, OUT, width=8, bidirectional=True), 2),
    "Transformer": lambda: Transformer(F, OUT, width=8, depth=1, heads=2),
    "Transformer with a mask": lambda: Transformer(F, OUT, width=8, depth=1, heads=2, causal=False),
    "SiMLPe": lambda: SiMLPe(F, OUT, window=4, width=8, depth=2),
    "Ridge": lambda: Ridge(F, OUT, taps=3),
    "DLinear": lambda: DLinear(F, OUT, taps=3, window=3),
}
"""Held to the contract too, by fewer attacks."""
SOME = torch.tensor([False, False, True] * 3)
BUDGETS: dict[str, Callable[[int], Budget]] = {
    "everywhere": lambda rows: Budget(0.3),
    "depth": lambda rows: Budget(0.3, coords=SOME),
    "a joint": lambda rows: Budget(0.3, coords=torch.arange(F) < 3),
    "eps a row": lambda rows: Budget(torch.linspace(0.1, 0.5, rows), coords=SOME),
    "a range": lambda rows: Budget(0.3, low=-2.5, high=torch.linspace(2.5, 3.0, F)),
    "a unit": lambda rows: Budget(
        torch.linspace(1.0, 2.0, rows), coords=SOME, unit=torch.linspace(0.1, 0.3, F)
    ),
}


def problem(
    name: str, rows: int, dtype: torch.dtype = torch.float64
) -> tuple[nn.Module, Sequences, Sequences]:
    """A model in evaluation mode, inputs with rubbish in the padding, reachable targets."""
    torch.manual_seed(1)
    model = {**MODELS, **OTHERS}[name]().eval().to(dtype)
    x = ragged(LENGTHS[:rows], F, seed=1)
    x = x.with_values(x.values.clamp(-2, 2).masked_fill(~x.mask[..., None], 7.5).to(dtype))
    shift = 0.25 * ragged(LENGTHS[:rows], F, seed=2).values.sign().to(dtype)
    own = x.mask[..., None]
    return model, x, predict(model, x.with_values(torch.where(own, x.values + shift, x.values)))


@contextmanager
def nothing_changes(model: nn.Module, *batches: Sequences) -> Iterator[None]:
    """Everything around an attack is afterwards what it was, bit by bit."""
    for i, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, 0.5 + i)
        parameter.requires_grad_(i % 3 != 1)
    for i, part in enumerate(model.modules()):
        # A training mode that changes no answer must stay too.
        if not isinstance(part, nn.Dropout) and i % 2:
            part.training = True
    gradients = [(p.grad, p.grad.clone()) for p in model.parameters() if p.grad is not None]
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [part.training for part in model.modules()]
    flags = [p.requires_grad for p in model.parameters()]
    data = [(b.values.clone(), b.lengths.clone(), b.values.requires_grad) for b in batches]
    random, enabled = torch.get_rng_state(), torch.is_grad_enabled()
    yield
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.is_grad_enabled() == enabled
    for (values, lengths, requires_grad), batch in zip(data, batches, strict=True):
        assert torch.equal(batch.values, values)
        assert torch.equal(batch.lengths, lengths)
        assert batch.values.requires_grad == requires_grad
        assert batch.values.grad is None
    assert [p.requires_grad for p in model.parameters()] == flags
    assert [part.training for part in model.modules()] == modes
    after = model.state_dict()
    assert after.keys() == state.keys()
    assert all(torch.equal(after[name], state[name]) for name in state)
    for parameter, (gradient, values) in zip(model.parameters(), gradients, strict=True):
        assert parameter.grad is gradient
        assert torch.equal(gradient, values)


def keeps(x_adv: Sequences, x: Sequences, budget: Budget) -> None:
    """Inside the budget, coordinate by coordinate, written out again."""
    assert x_adv.values.shape == x.values.shape
    assert x_adv.values.dtype == x.values.dtype
    assert not x_adv.values.requires_grad
    assert torch.equal(x_adv.lengths, x.lengths)
    eps = torch.as_tensor(budget.eps).reshape(-1, 1, 1).expand(len(x), 1, 1).double()
    unit = torch.ones(F) if budget.unit is None else budget.unit
    coords = torch.ones(F, dtype=torch.bool) if budget.coords is None else budget.coords
    free = (torch.arange(x.values.shape[1]) < x.lengths[:, None])[..., None] & coords
    assert torch.equal(x_adv.values[~free], x.values[~free])
    change = (x_adv.values - x.values).abs()
    assert (change <= eps * unit + 1e-6)[free].all()
    assert change[free].max() > 0
    if budget.low is not None and budget.high is not None:
        assert (x_adv.values >= budget.low - 1e-6)[free].all()
        assert (x_adv.values <= budget.high + 1e-6)[free].all()


def loss(attack: AIA, model: nn.Module, x_adv: Sequences, x: Sequences, target: Sequences) -> float:
    """Equation 2 over the batch."""
    spatial = attack.spatial(predict(model, x_adv).values, target)
    return float((spatial + attack.smoothness * attack.coherence(x_adv.values, x)).sum())


@pytest.mark.parametrize("rows", [1, 3, 8])
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_the_contract(attack: Attack, name: str, rows: int) -> None:
    model, x, target = problem(name, rows)
    budget = BUDGETS["eps a row"](rows)
    with nothing_changes(model, x, target):
        x_adv = attack(model, x, target, budget)
    keeps(x_adv, x, budget)
    # In float64 a row alone, without the others' padding, is the row in the batch.
    for row in {0, rows - 1}:
        alone = attack(model, x[[row]], target[[row]], budget[torch.tensor([row])])
        torch.testing.assert_close(
            alone.values[0], x_adv.values[row, : len(alone.values[0])], rtol=0, atol=1e-7
        )
    if isinstance(attack, AIA):
        for kind in ("sign", "uniform", "offset"):
            noise = Noise(kind)(model, x, target, budget)
            assert loss(attack, model, x_adv, x, target) < loss(attack, model, noise, x, target)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("attack", ["paper-eq6", "strong", "smooth", "best noise"])
def test_the_contract_with_other_victims(attack: str, name: str) -> None:
    test_the_contract(ATTACKS[attack], name, 3)


@pytest.mark.parametrize("name", ["LSTM both ways", "Transformer with a mask"])
def test_the_least_change_reads_no_padding(name: str) -> None:
    model, x, target = problem(name, 3)
    kappa = 0.7 * distance(predict(model, x), target)
    search = MinimalPerturbation(AIA(steps=10))
    found = search(model, x, target, Budget(0.5), kappa)
    every = FramewiseMinimal(steps=10)(model, x, target, Budget(0.5), kappa, found.x_adv)
    for row in (1, 2):
        alone = search(model, x[[row]], target[[row]], Budget(0.5), kappa[[row]])
        assert torch.allclose(alone.eps, found.eps[row], rtol=1e-6)
        own = FramewiseMinimal(steps=10)(
            model, x[[row]], target[[row]], Budget(0.5), kappa[[row]], alone.x_adv
        )
        assert torch.allclose(own.values[0], every.values[row, : len(own.values[0])], atol=1e-6)


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("name", ["paper-eq6", "strong", "sign", "last", "sign noise"])
def test_any_budget_is_kept(name: str, budget: str) -> None:
    model, x, target = problem("TCN", 8)
    within = BUDGETS[budget](8)
    with nothing_changes(model, x, target):
        x_adv = ATTACKS[name](model, x, target, within)
    keeps(x_adv, x, within)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("attack", ["paper-eq6", "strong", "sign", "smooth"])
def test_in_float32_a_row_reaches_as_far_alone_as_in_a_batch(attack: str, name: str) -> None:
    model, x, target = problem(name, 8, torch.float32)
    budget = BUDGETS["depth"](8)
    before = distance(predict(model, x), target)
    together = distance(predict(model, ATTACKS[attack](model, x, target, budget)), target)
    for row in range(8):
        alone = ATTACKS[attack](model, x[[row]], target[[row]], budget)
        reached = distance(predict(model, alone), target[[row]])
        # A step's sign may flip where a gradient is all rounding; how far it leads must not.
        assert (reached - together[row]).abs() < 0.01 * before[row]


@pytest.mark.parametrize("attack", ["paper-adam", "strong", "sign noise"])
def test_gradients_switched_off_or_wanted_elsewhere_do_not_matter(attack: str) -> None:
    model, x, target = problem("TCN", 3)
    budget = BUDGETS["depth"](3)
    plain = ATTACKS[attack](model, x, target, budget).values
    with torch.no_grad(), nothing_changes(model, x, target):
        assert torch.equal(ATTACKS[attack](model, x, target, budget).values, plain)
    wanted = x.with_values(x.values.clone().requires_grad_())
    with nothing_changes(model, wanted, target):
        x_adv = ATTACKS[attack](model, wanted, target, budget)
    assert torch.equal(x_adv.values, plain)
    assert not x_adv.values.requires_grad


def test_what_the_attacks_call_themselves_is_what_they_are() -> None:
    for attack in ATTACKS.values():
        assert eval(repr(attack), vars(feint.attacks)) == attack


@pytest.mark.parametrize("attack", ["paper-eq6", "strong", "best noise"])
def test_a_repetition_is_the_same(attack: str) -> None:
    model, x, target = problem("DeepGRU", 3)
    once, again = (ATTACKS[attack](model, x, target, Budget(0.3)).values for _ in range(2))
    assert torch.equal(once, again)
    assert isinstance(once, Tensor)
