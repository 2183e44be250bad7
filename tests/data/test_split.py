"""Which sets are held out."""

import pytest
from tests.errors import refused

from feint.data.split import choose_test_sets

SETS = ["b", "a", "c", "a", "d"]


def test_sets_are_held_out_by_name():
    assert choose_test_sets(SETS, ["a", "d"], None, 0) == {"a", "d"}


@pytest.mark.parametrize("share, count", [(0.01, 1), (0.25, 1), (0.5, 2), (0.8, 3)])
def test_a_share_of_the_sets_is_drawn_by_the_seed(share, count):
    drawn = [choose_test_sets(SETS, None, share, seed) for seed in range(30)]
    assert {len(one) for one in drawn} == {count}
    assert set().union(*drawn) == set(SETS)
    assert choose_test_sets(SETS[::-1], None, share, 7) == drawn[7]


def test_a_set_that_is_not_there_and_all_sets_are_refused():
    with refused("unknown-set", ["x", "a, b, c, d", "data.test_sets"]):
        choose_test_sets(SETS, ["a", "x"], None, 0)
    with refused("nothing-to-train-on", ["4 sets"]):
        choose_test_sets(SETS, ["a", "b", "c", "d"], None, 0)
    with refused("nothing-to-train-on"):
        choose_test_sets(["a"], None, 0.1, 0)
