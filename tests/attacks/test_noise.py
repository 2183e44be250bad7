"""Noise: how large, how drawn, and that it never asks the model unless it has to choose."""

import pytest
import torch
from tests.attacks.problems import CausalLinear, ragged, unchecked
from tests.errors import refused
from torch import Tensor, nn

from feint.attacks import Noise
from feint.attacks.budget import Budget
from feint.attacks.noise import uniform
from feint.models.inference import predict
from feint.sequences import Sequences, distance

X = ragged((40, 25, 33), 30, seed=1)
EPS = 0.3


class Silent(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise AssertionError("noise asked the model")


def change(attack: Noise, x: Sequences = X, eps: float = EPS) -> Tensor:
    return attack(Silent(), x, x, Budget(eps)).values - x.values


@pytest.mark.parametrize("kind", ["sign", "offset"])
def test_noise_uses_the_whole_budget(kind: str) -> None:
    own = change(Noise(kind))[X.mask]
    torch.testing.assert_close(own.abs(), torch.full_like(own, EPS), rtol=1e-4, atol=0)


def test_the_signs_are_even() -> None:
    own = change(Noise("sign"))[X.mask]
    # 2,940 draws: the share of one sign has a standard deviation of 0.0092.
    assert float((own > 0).float().mean()) == pytest.approx(0.5, abs=0.04)


def test_an_offset_is_held_over_time_and_a_sign_is_not() -> None:
    for kind, held in (("offset", True), ("sign", False)):
        signs = change(Noise(kind)).sign()
        for i, frames in enumerate(X.lengths.tolist()):
            assert bool((signs[i, :frames] == signs[i, 0]).all()) == held
        assert set(signs[0, 0].tolist()) == {-1.0, 1.0}  # but differs between coordinates


def test_uniform_noise_has_the_moments_of_the_uniform_distribution() -> None:
    own = change(Noise("uniform"))[X.mask] / EPS
    assert float(own.abs().max()) <= 1 + 1e-5
    assert float(own.mean()) == pytest.approx(0, abs=0.05)
    assert float(own.var()) == pytest.approx(1 / 3, abs=0.03)
    assert float(own.unflatten(-1, (-1, 2)).prod(dim=-1).mean()) == pytest.approx(0, abs=0.04)


@pytest.mark.parametrize("kind", ["sign", "uniform", "offset"])
def test_the_padding_stays(kind: str) -> None:
    assert (change(Noise(kind))[~X.mask] == 0).all()


@pytest.mark.parametrize("kind", ["sign", "uniform", "offset"])
def test_a_seed_decides_the_draw(kind: str) -> None:
    drawn = [change(Noise(kind, seed=seed)) for seed in (0, 0, 1, 2, 2**32)]
    assert torch.equal(drawn[0], drawn[1])
    for other in drawn[2:]:
        pair = torch.stack([drawn[0][X.mask].ravel(), other[X.mask].ravel()])
        # 2,940 draws; but 90 alone where a draw is held over time
        assert abs(float(torch.corrcoef(pair)[0, 1])) < (0.4 if kind == "offset" else 0.08)


def test_different_rows_get_different_noise() -> None:
    noise = uniform(X, 0)
    assert not torch.equal(noise[0, :25], noise[1, :25])


def test_a_row_gets_the_same_noise_in_any_company() -> None:
    noise = uniform(X, 3)
    for i, own in enumerate(X):
        assert torch.equal(uniform(Sequences.pad([own]), 3)[0], noise[i, : len(own)])


def test_noise_scales_with_eps() -> None:
    torch.testing.assert_close(
        change(Noise("uniform"), eps=0.6), 2 * change(Noise("uniform"), eps=0.3), rtol=0, atol=1e-6
    )


def test_the_best_try_is_the_nearest_of_as_many_seeds_row_by_row() -> None:
    torch.manual_seed(0)
    model = CausalLinear(30, 6)
    target = predict(model, X.with_values(X.values + 0.1))
    budget = Budget(EPS)
    alone = torch.stack(
        [
            distance(predict(model, Noise(seed=seed)(model, X, target, budget)), target)
            for seed in range(5)
        ]
    )
    best = distance(predict(model, Noise(tries=5)(model, X, target, budget)), target)
    torch.testing.assert_close(best, alone.amin(dim=0))
    assert (alone.argmin(dim=0) > 0).any()  # else the first try alone would pass


@pytest.mark.parametrize("wrong", [{"kind": "gaussian"}, {"tries": 0}])
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with unchecked(), refused("unknown-choice" if "kind" in wrong else "bad-number", names=wrong):
        Noise(**wrong)
