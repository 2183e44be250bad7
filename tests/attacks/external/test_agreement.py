"""feint's plain PGD is ART's and captum's, step for step, once they are given the right loss.

Run by `make peers` in .venv-peers, where both are pinned; skipped where they are not installed.
"""

from importlib.util import find_spec
from typing import Any

import pytest
import torch
from benchmarks.peers import contenders
from benchmarks.peers.problem import Problem
from tests.attacks.problems import CausalLinear, ragged, unchecked
from tests.errors import refused
from torch import Tensor, nn

from feint.attacks import AIA
from feint.attacks import budget as budget_module
from feint.attacks.budget import Budget
from feint.attacks.external.art import ART
from feint.evaluation import crafting, scoring
from feint.evaluation.attack_task import AttackTask
from feint.models.deepgru import DeepGRU
from feint.models.inference import predict
from feint.models.tcn import TCN
from feint.sequences import distance

art = pytest.mark.skipif(find_spec("art") is None, reason="no ART: make peers")
captum = pytest.mark.skipif(find_spec("captum") is None, reason="no captum: make peers")
pytestmark = pytest.mark.filterwarnings("ignore")

STEPS = 12
PLAIN = AIA(optimizer="sign", schedule="constant", keep="last", step_size=0.1, steps=STEPS)


def model_of(name: str) -> nn.Module:
    torch.manual_seed(0)
    made: dict[str, Any] = {
        "linear": lambda: CausalLinear(6, 4),
        "TCN": lambda: TCN(6, 4, width=16, depth=3),
        "DeepGRU": lambda: DeepGRU(6, 4, widths=(16, 12, 8)),
        "GRU": lambda: Answer(),
    }
    return made[name]().eval()


class Answer(nn.Module):
    """PyTorch's own GRU, which ART would put into training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(6, 8, num_layers=2, dropout=0.5, batch_first=True)
        self.out = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.gru(x)[0])


@pytest.mark.parametrize("name", ["linear", "TCN", "DeepGRU", "GRU"])
@pytest.mark.parametrize(
    "peer", [pytest.param("captum", marks=captum), pytest.param("art", marks=art)]
)
def test_every_step_is_the_same(peer: str, name: str) -> None:
    """captum in float64 to rounding; ART, which is float32 only, but for signs of rounding."""
    torch.manual_seed(1)
    kind = torch.float64 if peer == "captum" else torch.float32
    x, target = torch.randn(2, 5, 9, 6).to(kind)
    problem = Problem(model_of(name).to(kind), x, target[..., :4])
    if name == "GRU" and peer == "art":
        problem.model.gru.dropout = 0.0  # ART would draw it: its gradients are then random
    shares, gaps = [], []
    for steps in range(1, STEPS + 1):
        theirs = contenders.CONTENDERS[peer](problem, steps)
        problem.model.eval()
        ours = contenders.feint(problem, steps)
        gap = (theirs - ours).abs()
        shares.append(float((gap <= 1e-5).double().mean()))
        gaps.append(float(gap.max()))
    if peer == "captum":
        assert max(gaps) < 1e-12
    assert min(shares) >= 0.999


def task(dtype: torch.dtype = torch.float32) -> tuple[nn.Module, AttackTask]:
    model = model_of("TCN").to(dtype)
    x = ragged((9, 4, 9, 1, 6), 6, seed=1)
    x = x.with_values(x.values.to(dtype))
    shift = 0.4 * ragged((9, 4, 9, 1, 6), 4, seed=2).values.to(dtype)
    answer = predict(model, x)
    names = tuple("abcde")
    return model, AttackTask(
        "t", x, answer.with_values(answer.values + shift), names, names, names, names
    )


@art
@pytest.mark.parametrize(
    "budget",
    [
        Budget(0.3),
        Budget(torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5])),
        Budget(0.3, coords=torch.arange(6) < 2, unit=torch.linspace(0.5, 2, 6)),
        Budget(0.3, low=-4.0, high=torch.linspace(3, 4, 6)),
    ],
    ids=["plain", "a row", "mask and unit", "range"],
)
def test_under_feints_budget_it_is_the_plain_descent(budget: Budget) -> None:
    model, asked = task()
    ours = PLAIN(model, asked.x, asked.targets, budget)
    modes = [part.training for part in model.modules()]
    theirs = ART(settings={"max_iter": STEPS})(model, asked.x, asked.targets, budget)
    equal = (theirs.values - ours.values).abs() <= 1e-5
    assert float(equal.double().mean()) >= 0.999
    budget_module.verify("ART", theirs, asked.x, budget)
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert [part.training for part in model.modules()] == modes


@art
@pytest.mark.parametrize(
    ("attack", "settings", "step_size"),
    [
        ("FastGradientMethod", {}, 1.0),
        ("BasicIterativeMethod", {"max_iter": 8}, 0.2),
        ("MomentumIterativeMethod", {"max_iter": 8}, 0.2),
    ],
)
def test_its_attacks_make_rows(attack: str, settings: dict[str, Any], step_size: float) -> None:
    model, asked = task(torch.float64)
    budget = Budget(1.0, coords=torch.arange(6) < 2)
    one = ART(attack, settings, step_size)
    crafted = crafting.craft("art", one, model, asked, budget, [0.1, 0.3])
    rows, _ = scoring.score(model, asked, crafted, None, surrogate_name="m", victim_name="m")
    before = distance(predict(model, asked.x), asked.targets)
    after = sum(rows.filter(eps=0.3)["distance_frame"])  # one step may overshoot a row
    assert after < float(before.sum())
    assert rows["change"].max() <= 0.3 + 1e-6
    led_away = ART(attack, settings, step_size, targeted=False)
    away = led_away(model, asked.x, asked.targets, Budget(0.3, coords=budget.coords))
    assert (distance(predict(model, away), asked.targets) > before).all()


def test_it_says_what_is_wrong() -> None:
    with refused("conflicting-settings", names=["eps"]):
        ART(settings={"eps": 0.3})
    with refused("bad-number", names=["step_size=0"]):
        ART(step_size=0.0)
    x = ragged((3,), 6)
    if find_spec("art") is None:
        with refused("not-installed", names=["feint[art]"]):
            ART()(nn.Identity(), x, x, Budget(0.1))
        return
    with refused("unknown-attack", names=["'Nothing'"]):
        ART("Nothing")(nn.Identity(), x, x, Budget(0.1))
    with refused("attack-failed", names=["no_such"]):
        ART(settings={"no_such": 1})(nn.Identity(), x, x, Budget(0.1))
    with unchecked(), refused("attack-failed", names=["DeepFool"]):
        ART("DeepFool", step_size=None)(nn.Identity(), x, x, Budget(0.1))
