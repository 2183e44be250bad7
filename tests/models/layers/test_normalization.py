"""The network's own units: mean 0, deviation 1, and back without loss."""

import pytest
import torch
from tests.errors import refused

from feint.data.pairs import with_first_pose
from feint.models.layers.normalization import Normalization
from feint.sequences import Sequences


def batch(features: int, seed: int, constant: int | None = None) -> Sequences:
    generator = torch.Generator().manual_seed(seed)
    sizes, places = torch.logspace(-2, 2, features), torch.linspace(-50, 50, features)
    x = Sequences.pad(
        [torch.randn(n, features, generator=generator) * sizes + places for n in (9, 4, 12, 1)]
    )
    values = torch.where(x.mask[..., None], x.values, 1e6)  # whoever reads the padding is found
    if constant is not None:
        values[..., constant] = 0.3
    return x.with_values(values)


def test_fresh_coordinates_change_nothing() -> None:
    coordinates = Normalization(4, 3)
    x, y = torch.randn(2, 5, 4), torch.randn(2, 5, 3)
    assert torch.equal(coordinates.normalize(x), x)
    assert torch.equal(coordinates.denormalize(y, x), y)


def test_what_enters_after_fit_has_mean_0_and_deviation_1() -> None:
    x, y = batch(4, 0), batch(3, 1)
    coordinates = Normalization(4, 3)
    coordinates.fit(x, y)
    seen = coordinates.normalize(x.values)[x.mask]
    torch.testing.assert_close(seen.mean(dim=0), torch.zeros(4), atol=1e-3, rtol=0)
    torch.testing.assert_close(seen.std(dim=0), torch.ones(4), atol=1e-3, rtol=0)
    torch.testing.assert_close(coordinates.output_mean, y.values[y.mask].mean(dim=0))
    torch.testing.assert_close(coordinates.output_scale, y.values[y.mask].std(dim=0))


def test_leave_undoes_the_normalisation_of_answers() -> None:
    x, y = batch(4, 0), batch(3, 1)
    coordinates = Normalization(4, 3)
    coordinates.fit(x, y)
    normal = (y.values - coordinates.output_mean) / coordinates.output_scale
    own = normal[y.mask]
    torch.testing.assert_close(own.mean(dim=0), torch.zeros(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(coordinates.denormalize(normal, x.values)[y.mask], y.values[y.mask])


def test_a_feature_that_never_changes_keeps_its_scale() -> None:
    x, y = batch(4, 0, constant=1), batch(3, 1, constant=2)
    coordinates = Normalization(4, 3)
    coordinates.fit(x, y)
    assert coordinates.input_scale[1] == 1
    assert coordinates.output_scale[2] == 1
    seen = coordinates.normalize(x.values)
    assert seen[..., 1].abs().max() < 1e-6
    assert torch.isfinite(seen).all()
    coordinates.fit(batch(4, 0), batch(3, 1))
    assert coordinates.input_scale[1] != 1


def test_the_first_pose_stands_behind_the_actor_in_every_own_frame() -> None:
    actor = Sequences.pad([torch.ones(3, 2), torch.ones(2, 2)])
    reactor = Sequences.pad([torch.tensor([[5.0], [6], [7]]), torch.tensor([[8.0], [9]])])
    seen = with_first_pose(actor, reactor)
    assert seen.lengths.tolist() == [3, 2]
    assert seen.values.tolist() == [[[1, 1, 5]] * 3, [[1, 1, 8], [1, 1, 8], [0, 0, 0]]]


def reactors() -> tuple[Sequences, Sequences, Normalization]:
    """An actor and a reactor of three joints; the root is the second."""
    actor, reactor = batch(9, 0), batch(9, 1)
    x = with_first_pose(actor, reactor)
    return x, reactor, Normalization(18, 9, first_pose=[3, 3])


def test_a_first_pose_is_seen_from_its_root() -> None:
    x, _, coordinates = reactors()
    seen = coordinates.normalize(x.values)
    root = x.values[..., 12:15]
    torch.testing.assert_close(seen[..., :3], x.values[..., :3] - root)
    torch.testing.assert_close(seen[..., 15:18], x.values[..., 15:18] - root)
    assert not seen[..., 12:15].any()


def test_a_change_of_pose_is_answered_and_comes_back_as_a_pose() -> None:
    x, y, coordinates = reactors()
    coordinates.fit(x, y)
    change = torch.cat([one - one[:1] for one in y])
    torch.testing.assert_close(coordinates.output_mean, change.mean(dim=0), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(coordinates.output_scale, change.std(dim=0), rtol=1e-4, atol=1e-4)
    seen = coordinates.normalize(x.values)[x.mask]
    assert not seen[:, 12:15].any()
    deviation = seen.std(dim=0)
    rest = torch.cat([deviation[:12], deviation[15:]])
    torch.testing.assert_close(rest, torch.ones(15), atol=1e-3, rtol=0)
    normal = (y.values - x.values[..., 9:] - coordinates.output_mean) / coordinates.output_scale
    back = coordinates.denormalize(normal, x.values)
    torch.testing.assert_close(back[y.mask], y.values[y.mask], rtol=1e-5, atol=1e-4)


def test_a_first_pose_needs_inputs_for_it() -> None:
    with refused("wrong-features", names=("9 inputs for 9 outputs", "with_first_pose")):
        Normalization(9, 9, first_pose=True)


@pytest.mark.parametrize("inputs, outputs", [(12, 6), (19, 9), (20, 10), (18, 8)])
def test_a_first_pose_needs_joints_and_a_root(inputs: int, outputs: int) -> None:
    with refused("wrong-features", names=("joints of 3 coordinates", "feature 6")):
        Normalization(inputs, outputs, first_pose=True)
    Normalization(inputs, outputs)
