"""AIA against known optima, equations 3 to 6 by hand, and what it refuses."""

import math

import cvxpy as cp
import pytest
import torch
from tests.attacks.problems import CausalLinear, ragged, unchecked
from tests.errors import refused
from torch import Tensor, nn

from feint.attacks import AIA
from feint.attacks.budget import Budget
from feint.models.inference import predict
from feint.models.tcn import TCN
from feint.sequences import Sequences, distance

F = 6
SOME = torch.tensor([True, False, True, True, False, True])


def budgets() -> dict[str, Budget]:
    return {
        "everywhere": Budget(0.3),
        "some coordinates": Budget(0.3, coords=SOME),
        "eps a row": Budget(torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5]), coords=SOME),
        "a range": Budget(0.3, low=-1.0, high=torch.tensor([1.0, 1.1, 1.2, 1.3, 1.4, 1.5])),
        "a unit": Budget(2.0, coords=SOME, unit=torch.tensor([0.1, 0.2, 0.3, 0.05, 0.2, 0.1])),
    }


# Known optima.


@pytest.mark.parametrize("preset", ["default", "strong"])
@pytest.mark.parametrize("budget", budgets().values(), ids=budgets())
def test_with_the_identity_the_target_is_projected(budget: Budget, preset: str) -> None:
    lengths = (9, 1, 2, 6, 4)
    x = ragged(lengths, F, seed=1)
    x = x.with_values(x.values.clamp(-0.95, 0.95))
    # Some coordinates lie within reach, the others do not.
    target = x.with_values(x.values + ragged(lengths, F, seed=2).values)
    attack = AIA() if preset == "default" else AIA.preset(preset)
    best = budget.project(target, x)
    reached = attack(nn.Identity(), x, target, budget)
    assert (distance(best, target) > 0.1 * distance(x, target)).any()
    torch.testing.assert_close(
        distance(reached, target), distance(best, target), rtol=1e-4, atol=1e-4
    )
    torch.testing.assert_close(reached.values, best.values, rtol=0, atol=2e-3)


def norms(values: cp.Expression) -> cp.Expression:
    return cp.sum(cp.norm(values, 2, axis=1))


def convex_optimum(
    model: CausalLinear, attack: AIA, x: Tensor, target: Tensor, low: Tensor, high: Tensor
) -> float:
    """The least that equation 2 can be for one sequence, by CLARABEL."""
    taps = model.taps.detach().double().numpy()
    frames = len(x)
    free = cp.Variable((frames, x.shape[1]))
    constraints = [free >= low.double().numpy(), free <= high.double().numpy()]
    rows = []
    for t in range(frames):
        reach = range(min(len(taps), t + 1))
        rows.append(cp.sum([taps[s] @ free[t - s] for s in reach]) - target[t].double().numpy())
    if attack.norm == "joint":
        per_frame = [
            cp.sum([cp.norm(row[j : j + 3], 2) for j in range(0, target.shape[1], 3)])
            for row in rows
        ]
    else:
        per_frame = [cp.norm(row, 2) for row in rows]
    if attack.surface == "ball":
        eta = attack.kappa / frames if attack.eta is None else attack.eta
        per_frame = [cp.pos(d - eta) for d in per_frame]
    objective = cp.sum(per_frame)
    if attack.smoothness:
        order = {"input": 1, "velocity": 1, "acceleration": 2, "jerk": 3}[attack.temporal]
        moving = free if attack.temporal == "input" else free - x.double().numpy()
        twice = 2 if attack.temporal == "input" else 1
        if frames > order:
            objective += attack.smoothness * twice * norms(cp.diff(moving, order, axis=0))
    problem = cp.Problem(cp.Minimize(objective), constraints)
    problem.solve(solver=cp.CLARABEL)
    assert problem.status == "optimal"
    return float(problem.value)


def objective_by_hand(model: CausalLinear, attack: AIA, x: Tensor, x_adv: Tensor, y: Tensor):
    """Equation 2 for one sequence, in float64, written anew."""
    x, x_adv, y = x.double(), x_adv.double(), y.double()
    taps = model.taps.detach().double()
    total = 0.0
    for t in range(len(x)):
        miss = sum(taps[s] @ x_adv[t - s] for s in range(min(len(taps), t + 1))) - y[t]
        parts = miss.split(3) if attack.norm == "joint" else [miss]
        d = sum(float(part.norm()) for part in parts)
        if attack.surface == "ball":
            d = max(d - (attack.kappa / len(x) if attack.eta is None else attack.eta), 0)
        total += d
    moving = x_adv if attack.temporal == "input" else x_adv - x
    order = {"input": 1, "velocity": 1, "acceleration": 2, "jerk": 3}[attack.temporal]
    for _ in range(order):
        moving = moving[1:] - moving[:-1]
    twice = 2 if attack.temporal == "input" else 1
    return total + attack.smoothness * twice * sum(float(m.norm()) for m in moving)


CONVEX = {
    "point": AIA(),
    "strong": AIA.preset("strong"),
    "joint": AIA(norm="joint"),
    "smooth": AIA(smoothness=0.1),
    "very smooth": AIA(smoothness=0.5),
    "velocity": AIA(smoothness=0.3, temporal="velocity"),
    "acceleration": AIA(smoothness=0.3, temporal="acceleration"),
    "jerk": AIA(smoothness=0.1, temporal="jerk"),
    "ball": AIA(surface="ball", kappa=0.4),
    "ball, eta": AIA(surface="ball", eta=0.1, smoothness=0.1),
}


@pytest.mark.parametrize("attack", CONVEX.values(), ids=CONVEX)
def test_with_a_linear_model_it_is_within_a_hundredth_of_the_convex_optimum(attack: AIA) -> None:
    torch.manual_seed(0)
    lengths = (8, 1, 5, 2, 3)
    model = CausalLinear(F, F)
    x = ragged(lengths, F, seed=1)
    target = predict(model, x)
    target = target.with_values(target.values + 1.5 * ragged(lengths, F, seed=2).values)
    budget = Budget(torch.tensor([0.2, 0.3, 0.4, 0.3, 0.2]), coords=SOME)
    x_adv = attack(model, x, target, budget)
    lower, upper = budget.bounds(x)
    for i, frames in enumerate(lengths):
        own = slice(None, frames)
        best = convex_optimum(
            model, attack, x.values[i, own], target.values[i, own], lower[i, own], upper[i, own]
        )
        reached, before = (
            objective_by_hand(model, attack, x.values[i, own], v[i, own], target.values[i, own])
            for v in (x_adv.values, x.values)
        )
        assert 0.02 < best < 0.95 * before  # there is something to gain, and something is left
        assert reached == pytest.approx(best, rel=0.01)
        assert reached >= best * (1 - 1e-4)  # else the reference is wrong


# The loss, by hand.


def test_equation_3_by_hand() -> None:
    # Distances 5 and 1 in the first row; 10 in the second, and rubbish in its padding.
    target = Sequences(torch.ones(2, 2, 2), torch.tensor([2, 1]))
    output = target.values + torch.tensor([[[3.0, 4.0], [0.0, 1.0]], [[6.0, -8.0], [1e9, 1e9]]])
    losses = {
        AIA(): [6.0, 10.0],
        AIA(surface="ball", kappa=6.0): [2.0, 4.0],  # eta = 6/2 and 6/1
        AIA(surface="sphere", kappa=6.0): [4.0, 4.0],
        AIA(surface="ball", eta=4.0): [1.0, 6.0],
        AIA(surface="sphere", eta=4.0): [4.0, 6.0],
    }
    for attack, by_hand in losses.items():
        assert attack.spatial(output, target).tolist() == pytest.approx(by_hand)


def test_the_joint_reading_sums_the_joints_norms() -> None:
    target = Sequences(torch.zeros(1, 1, 6), torch.tensor([1]))
    output = torch.tensor([[[3.0, 4.0, 0.0, 0.0, 0.0, 2.0]]])
    assert AIA(norm="joint").spatial(output, target).item() == pytest.approx(7)
    assert AIA(norm="frame").spatial(output, target).item() == pytest.approx(math.sqrt(29))
    sphere = AIA(norm="joint", surface="sphere", kappa=8.0)
    assert sphere.spatial(output, target).item() == pytest.approx(1)


def test_equation_5_by_hand() -> None:
    frames = torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0], [3.0, 16.0]])
    x = Sequences(torch.stack([frames, frames, frames, frames]), torch.tensor([4, 3, 2, 1]))
    # Steps of length 5, 0, 12: each counts twice, those into the padding not at all.
    torch.testing.assert_close(AIA().coherence(x.values, x), torch.tensor([34.0, 10.0, 10.0, 0.0]))


@pytest.mark.parametrize(
    ("temporal", "by_hand"),
    [
        ("velocity", [17.0, 5.0, 5.0, 0.0]),  # the same steps once
        # second differences (-3, -4) and (0, 12)
        ("acceleration", [17.0, 5.0, 0.0, 0.0]),
        # the third (3, 16)
        ("jerk", [math.hypot(3, 16), 0.0, 0.0, 0.0]),
    ],
)
def test_the_other_readings_of_the_temporal_loss_by_hand(
    temporal: str, by_hand: list[float]
) -> None:
    change = torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0], [3.0, 16.0]]).expand(4, 4, 2)
    x = Sequences(torch.randn(4, 4, 2), torch.tensor([4, 3, 2, 1]))
    loss = AIA(temporal=temporal).coherence(x.values + change, x)
    torch.testing.assert_close(loss, torch.tensor(by_hand), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("temporal", ["input", "velocity", "acceleration", "jerk"])
@pytest.mark.parametrize("time", [1, 2, 3])
def test_short_sequences_have_a_temporal_loss(temporal: str, time: int) -> None:
    x = ragged((time, 1), 3)
    loss = AIA(temporal=temporal).coherence(x.values + 1, x)
    assert loss.shape == (2,)
    assert loss[1] == 0  # one frame has no neighbour
    if temporal != "input" or time == 1:
        assert loss[0].item() == pytest.approx(0, abs=1e-5)  # all frames changed alike


@pytest.mark.parametrize(
    "attack",
    [
        AIA(),
        AIA(norm="joint"),
        AIA(surface="ball", eta=0.0),
        AIA(surface="ball", kappa=1.0),
        AIA(surface="sphere", kappa=1.0),
    ],
    ids=str,
)
def test_on_the_target_the_spatial_gradient_is_zero(attack: AIA) -> None:
    target = ragged((3, 2), 3)
    output = target.values.clone().requires_grad_()
    attack.spatial(output, target).sum().backward()
    assert output.grad is not None
    assert (output.grad == 0).all()


@pytest.mark.parametrize("temporal", ["input", "velocity", "acceleration", "jerk"])
def test_where_nothing_moves_the_temporal_gradient_is_zero(temporal: str) -> None:
    x = Sequences(torch.ones(2, 5, 3), torch.tensor([5, 2]))
    values = x.values.clone().requires_grad_()
    AIA(temporal=temporal).coherence(values, x).sum().backward()
    assert values.grad is not None
    assert (values.grad == 0).all()


@pytest.mark.parametrize("preset", sorted(AIA.PRESETS))
def test_an_attack_that_begins_at_its_target_stays(preset: str) -> None:
    x = ragged((4, 2), 3)
    attack = AIA.preset(preset, kappa=1.0, smoothness=0.0, steps=5, restarts=1)
    assert torch.equal(attack(nn.Identity(), x, x, Budget(0.3)).values, x.values)


# The update, by hand.


def gradient_by_hand(
    weight: Tensor, x: Tensor, target: Tensor, eta: float, smoothness: float
) -> Tensor:
    """Of |d_t - eta| summed, plus smoothness times equation 5, for y_t = W x_t."""
    gradient = torch.zeros_like(x)
    for t in range(len(x)):
        miss = weight @ x[t] - target[t]
        d = miss.norm()
        gradient[t] += torch.sign(d - eta) * weight.T @ (miss / d)
        for s in (t - 1, t + 1):
            if 0 <= s < len(x):
                step = x[t] - x[s]
                gradient[t] += smoothness * 2 * step / step.norm()
    return gradient


@pytest.mark.parametrize(("preset", "alpha"), [("paper-eq6", 0.03), ("paper-adam", 1e-3)])
def test_the_papers_first_step_by_hand(preset: str, alpha: float) -> None:
    torch.manual_seed(3)
    model = CausalLinear(F, F, taps=1)
    weight = model.taps.detach()[0].double()
    lengths = (7, 4, 1)
    x, target = ragged(lengths, F, seed=1), ragged(lengths, F, seed=2)
    eps = torch.tensor([alpha * 2, alpha / 2, alpha * 2])  # the second row's step is cut by eps
    kappa = 5.0
    x_adv = AIA.preset(preset, kappa=kappa, steps=1)(model, x, target, Budget(eps, coords=SOME))
    signs = set()
    for i, frames in enumerate(lengths):
        own, wanted = x.values[i, :frames].double(), target.values[i, :frames].double()
        gradient = gradient_by_hand(weight, own, wanted, kappa / frames, smoothness=0.1)
        # Adam's first step is its rate times the sign, as m / sqrt(v) = g / |g|.
        step = min(alpha, float(eps[i])) * gradient.sign() * SOME
        torch.testing.assert_close(x_adv.values[i, :frames].double(), own - step, rtol=0, atol=2e-7)
        outside = (own @ weight.T - wanted).norm(dim=1) > kappa / frames
        signs |= set(outside.tolist())
    assert signs == {True, False}  # drawn to the sphere from without and from within


def test_the_presets_are_the_papers() -> None:
    for name, alpha, optimizer in (("paper-eq6", 0.03, "sign"), ("paper-adam", 1e-3, "adam")):
        preset = AIA.preset(name)
        assert (preset.steps, preset.smoothness, preset.surface) == (400, 0.1, "sphere")
        assert (preset.step_size, preset.step_unit) == (alpha, "data")
        assert (preset.optimizer, preset.schedule, preset.keep) == (optimizer, "constant", "last")
        assert (preset.temporal, preset.norm, preset.restarts) == ("input", "frame", 1)


def test_a_step_in_eps_is_a_share_of_the_budget() -> None:
    x = ragged((4, 3), F)
    target = x.with_values(x.values + 9)
    budget = Budget(torch.tensor([0.1, 0.4]), unit=torch.arange(1.0, F + 1))
    attack = AIA(steps=1, step_size=0.25, optimizer="sign", schedule="constant", keep="last")
    change = (attack(nn.Identity(), x, target, budget).values - x.values)[x.mask]
    radius = (torch.tensor([0.1, 0.4])[:, None, None] * torch.arange(1.0, F + 1)).expand(2, 4, F)
    torch.testing.assert_close(change, 0.25 * radius[x.mask], rtol=1e-4, atol=1e-6)


class Deaf(nn.Module):
    """Hears positive values only: at a negative input there is no slope to go down."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x)


def test_restarts_find_what_the_clean_input_hides() -> None:
    x = Sequences(torch.full((2, 6, 4), -0.1), torch.tensor([6, 3]))
    target = x.with_values(torch.full((2, 6, 4), 0.15))
    reached = {
        restarts: distance(
            predict(Deaf(), AIA(restarts=restarts, steps=50)(Deaf(), x, target, Budget(0.3))),
            target,
        )
        for restarts in (1, 2, 6)
    }
    torch.testing.assert_close(reached[1], distance(predict(Deaf(), x), target))
    assert (reached[2] < reached[1]).all()
    assert (reached[6] <= reached[2]).all()
    assert (reached[6] < reached[2]).any()  # further restarts begin elsewhere


def test_the_seed_decides_the_restarts() -> None:
    x = Sequences(torch.full((1, 6, 4), -0.1), torch.tensor([6]))
    target = x.with_values(torch.full((1, 6, 4), 0.15))
    runs = [
        AIA(restarts=2, steps=5, seed=seed)(Deaf(), x, target, Budget(0.3)) for seed in (0, 0, 1)
    ]
    assert torch.equal(runs[0].values, runs[1].values)
    assert not torch.equal(runs[0].values, runs[2].values)


# What it refuses.


class Constant(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.answer = nn.Parameter(torch.ones(F))

    def forward(self, x: Tensor) -> Tensor:
        return self.answer.expand(x.shape)


class Cut(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x.detach()


class NotANumber(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x - 1e3).log()


@pytest.mark.parametrize("smoothness", [0.0, 0.1])
@pytest.mark.parametrize("model", [Constant(), Cut()], ids=["ignores its input", "detached"])
def test_a_model_no_gradient_comes_through_is_told(model: nn.Module, smoothness: float) -> None:
    x = ragged((4, 3), F)
    with refused("no-gradient"):
        AIA(smoothness=smoothness)(model, x, x, Budget(0.3))


def test_a_model_that_answers_nan_is_told() -> None:
    x = ragged((4, 3), F)
    with refused("not-finite"):
        AIA()(NotANumber(), x, x, Budget(0.3))


def test_a_model_in_training_mode_with_dropout_is_told() -> None:
    x = ragged((4, 3), F)
    model = TCN(F, F, width=8, depth=1, dropout=0.2).train()
    with refused("training-mode"):
        AIA()(model, x, x, Budget(0.3))
    assert model.training


@pytest.mark.parametrize(
    ("lengths", "features"), [((4, 3), 1), ((4, 3), F + 1), ((4,), F), ((4, 2), F), ((5, 3), F)]
)
def test_a_target_of_another_shape_is_refused(lengths: tuple[int, ...], features: int) -> None:
    with refused("shape-mismatch"):
        AIA(steps=1)(nn.Identity(), ragged((4, 3), F), ragged(lengths, features), Budget(0.3))


@pytest.mark.parametrize("surface", ["ball", "sphere"])
def test_a_radius_needs_kappa(surface: str) -> None:
    x = ragged((4, 3), F)
    with refused("no-tolerance", names=["surface", "kappa"]):
        AIA(surface=surface)(nn.Identity(), x, x, Budget(0.3))


@pytest.mark.parametrize(
    ("wrong", "code", "fact"),
    [
        ({"surface": "cube"}, "unknown-choice", "surface='cube'"),
        ({"optimizer": "sgd"}, "unknown-choice", "optimizer='sgd'"),
        ({"schedule": "linear"}, "unknown-choice", "schedule='linear'"),
        ({"keep": "first"}, "unknown-choice", "keep='first'"),
        ({"temporal": "snap"}, "unknown-choice", "temporal='snap'"),
        ({"norm": "bone"}, "unknown-choice", "norm='bone'"),
        ({"step_unit": "cm"}, "unknown-choice", "step_unit='cm'"),
        ({"steps": 0}, "bad-number", "steps=0"),
        ({"restarts": 0}, "bad-number", "restarts=0"),
        ({"step_size": 0.0}, "bad-number", "step_size=0"),
        ({"step_size": math.nan}, "bad-number", "step_size=nan"),
        ({"smoothness": -0.1}, "bad-number", "smoothness=-0.1"),
        ({"smoothness": math.nan}, "bad-number", "smoothness=nan"),
        ({"kappa": -1.0}, "bad-number", "kappa=-1"),
        ({"kappa": 1.0, "eta": 1.0}, "conflicting-settings", "kappa=1.0 and eta=1.0"),
        ({"stepsize": 0.1}, "unknown-setting", "'stepsize'"),
    ],
    ids=str,
)
def test_wrong_settings_are_refused(wrong: dict[str, object], code: str, fact: str) -> None:
    with unchecked(), refused(code, names=[fact]):
        AIA.preset("strong", **wrong)


def test_an_unknown_preset_is_refused() -> None:
    with refused("unknown-preset", names=["strong, paper-eq6, paper-adam"]):
        AIA.preset("paper")


@pytest.mark.parametrize("eps", [0.0, -0.1, math.nan, math.inf])
def test_a_budget_of_nothing_is_refused(eps: float) -> None:
    with refused("bad-eps", names=[f"eps={eps}"]):
        Budget(eps)
