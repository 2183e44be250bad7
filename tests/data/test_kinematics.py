"""Speeds, accelerations and jerks of motions that are known."""

import math

import pytest
import torch
from tests.errors import refused

from feint.data.kinematics import magnitudes, mean_acceleration, percentile
from feint.sequences import Sequences
from feint.skeleton import SBU_15

SECONDS = torch.arange(6, dtype=torch.float64) / SBU_15.fps


def metres(x: torch.Tensor) -> torch.Tensor:
    """Every joint moves along x."""
    positions = torch.zeros(len(x), 15, 3, dtype=torch.float64)
    positions[..., 0] = x[:, None]
    return positions


def moving(x: torch.Tensor) -> torch.Tensor:
    return SBU_15.from_metres(metres(x))


@pytest.mark.parametrize(
    ("power", "quantity", "expected"),
    [(1, "speed", 2.0), (2, "acceleration", 4.0), (3, "jerk", 12.0)],
)
def test_a_polynomial_has_its_own_derivative(power, quantity, expected):
    size = magnitudes(metres(2 * SECONDS**power), SBU_15.fps, quantity)
    assert size.shape == (6 - power, 15)
    torch.testing.assert_close(size, torch.full_like(size, expected))


def test_steady_motion_does_not_accelerate():
    assert float(magnitudes(metres(3 * SECONDS), SBU_15.fps, "acceleration").max()) < 1e-9


def test_percentiles_of_own_frames_alone():
    rows = Sequences.pad([moving(2 * SECONDS), moving(2 * SECONDS)[:3], moving(SECONDS)[:1]])
    speeds = percentile(rows, SBU_15, "speed")
    assert speeds[:2] == pytest.approx([2.0, 2.0])
    assert math.isnan(speeds[2])


def test_features_behind_the_skeleton_are_left():
    values = torch.cat([moving(2 * SECONDS), torch.rand(6, 45)], dim=1)
    assert percentile(Sequences.pad([values]), SBU_15, "speed") == pytest.approx([2.0])


def test_an_unknown_quantity_is_refused():
    with refused("unknown-quantity", names=("snap", "speed, acceleration, jerk")):
        magnitudes(metres(SECONDS), SBU_15.fps, "snap")


def test_the_mean_acceleration_needs_three_frames():
    assert mean_acceleration(metres(2 * SECONDS**2), SBU_15.fps) == pytest.approx(4.0)
    assert mean_acceleration(metres(SECONDS)[:2], SBU_15.fps) is None
