"""The loop: its direction against torch.optim.Adam, its schedule, and which iterate it keeps."""

import math

import pytest
import torch
from torch import nn

from feint.attacks.budget import Budget
from feint.attacks.gradient_descent import EVERY, _ActiveRows, descend
from feint.models.schedules import half_cosine
from feint.sequences import Sequences


class Nearest:
    """An objective without a model in mind: the absolute gap to a wanted value, one a row."""

    def __init__(self, wanted: torch.Tensor, goal: torch.Tensor | None = None) -> None:
        self.wanted, self.goal = wanted, goal
        self.seen: list[torch.Tensor] = []

    def loss(self, output: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        self.seen.append(values.detach()[:, 0, 0].clone())
        return self.gap(output)

    def is_done(self, output: torch.Tensor) -> torch.Tensor | None:
        return None if self.goal is None else self.gap(output) < self.goal

    def gap(self, output: torch.Tensor) -> torch.Tensor:
        return (output[:, 0, 0] - self.wanted).abs()

    def __getitem__(self, rows: torch.Tensor) -> "Nearest":
        goal = None if self.goal is None else self.goal[rows]
        some = Nearest(self.wanted[rows], goal)
        some.seen = self.seen
        return some


class Lower(Nearest):
    """An objective that wants the output as low as it goes, over all coordinates."""

    def __init__(self, sign: float = 1.0) -> None:
        super().__init__(torch.zeros(1))
        self.sign = sign

    def loss(self, output: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        return self.sign * output.sum(dim=(1, 2))


def rows_at(values: torch.Tensor) -> _ActiveRows:
    lengths = torch.full((len(values),), values.shape[1])
    step_size = torch.ones_like(values[:, :1, :1])
    return _ActiveRows.start(Sequences(values, lengths), values, Budget(1.0), step_size)


def test_adams_direction_is_torchs() -> None:
    generator = torch.Generator().manual_seed(0)
    gradients = torch.randn(20, 3, 4, 5, generator=generator, dtype=torch.float64)
    gradients *= torch.logspace(-6, 3, 20, dtype=torch.float64).reshape(-1, 1, 1, 1)
    values = torch.zeros(3, 4, 5, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.Adam([values], lr=1.0, eps=1e-12)
    ours = rows_at(torch.zeros(3, 4, 5, dtype=torch.float64))
    for count, gradient in enumerate(gradients, start=1):
        before = values.detach().clone()
        values.grad = gradient.clone()
        theirs.step()
        along = ours.adam(gradient, count)
        torch.testing.assert_close(along, before - values.detach(), rtol=1e-9, atol=0)


def test_adam_stands_still_without_a_gradient() -> None:
    rows = rows_at(torch.zeros(1, 2, 3))
    for count in (1, 2, 3):
        assert (rows.adam(torch.zeros(1, 2, 3), count) == 0).all()


def test_the_cosine_falls_from_one_towards_zero() -> None:
    half = math.sqrt(0.5)
    by_hand = [1, (1 + half) / 2, 0.5, (1 - half) / 2]
    assert [half_cosine(step, 4) for step in range(4)] == pytest.approx(by_hand, abs=1e-6)


# From 0, sign steps of 0.3 inside [-1, 1] visit these; each row's target decides which is best.
HOPS = {
    "start": (0.1, [0.0, 0.3, 0.0, 0.3, 0.0, 0.3]),
    "middle": (0.65, [0.0, 0.3, 0.6, 0.9, 0.6, 0.9]),
    "last": (2.0, [0.0, 0.3, 0.6, 0.9, 1.0, 1.0]),
    "only the last": (1.45, [0.0, 0.3, 0.6, 0.9, 1.2, 1.5]),
}


@pytest.mark.parametrize(
    "rows", [["start"], ["only the last"], ["start", "middle", "last", "only the last"]]
)
def test_best_is_the_lowest_of_all_iterates_and_last_the_last(rows: list[str]) -> None:
    wanted = torch.tensor([HOPS[row][0] for row in rows])
    visits = torch.tensor([HOPS[row][1] for row in rows])
    x = Sequences(torch.zeros(len(rows), 1, 1), torch.ones(len(rows), dtype=torch.int64))
    budget = Budget(eps=torch.tensor([2.0 if row == "only the last" else 1.0 for row in rows]))
    aim = Nearest(wanted)

    def run(keep: str) -> tuple[torch.Tensor, torch.Tensor]:
        aim.seen.clear()
        found = descend(
            nn.Identity(),
            x,
            x.values,
            budget,
            aim,
            steps=5,
            step_size=torch.full((len(rows), 1, 1), 0.3),
            optimizer="sign",
            schedule="constant",
            keep=keep,
        )
        assert not found.done.any()
        return found.values, found.losses

    values, reached = run("best")
    torch.testing.assert_close(torch.stack(aim.seen, dim=1), visits)
    losses = (visits - wanted[:, None]).abs()
    torch.testing.assert_close(reached, losses.amin(dim=1))
    torch.testing.assert_close((values[:, 0, 0] - wanted).abs(), losses.amin(dim=1))
    values, reached = run("last")
    torch.testing.assert_close(values[:, 0, 0], visits[:, -1])
    torch.testing.assert_close(reached, losses[:, -1])


def test_a_start_outside_the_budget_is_brought_inside() -> None:
    x = Sequences(torch.zeros(2, 3, 2), torch.tensor([3, 2]))
    budget = Budget(eps=0.5, coords=torch.tensor([True, False]))
    found = descend(
        nn.Identity(),
        x,
        x.values + 9,
        budget,
        Lower(sign=-1.0),
        steps=1,
        step_size=torch.full((2, 1, 1), 0.1),
        optimizer="sign",
        schedule="constant",
        keep="best",
    )
    free = budget.mask(x)
    assert (found.values[free] == 0.5).all()
    assert (found.values[~free] == 0).all()


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_row_is_done_where_it_first_meets_its_goal(keep: str) -> None:
    """Steps of 0.1 from 0 towards 10; the goals are met after 0, 3, 17 and never in 40 steps."""
    wanted = torch.full((4,), 10.0)
    goal = torch.tensor([10.5, 9.75, 8.35, 1.0])
    x = Sequences(torch.zeros(4, 5, 1), torch.tensor([5, 2, 3, 4]))
    aim = Nearest(wanted, goal)
    found = descend(
        nn.Identity(),
        x,
        x.values,
        Budget(eps=100.0),
        aim,
        steps=40,
        step_size=torch.full((4, 1, 1), 0.1),
        optimizer="sign",
        schedule="constant",
        keep=keep,
    )
    assert found.done.tolist() == [True, True, True, False]
    torch.testing.assert_close(found.values[:, 0, 0], torch.tensor([0.0, 0.3, 1.7, 4.0]))
    torch.testing.assert_close(found.losses, torch.tensor([10.0, 9.7, 8.3, 6.0]))
    assert found.values.shape == x.values.shape
    # Every `EVERY` steps the batch closes up over what is done.
    assert [len(seen) for seen in aim.seen] == [4] * EVERY + [2] * EVERY + [1] * 21


def test_nothing_more_is_asked_of_the_model_when_every_row_is_done() -> None:
    x = Sequences(torch.zeros(2, 1, 1), torch.ones(2, dtype=torch.int64))
    aim = Nearest(torch.ones(2), goal=torch.full((2,), 0.95))
    descend(
        nn.Identity(),
        x,
        x.values,
        Budget(eps=1.0),
        aim,
        steps=1000,
        step_size=torch.full((2, 1, 1), 0.1),
        optimizer="sign",
        schedule="constant",
        keep="best",
    )
    assert len(aim.seen) == EVERY


class NotANumberBeyond(nn.Module):
    """Finite at the clean input, NaN where the descent leads."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (0.05 - x).sqrt()


class NoGradientAtTheStart(nn.Module):
    """A finite answer with a NaN gradient: sqrt at 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + (x - x.detach()).square().sqrt()


@pytest.mark.parametrize("model", [NotANumberBeyond(), NoGradientAtTheStart()])
@pytest.mark.parametrize("optimizer", ["sign", "adam"])
@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_row_that_meets_nan_is_marked_and_stays_finite(
    model: nn.Module, optimizer: str, keep: str
) -> None:
    x = Sequences(torch.zeros(1, 2, 2), torch.tensor([2]))
    found = descend(
        model,
        x,
        x.values,
        Budget(eps=1.0),
        Lower(),
        steps=3,
        step_size=torch.full((1, 1, 1), 0.3),
        optimizer=optimizer,
        schedule="constant",
        keep=keep,
    )
    assert found.finite.tolist() == [False]
    assert bool(found.values.isfinite().all())
