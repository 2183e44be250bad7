"""The trivial predictors, against means and least squares worked out another way."""

import pytest
import torch

from feint.models.baselines import (
    best_season,
    constant_velocity,
    hold_first_pose,
    mean_pose,
    persistence,
    ridge,
    seasonal_naive,
)
from feint.sequences import Sequences

HUGE = 1e30


def spoilt(x: Sequences) -> Sequences:
    return x.with_values(torch.where(x.mask[..., None], x.values, HUGE))


def test_the_first_pose_is_held_to_the_end() -> None:
    reactor = Sequences.pad([torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0]])])
    held = hold_first_pose(spoilt(reactor))
    assert [one.tolist() for one in held] == [[[1, 2], [1, 2]], [[5, 6]]]


def test_the_mean_pose_weighs_every_own_frame_alike() -> None:
    train = spoilt(Sequences.pad([torch.tensor([[1.0], [2.0], [6.0]]), torch.tensor([[7.0]])]))
    like = Sequences.pad([torch.zeros(2, 1), torch.zeros(1, 1), torch.zeros(1, 1)])
    mean = mean_pose(train, like)
    assert [one.tolist() for one in mean] == [[[4.0], [4.0]], [[4.0]], [[4.0]]]


@pytest.fixture(scope="module")
def linear() -> tuple[Sequences, Sequences, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    weights, bias = torch.randn(4, 2, generator=generator), torch.tensor([3.0, -1.0])
    sizes = torch.tensor([0.01, 1.0, 10.0, 100.0])
    x = Sequences.pad([sizes * torch.randn(n, 4, generator=generator) + 5 for n in (9, 4, 12, 1)])
    return x, x.with_values(x.values @ weights + bias), weights, bias


def test_ridge_finds_an_exactly_linear_answer(linear) -> None:
    x, y, weights, bias = linear
    new = Sequences.pad([torch.randn(3, 4), torch.randn(5, 4)])
    got = ridge(spoilt(x), spoilt(y), new, penalty=1e-9)
    assert got.values.dtype == torch.float32
    torch.testing.assert_close(got.values, new.values @ weights + bias, rtol=1e-3, atol=1e-3)
    assert got.lengths.tolist() == [3, 5]


@pytest.mark.parametrize("penalty", [0.1, 1.0, 30.0])
def test_ridge_is_the_minimum_of_its_objective(linear, penalty: float) -> None:
    x, y, _, _ = linear
    noise = torch.randn(y.values.shape, generator=torch.Generator().manual_seed(1))
    y = y.with_values(y.values + 5 * noise)
    inputs, answers = x.values[x.mask].double(), y.values[y.mask].double()
    design = (inputs - inputs.mean(0)) / inputs.std(0)
    # Ridge is least squares with sqrt(penalty) * I appended to the design, and zeros to answers.
    tall = torch.cat([design, penalty**0.5 * torch.eye(4, dtype=torch.float64)])
    offset = answers.mean(0)
    goal = torch.cat([answers - offset, torch.zeros(4, 2, dtype=torch.float64)])
    expected = design @ torch.linalg.lstsq(tall, goal).solution + offset
    got = ridge(x, y, x, penalty=penalty).values[x.mask]
    torch.testing.assert_close(got, expected.float(), rtol=1e-4, atol=1e-3)


def test_a_huge_penalty_leaves_the_mean(linear) -> None:
    x, y, _, _ = linear
    got = ridge(x, y, x, penalty=1e12).values
    mean = mean_pose(y, y).values
    torch.testing.assert_close(got[x.mask], mean[x.mask], rtol=1e-4, atol=1e-4)


def test_a_feature_that_never_changes_is_no_ground_for_an_answer(linear) -> None:
    x, y, _, _ = linear
    still = torch.full((*x.values.shape[:2], 1), 0.3)
    wider = x.with_values(torch.cat([x.values, still], dim=-1))
    elsewhere = x.with_values(torch.cat([x.values, still + 1], dim=-1))
    plain = ridge(x, y, x).values[x.mask]
    torch.testing.assert_close(ridge(wider, y, wider).values[x.mask], plain)
    torch.testing.assert_close(ridge(wider, y, elsewhere).values[x.mask], plain)


def test_ridge_does_not_depend_on_units(linear) -> None:
    x, y, _, _ = linear
    plain = ridge(x, y, x)
    tiny = x.with_values(1e-9 * x.values)
    torch.testing.assert_close(ridge(tiny, y, tiny).values[x.mask], plain.values[x.mask])


# -- forecasts ---------------------------------------------------------------------------------


def forecast(series: torch.Tensor, horizon: int, size: int) -> tuple[Sequences, Sequences]:
    """All windows of a series, and what comes `horizon` steps later."""
    count = len(series) - size - horizon + 1
    past = [series[i : i + size, None] for i in range(count)]
    future = [series[i + horizon : i + horizon + size, None] for i in range(count)]
    return Sequences.pad(past), Sequences.pad(future)


def test_a_line_is_continued_by_its_velocity() -> None:
    past, future = forecast(torch.arange(30.0) * 0.5 + 3, horizon=4, size=8)
    got = constant_velocity(past, 4).values
    torch.testing.assert_close(got[:, 1:], future.values[:, 1:])
    torch.testing.assert_close(got[:, 0], past.values[:, 0])  # one value has no velocity
    assert torch.equal(persistence(past).values, past.values)


@pytest.mark.parametrize("horizon", [1, 3, 7])
def test_a_season_is_found_and_repeated(horizon: int) -> None:
    time = torch.arange(120.0)
    series = torch.sin(2 * torch.pi * time / 12) + torch.cos(2 * torch.pi * time / 4)
    past, future = forecast(series, horizon, size=30)
    season = best_season(past, future, horizon)
    assert season == 12
    got = seasonal_naive(past, horizon, season).values
    known = 12 - horizon
    torch.testing.assert_close(got[:, known:], future.values[:, known:], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(got[:, :known], past.values[:, :known])


@pytest.mark.parametrize("horizon", [1, 5])
def test_no_forecast_sees_the_future(horizon: int) -> None:
    past, _ = forecast(torch.randn(60), horizon, size=20)
    for step in (0, 7, 19):
        later = past.values.clone()
        later[:, step + 1 :] += 9
        changed = past.with_values(later)
        for one in (
            persistence,
            lambda p: constant_velocity(p, horizon),
            lambda p: seasonal_naive(p, horizon, horizon + 1),
        ):
            assert torch.equal(one(changed).values[:, : step + 1], one(past).values[:, : step + 1])


def test_a_short_window_has_no_season() -> None:
    past, future = forecast(torch.randn(12), horizon=3, size=1)
    season = best_season(past, future, 3)
    assert torch.equal(seasonal_naive(past, 3, season).values, past.values)
