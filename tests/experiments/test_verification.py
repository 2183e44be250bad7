"""A run that was tampered with is found out, also where every seal is right."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from tests.errors import refused

from feint.evaluation import rows
from feint.evaluation.nulls import TITLES
from feint.experiments.problems import MAX_PROBLEMS, Verification
from feint.experiments.verification import verify
from feint.io.sealed import read_json, read_tensors, write_json, write_tensors
from feint.jobs.store import Store
from feint.report import terminal


@pytest.fixture
def copy(least: Any, tmp_path: Path) -> Path:
    """The least run, to be tampered with."""
    return least.copy(tmp_path)


@pytest.fixture
def larger(tiny: Any, tmp_path: Path) -> Path:
    """One of two models, two eps, and two parts."""
    return tiny.copy(tmp_path)


def keys(folder: Path, kind: str, **settings: Any) -> list[str]:
    """The jobs of a kind, by what they say of themselves."""
    store = Store(folder)
    told = {key: store.about(key) for key in store}
    return sorted(
        key
        for key, about in told.items()
        if about["kind"] == kind
        and all(about["settings"].get(name) == value for name, value in settings.items())
    )


def alter(folder: Path, key: str, change: Callable[[Any, Any], None]) -> None:
    """Change a result, and seal it again: its key and all else stay."""
    store = Store(folder)
    tensors, about = store.read(key)
    change(tensors, about)
    write_tensors(store.path(key), tensors, about)
    store.read(key)


def rewrite(folder: Path, change: Callable[[pl.DataFrame], Any], name: str = "rows") -> None:
    """Change a table, and seal it again."""
    path = folder / f"{name}.parquet"
    rows.write(path, [change(rows.read(path))], rows.about(path))


def told(found: Verification) -> str:
    assert not found.ok
    assert found.wrong == len(found.problems) or found.wrong > MAX_PROBLEMS
    return "\n".join(found.problems)


def test_a_run_that_nobody_touched_is_fine(
    larger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p: p.read_bytes() for p in larger.rglob("*") if p.is_file()}
    found = verify(larger)
    assert (found.ok, found.wrong, found.damaged, found.problems) == (True, 0, 0, [])
    assert found.results == sum(1 for _ in Store(larger)) == 56
    models, sequences, crafted, searched = 2, 4, 1 + 2 * 2, 2 * 4
    null_rows = models * sequences * len(TITLES)
    assert found.rows == models * models * sequences * crafted + searched + null_rows
    assert found.largest < 1e-5
    assert {p: p.read_bytes() for p in larger.rglob("*") if p.is_file()} == before
    terminal.show_verification(found)
    assert "All rows agree with the tensors." in capsys.readouterr().out


def mirrored(folder: Path, key: str) -> Callable[[Any, Any], None]:
    """A perturbation turned round: as large as before, on the coordinates it was on."""
    settings = Store(folder).about(key)["settings"]
    (asked, *_) = keys(folder, "targets", rows=settings["rows"])
    x = Store(folder).read(asked)[0]["x"]

    def turn(tensors: Any, about: Any) -> None:
        tensors["changed"] = 2 * x[..., tensors["coords"]] - tensors["changed"]

    return turn


@pytest.mark.parametrize("kind", ["attack", "noise", "minimal"])
def test_a_perturbation_that_was_changed_inside_its_budget_is_found(copy: Path, kind: str) -> None:
    key = keys(copy, kind)[0]
    alter(copy, key, mirrored(copy, key))
    words = told(verify(copy))
    assert "is off by" in words
    assert "left its budget" not in words


@pytest.mark.parametrize("kind", ["attack", "minimal"])
def test_a_perturbation_beyond_its_budget_is_found(copy: Path, kind: str) -> None:
    def shift(tensors: Any, about: Any) -> None:
        tensors["changed"][0, 0, 0] += 1.0

    def widen(tensors: Any, about: Any) -> None:
        about["settings"]["budget"] = {"coords": [True] * 90, "unit": None}

    key = keys(copy, kind)[0]
    alter(copy, key, shift)
    for one in (key, *keys(copy, "score")):
        alter(copy, one, widen)  # the experiment tells the budget, not they
    assert "left its budget" in told(verify(copy))


def test_answers_that_were_changed_are_found(copy: Path) -> None:
    def shift(tensors: Any, about: Any) -> None:
        tensors["values"][0, 0, 0] += 0.1

    key = keys(copy, "score")[0]
    alter(copy, key, shift)
    assert f"job {key}: its answer is off" in told(verify(copy))


def test_numbers_in_the_rows_that_were_changed_are_found(copy: Path) -> None:
    columns = (
        "distance_frame",
        "distance_joint",
        "linf",
        "error_cm",
        "perturbation_cm",
        "bone_length_change",
    )
    here = (pl.col("attack") == "aia") & (pl.int_range(pl.len()) == pl.len() - 1)
    better = [pl.when(here).then(0.9 * pl.col(c)).otherwise(pl.col(c)).alias(c) for c in columns]
    rewrite(copy, lambda table: table.with_columns(better))
    found = verify(copy)
    assert [c for c in columns if f"its {c} is off by" in told(found)] == list(columns)
    assert found.wrong == len(columns)
    assert found.largest > 0.01


def test_names_in_the_rows_that_were_changed_are_found(copy: Path) -> None:
    columns = ("true_class", "exemplar", "reactor_side")
    here = pl.int_range(pl.len()) == 3
    other = [pl.when(here).then(pl.lit("x")).otherwise(pl.col(c)).alias(c) for c in columns]
    rewrite(copy, lambda table: table.with_columns(other))
    found = verify(copy)
    assert [c for c in columns if f"the rows' {c} is not what" in told(found)] == list(columns)
    renamed = pl.col("sequence").replace(rows.read(copy / "rows.parquet")["sequence"][0], "x")
    rewrite(copy, lambda table: table.with_columns(renamed))
    assert "the rows' sequence is not what its sequences are" in told(verify(copy))


@pytest.mark.parametrize("eps", [1.0, 5.0])
def test_an_eps_that_was_changed_is_found(copy: Path, eps: float) -> None:
    rewrite(copy, lambda table: table.with_columns(pl.col("eps").replace(2.0, eps)))
    words = told(verify(copy))
    assert "another attack or eps" in words
    assert "have no rows" in words


def test_rows_of_another_attack_are_found(copy: Path) -> None:
    swapped = pl.col("attack").replace({"aia": "sign-noise", "sign-noise": "aia"})
    rewrite(copy, lambda table: table.with_columns(attack=swapped))
    assert "under other names" in told(verify(copy))


def test_a_model_in_the_place_of_another_is_found(copy: Path) -> None:
    """Weights of one of the two models, in the result of the other's training."""
    store = Store(copy)
    key = keys(copy, "train")[0]
    tensors, about = store.read(key)
    tensors["head.bias"] += 0.1
    write_tensors(store.path(key), tensors, about)
    words = told(verify(copy))
    assert "has other weights than those it was made with" in words


def test_an_exported_model_in_the_place_of_another_is_found(larger: Path) -> None:
    for suffix in (".json", ".safetensors"):
        shutil.copy(larger / "models" / f"a{suffix}", larger / "models" / f"b{suffix}")
    found = verify(larger)
    assert told(found) == "models/b: it has other weights than those that were scored."


def test_weights_that_were_changed_where_they_are_exported_are_found(copy: Path) -> None:
    path = copy / "models" / "a.safetensors"
    tensors, about = read_tensors(path)
    tensors["head.bias"] += 0.1
    write_tensors(path, tensors, about)
    assert "models/a: it has other weights" in told(verify(copy))


def test_a_missing_row_is_found(copy: Path) -> None:
    rewrite(copy, lambda table: table.head(-1))
    found = verify(copy)
    assert "it has 2 sequences, and not one row for each" in told(found)
    assert found.wrong == 1


def test_a_sequence_without_any_row_is_found(copy: Path) -> None:
    gone = rows.read(copy / "rows.parquet")["sequence"][0]
    rewrite(copy, lambda table: table.filter(pl.col("sequence") != gone))
    assert "not one row for each" in told(verify(copy))


def test_a_missing_scoring_is_found(copy: Path) -> None:
    key = keys(copy, "score", eps=2.0)[0]
    rewrite(copy, lambda table: table.filter(pl.col("job") != key))
    assert "scorings that the experiment asks for have no rows" in told(verify(copy))


def test_rows_that_nobody_asked_for_are_found(copy: Path) -> None:
    told_ = read_json(copy / "run.json")
    told_["experiment"]["evaluation"]["noise"] = []
    write_json(copy / "run.json", told_)
    assert "that the experiment does not ask for" in told(verify(copy))


def test_another_tolerance_is_found(copy: Path) -> None:
    path = copy / "tolerance.json"
    kappa = read_json(path)
    kappa["values"]["punching"] *= 1.2
    write_json(path, kappa)
    assert "tolerance.json: it is not what was measured" in told(verify(copy))
    path.unlink()
    assert "tolerance.json: it is not there" in told(verify(copy))


# -- null answers and limits ----------------------------------------------------------------


@pytest.mark.parametrize("column", ["distance_frame", "other_distance_frame", "pose_distance_m"])
def test_null_answers_that_were_changed_are_found(copy: Path, column: str) -> None:
    rewrite(copy, lambda table: table.with_columns(pl.col(column) * 0.9), "nulls")
    assert f"its {column} is off by" in told(verify(copy))


def test_null_answers_that_were_changed_in_their_job_too_are_found(copy: Path) -> None:
    def nearer(tensors: Any, about: Any) -> None:
        about["rows"]["place_distance_m"] = [0.9 * n for n in about["rows"]["place_distance_m"]]

    alter(copy, keys(copy, "nulls")[0], nearer)
    rewrite(copy, lambda table: table.with_columns(pl.col("place_distance_m") * 0.9), "nulls")
    assert "its place_distance_m is off by" in told(verify(copy))


def test_missing_and_foreign_null_answers_are_found(copy: Path) -> None:
    whole = (copy / "nulls.parquet").read_bytes()
    rewrite(copy, lambda table: table.head(-1), "nulls")
    assert "nulls.parquet has" in told(verify(copy))
    (copy / "nulls.parquet").write_bytes(whole)
    rewrite(copy, lambda table: table.with_columns(job=pl.lit("0" * 64)), "nulls")
    assert "that the experiment does not ask for" in told(verify(copy))
    (copy / "nulls.parquet").unlink()
    assert "nulls.parquet is not there" in told(verify(copy))


def test_other_limits_are_found_and_made_again(least: Any, copy: Path) -> None:
    path = copy / "limits.json"
    limits = read_json(path)
    limits["pose"]["punching"]["value"] *= 1.2
    write_json(path, limits)
    assert told(verify(copy)) == (
        "limits.json: it is not what was measured. Run `feint run` again."
    )
    path.write_bytes(path.read_bytes()[:-1])
    assert "limits.json" in told(verify(copy))
    path.unlink()
    (copy / "nulls.parquet").write_bytes(b"")
    assert "limits.json: it is not there" in told(verify(copy))
    least.whole(copy)
    assert verify(copy).problems == []


# -- the smallest eps -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, words",
    [
        ({"tolerance": 2 * pl.col("tolerance")}, "its tolerance is off"),
        ({"distance": 0.5 * pl.col("distance")}, "its distance is off"),
        ({"eps": pl.lit(1e-6)}, "left its budget|which sequences came within the tolerance"),
        ({"eps": pl.lit(None, pl.Float64)}, "which sequences came within the tolerance"),
        ({"eps": pl.lit(0.0)}, "needed no change was changed|which sequences came within"),
    ],
)
def test_what_was_changed_in_the_table_of_searches_is_found(
    larger: Path, change: dict[str, pl.Expr], words: str
) -> None:
    rewrite(larger, lambda table: table.with_columns(**change), "minimal")
    assert any(part in told(verify(larger)) for part in words.split("|"))


def test_a_search_without_its_row_is_found(copy: Path) -> None:
    rewrite(copy, lambda table: table.head(-1), "minimal")
    assert "not one row for each" in told(verify(copy))


# -- damage ---------------------------------------------------------------------------------


def test_a_damaged_result_is_set_aside_and_counted(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(copy)
    for kind in ("score", "attack"):
        path = store.path(keys(copy, kind)[0])
        path.write_bytes(path.read_bytes()[:-1])
    found = verify(copy)
    assert found.damaged == 2
    assert len(list((copy / "damaged").glob("*.safetensors"))) == 2
    assert "is not there" in told(found)
    terminal.show_verification(found)
    assert "2 damaged files were moved away" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["rows", "nulls", "minimal"])
def test_a_damaged_table_is_set_aside(copy: Path, name: str) -> None:
    path = copy / f"{name}.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    found = verify(copy)
    assert f"{name}.parquet" in told(found)
    assert found.damaged == 1
    assert not path.exists()


def test_a_run_that_was_verified_as_damaged_is_made_whole_by_running_it(
    least: Any, copy: Path
) -> None:
    before = rows.read(copy / "rows.parquet")
    (copy / "rows.parquet").write_bytes(b"")
    for key in keys(copy, "score")[:3]:
        Store(copy).path(key).write_bytes(b"")
    assert verify(copy).damaged == 4
    least.whole(copy)
    assert rows.read(copy / "rows.parquet").equals(before)
    assert verify(copy).ok


def test_no_more_problems_are_told_than_somebody_reads(
    larger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(larger, lambda table: table.with_columns(distance_frame=pl.col("distance_frame") + 1))
    found = verify(larger)
    assert (
        len(found.problems)
        == MAX_PROBLEMS
        < found.wrong
        == rows.read(larger / "rows.parquet")["job"].n_unique()
    )
    terminal.show_verification(found)
    assert f"... and {found.wrong - MAX_PROBLEMS} more" in capsys.readouterr().out


def test_a_run_without_rows_is_refused(least: Any, tmp_path: Path) -> None:
    with refused("not-a-run", names=("run.json",)):
        verify(tmp_path)
    copy = least.copy(tmp_path)
    (copy / "rows.parquet").unlink()
    (copy / "minimal.parquet").unlink()
    with refused("no-rows"):
        verify(copy)


def test_what_cannot_be_worked_out_is_a_problem_and_no_end(copy: Path) -> None:
    def break_(tensors: Any, about: Any) -> None:
        about["settings"] = {}
        about["needs"] = {name: key for name, key in about["needs"].items() if name != "model"}

    def rank(tensors: Any, about: Any) -> None:
        tensors["values"] = torch.zeros(3)

    one, other = keys(copy, "score", eps=2.0)[:2]
    alter(copy, one, break_)
    alter(copy, other, rank)
    found = verify(copy)
    assert json.dumps(found.problems).count(one) >= 1
    assert "of rank 1" in told(found)
