"""The loop: its direction against torch.optim.Adam, its schedule, and which iterate it keeps."""

import math

import pytest
import torch
from torch import nn

from feint.attacks.descent import _adam, _rate, descend
from feint.budget import Budget
from feint.errors import FeintError
from feint.sequences import Sequences


def test_adams_direction_is_torchs() -> None:
    generator = torch.Generator().manual_seed(0)
    gradients = torch.randn(20, 3, 4, 5, generator=generator, dtype=torch.float64)
    gradients *= torch.logspace(-6, 3, 20, dtype=torch.float64).reshape(-1, 1, 1, 1)
    values = torch.zeros(3, 4, 5, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.Adam([values], lr=1.0, eps=1e-12)
    ours = _adam()
    for gradient in gradients:
        before = values.detach().clone()
        values.grad = gradient.clone()
        theirs.step()
        torch.testing.assert_close(ours(gradient), before - values.detach(), rtol=1e-9, atol=0)


def test_adam_stands_still_without_a_gradient() -> None:
    direction = _adam()
    for _ in range(3):
        assert (direction(torch.zeros(1, 2, 3)) == 0).all()


def test_the_cosine_falls_from_one_towards_zero() -> None:
    half = math.sqrt(0.5)
    by_hand = [1, (1 + half) / 2, 0.5, (1 - half) / 2]
    assert [_rate("cosine", step, 4) for step in range(4)] == pytest.approx(by_hand, abs=1e-6)
    assert [_rate("constant", step, 4) for step in range(4)] == [1, 1, 1, 1]


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
    seen = []

    def objective(output: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        seen.append(values.detach()[:, 0, 0].clone())
        return (output[:, 0, 0] - wanted).abs()

    def run(keep: str) -> tuple[torch.Tensor, torch.Tensor]:
        seen.clear()
        return descend(
            nn.Identity(),
            x,
            x.values,
            budget,
            objective,
            steps=5,
            step_size=torch.full((len(rows), 1, 1), 0.3),
            optimizer="sign",
            schedule="constant",
            keep=keep,
        )

    values, reached = run("best")
    torch.testing.assert_close(torch.stack(seen, dim=1), visits)
    losses = (visits - wanted[:, None]).abs()
    torch.testing.assert_close(reached, losses.amin(dim=1))
    torch.testing.assert_close((values[:, 0, 0] - wanted).abs(), losses.amin(dim=1))
    values, reached = run("last")
    torch.testing.assert_close(values[:, 0, 0], visits[:, -1])
    torch.testing.assert_close(reached, losses[:, -1])


def test_a_start_outside_the_budget_is_brought_inside() -> None:
    x = Sequences(torch.zeros(2, 3, 2), torch.tensor([3, 2]))
    budget = Budget(eps=0.5, coords=torch.tensor([True, False]))
    values, _ = descend(
        nn.Identity(),
        x,
        x.values + 9,
        budget,
        lambda output, _: -output.sum(dim=(1, 2)),
        steps=1,
        step_size=torch.full((2, 1, 1), 0.1),
        optimizer="sign",
        schedule="constant",
        keep="best",
    )
    free = budget.free(x)
    assert (values[free] == 0.5).all()
    assert (values[~free] == 0).all()


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
def test_nan_on_the_way_is_told(model: nn.Module, optimizer: str, keep: str) -> None:
    x = Sequences(torch.zeros(1, 2, 2), torch.tensor([2]))
    with pytest.raises(FeintError, match="met NaN"):
        descend(
            model,
            x,
            x.values,
            Budget(eps=1.0),
            lambda output, _: output.sum(dim=(1, 2)),
            steps=3,
            step_size=torch.full((1, 1, 1), 0.3),
            optimizer=optimizer,
            schedule="constant",
            keep=keep,
        )
