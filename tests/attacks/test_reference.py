"""The fast path against a plain loop on plain models, row by row."""

from collections.abc import Callable

import pytest
import torch
from tests.attacks.problems import ragged
from tests.models.test_tcn import lively, reference
from torch import Tensor, nn

from feint.attacks import AIA
from feint.attacks.budget import Budget
from feint.models.deepgru import DeepGRU
from feint.models.inference import predict
from feint.models.tcn import TCN
from feint.sequences import Sequences, distance

LENGTHS = (9, 14, 1, 5, 12, 3)


def plain_attack(
    answer: Callable[[Tensor], Tensor], x: Tensor, target: Tensor, eps: float, attack: AIA
) -> tuple[Tensor, float]:
    """One sequence, torch's own optimizer, no batch: (perturbed, its distance)."""
    values = x.clone().requires_grad_()
    step_size = attack.step_size * (eps if attack.step_unit == "eps" else 1)
    optimizer = torch.optim.Adam([values], lr=step_size, eps=1e-12)
    best, lowest = x, float("inf")
    for step in range(attack.steps + 1):
        loss = (answer(values[None])[0] - target).norm(dim=-1).sum()
        if loss.item() < lowest or attack.keep == "last":
            best, lowest = values.detach().clone(), loss.item()
        if step == attack.steps:
            break
        optimizer.zero_grad()
        loss.backward()
        rate = (1 + torch.cos(torch.tensor(torch.pi * step / attack.steps))) / 2
        rate = float(rate) if attack.schedule == "cosine" else 1.0
        if attack.optimizer == "adam":
            optimizer.param_groups[0]["lr"] = step_size * rate
            optimizer.step()
        else:
            values.data -= step_size * rate * values.grad.sign()
        values.data.clamp_(x - eps, x + eps)
    return best, lowest


def published_gru(model: DeepGRU) -> Callable[[Tensor], Tensor]:
    """nn.GRU as it is, a linear layer behind it."""

    def answer(x: Tensor) -> Tensor:
        for layers in (model.encoder.first, model.encoder.second, model.encoder.third):
            x = layers(x.transpose(0, 1))[0].transpose(0, 1)
        return model.head(x)

    return answer


def models() -> dict[str, tuple[nn.Module, Callable[[Tensor], Tensor]]]:
    tcn = lively(TCN(6, 4, width=12, depth=4)).double()
    torch.manual_seed(0)
    gru = DeepGRU(6, 4, widths=(12, 10, 8)).double().eval()
    for parameter in gru.parameters():
        parameter.data *= 3
    return {"TCN": (tcn, lambda x: reference(tcn, x)), "DeepGRU": (gru, published_gru(gru))}


@pytest.mark.parametrize("name", ["TCN", "DeepGRU"])
@pytest.mark.parametrize(
    "attack",
    [
        AIA(steps=25),
        AIA(steps=25, optimizer="sign", step_size=0.1),
        AIA(steps=12, optimizer="sign", schedule="constant", keep="last", step_size=0.3),
        AIA(steps=25, schedule="constant", step_unit="data", step_size=0.02),
    ],
    ids=["strong", "sign", "last", "data units"],
)
def test_every_row_is_what_the_plain_loop_finds(attack: AIA, name: str) -> None:
    model, answer = models()[name]
    x, target = ragged(LENGTHS, 6, seed=1), ragged(LENGTHS, 4, seed=2)
    x = x.with_values(x.values.double())
    target = target.with_values(target.values.double())
    x_adv = attack(model, x, target, Budget(0.2))
    reached = distance(predict(model, x_adv), target)
    for row, (clean, wanted) in enumerate(zip(x, target, strict=True)):
        values, lowest = plain_attack(answer, clean, wanted, 0.2, attack)
        torch.testing.assert_close(x_adv.values[row, : len(clean)], values, rtol=0, atol=1e-7)
        assert float(reached[row]) == pytest.approx(lowest, rel=1e-7)


def test_a_row_that_stops_at_its_goal_is_where_the_plain_loop_first_got_there() -> None:
    model, answer = models()["TCN"]
    x, target = ragged(LENGTHS, 6, seed=1), ragged(LENGTHS, 4, seed=2)
    x = x.with_values(x.values.double())
    target = target.with_values(target.values.double())
    attack = AIA(steps=15, schedule="constant", step_size=0.1)
    full = distance(predict(model, attack(model, x, target, Budget(0.2))), target)
    before = distance(predict(model, x), target)
    goal = before - torch.linspace(0.2, 1.2, len(x)) * (before - full)  # the last one is too far
    x_adv = attack(model, x, target, Budget(0.2), goal=goal)
    reached = distance(predict(model, x_adv), target)
    for row, (clean, wanted) in enumerate(zip(x, target, strict=True)):
        for steps in range(1, attack.steps + 1):
            short = AIA(steps=steps, schedule="constant", step_size=0.1)
            values, lowest = plain_attack(answer, clean, wanted, 0.2, short)
            if lowest < float(goal[row]) * (1 - 1e-4):
                break
        torch.testing.assert_close(x_adv.values[row, : len(clean)], values, rtol=0, atol=1e-7)
        assert float(reached[row]) == pytest.approx(lowest, rel=1e-7)


def test_bf16_finds_about_as_much() -> None:
    model, _ = models()["TCN"]
    model = model.float()
    x, target = ragged(LENGTHS, 6, seed=1), ragged(LENGTHS, 4, seed=2)
    before = distance(predict(model, x), target)
    gained = {
        precision: before
        - distance(
            predict(model, AIA(steps=50, precision=precision)(model, x, target, Budget(0.2))),
            target,
        )
        for precision in ("fp32", "bf16")
    }
    assert (gained["bf16"] > 0.9 * gained["fp32"]).all()
    goal = before - 0.5 * gained["fp32"]
    x_adv = AIA(steps=50, precision="bf16")(model, x, target, Budget(0.2), goal=goal)
    assert (distance(predict(model, x_adv), target) < goal).float().mean() > 0.8


def test_a_start_is_never_lost() -> None:
    model, _ = models()["TCN"]
    x, target = ragged(LENGTHS, 6, seed=1), ragged(LENGTHS, 4, seed=2)
    x, target = (s.with_values(s.values.double()) for s in (x, target))
    start = AIA(steps=100)(model, x, target, Budget(0.1))
    once_more = AIA(steps=1, step_size=1.0)(model, x, target, Budget(0.2), start=start)
    assert (
        distance(predict(model, once_more), target) <= distance(predict(model, start), target)
    ).all()
    assert isinstance(once_more, Sequences)
