"""An experiment whose attack is untargeted: rows, rates, report, and what it refuses."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.errors import refused
from tests.report.test_series_page import TEXT

from feint.errors import FeintError
from feint.evaluation import rows
from feint.evaluation.attack_task import AWAY
from feint.experiments.config import Experiment
from feint.experiments.config_file import parse, restore
from feint.experiments.run import Run
from feint.experiments.verification import verify
from feint.report import terminal
from feint.report.cases.case import attacked_rows, worst_failure
from feint.report.json_report import to_json
from feint.report.page import write
from feint.report.run_data import RunData

UNTARGETED = 'kind = "untargeted"\nreference = "true"\nsettings = { steps = 2, restarts = 1 }\n'
EPS = 'eps = [2, 6]\neps_unit = "cm"\n'


def change(text: str = UNTARGETED) -> tuple[str, str]:
    return 'settings = { steps = 1 }\neps = [2]\neps_unit = "cm"\n', text + EPS


@pytest.mark.parametrize("reference", ["true", "clean"])
def test_it_runs_to_rows_that_tell_how_far(least: Any, tmp_path: Path, reference: str) -> None:
    one = least.run(tmp_path / "run", change(UNTARGETED.replace('"true"', f'"{reference}"')))
    one.attack()
    found = one.score()
    assert set(found["target"]) == {AWAY}
    by_eps = found.filter(pl.col("attack") == "untargeted").sort("eps", "sequence")
    small, large = (by_eps.filter(eps=eps)["distance_frame"] for eps in (2, 6))
    assert (large >= small - 1e-4).all()
    clean = found.filter(attack="none").sort("sequence")["distance_frame"]
    assert (small >= clean - 1e-4).all()
    assert (clean.max() < 1e-3) == (reference == "clean")
    assert rows.scored(tmp_path / "run" / "rows.parquet").equals(
        found.select(rows.scored(tmp_path / "run" / "rows.parquet").columns)
    )
    assert AWAY in write(one.folder).read_text(encoding="utf-8")
    assert verify(one.folder).ok
    with pytest.raises(FeintError, match="this experiment's attack is"):
        one.minimal()


def test_what_an_untargeted_attack_refuses(least: Any, tmp_path: Path) -> None:
    for text, match in (
        ('kind = "untargeted"\nsettings = { smoothness = 0.1 }\n', "unknown field 'smoothness'"),
        ('kind = "untargeted"\npreset = "paper-eq6"\n', "it has none"),
        ('kind = "away"\n', "attack's kind is 'away'"),
    ):
        with pytest.raises(FeintError, match=match):
            least.run(tmp_path / "run", change(text))


def check_page(page: str, reference: str) -> None:
    """A report says the success that is counted: at least the tolerance away, not near a target."""
    assert f"mean distance from {reference} is the tolerance or more, 0.200" in page
    assert f"Distance from {reference}" in page
    assert "below the tolerance" not in page
    assert "Distance to the target" not in page
    assert "feint min-eps" not in page
    for title in re.findall(r'alt="(Lines over[^"]*)"', page):
        assert not re.search(r"\btarget\b", title)
        assert f"from {reference}" in title


def table(path: Path) -> Path:
    rng, time = np.random.default_rng(0), np.arange(400)
    load, count = np.sin(time / 5), rng.integers(0, 7, 400)
    values = {"load": load.clip(-2, 2), "count": count, "fixed": 0 * load}
    heat = 0.8 * load + 0.1 * count
    pl.DataFrame({**values, "heat": heat}).write_csv(path)
    return path


def series(path: Path, *changes: tuple[str, str]) -> Experiment:
    """An untargeted experiment on a table, without curves."""
    text = TEXT[: TEXT.index("[[target.curves]]")] + TEXT[TEXT.index("[evaluation]") :]
    steps = "settings = { steps = 9 }"
    text = text.replace("settings = { steps = 15 }", f'kind = "untargeted"\n{steps}')
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    one = parse(text, "series.toml")
    return one.model_copy(update={"data": one.data.model_copy(update={"root": table(path)})})


@pytest.mark.parametrize("reference", ["true", "clean"])
def test_a_series_needs_no_curve_to_be_led_away(tmp_path: Path, reference: str) -> None:
    asked = ('kind = "untargeted"', f'kind = "untargeted"\nreference = "{reference}"')
    run = Run(series(tmp_path / "t.csv", asked), tmp_path / "run")
    run.attack()
    found = run.score()
    assert set(found["target"]) == {AWAY}
    page = write(run.folder).read_text(encoding="utf-8")
    check_page(page, "the true output" if reference == "true" else "the clean answer")
    assert "Candidates" not in page
    assert "<h2>Targets" not in page
    data = RunData.load(run.folder)
    # What the page calls a success is what is counted, row by row.
    far = data.judged.filter(pl.col("distance_frame") / pl.col("frames") >= 0.2)
    assert far.height == data.judged["success"].sum()
    worst = worst_failure(data)
    if worst is not None:
        open_ = attacked_rows(data).filter(~pl.col("success") & ~pl.col("clean_success"))
        gains = open_["distance"] - open_["clean_distance"]
        assert worst["distance"] - worst["clean_distance"] == gains.min()
    assert '"other": 0.2' in to_json(data)
    terminal.show(run.folder)


def test_the_natural_tolerance_of_an_untargeted_series_is_for_every_window(tmp_path: Path) -> None:
    natural = ("tolerance = 0.2\n", 'tolerance = "natural"\n')
    run = Run(series(tmp_path / "t.csv", natural), tmp_path / "run")
    assert run.measure_tolerance().other == run.measure_tolerance().of("any") > 0
    run.attack()
    run.score()
    assert "every class" in write(run.folder).read_text(encoding="utf-8")
    assert verify(run.folder).ok


def test_people_need_no_label_to_be_led_away(least: Any, tmp_path: Path) -> None:
    content = least.run(tmp_path / "other").experiment.model_dump(mode="json")
    content["attack"][0] |= {"kind": "untargeted", "preset": None, "name": "away", "eps": [2.0]}
    content["attack"][0]["settings"] = {"steps": 2, "restarts": 1}
    del content["target"]
    run = Run(restore(content, "away"), tmp_path / "run", data=least._data)
    run.attack()
    assert set(run.score()["target"]) == {AWAY}
    assert AWAY in write(run.folder).read_text(encoding="utf-8")


def test_an_attack_with_a_target_needs_one(tmp_path: Path) -> None:
    with refused("bad-experiment", ["[[target.curves]]"]):
        series(tmp_path / "t.csv", ('kind = "untargeted"', 'kind = "aia"'))


def test_a_series_can_be_led_away_too(tmp_path: Path) -> None:
    """Its curves are the candidates; its budget, whole numbers and ranges among it, is kept."""
    text = TEXT.replace(
        "settings = { steps = 15 }", 'kind = "untargeted"\nsettings = { steps = 9 }'
    )
    one = parse(text, "series.toml")
    data = one.data.model_copy(update={"root": table(tmp_path / "t.csv")})
    run = Run(one.model_copy(update={"data": data}), tmp_path / "run")
    run.attack()
    found = run.score().sort("sequence")
    clean, noise, attacked = (
        found.filter(pl.col("attack").is_in(names), pl.col("eps").is_in([0.0, 2.0]))
        for names in (["none"], ["sign-noise"], ["untargeted"])
    )
    assert (attacked["distance_frame"] >= clean["distance_frame"] - 1e-4).all()
    assert attacked["distance_frame"].mean() > noise["distance_frame"].mean()
    page = write(run.folder).read_text(encoding="utf-8")
    assert "Candidates" in page
    check_page(page, "the true output")
    assert verify(run.folder).ok
