"""The projection is what equation 6 says: inside, nearest, and nothing else moved."""

import math
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.errors import refused
from torch import Tensor

from feint.attacks.budget import Budget
from feint.sequences import Sequences
from feint.skeleton import SBU_15

FEATURES = 3


def ones(*lengths: int) -> Sequences:
    return Sequences.pad([torch.ones(n, FEATURES) for n in lengths])


@dataclass
class Problem:
    """A clean batch, a budget that holds it, and somewhere else to project."""

    x: Sequences
    values: Sequences
    budget: Budget
    low: Tensor
    high: Tensor

    def reachable(self) -> Tensor:
        """Where the budget lets anything move, written out from its definition."""
        free = torch.zeros_like(self.x.values, dtype=torch.bool)
        for row, length in enumerate(self.x.lengths.tolist()):
            free[row, :length] = True
        if self.budget.coords is not None:
            free[:, :, ~self.budget.coords] = False
        return free


def problem_of(
    lengths: list[int], far: float, eps: float, coords: list[bool] | None, limits: int, seed: int
) -> Problem:
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    x = Sequences.pad([random(n, FEATURES) for n in lengths])
    low, high, unit, per_row = [
        (None, None, None, False),
        (-0.25, 1.25, None, True),
        (torch.tensor([-0.5, -0.1, -math.inf]), None, torch.tensor([0.5, 1.0, 2.0]), True),
        (None, torch.tensor([1.5, math.inf, 1.1]), torch.tensor([3.0, 0.1, 1.0]), False),
    ][limits]
    return Problem(
        x=x,
        values=x.with_values(x.values + far * (random(*x.values.shape) - 0.5)),
        budget=Budget(
            eps * (0.5 + random(len(x))) if per_row else eps,
            None if coords is None else torch.tensor(coords),
            low=low,
            high=high,
            unit=unit,
        ),
        low=torch.as_tensor(-math.inf if low is None else low).double(),
        high=torch.as_tensor(math.inf if high is None else high).double(),
    )


problems = given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    far=st.sampled_from([0.1, 1.0, 10.0]),
    eps=st.floats(0.01, 2.0),
    coords=st.none() | st.lists(st.booleans(), min_size=FEATURES, max_size=FEATURES).filter(any),
    limits=st.integers(0, 3),
    seed=st.integers(0, 10_000),
)
"""What a problem is made of: feint's own objects are made in the test, for beartype draws lots."""


def radius(problem: Problem) -> Tensor:
    eps = torch.as_tensor(problem.budget.eps, dtype=torch.float64).reshape(-1, 1, 1)
    unit = torch.ones(FEATURES) if problem.budget.unit is None else problem.budget.unit
    return (eps * unit).expand_as(problem.x.values)


@settings(deadline=None)
@problems
def test_the_projection_is_inside(**drawn) -> None:
    problem = problem_of(**drawn)
    x, free = problem.x.values, problem.reachable()
    got = problem.budget.project(problem.values, problem.x)
    assert torch.equal(got.values[~free], x[~free])  # off the mask and padding: untouched
    change = (got.values - x).abs()
    assert (change <= radius(problem) * (1 + 1e-12) + 1e-12).all()
    assert (got.values >= problem.low)[free].all()
    assert (got.values <= problem.high)[free].all()
    assert problem.budget.violation(got, problem.x).max() <= 1e-12
    assert torch.equal(got.lengths, problem.x.lengths)


@settings(deadline=None)
@problems
def test_projecting_twice_is_projecting_once(**drawn) -> None:
    problem = problem_of(**drawn)
    once = problem.budget.project(problem.values, problem.x)
    assert torch.equal(problem.budget.project(once, problem.x).values, once.values)


@settings(deadline=None)
@problems
def test_no_other_point_inside_is_nearer(**drawn) -> None:
    problem = problem_of(**drawn)
    x, free = problem.x.values, problem.reachable()
    got = problem.budget.project(problem.values, problem.x).values
    lower = torch.maximum(x - radius(problem), problem.low)
    upper = torch.minimum(x + radius(problem), problem.high)
    generator = torch.Generator().manual_seed(0)
    share = torch.rand(64, *x.shape, generator=generator, dtype=torch.float64)
    share[:2] = torch.tensor([0.0, 1.0])[:, None, None, None]  # the corners too
    inside = torch.where(free, lower + share * (upper - lower), x)
    wanted = problem.values.values
    nearest = (got - wanted).abs()
    assert (nearest <= (inside - wanted).abs() + 1e-12).all()  # in every coordinate: in any norm


@settings(deadline=None)
@problems
def test_what_is_inside_stays(**drawn) -> None:
    problem = problem_of(**drawn)
    x, free = problem.x, problem.reachable()
    lower = torch.maximum(x.values - radius(problem), problem.low)
    inside = x.with_values(torch.where(free, (lower + x.values) / 2, x.values))
    got = problem.budget.project(inside, x)
    torch.testing.assert_close(got.values, inside.values, rtol=0, atol=1e-12)
    assert torch.equal(problem.budget.project(x, x).values, x.values)


def test_the_projection_by_hand() -> None:
    x = ones(1, 2)
    asked = x.with_values(torch.tensor([1.3, -4.0, 9.0]).expand(2, 2, 3))
    got = Budget(0.5, torch.tensor([True, True, False]), low=0.75).project(asked, x)
    row = [pytest.approx(1.3), 0.75, 1.0]
    assert got.values.tolist() == [[row, [0.0, 0.0, 0.0]], [row, row]]


def test_eps_a_row_bounds_its_own_row() -> None:
    x = ones(2, 1, 2)
    budget = Budget(torch.tensor([0.25, 0.5, 2.0]))
    got = budget.project(x.with_values(x.values + 100), x)
    assert [one.unique().tolist() for one in got] == [[1.25], [1.5], [3.0]]
    rows = torch.tensor([2, 0])
    some = budget[rows].project(x[rows].with_values(x[rows].values - 100), x[rows])
    assert [one.unique().tolist() for one in some] == [[-1.0], [0.75]]


def test_one_eps_is_the_same_for_some_rows() -> None:
    budget = Budget(0.25, SBU_15.axis("z"))
    assert budget[torch.tensor([1])] is budget


def test_unit_makes_eps_physical() -> None:
    x = Sequences.pad([torch.full((2, 45), 0.5)])
    budget = Budget(3.0, unit=SBU_15.centimetres())  # 3 cm
    got = budget.project(x.with_values(x.values + 1), x)
    moved = SBU_15.displacement_in_metres(got.values - x.values).abs()
    torch.testing.assert_close(moved, torch.full_like(moved, 0.03), rtol=1e-4, atol=0)
    assert budget.radius(x).shape == (1, 1, 45)
    assert Budget(3.0).radius(x).tolist() == [[[3.0]]]


def test_free_is_the_mask_on_own_frames() -> None:
    free = Budget(1.0, torch.tensor([True, False, True])).mask(ones(1, 2))
    own, none = [True, False, True], [False, False, False]
    assert free.tolist() == [[own, none], [own, own]]
    assert Budget(1.0).mask(ones(1, 2))[0].tolist() == [[True] * 3, none]


def test_excess_by_hand() -> None:
    x = ones(2, 2, 1, 2, 2)
    moved = x.values.clone()
    moved[0, 0, 0] += 0.5  # exactly eps
    moved[1, 1, 0] -= 0.75  # a quarter over eps
    moved[2, 1, 0] = 1e-3  # padding
    moved[3, 0, 2] += 1e-3  # off the mask
    moved[4, 1, 1] = 1.5  # inside eps, over high
    budget = Budget(0.5, torch.tensor([True, True, False]), low=0.0, high=1.375)
    # Row 0: 1.5 leaves high by 0.125; row 1: 0.25 is over eps by 0.25 and above low.
    assert budget.violation(x.with_values(moved), x).tolist() == [
        0.125, 0.25, math.inf, math.inf, 0.125,
    ]  # fmt: skip
    unlimited = Budget(0.5, torch.tensor([True, True, False]))
    assert unlimited.violation(x.with_values(moved), x).tolist() == [
        0.0, 0.25, math.inf, math.inf, 0.0,
    ]  # fmt: skip


def test_excess_is_told_in_data_units_under_a_unit() -> None:
    x = ones(1)
    budget = Budget(0.5, unit=torch.tensor([1.0, 2.0, 4.0]))
    assert budget.violation(x.with_values(x.values + 2.5), x).tolist() == [2.0]


@pytest.mark.parametrize("low, high", [(1.5, None), (None, 0.5), (-1.0, 0.5)])
def test_a_range_that_the_clean_input_leaves_is_refused(
    low: float | None, high: float | None
) -> None:
    with refused("outside-range", names=["1 in sequence 0, frame 0"]):
        Budget(0.1, low=low, high=high).bounds(ones(2))


def test_a_range_is_for_what_may_change_only() -> None:
    # Feature 2 is out of range and stays there: the attacker cannot reach it.
    x = Sequences.pad([torch.tensor([[0.0, 0.0, 9.0]])])
    budget = Budget(0.5, torch.tensor([True, True, False]), low=-0.25, high=0.25)
    lower, upper = budget.bounds(x)
    assert lower.tolist() == [[[-0.25, -0.25, 9.0]]]
    assert upper.tolist() == [[[0.25, 0.25, 9.0]]]
    assert budget.violation(x, x).tolist() == [0.0]


@pytest.mark.parametrize("eps", [0.0, -1.0, math.nan, math.inf])
def test_eps_that_is_no_size_is_refused(eps: float) -> None:
    with refused("bad-eps", names=["eps"]):
        Budget(eps)
    with refused("bad-eps", names=["eps"]):
        Budget(torch.tensor([1.0, eps]))


@pytest.mark.parametrize(
    "make, code, facts",
    [
        (lambda: Budget(torch.empty(0)), "bad-eps", ["eps"]),
        (lambda: Budget(1.0, torch.zeros(3, dtype=torch.bool)), "bad-coords", ["0 of them set"]),
        (lambda: Budget(1.0, unit=torch.tensor([1.0, 0.0])), "bad-number", ["unit", "0.0 to 1.0"]),
        (
            lambda: Budget(1.0, unit=torch.tensor([1.0, math.inf])),
            "bad-number",
            ["unit", "1.0 to inf"],
        ),
        (lambda: Budget(1.0, low=1.0, high=1.0), "bad-range", ["low", "high"]),
        (lambda: Budget(1.0, low=torch.tensor([0.0, 2.0]), high=1.0), "bad-range", ["low", "high"]),
        (lambda: Budget(1.0, high=math.nan), "bad-range", ["low", "high"]),
        (lambda: Budget(torch.ones(2)).bounds(ones(1, 1, 1)), "wrong-shape", ["2 eps for 3"]),
        (lambda: Budget(1.0, SBU_15.axis("z")).mask(ones(1)), "wrong-shape", ["coords", "45", "3"]),
        (
            lambda: Budget(1.0, unit=torch.ones(2)).bounds(ones(1)),
            "wrong-shape",
            ["unit", "2", "3"],
        ),
        (lambda: Budget(1.0, low=torch.zeros(2)).bounds(ones(1)), "wrong-shape", ["low", "2", "3"]),
        (
            lambda: Budget(1.0, high=torch.ones(1)).violation(ones(1), ones(1)),
            "wrong-shape",
            ["high", "1", "3"],
        ),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(make, code: str, facts: list[str]) -> None:
    with refused(code, facts):
        make()


def test_batches_that_differ_are_refused() -> None:
    with refused("shape-mismatch"):
        Budget(1.0).project(ones(1, 2), ones(2, 1))
    with refused("shape-mismatch"):
        Budget(1.0).violation(ones(1), ones(1, 1))


def test_whole_numbers_stay_whole_and_inside():
    x = Sequences.pad([torch.tensor([[3.0, 0.5], [7.0, 0.5]])])
    integer = torch.tensor([True, False])
    budget = Budget(eps=2.4, low=0.0, high=8.0, integer=integer)
    tried = x.with_values(torch.tensor([[[3.4, 9.0], [9.9, 0.7]]]))
    assert budget.project(tried, x).values.tolist() == [
        [[3.0, pytest.approx(2.9)], [8.0, pytest.approx(0.7)]]
    ]
    assert budget.violation(budget.project(tried, x), x).item() == pytest.approx(0, abs=1e-6)
    half = x.with_values(torch.tensor([[[3.5, 0.5], [7.0, 0.5]]]))
    assert budget.violation(half, x).item() == float("inf")
    with refused("not-integer", names=["frame 0, feature 1"]):
        replace(budget, integer=~integer).bounds(x)
    with refused("wrong-shape", names=["`integer` for 1 features"]):
        replace(budget, integer=integer[:1]).bounds(x)
