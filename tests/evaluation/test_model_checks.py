"""Warnings come when they should, and only then."""

from dataclasses import replace

import polars as pl
import pytest
import torch
from torch import nn

from feint.columns import Columns
from feint.data.pairs import pair, with_first_pose
from feint.data.synthetic.generate import generate
from feint.evaluation import model_checks, result_checks
from feint.evaluation.tolerance import Tolerance
from feint.models import baselines
from feint.sequences import Sequences
from feint.skeleton import SBU_15


@pytest.fixture(scope="module")
def pairs():
    return pair(generate(seed=1, repetitions=1, sets=["s01s02"]))


class Constant(nn.Module):
    def __init__(self, pose: torch.Tensor) -> None:
        super().__init__()
        self.pose = nn.Parameter(pose)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pose.expand(*x.shape[:2], -1)


def compared(model, pairs, seen=None):
    seen = torch.ones(45, dtype=torch.bool) if seen is None else seen
    both = (pairs.actor, pairs.reactor)
    return model_checks.compare_with_baselines(
        model, both, both, seen, SBU_15, model_checks.mismatched_rows(pairs)
    )


def test_a_constant_model_ignores_its_input_and_is_weak(pairs):
    mean = pairs.reactor.values[pairs.reactor.mask].mean(dim=0)
    comparison = compared(Constant(mean), pairs)
    assert comparison.reaction == 0
    assert comparison.error == pytest.approx(comparison.trivial["mean pose"], rel=1e-5)
    assert {w.code for w in comparison.warnings("m")} == {"weak-model", "ignores-input"}


def test_a_perfect_model_gets_no_warning(pairs):
    class Knows(nn.Module):
        """Looks the true reaction up by the actor's first frame."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            apart = (x[:, None, 0] - pairs.actor.values[None, :, 0]).norm(dim=-1)
            return pairs.reactor.values[apart.argmin(dim=1)]

    comparison = compared(Knows(), pairs)
    assert comparison.error == 0
    assert comparison.reaction > 1
    assert comparison.warnings("m") == []


def test_the_model_is_only_shown_another_actor(pairs):
    """With nothing marked as seen, nothing is swapped, and nothing can react."""
    nothing = torch.zeros(45, dtype=torch.bool)
    assert compared(nn.Identity(), pairs, nothing).reaction == 0
    assert compared(nn.Identity(), pairs).reaction > 0


def test_mean_error_is_in_centimetres_a_joint(pairs):
    moved = pairs.reactor.values.clone()
    moved[..., SBU_15.axis("z")] += 0.1 / 1.28  # 10 cm of depth
    other = pairs.reactor.with_values(moved)
    assert model_checks.mean_error(other, pairs.reactor, SBU_15) == pytest.approx(10, rel=1e-4)


def rate(**changes):
    one = {
        "surrogate": "m",
        "victim": "m",
        "attack": "attack",
        "eps": 1.0,
        "clean_success_rate": 0.1,
        "noise_success_rate": 0.1,
        "success_rate": 0.8,
    }
    return pl.DataFrame([{**one, **changes}])


def row(change):
    missed = {"frames": [10], "distance_frame": [99.0]}
    names = {"surrogate": ["m"], "victim": ["m"], "sequence": ["s"], "eps": [1.0]}
    return pl.DataFrame(
        {"attack": ["attack"], "target": ["push"], "linf": [change], **names, **missed}
    )


@pytest.mark.parametrize(
    ("change", "rates", "among", "names"),
    [
        (0.5, rate(), 0.1, []),
        (0.0, rate(), 0.1, ["no-gradient"]),
        (0.5, rate(clean_success_rate=0.9), 0.1, ["vacuous-success"]),
        (0.5, rate(noise_success_rate=0.9), 0.1, ["noise-wins"]),
        (0.5, rate(noise_success_rate=None), 0.1, []),
        (0.5, rate(noise_success_rate=0.9, victim="other"), 0.1, []),
        (0.5, rate(), 0.4, ["loose-tolerance"]),
    ],
)
def test_doubts(change, rates, among, names):
    tolerance = Tolerance({"push": 1.0}, among_others={"push": among})
    assert [w.code for w in result_checks.result_warnings(row(change), rates, tolerance)] == names


def test_a_sequence_left_alone_because_it_is_the_target_already_is_no_doubt():
    reached = row(0.0).with_columns(distance_frame=pl.lit(0.5))
    assert result_checks.result_warnings(reached, rate(), Tolerance({"push": 1.0})) == []


def test_strangers_come_from_another_interaction_and_class_on_the_same_side(pairs):
    others = model_checks.mismatched_rows(pairs)
    for i, j in enumerate(others):
        assert pairs.interactions[i] != pairs.interactions[j]
        assert pairs.labels[i] != pairs.labels[j]
        assert pairs.sides[i] == pairs.sides[j]
    assert len(set(others)) > len(others) / 3  # not always the same one
    assert model_checks.mismatched_rows(pairs[[0, 1]]) is None  # both directions of one interaction


def scored(attack, noise, n=12):
    """Rows of one victim: clean distances of 10, and those after an attack and after noise."""
    generator = torch.Generator().manual_seed(0)
    parts = []
    for name, eps, size in (("none", 0.0, 0.0), ("aia", 1.0, attack), ("sign-noise", 1.0, noise)):
        changes = size * torch.randn(n, generator=generator).abs()
        parts.append(
            pl.DataFrame(
                {
                    "surrogate": "m",
                    "victim": "m",
                    "attack": name,
                    "target": "push",
                    "sequence": [f"s{i}" for i in range(n)],
                    "eps": eps,
                    "linf": 1.0 if eps else 0.0,
                    "frames": 10,
                    "distance_frame": [10 - c for c in changes.tolist()],
                }
            )
        )
    return pl.concat(parts)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(
    ("attack", "noise", "n", "named"),
    [(1.0, 1.0, 12, True), (6.0, 1.0, 12, False), (1.0, 1.0, 4, False), (1.0, 0.0, 12, False)],
)
def test_an_attack_like_noise_is_named_at_any_scale(attack, noise, n, named, scale):
    rows = scored(attack, noise, n).with_columns(pl.col("distance_frame") * scale)
    tolerance = Tolerance({"push": 1e-9}, among_others={"push": 0.1})
    found = result_checks.result_warnings(rows, rate(), tolerance)
    assert [w.code for w in found] == ["like-noise"] * named


# -- predictors that see the future ------------------------------------------------------------


COLUMNS = Columns(
    "load", ("load", "wind"), ("load",), ("MW", "m/s"), ("MW",), (1.0, 1.0), horizon=3
)


def windows(series, size=24, horizon=3):
    count = len(series) - size - horizon + 1
    past = [series[i : i + size] for i in range(count)]
    future = [series[i + horizon : i + horizon + size, :1] for i in range(count)]
    return Sequences.pad(past), Sequences.pad(future)


def forecast(series, columns=COLUMNS, first_pose=False, model=None):
    x, y = windows(series)
    seen = torch.ones(2, dtype=torch.bool)
    if first_pose:
        x, seen = with_first_pose(x, y), torch.tensor([True, True, False])
    model = model or Constant(torch.zeros(1))
    return model_checks.compare_with_baselines(model, (x, y), (x, y), seen, columns, None)


def test_a_forecaster_is_compared_with_the_past_alone():
    generator = torch.Generator().manual_seed(0)
    time = torch.arange(100.0)
    daily = torch.sin(2 * torch.pi * time / 12)
    series = torch.stack([daily, torch.randn(100, generator=generator)], dim=-1)
    found = forecast(series).trivial
    assert set(found) == {
        "mean pose", "framewise ridge", "persistence", "constant velocity",
        "seasonal naive (12 steps)",
    }  # fmt: skip
    assert found["seasonal naive (12 steps)"] < 0.5 * found["persistence"]
    assert "hold first pose" in forecast(series, first_pose=True).trivial
    other = replace(COLUMNS, outputs=("price",), output_units=("EUR",))
    assert set(forecast(series, other).trivial) == {"mean pose", "framewise ridge"}


def test_a_good_forecaster_is_not_weak():
    """Its error is above that of the first future value, which nobody knows, held."""
    generator = torch.Generator().manual_seed(0)
    steps = 0.1 * torch.randn(200, 2, generator=generator)

    class Damped(nn.Module):
        def forward(self, x):
            return 0.97 * x[..., :1]

    series = torch.zeros(200, 2)
    for t in range(1, 200):
        series[t] = 0.99 * series[t - 1] + steps[t]
    x, y = windows(series, size=3)
    columns, seen = COLUMNS, torch.ones(2, dtype=torch.bool)
    found = model_checks.compare_with_baselines(Damped(), (x, y), (x, y), seen, columns, None)
    held = model_checks.mean_error(baselines.hold_first_pose(y), y, None)
    assert held < found.error < found.trivial["persistence"]
    assert "hold first pose" not in found.trivial


def test_a_pose_that_the_model_does_not_see_is_shown_and_does_not_count(pairs):
    still = compared(Constant(pairs.reactor.values[pairs.reactor.mask].mean(dim=0)), pairs)
    assert still.informed == ("hold first pose",)
    weak = next(w.message for w in still.warnings("m") if w.code == "weak-model")
    assert "hold first pose" not in weak


def test_an_offset_of_all_answers_does_not_make_them_look_still(pairs):
    class Off(nn.Module):
        def forward(self, x):
            return x + 1000

    assert "ignores-input" not in {w.code for w in compared(Off(), pairs).warnings("m")}
