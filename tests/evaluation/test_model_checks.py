"""Warnings come when they should, and only then."""

import polars as pl
import pytest
import torch
from torch import nn

from feint.data.pairs import pair
from feint.data.synthetic.generate import generate
from feint.evaluation import model_checks, result_checks
from feint.evaluation.tolerance import Tolerance
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
    return pl.DataFrame({"attack": ["attack"], "target": ["push"], "linf": [change], **missed})


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
