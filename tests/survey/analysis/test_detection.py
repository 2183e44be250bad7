"""Telling the tampered clip: shares, d' and intervals by hand."""

import math

import numpy as np
import pytest

from feint.survey.analysis.detection import detection


def test_independent_answers_have_wilsons_interval() -> None:
    found = detection(0.3, [str(i) for i in range(100)], np.arange(100) < 76)
    assert (found.right, found.answers, found.judges, found.effective) == (76, 100, 100, 100)
    assert found.share == 0.76
    assert (found.low, found.high) == pytest.approx((0.6677, 0.8331), abs=1e-4)
    # z(76.5 / 101) = 0.6980, times sqrt(2)
    assert found.dprime == pytest.approx(0.987, abs=1e-3)
    assert found.dprime_low == pytest.approx(math.sqrt(2) * 0.4336, abs=2e-3)


def test_answers_that_go_together_tell_less() -> None:
    judges = [str(i // 10) for i in range(100)]
    found = detection(0.3, judges, np.arange(100) // 10 < 7)  # all or nothing, judge by judge
    assert found.effective == pytest.approx(10)
    alone = detection(0.3, [str(i) for i in range(100)], np.arange(100) < 70)
    assert found.high - found.low > 2.5 * (alone.high - alone.low)


def test_all_right_is_finite() -> None:
    found = detection(0.3, [str(i) for i in range(9)], np.ones(9, bool))
    assert (found.share, found.high) == (1.0, pytest.approx(1.0))
    assert math.isfinite(found.dprime)
    assert 0.6 < found.low < 0.75
