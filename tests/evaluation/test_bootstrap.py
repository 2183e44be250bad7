"""Intervals: exact at their ends, by whole clusters, and true as often as they say."""

import math

import numpy as np
import pytest

from feint.evaluation.bootstrap import (
    interval,
    intervals_of_totals,
    rate_interval,
    rate_intervals,
    resamples,
)

STUDIES = 4000


def test_the_interval_resamples_clusters() -> None:
    hits = np.array([1.0, 1.0, 0.0, 0.0])
    alone = rate_interval(hits, ["a", "b", "c", "d"])
    together = rate_interval(np.repeat(hits, 50), list(np.repeat(["a", "b", "c", "d"], 50)))
    assert alone == pytest.approx(together)  # fifty copies of a cluster say no more than one
    assert alone[0] < 0.5 < alone[1]


def test_the_ends_are_exact() -> None:
    # Nothing but successes still leaves doubt: the exact bound for five trials, 0.025^(1/5).
    assert rate_interval(np.ones(5), list("abcde")) == pytest.approx((0.4782, 1.0), abs=1e-4)
    assert rate_interval(np.zeros(5), list("abcde")) == pytest.approx((0.0, 0.5218), abs=1e-4)
    assert all(math.isnan(end) for end in rate_interval(np.array([]), []))


def test_one_cluster_says_nothing_of_others() -> None:
    assert rate_interval(np.array([1.0, 0.0]), ["a", "a"]) == (0.0, 1.0)


def test_clusters_of_one_share_are_no_certainty() -> None:
    low, high = rate_interval(np.array([1.0, 0.0, 1.0, 0.0]), ["a", "a", "b", "b"])
    assert low < 0.5 < high


def test_columns_are_taken_one_by_one() -> None:
    hits = np.random.default_rng(0).integers(0, 2, (40, 3)).astype(float)
    clusters = [str(i // 4) for i in range(40)]
    found = rate_intervals(hits, clusters)
    for column, ends in zip(hits.T, found, strict=True):
        assert rate_interval(column, clusters) == pytest.approx(tuple(ends))


def test_an_interval_mirrors_its_opposite() -> None:
    hits = np.random.default_rng(1).integers(0, 2, 40).astype(float)
    clusters = [str(i // 4) for i in range(40)]
    low, high = rate_interval(hits, clusters)
    assert rate_interval(1 - hits, clusters) == pytest.approx((1 - high, 1 - low))


def test_percentiles_are_widened_for_few_clusters() -> None:
    drawn = np.random.default_rng(0).standard_normal(100_000)
    # Student's 2.262 at 9 degrees of freedom, times sqrt(10 / 9).
    low, high = interval(drawn, 10)
    assert (low, high) == pytest.approx((-2.384, 2.384), abs=0.05)
    assert interval(drawn, 10_000) == pytest.approx((-1.96, 1.96), abs=0.03)
    assert interval(np.array([1.0, 2, math.inf]), 10) == (1.0, math.inf)
    assert all(math.isnan(end) for end in interval(drawn, 1))


def test_resamples_draw_whole_clusters() -> None:
    often = resamples(7, 50, 3)
    assert often.shape == (50, 7)
    assert (often.sum(axis=1) == 7).all()
    assert (resamples(7, 50, 4) != often).any()


def coverage(clusters: int, rate: float, correlation: float) -> float:
    """How often the interval holds the true rate, over simulated studies.

    Every cluster has its own rate, from a beta distribution with the given correlation within
    clusters, and 2 to 12 rows.
    """
    rng = np.random.default_rng(round(1000 * clusters + 100 * rate + 10 * correlation))
    rates = np.full((STUDIES, clusters), rate)
    if correlation:
        size = 1 / correlation - 1
        rates = rng.beta(rate * size, (1 - rate) * size, rates.shape)
    rows = rng.integers(2, 13, rates.shape)
    low, high = intervals_of_totals(rng.binomial(rows, rates), rows).T
    return float(((low <= rate) & (rate <= high)).mean())


@pytest.mark.parametrize("clusters", [8, 20, 100])
@pytest.mark.parametrize("rate", [0.2, 0.35, 0.5, 0.7])
@pytest.mark.parametrize("correlation", [0.0, 0.1, 0.3])
def test_95_percent_intervals_cover_95_percent(
    clusters: int, rate: float, correlation: float
) -> None:
    assert 0.93 <= coverage(clusters, rate, correlation) <= 0.97


@pytest.mark.parametrize("clusters", [20, 100])
@pytest.mark.parametrize("correlation", [0.0, 0.1])
def test_rare_successes_are_covered_too(clusters: int, correlation: float) -> None:
    assert 0.93 <= coverage(clusters, 0.1, correlation) <= 0.97


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.9])
def test_with_few_clusters_and_rare_outcomes_intervals_are_too_wide_rather_than_too_narrow(
    rate: float,
) -> None:
    assert coverage(8, rate, 0.1) >= 0.95
