"""The smaller victims: each in time, blind to padding, and what its paper or its algebra says."""

from collections.abc import Callable

import cvxpy as cp
import pytest
import torch
from tests.attacks.problems import ragged
from tests.errors import refused
from torch import Tensor, nn

import feint
from feint.data.facing import heading, rotate_about_vertical
from feint.models.gru import GRU
from feint.models.layers.egocentric import EgocentricNormalization
from feint.models.linear import DLinear, Ridge
from feint.models.lstm import LSTM
from feint.models.sanity_checks import check_model
from feint.models.simlpe import SiMLPe, cosines
from feint.models.transformer import Transformer
from feint.sequences import Sequences
from feint.skeleton import SBU_15

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


# -- linear ones ----------------------------------------------------------------------------


def linear(name: str) -> nn.Module:
    torch.manual_seed(2)
    model = MAKE[name]().double().eval()
    for part in model.parameters():
        nn.init.normal_(part, std=0.3)
    return model


@pytest.mark.parametrize("name", ["Ridge", "DLinear"])
def test_the_attack_is_at_the_convex_optimum(name: str) -> None:
    model, x = linear(name), ragged((7, 7), IN, seed=3)
    x = x.with_values(x.values.double())
    target = x.with_values(torch.randn(2, 7, OUT, dtype=torch.float64))
    coords = torch.arange(IN) % 3 == 2
    found = feint.AIA(steps=300)(model, x, target, feint.Budget(0.4, coords=coords))
    reached = feint.distance(feint.predict(model, found), target)
    for row in range(2):
        slope = torch.autograd.functional.jacobian(lambda v: model(v[None])[0], x.values[row])
        change = cp.Variable((7, IN))
        answer = feint.predict(model, x[[row]]).values[0].numpy()
        moved = slope.flatten(2).flatten(0, 1).numpy() @ cp.vec(change, order="C")
        missed = answer + cp.reshape(moved, (7, OUT), order="C") - target.values[row].numpy()
        limits = [cp.abs(change) <= 0.4 * coords.double().numpy()[None].repeat(7, axis=0)]
        problem = cp.Problem(cp.Minimize(cp.sum(cp.norm(missed, 2, axis=1))), limits)
        best = problem.solve(solver=cp.CLARABEL)
        assert best <= reached[row] * (1 + 1e-6)
        assert reached[row] <= 1.005 * best


def test_ridge_finds_the_line_that_is_there() -> None:
    torch.manual_seed(0)
    x, teacher = ragged((30, 20, 25, 40), IN), Ridge(IN, OUT, taps=3)
    teacher.fit_normalization(x, x.with_values(3 + torch.randn(4, 40, OUT)))
    y = feint.predict(teacher.eval(), x)
    model, other = Ridge(IN, OUT, taps=3, penalty=1e-9), feint.Training(epochs=7, validation=0.25)
    settings = feint.Training(epochs=7, validation=0.0, keep="last")
    history = feint.train(model, x, y, settings)
    assert (len(history.loss), history.validation, history.best_epoch) == (1, [], 0)
    torch.testing.assert_close(feint.predict(model, x).values, y.values, rtol=1e-3, atol=1e-3)
    assert len(feint.train(model, x, y, other).validation) == 1


def test_the_trend_is_the_mean_of_the_last_frames() -> None:
    x = torch.randn(1, 8, IN)
    trend = DLinear(IN, OUT, window=3)._trend(x)
    for t in range(8):
        torch.testing.assert_close(trend[0, t], x[0, max(0, t - 2) : t + 1].mean(dim=0))


def test_the_cosine_transform_is_orthonormal() -> None:
    matrix = cosines(7)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(7))


# -- coordinates ----------------------------------------------------------------------------


def people(seed: int = 0) -> tuple[Sequences, Sequences]:
    """An actor with the reactor's first pose behind it, and the reaction; in SBU's units."""
    generator = torch.Generator().manual_seed(seed)
    poses = torch.rand(6, 1, 90, generator=generator)
    motion = 0.02 * torch.randn(6, 9, 90, generator=generator).cumsum(dim=1)
    both = Sequences(poses + motion, torch.tensor([9, 9, 5, 9, 7, 9]))
    actor, reactor = (both.with_values(both.values[..., i : i + 45]) for i in (0, 45))
    return feint.with_first_pose(actor, reactor), reactor


def moved(values: Tensor, angle: float, away: Tensor) -> Tensor:
    """The whole scene turned about the vertical and moved, in metres, and back in the units."""
    joints = values.unflatten(-1, (-1, 15, 3))
    metres = joints * torch.tensor(SBU_15.scale) + torch.tensor(SBU_15.offset)
    metres = rotate_about_vertical(metres, angle) + away
    return ((metres - torch.tensor(SBU_15.offset)) / torch.tensor(SBU_15.scale)).flatten(-3)


def test_who_turns_the_scene_turns_the_answer() -> None:
    torch.manual_seed(0)
    x, y = people()
    model = GRU(90, 45, first_pose=True).eval()
    model.fit_normalization(x, y)
    away = torch.tensor([0.4, -0.2, 1.0])
    with torch.no_grad():
        answer, other = model(x.values), model(moved(x.values, 2.1, away))
    assert (answer - x.values[..., 45:]).abs().max() > 0.01
    torch.testing.assert_close(other, moved(answer, 2.1, away), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("first_pose", [True, False])
def test_placed_faces_x_is_normal_and_comes_back(first_pose: bool) -> None:
    x, y = people()
    x = x if first_pose else x.with_values(x.values[..., :45])
    placed = EgocentricNormalization(x.values.shape[-1], 45, first_pose)
    person = placed._egocentric(x.values)[:, 0, -45:]
    for pose in person.unflatten(-1, (15, 3)):
        assert abs(heading(pose[None], SBU_15)) < 1e-5
    placed.fit(x, y)
    entered = placed.normalize(x.values)[x.mask]
    changes = entered.std(dim=0) > 0.5  # a root is always at its own place
    torch.testing.assert_close(entered[:, changes].std(dim=0), torch.ones(int(changes.sum())))
    reference = placed._person(x.values)
    away = y.values.unflatten(-1, (15, 3)) - placed._origin(x.values, reference)
    changes_of_pose = placed._rotated(away * placed.metres, reference).flatten(2)
    normal = (changes_of_pose - placed.output_mean) / placed.output_scale
    torch.testing.assert_close(placed.denormalize(normal, x.values), y.values, rtol=1e-4, atol=1e-5)


def test_somebody_who_faces_nowhere_has_a_finite_gradient() -> None:
    model = GRU(90, 45, width=4, first_pose=True).eval()
    x = torch.zeros(1, 3, 90, requires_grad=True)
    model(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_data_without_shoulders_is_refused() -> None:
    with refused("wrong-features", names=("facing = false",)):
        GRU(18, 9, first_pose=True)
    GRU(18, 9, first_pose=True, facing=False)
