"""Interval-censored curves: what can be worked out by hand, and scipy's optimum."""

import math

import numpy as np
import pytest
from tests.errors import refused

from feint.survey.analysis.interval_censored import Cells, maximise, profile


def ladder(*distances: float) -> Cells:
    """The leftmost of panels at these distances, or none."""
    near, far = np.array([*distances, -math.inf]), np.array([math.inf, *distances])
    n = len(near)
    return Cells(np.zeros(n, int), np.zeros(n, int), near, far, np.full(n, 1 / n), np.zeros(n),
                 np.ones(n))  # fmt: skip


def test_two_panels_and_no_lapse_have_a_closed_form() -> None:
    # P(20) = 0.8 and P(30) = 0.25: width = 10 / (logit 0.8 - logit 0.25).
    counts = np.array([[0.25, 0.55, 0.2]]) * 1e7
    found = maximise(ladder(30, 20), counts, 1, lapse=0.0)
    width = 10 / (math.log(4) + math.log(3))
    assert found.width[0, 0] == pytest.approx(width, rel=1e-3)
    assert found.location[0, 0] == pytest.approx(20 + width * math.log(4), rel=1e-3)


def test_it_is_the_optimum_that_scipy_finds() -> None:
    from scipy.optimize import minimize

    from feint.survey.analysis.interval_censored import LAPSE_PRIOR

    d = np.array([30.0, 24, 20, 15, 10])
    counts = np.array([3.0, 5, 14, 9, 2, 4])

    def loss(x: np.ndarray) -> float:
        z, width, lapse = (d - 20) / 20, math.exp(x[1]), 1 / (1 + math.exp(-x[2]))
        passed = np.concatenate([[0], 1 / (1 + np.exp((z - x[0]) / width)), [1]])
        p = (1 - lapse) * np.diff(passed) + lapse / 6
        a, b = LAPSE_PRIOR
        prior = -(x[0] ** 2) / 18 - (x[1] - math.log(0.1)) ** 2 / 2
        prior += (a - 1) * math.log(lapse) + (b - 1) * math.log(1 - lapse)
        return -float((counts * np.log(p)).sum() + prior)

    best = minimize(loss, [0, -2, -3], method="Nelder-Mead", tol=1e-10).x
    found = maximise(ladder(*d), counts[None], 1)
    assert found.location[0, 0] == pytest.approx(20 + 20 * best[0], abs=1e-3)
    assert found.width[0, 0] == pytest.approx(20 * math.exp(best[1]), rel=1e-3)
    assert found.lapse[0] == pytest.approx(1 / (1 + math.exp(-best[2])), rel=1e-3)


def test_answers_at_one_end_bound_kappa_from_one_side_only() -> None:
    counts = np.array([[9.0, 0, 0], [0, 0, 9], [0, 9, 0], [0, 0, 0]])
    kappa = maximise(ladder(30, 20), counts, 1).location[:, 0]
    assert kappa[0] == math.inf
    assert kappa[1] == -math.inf
    assert 20 < kappa[2] < 30
    assert math.isnan(kappa[3])


def test_the_likelihood_knows_no_more_than_the_gap_between_panels() -> None:
    low, high = profile(ladder(30, 20, 10), np.array([0, 12.0, 0, 0]), 0.0, 1.92)
    assert 18 < low <= 20
    assert 30 <= high < 32
    assert profile(ladder(30, 20, 10), np.array([12.0, 0, 0, 0]), 0.0, 1.92)[1] == math.inf
    assert profile(ladder(30, 20, 10), np.array([0, 0, 0, 12.0]), 0.0, 1.92)[0] == -math.inf


def test_one_distance_is_no_curve() -> None:
    with refused("too-few-distances"):
        maximise(ladder(20), np.ones((1, 2)), 1)
