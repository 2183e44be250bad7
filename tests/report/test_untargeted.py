"""An experiment whose attack is untargeted: rows, rates, report, and what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.report.test_series_page import TEXT

from feint.errors import FeintError
from feint.evaluation import rows
from feint.evaluation.attack_task import AWAY
from feint.experiments.config_file import parse
from feint.experiments.run import Run
from feint.experiments.verification import verify
from feint.report.page import write

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


def test_a_series_can_be_led_away_too(tmp_path: Path) -> None:
    """Its curves are the candidates; its budget, whole numbers and ranges among it, is kept."""
    rng, time = np.random.default_rng(0), np.arange(400)
    load, count = np.sin(time / 5), rng.integers(0, 7, 400)
    table = {"load": load.clip(-2, 2), "count": count, "fixed": 0 * load}
    heat = 0.8 * load + 0.1 * count
    pl.DataFrame({**table, "heat": heat}).write_csv(tmp_path / "t.csv")
    text = TEXT.replace(
        "settings = { steps = 15 }", 'kind = "untargeted"\nsettings = { steps = 9 }'
    )
    one = parse(text, "series.toml")
    data = one.data.model_copy(update={"root": tmp_path / "t.csv"})
    run = Run(one.model_copy(update={"data": data}), tmp_path / "run")
    run.attack()
    found = run.score().sort("sequence")
    clean, noise, attacked = (
        found.filter(pl.col("attack").is_in(names), pl.col("eps").is_in([0.0, 2.0]))
        for names in (["none"], ["sign-noise"], ["untargeted"])
    )
    assert (attacked["distance_frame"] >= clean["distance_frame"] - 1e-4).all()
    assert attacked["distance_frame"].mean() > noise["distance_frame"].mean()
    assert AWAY in write(run.folder).read_text(encoding="utf-8")
    assert verify(run.folder).ok
