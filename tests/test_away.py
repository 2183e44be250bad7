"""An experiment whose attack is untargeted: rows, rates, report, and what it refuses."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from feint import rows
from feint.errors import FeintError
from feint.report.page import write
from feint.targets import AWAY

UNTARGETED = 'kind = "untargeted"\nreference = "true"\nsettings = { steps = 2, restarts = 1 }\n'
EPS = 'eps = [2, 6]\nunit = "cm"\n'


def change(text: str = UNTARGETED) -> tuple[str, str]:
    return 'settings = { steps = 1 }\neps = [2]\nunit = "cm"\n', text + EPS


@pytest.mark.parametrize("reference", ["true", "clean"])
def test_it_runs_to_rows_that_tell_how_far(least: Any, tmp_path: Path, reference: str) -> None:
    one = least.run(tmp_path / "run", change(UNTARGETED.replace('"true"', f'"{reference}"')))
    one.attack()
    found = one.score()
    assert set(found["target"]) == {AWAY}
    by_eps = found.filter(pl.col("attack") == "attack").sort("eps", "sequence")
    small, large = (by_eps.filter(eps=eps)["distance_frame"] for eps in (2, 6))
    assert (large >= small - 1e-4).all()
    clean = found.filter(attack="none").sort("sequence")["distance_frame"]
    assert (small >= clean - 1e-4).all()
    assert (clean.max() < 1e-3) == (reference == "clean")
    assert rows.scored(tmp_path / "run" / "rows.parquet").equals(
        found.select(rows.scored(tmp_path / "run" / "rows.parquet").columns)
    )
    page = write(one.folder)
    text = page.read_text(encoding="utf-8")
    assert AWAY in text
    with pytest.raises(FeintError, match="this experiment's attack is"):
        one.minimal()


def test_what_an_untargeted_attack_refuses(least: Any, tmp_path: Path) -> None:
    for text, match in (
        ('kind = "untargeted"\nsettings = { smoothness = 0.1 }\n', "unknown field 'smoothness'"),
        ('kind = "untargeted"\npreset = "paper-eq6"\n', "presets are of the targeted attack"),
        ('kind = "away"\n', "attack.kind"),
    ):
        with pytest.raises(FeintError, match=match):
            least.run(tmp_path / "run", change(text))
