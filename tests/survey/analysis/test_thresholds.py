"""Thresholds from people's answers, by hand and from simulated judges."""

import math

import numpy as np
import pytest
from tests.errors import refused

from feint.survey.analysis.thresholds import (
    RIGHT,
    UNKNOWN,
    WRONG,
    Answers,
    Fit,
    leftmost,
    naming,
    probabilities,
)

LADDERS = ((90.9, 84.28, 79.52, 74.49, 45.04, 35.03), (28.66, 26.55, 25.16, 23.98, 22.77, 21.31))
KAPPA, WIDTH = (81.0, 24.4), (3.0, 0.5)


def judged(judges: int, seed: int, lapse: float = 0.0) -> Answers:
    """Judges with KAPPA and WIDTH, on both ladders."""
    rng = np.random.default_rng(seed)
    choices = []
    for ladder, distance, width in zip(LADDERS, KAPPA, WIDTH, strict=True):
        thresholds = distance + width * rng.logistic(size=judges)
        choice = (np.array(ladder)[None] >= thresholds[:, None]).sum(1)
        random = rng.integers(7, size=judges)
        choices.append(np.where(rng.random(judges) < lapse, random, choice))
    names = [f"judge-{i}" for i in range(judges)]
    return Answers(names * 2, np.repeat([0, 1], judges), np.concatenate(choices))


def counted(*counts: int) -> Answers:
    """So many judges for each choice of one question."""
    choice = np.repeat(np.arange(len(counts)), counts)
    return Answers([str(i) for i in range(len(choice))], np.zeros(len(choice), int), choice)


def numbers(fit: Fit) -> list[float]:
    return [
        getattr(t, n) for t in (*fit.own, fit.pooled) for n in ("distance", "low", "high", "width")
    ]


def test_symmetric_votes_have_their_threshold_in_the_middle() -> None:
    (one,) = leftmost([(30.0, 20.0, 10.0)], counted(12, 38, 38, 12), draws=100, lapse=0.0).own
    assert one.distance == pytest.approx(20, abs=1e-3)
    assert one.width == pytest.approx(5, rel=0.03)  # P(30) = 1 / (1 + e^2) = 0.12
    assert (one.judges, one.answers, one.failed, one.extrapolated) == (100, 100, 0, False)
    assert one.low < 20 < one.high
    assert probabilities((30.0, 20.0, 10.0), one) == pytest.approx(
        [0.12, 0.38, 0.38, 0.12], abs=0.01
    )


def test_many_judges_tell_the_threshold_they_have() -> None:
    fit = leftmost(LADDERS, judged(5000, 0, lapse=0.05), draws=50)
    for one, distance, width in zip(fit.own, KAPPA, WIDTH, strict=True):
        assert one.distance == pytest.approx(distance, abs=width / 10)
        assert one.width == pytest.approx(width, rel=0.1)
        assert one.lapse == pytest.approx(0.05, abs=0.01)


def test_the_order_of_judges_does_not_matter() -> None:
    given = judged(20, 1)
    order = np.random.default_rng(0).permutation(len(given.choice))
    mixed = Answers([given.judge[i] for i in order], given.question[order], given.choice[order])
    assert numbers(leftmost(LADDERS, mixed, draws=50)) == numbers(
        leftmost(LADDERS, given, draws=50)
    )


def test_another_unit_of_distance_scales_kappa() -> None:
    given = judged(20, 2)
    inches = [[d / 2.54 for d in ladder] for ladder in LADDERS]
    found = numbers(leftmost(inches, given, draws=50))
    assert found == pytest.approx([v / 2.54 for v in numbers(leftmost(LADDERS, given, draws=50))])


def test_where_all_choose_one_panel_the_interval_is_the_gap_at_least() -> None:
    (one,) = leftmost([(30.0, 20.0, 10.0)], counted(0, 12, 0, 0), draws=100).own
    assert one.resampled[1] - one.resampled[0] < 0.1  # resamples all say the same
    assert one.low <= 20 < one.distance < 30 <= one.high


@pytest.mark.parametrize("counts, low, high", [((9, 0, 0), True, False), ((0, 0, 9), False, True)])
def test_where_all_choose_one_end_there_is_a_bound_and_no_kappa(
    counts: tuple[int, ...], low: bool, high: bool
) -> None:
    (one,) = leftmost([(30.0, 20.0)], counted(*counts), draws=50).own
    assert math.isnan(one.distance)
    assert (math.isfinite(one.low), math.isfinite(one.high)) == (low, high)


def test_a_panel_no_nearer_than_an_earlier_one_is_chosen_in_lapses_only() -> None:
    (one,) = leftmost([(20.0, 25.0, 10.0)], counted(30, 2, 30, 5), draws=50).own
    assert probabilities((20.0, 25.0, 10.0), one)[1] == pytest.approx(one.lapse / 4)
    assert 10 < one.distance < 25


def test_names_are_right_by_chance_as_often_as_the_wrong_ones_say() -> None:
    # P(10) = 0.8, P(30) = 0.2, half of what is not recognised is "can't tell", the rest one of 8
    # names: right 0.8 + 0.2 / 16 = 0.8125 and 0.2 + 0.8 / 16 = 0.25.
    counts = {0: {RIGHT: 65, UNKNOWN: 8, WRONG: 7}, 1: {RIGHT: 20, UNKNOWN: 32, WRONG: 28}}
    rows = [(q, c) for q, some in counts.items() for c, n in some.items() for _ in range(n)]
    judges = [f"{i % 80}" for i in range(len(rows))]
    given = Answers(judges, np.array([q for q, _ in rows]), np.array([c for _, c in rows]))
    (one,) = naming([10.0, 30.0], given, draws=100, lapse=0.0).own
    assert one.distance == pytest.approx(20, abs=0.1)
    assert one.width == pytest.approx(10 / math.log(4), rel=0.03)
    assert one.low < 20 < one.high
    assert (one.judges, one.answers) == (80, 160)


def test_no_answer_is_no_threshold() -> None:
    with refused("no-answers"):
        leftmost([(30.0, 20.0)], counted(0, 0, 0))


def test_intervals_cover_the_truth() -> None:
    """A small part of benchmarks/threshold_coverage.py: 12 judges, curves narrower than a step."""
    covered = [
        one.low <= distance <= one.high
        for seed in range(40)
        for one, distance in zip(
            leftmost(LADDERS, judged(12, seed, 0.05), draws=100, seed=seed).own, KAPPA, strict=True
        )
    ]
    assert 0.9 <= np.mean(covered) <= 0.99
