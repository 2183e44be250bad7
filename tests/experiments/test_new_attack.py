"""A new attack is one file and one line: a toy attack, registered here, runs through an experiment.

The class below is all of the file that docs/adding-an-attack.md describes; the line in
`feint.attacks.registry.ATTACKS` is a monkeypatch here.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from feint.attacks import ATTACKS, attack_from_dict, attack_to_dict
from feint.attacks.budget import Budget
from feint.attacks.settings import check_positive
from feint.evaluation.attack_task import IS_ATTACK
from feint.experiments.config_file import parse
from feint.experiments.run import Run
from feint.experiments.verification import verify
from feint.report import page
from feint.report.run_data import RunData
from feint.sequences import Sequences


@dataclass(frozen=True)
class OneWay:
    """Shift every free coordinate the same way; asks the model nothing."""

    share: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self, "share")

    def __call__(
        self, model: nn.Module, x: Sequences, target: Sequences, budget: Budget
    ) -> Sequences:
        return budget.project(x.with_values(x.values + self.share * budget.radius(x)), x)


TEXT = """
name = "toy"
[data]
repetitions = 1
[[model]]
kind = "TCN"
width = 4
depth = 1
training = { epochs = 1 }
[attack]
kind = "one-way"
settings = { share = 0.5 }
eps = [2]
eps_unit = "cm"
[target]
labels = ["punching"]
[evaluation]
max_sequences = 2
noise = ["sign"]
"""


def test_a_toy_attack_reaches_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ATTACKS, "one-way", OneWay)
    run = Run(parse(TEXT, "toy.toml"), tmp_path / "run")
    run.attack()
    rows = run.score().filter(IS_ATTACK)
    assert set(rows["attack"]) == {"one-way"}
    moved = run.plan().budget.radius(Sequences(torch.zeros(1, 1, 90), torch.tensor([1])))
    expected = 0.5 * 2 / run.experiment.eps[0] * float(moved[..., 2].max())  # axes: z alone
    assert rows["linf"].to_list() == pytest.approx([expected] * len(rows), rel=1e-4)
    assert verify(run.folder).ok
    assert "one-way" in page.write(run.folder).read_text(encoding="utf-8")
    assert RunData.load(run.folder).attacks == ["one-way"]


@pytest.mark.parametrize("kind", ATTACKS)
def test_every_attack_is_kept_as_json_and_made_again(kind: str) -> None:
    attack = ATTACKS[kind]()
    kept = attack_to_dict(attack)
    assert kept["kind"] == kind
    assert attack_from_dict(kept) == attack
