"""What differs between two runs, by name and by number."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.errors import refused

from feint.errors import DamagedError
from feint.evaluation import rows
from feint.experiments.diff import diff
from feint.experiments.json_changes import changes
from feint.io.sealed import read_json, write_json
from feint.report import terminal


@pytest.fixture
def copy(tiny: Any, tmp_path: Path) -> Path:
    return tiny.copy(tmp_path)


def rewrite(folder: Path, **columns: pl.Expr) -> None:
    path = folder / "rows.parquet"
    rows.write(path, [rows.read(path).with_columns(**columns)], {})


def rewritten(folder: Path, change: Any) -> None:
    told = read_json(folder / "run.json")
    change(told)
    write_json(folder / "run.json", told)


@pytest.mark.parametrize(
    "before, after, told",
    [
        (1, 1, []),
        (1, 2, [": 1 -> 2"]),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 2}, {"b": 3, "a": 1}, ["b: 2 -> 3"]),
        ({"a": {"b": [1]}}, {"a": {"b": [1, 2]}}, ["a.b: [1] -> [1, 2]"]),
        ({"a": 1}, {}, ["a: 1 -> None"]),
        ({}, {"a": "x"}, ["a: None -> 'x'"]),
        ({"a": {"b": 1}}, {"a": 3}, ["a: {'b': 1} -> 3"]),
        ({"m": [{"w": 1}, {"w": 2}]}, {"m": [{"w": 1}, {"w": 3}]}, ["m[1].w: 2 -> 3"]),
        ({"m": [{"w": 1}]}, {"m": []}, ["m: [{'w': 1}] -> []"]),
        (None, {"a": 1}, [": None -> {'a': 1}"]),
        ([], [], []),
    ],
)
def test_every_change_is_a_line(before: Any, after: Any, told: list[str]) -> None:
    assert list(changes(before, after)) == told


def test_a_run_does_not_differ_from_itself(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = diff(tiny.folder, tiny.folder)
    assert (found.settings, found.origins) == ([], [])
    count = len(rows.read(tiny.folder / "rows.parquet"))
    assert (found.alike, found.same, found.most) == (count, count, 0.0)
    assert found.rates is not None
    assert found.rates["difference"].drop_nulls().abs().max() == 0
    assert found.rates.height == 2 * 2 * 2 * 2  # source, victim, noise or attack, eps
    terminal.show_difference(found, "a", "b")
    told = " ".join(capsys.readouterr().out.split())
    assert "Differences in settings: none" in told
    assert f"{count} rows are in both runs; {count} of them have the same distance" in told


def test_what_was_set_otherwise_is_told(tiny: Any, copy: Path) -> None:
    def change(told: dict[str, Any]) -> None:
        told["experiment"]["attack"][0]["settings"] = {"steps": 5}
        told["experiment"]["model"][1]["width"] = 7
        told["data"]["train"] = 71
        told["weights"]["b"] = "other"
        told["versions"]["torch"] = "9"
        told["sessions"][-1]["host"] = "elsewhere"

    rewritten(copy, change)
    found = diff(tiny.folder, copy)
    assert found.settings[:3] == [
        "experiment.model[1].width: 6 -> 7",
        "experiment.attack[0].settings.steps: 2 -> 5",
        "data.train: 72 -> 71",
    ]
    assert found.settings[3].startswith("weights.b: '")
    assert len(found.settings) == 4
    assert [line.partition(":")[0] for line in found.origins] == ["versions.torch", "host"]


def test_another_tolerance_is_told_and_counts(tiny: Any, copy: Path) -> None:
    kappa = read_json(copy / "tolerance.json")
    before = kappa["values"]["punching"]
    kappa["values"]["punching"] = 1e6
    write_json(copy / "tolerance.json", kappa)
    found = diff(tiny.folder, copy)
    assert found.settings == [f"tolerance.punching: {before} -> 1000000.0"]
    assert found.rates is not None
    assert (
        found.rates["clean_success_rate_b"].to_list() == [1.0] * found.rates.height
    )  # all reach it


def test_other_distances_are_measured(tiny: Any, copy: Path) -> None:
    here = pl.int_range(pl.len())
    d = pl.col("distance_frame")
    rewrite(
        copy,
        distance_frame=pl.when(here == 3).then(1.5 * d).when(here == 4).then(1.00005 * d)
        .otherwise(d),
    )  # fmt: skip
    found = diff(tiny.folder, copy)
    assert found.alike - found.same == 1
    assert found.most == pytest.approx(0.5)


def test_success_is_compared_rate_by_rate(tiny: Any, copy: Path) -> None:
    """Every answer to an attack a success: the share moved becomes 1."""
    attack = pl.col("attack") == "aia"
    d = pl.col("distance_frame")
    rewrite(copy, distance_frame=pl.when(attack).then(1e-6).otherwise(d))
    found = diff(tiny.folder, copy)
    assert found.rates is not None
    attacked = found.rates.filter(
        pl.col("attack") == "aia", pl.col("success_rate_if_clean_fails_a").is_not_null()
    )
    assert attacked["success_rate_if_clean_fails_b"].to_list() == [1.0] * attacked.height
    assert attacked["difference"].to_list() == [
        1 - a for a in attacked["success_rate_if_clean_fails_a"]
    ]
    rest = found.rates.filter(pl.col("attack") != "aia")
    assert rest["difference"].drop_nulls().to_list() == [0.0] * len(rest["difference"].drop_nulls())


def test_rates_that_only_one_has_stand_alone(
    tiny: Any, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(copy, eps=pl.col("eps").replace(6.0, 8.0))
    found = diff(tiny.folder, copy)
    assert found.rates is not None
    assert found.rates.filter(pl.col("eps") == 6)["n_b"].null_count() == 8
    assert found.rates.filter(pl.col("eps") == 8)["n_a"].null_count() == 8
    assert found.rates.filter(pl.col("eps") == 2)["n_b"].null_count() == 0
    terminal.show_difference(found, "a", "b")
    told = capsys.readouterr().out
    assert "None" not in told
    assert not re.search(r"\bnan\b", told)


def test_a_run_without_rows_has_no_rates(
    tiny: Any, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "rows.parquet").unlink()
    for a, b in ((tiny.folder, copy), (copy, tiny.folder), (copy, copy)):
        assert diff(a, b).rates is None
    terminal.show_difference(diff(copy, copy), "a", "b")
    assert "has no rows yet" in capsys.readouterr().out
    (copy / "tolerance.json").unlink()
    assert diff(copy, copy).rates is None


def test_a_run_that_is_none_or_damaged_is_told(tiny: Any, copy: Path, tmp_path: Path) -> None:
    with refused("not-a-run", names=("run.json",)):
        diff(tiny.folder, tmp_path)
    (copy / "rows.parquet").write_bytes(b"")
    with refused("damaged-file", names=("rows.parquet",), error=DamagedError):
        diff(tiny.folder, copy)
    assert (copy / "rows.parquet").exists()  # looking sets nothing aside
