"""The fitted tolerance finds the curve it was made from, and says when there is none."""

import math

import numpy as np
import pytest
from tests.errors import refused

from feint.evaluation.psychometric import auc, fit


def simulated(rng: np.random.Generator, n: int, kappa: float = 20.0, width: float = 4.0):
    """Answers whose curve is known, five an interaction."""
    d = rng.uniform(0, 50, n)
    hit = rng.random(n) < 1 / (1 + np.exp((d - kappa) / width))
    return d, hit, [str(i // 5) for i in range(n)]


def test_the_curve_is_found():
    curve = fit(*simulated(np.random.default_rng(0), 4000))
    assert curve.threshold == pytest.approx(20, abs=0.7)
    assert curve.width == pytest.approx(4, abs=0.5)
    assert curve.low < 20 < curve.high
    assert curve.high - curve.low < 2
    assert curve.probability(curve.threshold) == pytest.approx(0.5)
    assert curve.probability(0.0) > 0.98
    assert curve.probability(1e9) == pytest.approx(0, abs=1e-12)
    assert curve.auc > 0.9


def test_the_interval_covers_the_truth():
    covered = 0
    for seed in range(40):
        curve = fit(*simulated(np.random.default_rng(seed), 200), draws=50, seed=seed)
        covered += curve.low <= 20 <= curve.high
    assert covered >= 34  # of 40, at 95 %


def test_units_do_not_matter():
    d, hit, of = simulated(np.random.default_rng(1), 500)
    assert fit(d / 100, hit, of, 50).threshold == pytest.approx(
        fit(d, hit, of, 50).threshold / 100, rel=1e-3
    )


@pytest.mark.parametrize("hit", [np.zeros(20), np.ones(20)])
def test_nobody_or_everybody_is_recognised(hit):
    curve = fit(np.arange(20.0), hit, [str(i) for i in range(20)])
    assert math.isnan(curve.threshold)
    assert math.isnan(curve.low)
    assert math.isnan(curve.auc)


def test_the_far_ones_are_recognised():
    d = np.arange(40.0)
    curve = fit(d, d > 20, [str(i) for i in range(40)])
    assert math.isnan(curve.threshold)
    assert curve.auc == 0


def test_auc_by_hand():
    assert auc(np.array([1.0, 3.0]), np.array([2.0, 3.0])) == pytest.approx((1 + 1 + 0 + 0.5) / 4)


@pytest.mark.parametrize(
    ("d", "n"), [(np.array([1.0, np.nan]), 2), (np.arange(3.0), 2), (np.array([]), 0)]
)
def test_what_cannot_be_fitted_is_refused(d, n):
    with refused("wrong-shape"):
        fit(d, np.zeros(n), ["a"] * n)
