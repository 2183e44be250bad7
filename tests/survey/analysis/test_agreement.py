"""Krippendorff's alpha by hand, from his own example, and its interval."""

import math

import numpy as np
import pytest
from tests.errors import refused

from feint.survey.analysis.agreement import agreement, of_totals


def given(table: list[list[int | None]], values: int) -> np.ndarray:
    """One-hot answers of judges (rows) to questions (columns)."""
    found = np.zeros((len(table), len(table[0]), values))
    for j, row in enumerate(table):
        for q, value in enumerate(row):
            if value is not None:
                found[j, q, value] = 1
    return found


def test_nominal_by_hand() -> None:
    # aa, ab, bb: observed disagreement 2 / 6, expected 2 * 3 * 3 / (6 * 5): 1 - (1/3) / 0.6.
    counts = given([[0, 0, 1], [0, 1, 1]], 2)
    assert agreement(counts, "nominal", draws=50).alpha == pytest.approx(4 / 9)
    assert of_totals(counts.sum(0), "nominal").alpha == pytest.approx(4 / 9)


def test_ordinal_is_krippendorffs_example_with_missing_answers() -> None:
    _ = None
    table = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]  # fmt: skip
    found = agreement(given(table, 6), "ordinal", draws=100)
    assert found.alpha == pytest.approx(0.815, abs=5e-4)
    assert (found.judges, found.questions) == (4, 11)


def test_the_interval_is_about_alpha_though_resamples_repeat_judges() -> None:
    rng = np.random.default_rng(0)
    table = [[int(v) for v in rng.integers(4, size=30)] for _ in range(8)]  # no agreement
    found = agreement(given(table, 4), "nominal", draws=400)
    assert abs(found.alpha) < 0.05
    assert abs((found.low + found.high) / 2 - found.alpha) < 0.08  # 0.17 uncorrected
    assert found.failed == 0


def test_alpha_is_not_defined_where_all_say_the_same_or_one_answers() -> None:
    same = agreement(given([[0, 0], [0, 0]], 3), "ordinal", draws=50)
    assert math.isnan(same.alpha)
    assert same.failed == 50
    assert math.isnan(agreement(given([[0, 1], [None, None]], 3), "ordinal").alpha)


def test_two_answers_of_a_judge_to_a_question_are_refused() -> None:
    with refused("wrong-shape", names=[(2, 1, 2)]):
        agreement(np.ones((2, 1, 2)), "nominal")
