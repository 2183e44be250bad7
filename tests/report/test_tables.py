"""The table of tolerances tells an interval where there is one."""

from collections.abc import Callable
from pathlib import Path

from feint.evaluation.tolerance import Tolerance
from feint.report import tables
from feint.report.run_data import RunData


def test_a_tolerance_from_people_tells_its_interval(fake_run: Callable[..., Path]) -> None:
    folder = fake_run()
    before = tables.tolerance(RunData.load(folder))
    assert "95 % interval" not in before.heads
    judged = Tolerance({"punching": 0.4}, other=0.5, low={"punching": 0.3}, high={"punching": 0.6})
    judged.save(folder / "tolerance.json")
    table = tables.tolerance(RunData.load(folder))
    assert table.heads[3] == "95 % interval"
    assert {row[0]: row[2:4] for row in table.rows} == {
        "punching": ("0.400", "0.300 to 0.600"),
        "hugging": ("0.500", "–"),
    }
