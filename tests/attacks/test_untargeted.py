"""As far as possible from a reference: against corners counted out, and beside the baselines."""

from itertools import product

import pytest
import torch
from tests.attacks.problems import CausalLinear, ragged, unchecked
from tests.attacks.test_contract import nothing_changes
from tests.errors import refused
from torch import Tensor, nn

from feint.attacks import AIA, Noise, Untargeted
from feint.attacks.budget import Budget
from feint.evaluation import attack_task, crafting, scoring, success_rates
from feint.evaluation.attack_task import AWAY, AttackTask
from feint.evaluation.tolerance import Tolerance
from feint.models.inference import predict
from feint.models.tcn import TCN
from feint.sequences import Norm, Sequences, distance, frame_distance

LENGTHS = (5, 1, 3, 4)
HOWS = ("ascent", "target", "worst")


def doubled(sequences: Sequences) -> Sequences:
    return sequences.with_values(sequences.values.double())


def framewise(outputs: int) -> nn.Module:
    torch.manual_seed(1)
    return nn.Linear(4, outputs).double()


def reactor() -> nn.Module:
    torch.manual_seed(0)
    model = TCN(4, 3, width=12, depth=3).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model


def away(model: nn.Module, x: Sequences, reference: Sequences) -> Tensor:
    return distance(predict(model, x), reference)


@pytest.mark.parametrize("how", HOWS)
def test_one_linear_output_goes_to_the_corner_of_the_signs(how: str) -> None:
    """|w (x + d) - r| at most: |w x - r| + eps ||w||_1, frame by frame."""
    model, x = framewise(1), doubled(ragged(LENGTHS, 4, seed=1))
    coords, unit = torch.tensor([True, False, True, True]), torch.tensor([1.0, 1.0, 0.5, 2.0])
    eps = torch.tensor([0.1, 0.2, 0.3, 0.4]).double()
    budget = Budget(eps, coords=coords, unit=unit)
    clean = predict(model, x)
    reach = eps[:, None, None] * (model.weight[0].detach().abs() * coords * unit).sum()
    for reference in (clean, clean.with_values(clean.values + 0.01 * x.values[..., :1].sign())):
        gap = (clean.values - reference.values).abs()
        optimum = ((gap + reach)[..., 0] * x.mask).sum(dim=1)
        short = 1 - away(model, Untargeted(how)(model, x, reference, budget), reference) / optimum
        assert (short > -1e-9).all()
        # Far targets lie on either side of the clean answer, wherever the reference is.
        assert (short < (0.05 if how == "target" else 1e-6)).all()


@pytest.mark.parametrize("norm", ["frame", "joint"])
def test_among_all_corners_of_a_small_linear_model_it_finds_nearly_the_best(
    norm: Norm,
) -> None:
    torch.manual_seed(3)
    model = CausalLinear(2, 3).double()
    x = doubled(ragged((4, 3, 1), 2, seed=2))
    clean, eps = predict(model, x), 0.3
    found = Untargeted(steps=20, restarts=12, norm=norm)(model, x, clean, Budget(eps))
    got = distance(predict(model, found), clean, norm)
    for row, own in enumerate(x):
        corners = torch.tensor(list(product((-eps, eps), repeat=own.numel()))).double()
        moved = Sequences.pad(list(own + corners.view(-1, *own.shape)))
        answers = predict(model, moved).values - predict(model, Sequences.pad([own])).values
        optimum = float(frame_distance(answers, norm).sum(dim=1).max())
        assert 0.98 * optimum <= float(got[row]) <= optimum * (1 + 1e-9)


@pytest.mark.parametrize("how", HOWS)
def test_a_reactor_is_led_further_than_by_noise_and_from_either_reference(how: str) -> None:
    model, x = reactor(), doubled(ragged(LENGTHS, 4, seed=4))
    budget = Budget(0.2)
    clean = predict(model, x)
    true = clean.with_values(clean.values + 0.3 * doubled(ragged(LENGTHS, 3, seed=5)).values)
    for reference in (clean, true):
        with nothing_changes(model, x, reference):
            found = Untargeted(how, steps=40)(model, x, reference, budget)
        noise = [Noise(seed=s)(model, x, reference, budget) for s in range(8)]
        best = torch.stack([away(model, one, reference) for one in noise]).amax(dim=0)
        got = away(model, found, reference)
        assert bool((got > best).all()) or how == "target"
        assert float(got.sum()) > float(best.sum())


def test_the_worst_is_the_furthest_of_all_it_tries() -> None:
    model, x = reactor(), doubled(ragged(LENGTHS, 4, seed=4))
    budget, clean = Budget(0.2), predict(reactor(), x)
    targets = [clean.with_values(clean.values + shift) for shift in (2.0, -2.0)]
    worst = Untargeted(steps=20, restarts=1, reflections=0)
    found = away(model, worst(model, x, clean, budget, candidates=targets), clean)
    attack = AIA(steps=20)
    each = [away(model, attack(model, x, target, budget), clean) for target in targets]
    climbed = Untargeted("ascent", steps=20, restarts=1)(model, x, clean, budget)
    each.append(away(model, climbed, clean))
    torch.testing.assert_close(found, torch.stack(each).amax(dim=0), rtol=1e-9, atol=0)


def test_a_start_is_never_lost() -> None:
    model, x = reactor(), doubled(ragged(LENGTHS, 4, seed=4))
    clean = predict(model, x)
    far = Untargeted(steps=60)(model, x, clean, Budget(0.2))
    for how in HOWS:
        again = Untargeted(how, steps=1, restarts=1)(model, x, clean, Budget(0.2), start=far)
        assert (away(model, again, clean) >= away(model, far, clean)).all()


def test_rows_hold_the_distance_to_the_reference_and_are_judged_when_read() -> None:
    model, x = reactor(), doubled(ragged(LENGTHS, 4, seed=4))
    clean = predict(model, x)
    names = tuple("abcd")
    task = AttackTask(
        AWAY, x, clean, names, ("wave",) * 4, ("left",) * 4, ("",) * 4, candidates=(clean,)
    )
    attack = Untargeted(steps=20)
    noise = crafting.craft("sign-noise", Noise(), model, task, Budget(1.0), [0.1, 0.2])
    found = crafting.craft("attack", attack, model, task, Budget(1.0), [0.1, 0.2])
    parts = [
        scoring.score(model, task, one, None, surrogate_name="m", victim_name="m")[0]
        for one in (attack_task.clean(task), noise, found)
    ]
    rows = parts[0].vstack(parts[1]).vstack(parts[2])
    small, large = (rows.filter(attack="attack", eps=eps)["distance_frame"] for eps in (0.1, 0.2))
    assert (large >= small).all()  # it climbs from eps to eps
    kappa = float(small.median())
    judged = success_rates.judge(rows, Tolerance({"wave": kappa}))
    table = success_rates.success_rates(judged).filter(attack="attack")
    assert table["clean_success_rate"].to_list() == [0, 0]
    assert table["success_rate"].to_list() == [(small >= kappa).mean(), (large >= kappa).mean()]
    assert table["distance_reduction"].is_null().all()


def test_what_it_refuses() -> None:
    x = ragged((3,), 2)
    with unchecked(), refused("unknown-choice", names=["how='far'"]):
        Untargeted(how="far")  # type: ignore[arg-type]
    for wrong in ({"steps": 0}, {"restarts": 0}, {"reflections": -1}, {"seed": 0.5}):
        with unchecked(), refused("bad-number", names=wrong):
            Untargeted(**wrong)
    with refused("bad-number", names=["step_size=0"]):
        Untargeted(step_size=0.0)
    with refused("no-target"):
        Untargeted("target", reflections=0)(nn.Identity(), x, x, Budget(0.1))
    other = ragged((3,), 3)
    with unchecked(), refused("shape-mismatch"):
        Untargeted()(nn.Identity(), x, x, Budget(0.1), candidates=[other])
