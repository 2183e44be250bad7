"""Any shape, length, mask, eps and precision through the whole path: attack, predict, distance."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.attacks.problems import CausalLinear
from torch import Tensor

from feint.attacks import AIA, Attack, Noise, Untargeted
from feint.attacks.budget import Budget
from feint.models.inference import predict
from feint.models.lstm import LSTM
from feint.sequences import Sequences, distance

ATTACKS: dict[str, Attack] = {
    "strong": AIA.preset("strong", steps=3, restarts=2),
    "paper-eq6": AIA.preset("paper-eq6", kappa=1.0, steps=3),
    "paper-adam": AIA.preset("paper-adam", kappa=1.0, steps=3),
    "untargeted": Untargeted(steps=3),
    "noise": Noise(),
}


@dataclass
class Problem:
    """What is drawn."""

    lengths: list[int]
    features: int
    outputs: int
    coords: list[bool] | None
    eps: float | list[float]
    low: float | None
    dtype: torch.dtype
    packed: bool
    seed: int


@st.composite
def problems(draw: Any) -> Problem:
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    features = draw(st.integers(1, 6))
    some = st.lists(st.booleans(), min_size=features, max_size=features).filter(any)
    size = st.floats(1e-3, 3.0)
    rows = st.lists(size, min_size=len(lengths), max_size=len(lengths))
    return Problem(
        lengths,
        features,
        draw(st.integers(1, 4)),
        draw(st.none() | some),
        draw(size | rows),
        draw(st.none() | st.floats(-9.0, -5.0)),
        draw(st.sampled_from([torch.float32, torch.float64])),
        draw(st.booleans()),
        draw(st.integers(0, 2**31)),
    )


@pytest.mark.parametrize("name", ATTACKS)
@settings(max_examples=25)
@given(problem=problems())
def test_what_holds_of_every_attack(name: str, problem: Problem) -> None:
    torch.manual_seed(problem.seed)
    kinds = (problem.features, problem.outputs)
    model = LSTM(*kinds, width=4, bidirectional=True) if problem.packed else CausalLinear(*kinds)
    model = model.to(problem.dtype).eval()
    x = Sequences.pad(
        [torch.randn(t, problem.features, dtype=problem.dtype) for t in problem.lengths]
    )
    answer = predict(model, x)
    wanted = torch.randn_like(answer.values) * answer.mask[..., None]
    target = answer.with_values(wanted)
    coords = None if problem.coords is None else torch.tensor(problem.coords)
    eps = problem.eps if isinstance(problem.eps, float) else torch.tensor(problem.eps).to(x.values)
    budget = Budget(eps=eps, coords=coords, low=problem.low)
    kept, weights = x.values.clone(), [p.clone() for p in model.parameters()]

    x_adv = ATTACKS[name](model, x, target, budget)

    moved = x_adv.values - kept
    assert x_adv.values.dtype == problem.dtype
    assert torch.equal(x.values, kept)
    assert x_adv.lengths.tolist() == problem.lengths
    assert moved.isfinite().all()
    assert not moved[~x.mask].any()
    if coords is not None:
        assert not moved[..., ~coords].any()
    reach = torch.as_tensor(eps, dtype=problem.dtype).reshape(-1, 1, 1)
    assert bool((moved.abs() <= reach * (1 + 1e-5) + 1e-6).all())
    if problem.low is not None:
        assert bool((x_adv.values >= torch.minimum(kept, torch.tensor(problem.low)) - 1e-6).all())
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), weights, strict=True))
    assert all(p.grad is None for p in model.parameters())

    def far(one: Sequences, from_: Sequences) -> Tensor:
        return distance(predict(model, one), from_)

    slack = 1e-4 * (1 + distance(answer, target))
    if name == "strong":  # keeps its best; the paper's sphere around the target may push away
        assert bool((far(x_adv, target) <= far(x, target) + slack).all())
