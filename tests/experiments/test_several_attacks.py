"""Several attacks in one run: what may stand together, their jobs, their rows, the report."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.errors import refused

from feint.cli import app
from feint.errors import FeintError
from feint.evaluation.attack_task import AWAY, IS_ATTACK, of_attack
from feint.experiments import config_file, stages
from feint.experiments.attack_config import AttackConfig, check_together
from feint.experiments.config import Experiment
from feint.experiments.diff import diff
from feint.experiments.run import Run
from feint.experiments.status import status
from feint.experiments.verification import verify
from feint.report import page, tables
from feint.report.run_data import RunData

TEXT = """
name = "several"
[data]
repetitions = 1
[[model]]
kind = "TCN"
width = 4
depth = 1
training = { epochs = 1 }
[[attack]]
eps = [2, 6]
eps_unit = "cm"
axes = ["x", "y", "z"]
settings = { steps = 4 }
[[attack]]
name = "paper"
preset = "paper-adam"
settings = { steps = 3 }
[[attack]]
name = "away"
kind = "untargeted"
eps = [6]
settings = { steps = 2, restarts = 1, reflections = 0, how = "ascent" }
[target]
labels = ["punching"]
[evaluation]
max_sequences = 3
noise = ["sign"]
"""


def parse(*changes: tuple[str, str]) -> Experiment:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return config_file.parse(text, "several.toml")


def test_a_table_takes_its_budget_from_the_first_one() -> None:
    one = parse()
    assert [attack.name for attack in one.attack] == ["aia", "paper", "away"]
    assert {attack.eps_unit for attack in one.attack} == {"cm"}
    assert [attack.eps for attack in one.attack] == [(2, 6), (2, 6), (6,)]
    assert (one.eps, one.target_names) == ((2, 6), ("punching", AWAY))


def test_one_table_is_a_list_of_one_named_after_its_kind() -> None:
    one = TEXT[: TEXT.index("[[attack]]\nname")] + TEXT[TEXT.index("[target]") :]
    alone = config_file.parse(one.replace("[[attack]]", "[attack]"), "one.toml")
    assert alone.attack == parse().attack[:1]


FIRST: dict[str, Any] = {"name": "aia", "eps": (2.0,)}
LAST: dict[str, Any] = {"name": "away", "eps": (2.0,), "kind": "untargeted"}


@pytest.mark.parametrize(
    ("other", "code", "names"),
    [
        ({"name": "aia", "preset": "paper-adam"}, "same-name", ["aia, aia, away"]),
        ({"name": "b", "preset": "paper-adam", "axes": ("x",)}, "budgets-differ", ["axes", "aia"]),
        ({"name": "b"}, "same-settings", ["aia and b"]),
        ({"name": "b", "kind": "untargeted", "reference": "clean", "settings": {"seed": 1}},
         "references-differ", []),
    ],
)  # fmt: skip
def test_what_cannot_stand_together(other: dict[str, Any], code: str, names: list[str]) -> None:
    tables = (FIRST, {"eps": (2.0,), **other}, LAST)
    with refused(code, names):
        check_together([AttackConfig(**one) for one in tables])


@pytest.mark.parametrize(
    ("old", "new", "key", "fact"),
    [
        ('"paper"', '"none"', "attack.1.name", "'none'"),
        ('"paper"', '"big-noise"', "attack.1.name", "'big-noise'"),
        ('kind = "untargeted"', 'kind = "nothing"', "attack.2", "aia, untargeted"),
        ("steps = 3", "stepz = 3", "attack.1", "stepz"),
    ],
)
def test_a_wrong_table_is_named(old: str, new: str, key: str, fact: str) -> None:
    with pytest.raises(FeintError) as caught:
        parse((old, new))
    assert f"{key}: " in str(caught.value)
    assert fact in str(caught.value)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    one = Run(parse(), tmp_path_factory.mktemp("several") / "run")
    one.attack()
    one.score()
    return one


def test_names_are_no_part_of_keys(run: Run) -> None:
    renamed = replace(run.plan(), experiment=parse(('name = "paper"', 'name = "other"')))
    ours, theirs = ({job.key for job in stages.attack(plan)} for plan in (run.plan(), renamed))
    assert ours == theirs


def test_every_attack_has_rows_and_shares_the_baselines(run: Run) -> None:
    rows = run.score()
    assert set(rows["attack"]) == {"none", "sign-noise", "aia", "paper", "away"}
    asked = {
        name: set(some["target"]) for (name,), some in rows.filter(IS_ATTACK).group_by("attack")
    }
    assert asked == {"aia": {"punching"}, "paper": {"punching"}, "away": {AWAY}}
    own = of_attack(rows, "away")
    assert set(own["attack"]) == {"none", "sign-noise", "away"}
    assert set(own["target"]) == {AWAY}
    assert set(own["eps"]) == {0.0, 6.0}


def test_status_verify_and_diff_know_all_of_them(run: Run) -> None:
    assert all(one.left == 0 for one in status(run.folder).stages)
    assert verify(run.folder).ok
    assert set(diff(run.folder, run.folder).rates["attack"]) >= {"aia", "paper", "away"}


def test_the_report_compares_them_and_is_about_one(run: Run) -> None:
    first, away = RunData.load(run.folder), RunData.load(run.folder, "away")
    assert first.attacks == ["aia", "paper", "away"]
    assert set(first.rows.filter(IS_ATTACK)["attack"]) == {"aia"}
    assert not first.led_away_from
    assert away.led_away_from
    compared = tables.attacks(first)
    assert [row[:3] for row in compared.rows] == [
        ("tcn", "aia", "2"), ("tcn", "paper", "2"),
        ("tcn", "aia", "6"), ("tcn", "paper", "6"), ("tcn", "away", "6"),
    ]  # fmt: skip
    html = page.write(run.folder, "away").read_text(encoding="utf-8")
    assert "The attacks compared" in html
    assert (run.folder / "report" / "attacks.svg").exists()
    assert "aia, paper, away" in html
    with refused("unknown-attack", names=["'fgsm'", "aia, paper, away"]):
        RunData.load(run.folder, "fgsm")


def test_its_json_has_all_of_them(run: Run) -> None:
    from typer.testing import CliRunner

    shown = CliRunner().invoke(app, ["report", str(run.folder), "--json", "--attack", "paper"])
    told = json.loads(shown.stdout)
    assert told["attack"] == "paper"
    assert {one["attack"] for one in told["attacks"]} == {"aia", "paper", "away"}
    assert {one["attack"] for one in told["rates"]} == {"sign-noise", "paper"}


def test_the_smallest_eps_is_of_targets_alone(run: Run) -> None:
    found = run.minimal()
    assert set(found["target"]) == {"punching"}
    assert verify(Path(run.folder)).ok
