"""Problem (1): against convex optima and optima by hand, its proximal step, what it promises."""

import math
from collections.abc import Callable

import cvxpy as cp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.attacks.problems import CausalLinear, ragged, unchecked
from tests.attacks.test_contract import nothing_changes
from tests.errors import refused
from torch import Tensor, nn

from feint.attacks.aia import AIA
from feint.attacks.budget import Budget
from feint.attacks.framewise import FramewiseMinimal, proximal
from feint.errors import FeintError
from feint.models.deepgru import DeepGRU
from feint.models.inference import predict
from feint.models.tcn import TCN
from feint.sequences import Norm, Sequences, distance

F = 6
LENGTHS = (12, 1, 5, 24)
SOME = torch.tensor([True, False, True, True, False, True])
UNIT = torch.tensor([0.1, 0.2, 0.3, 0.05, 0.2, 0.1])


def sums(x_adv: Sequences, x: Sequences, budget: Budget) -> Tensor:
    """What problem (1) makes small, in the budget's unit, written anew."""
    unit = torch.ones(x.values.shape[-1]) if budget.unit is None else budget.unit
    rows = zip(x_adv.unpad(), x.unpad(), strict=True)
    return torch.stack([((a - b) / unit).abs().amax(dim=1).sum() for a, b in rows])


def started(
    model: nn.Module,
    lengths: tuple[int, ...],
    budget: Budget,
    share: float,
    norm: Norm = "frame",
    dtype: torch.dtype = torch.float64,
) -> tuple[Sequences, Sequences, Tensor, Sequences]:
    """x, a target out of reach, kappa, and the plain attack's solution.

    kappa lies at `share` of the way from the nearest that the plain attack gets to the clean
    answer's distance.
    """
    x = ragged(lengths, F, seed=1)
    x = x.with_values(x.values.clamp(-0.9, 0.9).to(dtype))
    away = 1.5 * ragged(lengths, F, seed=2).values.to(dtype)
    target = predict(model, x)
    target = target.with_values(target.values + away)
    start = AIA(steps=200, norm=norm)(model, x, target, budget)
    near, far = (distance(predict(model, v), target, norm) for v in (start, x))
    return x, target, near + share * (far - near), start


# Known optima.


def convex_optimum(
    model: nn.Module, x: Tensor, y: Tensor, kappa: float, budget: Budget, eps: float, norm: str
) -> float:
    """Problem (1) for one sequence and a linear model, by CLARABEL, in float64."""
    x, y = x.double(), y.double()
    jacobian = torch.autograd.functional.jacobian(lambda v: model(v[None])[0], x)
    jacobian = jacobian.reshape(y.numel(), x.numel()).numpy()
    unit = np.ones(x.shape) * (1 if budget.unit is None else budget.unit.double().numpy())
    change = cp.Variable(x.shape)
    moved = cp.reshape(cp.multiply(change, unit), (x.numel(),), order="C")
    missed = jacobian @ moved + (model(x[None])[0] - y).detach().numpy().reshape(-1)
    missed = cp.reshape(missed, y.shape, order="C")
    width = 3 if norm == "joint" else y.shape[1]
    parts = [missed[:, i : i + width] for i in range(0, y.shape[1], width)]
    constraints = [sum(cp.sum(cp.norm(part, 2, axis=1)) for part in parts) <= kappa]
    constraints.append(cp.abs(change) <= eps)
    if budget.coords is not None:
        constraints.append(change[:, ~budget.coords.numpy()] == 0)
    if budget.low is not None and budget.high is not None:
        values = x.numpy() + cp.multiply(change, unit)
        low, high = (torch.as_tensor(v).double().numpy() for v in (budget.low, budget.high))
        constraints += [values >= low * np.ones(x.shape), values <= high * np.ones(x.shape)]
    problem = cp.Problem(cp.Minimize(cp.sum(cp.norm(change, "inf", axis=1))), constraints)
    problem.solve(solver=cp.CLARABEL)
    assert problem.status == "optimal"
    return float(problem.value)


def causal(taps: int) -> Callable[[], nn.Module]:
    return lambda: CausalLinear(F, F, taps)


ANYWHERE = Budget(0.4)
ROWS = Budget(torch.tensor([0.3, 0.2, 0.4, 0.5]), coords=SOME)
RANGE = Budget(0.4, low=-1.0, high=torch.tensor([1.0, 1.1, 1.2, 1.3, 1.4, 1.5]))
UNITS = Budget(3.0, coords=SOME, unit=UNIT)
PER_FRAME: Callable[[], nn.Module] = lambda: nn.Linear(F, F)  # noqa: E731
CONVEX: dict[str, tuple[Callable[[], nn.Module], Budget, float, Norm, torch.dtype]] = {
    "middle": (causal(3), ANYWHERE, 0.4, "frame", torch.float64),
    "tight": (causal(3), ROWS, 0.05, "frame", torch.float64),
    "hardly to be reached": (causal(3), ROWS, 0.005, "frame", torch.float64),
    "hardly, joint": (causal(8), UNITS, 0.01, "joint", torch.float64),
    "hardly, a range": (causal(3), RANGE, 0.01, "joint", torch.float64),
    "loose": (causal(3), ROWS, 0.95, "frame", torch.float64),
    "joint": (causal(3), ROWS, 0.4, "joint", torch.float64),
    "joint, tight": (causal(8), UNITS, 0.05, "joint", torch.float64),
    "a long memory": (causal(8), ANYWHERE, 0.2, "frame", torch.float64),
    "a range": (causal(3), RANGE, 0.3, "frame", torch.float64),
    "a unit": (causal(3), UNITS, 0.5, "frame", torch.float64),
    "frame by frame": (PER_FRAME, ROWS, 0.3, "frame", torch.float64),
    "frame by frame, joint": (PER_FRAME, RANGE, 0.7, "joint", torch.float64),
    "float32": (causal(3), UNITS, 0.3, "frame", torch.float32),
    "float32, tight": (causal(8), ROWS, 0.05, "joint", torch.float32),
}


@pytest.mark.parametrize("case", CONVEX.values(), ids=CONVEX)
def test_with_a_linear_model_it_is_within_a_twentieth_of_the_convex_optimum(case) -> None:
    build, budget, share, norm, dtype = case
    torch.manual_seed(0)
    model = build().to(dtype)
    x, target, kappa, start = started(model, LENGTHS, budget, share, norm, dtype)
    x_adv = FramewiseMinimal(norm=norm)(model, x, target, budget, kappa, start)
    assert (distance(predict(model, x_adv), target, norm) < kappa).all()
    assert (budget.violation(x_adv, x) < 1e-6).all()
    reached, before = sums(x_adv, x, budget).double(), sums(start, x, budget).double()
    assert (reached <= before).all()
    model.double()
    gaps = []
    for i, (clean, wanted) in enumerate(zip(x, target, strict=True)):
        eps = float(torch.as_tensor(budget.eps).expand(len(x))[i])
        best = convex_optimum(model, clean, wanted, float(kappa[i]), budget, eps, norm)
        assert best > 0.01 * before[i]  # there is a price
        assert reached[i] >= best * (1 - 1e-4)  # else the reference is wrong
        gaps.append(float(reached[i]) / best - 1)
    assert max(gaps) < 0.05
    assert np.median(gaps) < 0.01


class Remembers(nn.Module):
    """Answers the sum of all it has seen."""

    def forward(self, x: Tensor) -> Tensor:
        return x.cumsum(dim=1)


def test_what_one_frame_can_do_is_left_to_it() -> None:
    """All answers shall rise by 1: the first frame alone does it, and kappa / T less is enough."""
    lengths, kappa = (8, 3, 1), 0.5
    x = ragged(lengths, 1)
    target = x.with_values(predict(Remembers(), x).values + 1)
    budget = Budget(1.5)
    start = x.with_values(x.values + x.mask[..., None] * torch.eye(8)[0][:, None])
    x_adv = FramewiseMinimal()(Remembers(), x, target, budget, kappa, start)
    by_hand = 1 - kappa / torch.tensor(lengths)
    torch.testing.assert_close(sums(x_adv, x, budget), by_hand, rtol=2e-3, atol=0)
    assert ((x_adv.values - x.values)[:, 1:].abs() < 2e-3).all()


def test_with_the_identity_and_one_feature_it_is_the_gap_less_kappa() -> None:
    """|a_t - d_t| summed shall be below kappa: the least sum of |d_t| is that of |a_t| - kappa."""
    x, away = ragged((9, 2, 1, 6), 1, seed=1), ragged((9, 2, 1, 6), 1, seed=2)
    x, away = x.with_values(x.values.double()), away.values.double()
    target = x.with_values(x.values + away)
    gap = away.abs().sum(dim=(1, 2))
    kappa = gap * torch.tensor([0.3, 0.6, 0.1, 0.9])
    budget = Budget(3.0)
    x_adv = FramewiseMinimal()(nn.Identity(), x, target, budget, kappa, target)
    torch.testing.assert_close(sums(x_adv, x, budget), gap - kappa, rtol=1e-2, atol=0)


# The proximal step.


@st.composite
def proximal_problems(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A point, a range around 0 with closed and one-sided coordinates, a metric; (3, features)."""
    features = draw(st.integers(1, 7))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))

    def normal() -> Tensor:
        return torch.randn(3, features, generator=generator, dtype=torch.float64)

    point = normal() * draw(st.sampled_from([0.1, 1.0, 10.0]))
    low, high = normal().clamp_max(0), normal().clamp_min(0)
    metric = (normal() * draw(st.sampled_from([0.1, 1.0, 5.0]))).exp()
    return point, low, high, metric


def penalised(z: Tensor, point: Tensor, metric: Tensor) -> Tensor:
    return z.abs().amax(dim=-1) + (metric / 2 * (z - point).square()).sum(dim=-1)


@given(proximal_problems(), st.integers(0, 2**31))
def test_nothing_near_or_far_beats_the_proximal_step(
    problem: tuple[Tensor, Tensor, Tensor, Tensor], seed: int
) -> None:
    """By strong convexity any z lies above the least by at least metric / 2 * |z - least|^2."""
    point, low, high, metric = problem
    least = proximal(point, low, high, metric)
    assert (least >= low).all()
    assert (least <= high).all()
    generator = torch.Generator().manual_seed(seed)
    for scale in (1e-3, 0.1, 1.0):
        noise = torch.randn(20, *point.shape, generator=generator, dtype=point.dtype)
        radius = least.abs().amax(dim=-1, keepdim=True) * (1 + scale * noise[..., :1])
        for z in (least + scale * noise, least.clamp(-radius.abs(), radius.abs()), scale * least):
            z = z.clamp(low, high)
            more = (metric / 2 * (z - least).square()).sum(dim=-1)
            value = penalised(z, point, metric)  # its rounding is relative to it
            above = value - penalised(least, point, metric)
            assert (above >= more - 1e-9 * (1 + value)).all()


@settings(max_examples=15)
@given(proximal_problems())
def test_the_proximal_step_is_cvxpys(problem: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    least = proximal(*problem)
    for row, (point, low, high, metric) in enumerate(
        zip(*(part.numpy() for part in problem), strict=True)
    ):
        z = cp.Variable(len(point))
        pull = cp.sum(cp.multiply(metric / 2, cp.square(z - point)))
        value = cp.Problem(cp.Minimize(cp.norm(z, "inf") + pull), [z >= low, z <= high]).solve(
            solver=cp.CLARABEL
        )
        ours = float(penalised(least[row], *(torch.tensor(part) for part in (point, metric))))
        assert ours == pytest.approx(value, rel=1e-5, abs=1e-6)


def test_the_proximal_step_by_hand() -> None:
    inf = torch.full((2, 3), torch.inf)
    point = torch.tensor([[3.0, -2.5, 1.0], [0.3, -0.3, 0.3]])
    # (3 - s) + (2.5 - s) = 1 at s = 2.25; in the second row 0.9 < 1 pulls nowhere.
    expected = torch.tensor([[2.25, -2.25, 1.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(proximal(point, -inf, inf, torch.ones(2, 3)), expected)
    # The first may not move.  Up to 0.5 the others pull with more than 1; beyond, the second is at
    # its end, and the third alone pulls with less.
    point = torch.tensor([[3.0, -1.2, 1.0]])
    low, high = torch.tensor([[0.0, -0.5, -9.0]]), torch.tensor([[0.0, 9.0, 9.0]])
    narrow = proximal(point, low, high, torch.ones(1, 3))
    torch.testing.assert_close(narrow, torch.tensor([[0.0, -0.5, 0.5]]))
    assert (proximal(point, 0 * point, 0 * point, torch.ones(1, 3)) == 0).all()


# Models that are not linear, and the contract.


def scaled(model: nn.Module, factor: float) -> nn.Module:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= factor
    return model


MODELS: dict[str, Callable[[], nn.Module]] = {
    "TCN": lambda: scaled(TCN(F, F, width=16, depth=3), 1.5),
    "DeepGRU": lambda: scaled(DeepGRU(F, F, widths=(12, 10, 8)), 3),
}


def reachable(
    name: str, dtype: torch.dtype = torch.float64, lengths: tuple[int, ...] = (7, 1, 4, 9)
) -> tuple[nn.Module, Sequences, Sequences, Tensor]:
    """A model, inputs with rubbish in the padding, targets within reach, half of the distance."""
    torch.manual_seed(1)
    model = MODELS[name]().eval().to(dtype)
    x = ragged(lengths, F, seed=1)
    own = x.mask[..., None]
    x = x.with_values(torch.where(own, x.values, 7.5).to(dtype))
    shift = 0.3 * ragged(lengths, F, seed=2).values.sign().to(dtype) * (SOME & own)
    target = predict(model, x.with_values(x.values + shift))
    return model, x, target, 0.5 * distance(predict(model, x), target)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_each_frame_its_own_radius_takes_much_less(name: str, dtype: torch.dtype) -> None:
    model, x, target, kappa = reachable(name, dtype)
    budget = Budget(torch.tensor([0.3, 0.35, 0.4, 0.3]), coords=SOME)
    start = AIA(steps=60)(model, x, target, budget)
    with nothing_changes(model, x, target, start):
        x_adv = FramewiseMinimal(steps=120)(model, x, target, budget, kappa, start)
    assert (distance(predict(model, x_adv), target) < kappa).all()
    assert not x_adv.values.requires_grad
    assert x_adv.values.dtype == dtype
    assert torch.equal(x_adv.lengths, x.lengths)
    assert torch.equal(x_adv.values[~budget.mask(x)], x.values[~budget.mask(x)])
    assert (budget.violation(x_adv, x) < 1e-6).all()
    after, before = sums(x_adv, x, budget), sums(start, x, budget)
    assert (after < 0.8 * before).all()
    assert float((after / before).median()) < 0.55
    # A row alone is the row in the batch.
    for row in (1, 2):
        some = torch.tensor([row])
        alone = FramewiseMinimal(steps=120)(
            model, x[[row]], target[[row]], budget[some], kappa[some], start[[row]]
        )
        if dtype == torch.float64:
            together = x_adv.values[[row], : alone.values.shape[1]]
            torch.testing.assert_close(alone.values, together, rtol=0, atol=1e-6)
        else:
            assert sums(alone, x[[row]], budget).item() == pytest.approx(
                after[row].item(), rel=0.05
            )


def test_never_worse_than_the_start_and_never_outside_the_tolerance() -> None:
    """Few steps, or wild ones, from a start at its tolerance: nothing is lost."""
    model, x, target, _ = reachable("TCN")
    budget = Budget(0.4, coords=SOME)
    start = AIA(steps=60)(model, x, target, budget)
    kappa = distance(predict(model, start), target) * (1 + 1e-9)
    for attack in (
        FramewiseMinimal(steps=1),
        FramewiseMinimal(steps=7, step_size=3.0),
        FramewiseMinimal(steps=7, rate=50.0),
        FramewiseMinimal(steps=7, step_size=1e-4, rate=1e-3),
    ):
        x_adv = attack(model, x, target, budget, kappa, start)
        assert (distance(predict(model, x_adv), target) < kappa).all()
        assert (sums(x_adv, x, budget) <= sums(start, x, budget)).all()


def test_rows_out_of_reach_return_the_start_and_rows_that_are_there_return_x() -> None:
    model, x, target, kappa = reachable("TCN", torch.float32)
    target = target.with_values(
        target.values.index_add(0, torch.tensor([0]), 9 + 0 * target.values[:1])
    )
    kappa[3] = 2 * distance(predict(model, x), target)[3]
    budget = Budget(0.4)
    start = AIA(steps=20)(model, x, target, budget)
    x_adv = FramewiseMinimal(steps=60)(model, x, target, budget, kappa, start)
    assert torch.equal(x_adv.values[0], start.values[0])
    assert torch.equal(x_adv.values[3], x.values[3])
    within = distance(predict(model, x_adv), target) < kappa
    assert within.tolist() == [False, True, True, True]


def test_it_finds_its_way_from_a_start_that_misses() -> None:
    model, x, target, kappa = reachable("TCN")
    budget = Budget(0.5, coords=SOME)
    x_adv = FramewiseMinimal(steps=200)(model, x, target, budget, kappa, x)
    assert (distance(predict(model, x_adv), target) < kappa).all()


def test_one_kappa_for_all_is_the_same_for_each() -> None:
    model, x, target, kappa = reachable("TCN")
    budget, least = Budget(0.5), float(kappa.max())
    one, each = (
        FramewiseMinimal(steps=10)(model, x, target, budget, k, x).values
        for k in (least, torch.full_like(kappa, least))
    )
    assert torch.equal(one, each)


def test_gradients_switched_off_or_wanted_elsewhere_do_not_matter() -> None:
    model, x, target, kappa = reachable("TCN")
    budget, attack = Budget(0.5), FramewiseMinimal(steps=10)
    plain = attack(model, x, target, budget, kappa, x).values
    with torch.no_grad(), nothing_changes(model, x, target):
        assert torch.equal(attack(model, x, target, budget, kappa, x).values, plain)
    wanted = x.with_values(x.values.clone().requires_grad_())
    with nothing_changes(model, wanted, target):
        x_adv = attack(model, wanted, target, budget, kappa, wanted)
    assert torch.equal(x_adv.values, plain)
    assert not x_adv.values.requires_grad


def test_what_it_calls_itself_is_what_it_is() -> None:
    attack = FramewiseMinimal(steps=7, rate=0.2, norm="joint")
    assert eval(repr(attack)) == attack


# What it refuses.


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"steps": 1.5},
        {"step_size": 0.0},
        {"step_size": math.nan},
        {"rate": -0.1},
        {"rate": math.inf},
        {"norm": "bone"},
    ],
    ids=str,
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    (name, value), *_ = wrong.items()
    with (
        unchecked(),
        refused("unknown-choice" if name == "norm" else "bad-number", names=[f"{name}={value!r}"]),
    ):
        FramewiseMinimal(**wrong)


X = ragged((4, 3), F)
AWAY = X.with_values(X.values + X.mask[..., None])


@pytest.mark.parametrize(
    "kappa",
    [0.0, -1.0, math.nan, math.inf, torch.tensor([1.0, 0.0]), torch.ones(3), torch.ones(2, 1)],
    ids=str,
)
def test_a_kappa_of_nothing_is_refused(kappa: float | Tensor) -> None:
    with (
        unchecked(),
        refused("bad-tolerance", names=["kappa"]),
    ):
        FramewiseMinimal(steps=1)(nn.Identity(), X, AWAY, Budget(0.3), kappa, X)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (AWAY, "leaves the budget by 0.7 in sequence 0"),
        (X.with_values(X.values + 0.2), "leaves the budget by inf in sequence 1"),  # its padding
        (ragged((4, 2), F), "two batches that differ"),
        (ragged((4, 3), F - 1), "two batches that differ"),
    ],
    ids=["outside", "padding", "lengths", "features"],
)
def test_a_start_outside_the_budget_or_of_another_shape_is_refused(
    start: Sequences, message: str
) -> None:
    with pytest.raises(FeintError, match=message):
        FramewiseMinimal(steps=1)(nn.Identity(), X, AWAY, Budget(0.3), 1.0, start)


def test_a_start_off_the_budgets_coordinates_is_refused() -> None:
    with refused("budget-left", names=["inf"]):
        FramewiseMinimal(steps=1)(nn.Identity(), X, AWAY, Budget(3.0, coords=SOME), 1.0, AWAY)


def test_a_target_of_another_shape_is_refused() -> None:
    with refused("shape-mismatch"):
        FramewiseMinimal(steps=1)(nn.Identity(), X, ragged((4, 3), F + 1), Budget(0.3), 1.0, X)


class Cut(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x.detach()


class Steep(nn.Module):
    """Finite everywhere, without a finite slope at 0."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - x.detach()).sqrt() + x.detach()


def test_models_it_cannot_descend_are_told() -> None:
    with refused("no-gradient"):
        FramewiseMinimal(steps=2)(Cut(), X, AWAY, Budget(0.3), 1.0, X)
    with refused("nan-gradient"):
        FramewiseMinimal(steps=2)(Steep(), X, AWAY, Budget(0.3), 1.0, X)
    model = TCN(F, F, width=8, depth=1, dropout=0.2).train()
    with refused("training-mode"):
        FramewiseMinimal(steps=2)(model, X, AWAY, Budget(0.3), 1.0, X)
