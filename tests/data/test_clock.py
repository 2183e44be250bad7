"""Clocks that are rounded, jitter or skip: one even grid, whose step comes from the whole span."""

import numpy as np
import pytest
from tests.errors import refused

from feint.data.clock import fit_grid


@pytest.mark.parametrize(
    "times, step",
    [
        ([0, 33, 67, 100, 133, 167, 200], 200 / 6),  # 30 Hz in whole milliseconds
        (np.round(np.arange(600) / 60, 3), 1 / 60),  # 60 Hz with three digits
        (np.round(np.arange(1000) / 24, 2), 1 / 24),  # 24 Hz with two
        (1.72999e9 + np.round(np.arange(900) / 30, 3), 1 / 30),  # since 1970
    ],
)
def test_rounded_clocks_are_even(times, step):
    grid = fit_grid(np.array(times, dtype=float), "x")
    assert grid.is_even
    assert grid.index.tolist() == list(range(len(times)))
    assert grid.step == pytest.approx(step, rel=1e-3)


def test_a_phones_jitter_is_even_and_does_not_add_up():
    rng = np.random.default_rng(0)
    times = np.arange(3000) / 100 + rng.uniform(-0.002, 0.002, 3000)
    grid = fit_grid(times, "x")
    assert grid.is_even
    assert grid.index.tolist() == list(range(3000))


def test_skipped_steps_are_places_without_a_time():
    times = np.round(np.delete(np.arange(100) / 30, [4, 5, 50]), 3)
    grid = fit_grid(times, "x")
    assert grid.is_even
    assert sorted(set(range(100)) - set(grid.index.tolist())) == [4, 5, 50]


@pytest.mark.parametrize("times", [np.r_[0:10, 10.5:20], [i * i for i in range(9)], [0, 1, 1.1, 2]])
def test_uneven_times_are_not_even(times):
    grid = fit_grid(np.array(times, dtype=float), "x")
    assert not grid.is_even


def test_times_that_do_not_rise_are_shown_with_all_digits():
    with refused("time-not-rising", ["row 2", "row 3", "1729990000.25", "1729990000.125"]):
        fit_grid(np.array([1.72999e9, 1729990000.25, 1729990000.125]), "x")
