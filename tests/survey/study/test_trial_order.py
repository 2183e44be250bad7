"""A judge's order: everything once, practice first, and no two judges alike."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.survey.study.test_schema import study, trial

from feint.survey.study.schema import Trial
from feint.survey.study.trial_order import KINDS, trials_for

sorts = st.tuples(
    st.sampled_from(KINDS), st.booleans(), st.sampled_from(["", "", "", "target", "clean"])
)


def made(number: int, kind: str, practice: bool, catch: str) -> Trial:
    return trial(number, kind, practice=practice, catch=catch, expected="1")


@given(
    st.lists(sorts, min_size=1, max_size=40),
    st.integers(0, 2**31),
    st.text("0123456789abcdef", min_size=32, max_size=32),
)
def test_everything_is_asked_once_and_practice_first(
    content: list[tuple[str, bool, str]], seed: int, judge: str
) -> None:
    one = study(*(made(i, *what) for i, what in enumerate(content)), seed=seed)
    order = trials_for(one, judge)
    assert order == trials_for(one, judge)
    assert sorted(t.name for t in order) == sorted(one.by_name)
    stages = [(not t.practice, KINDS.index(t.kind)) for t in order]
    assert stages == sorted(stages)
    for kind in KINDS:
        asked = [t for t in order if t.kind == kind and not t.practice]
        catches = sum(bool(t.catch) for t in asked)
        if 2 * catches <= len(asked):
            assert not any(a.catch and b.catch for a, b in pairwise(asked))
            assert not asked or not asked[0].catch


def test_judges_and_seeds_have_their_own_orders() -> None:
    trials = [trial(i) for i in range(9)]
    judges = [f"{i:032x}" for i in range(400)]
    orders = [[t.name for t in trials_for(study(*trials), judge)] for judge in judges]
    assert len({tuple(one) for one in orders}) > 390
    first, last = Counter(one[0] for one in orders), Counter(one[-1] for one in orders)
    for place in (first, last):  # 400 / 9 = 44 times each, standard deviation 6.3
        assert all(20 < place[t.name] < 70 for t in trials)
    assert trials_for(study(*trials, seed=1), judges[0]) != trials_for(study(*trials), judges[0])


def test_a_catch_comes_anywhere_but_first() -> None:
    trials = [trial(i) for i in range(5)]
    trials.append(trial(5, catch="target", expected="1"))
    places = Counter(
        next(i for i, t in enumerate(trials_for(study(*trials), f"{j:032x}")) if t.catch)
        for j in range(300)
    )
    assert set(places) == {1, 2, 3, 4, 5}
