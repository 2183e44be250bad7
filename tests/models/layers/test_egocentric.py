"""Egocentric coordinates: the scene may move and turn, and everything comes back in data units."""

import pytest
import torch
from tests.errors import refused
from torch import Tensor

import feint
from feint.data.facing import heading, rotate_about_vertical
from feint.models.gru import GRU
from feint.models.layers.egocentric import EgocentricNormalization
from feint.sequences import Sequences
from feint.skeleton import SBU_15


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
