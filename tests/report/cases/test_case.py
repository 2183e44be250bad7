"""Which case is shown, by the rule that is told; its motion is the rows'."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from tests.errors import refused

from feint.data.kinematics import mean_acceleration
from feint.io.sealed import write_tensors
from feint.jobs.store import Store
from feint.report.cases import case
from feint.report.run_data import RunData

MakeRun = Callable[..., Path]


def test_it_is_the_success_that_came_the_longest_way(finished: Path) -> None:
    run_data = RunData.load(finished)
    chosen = case.choose(run_data)
    assert chosen is not None
    row, rule = chosen
    assert row["surrogate"] == row["victim"]
    assert (row["eps"], row["attack"]) == (6.0, "aia")
    assert row["success"]
    assert not row["clean_success"]
    successes = run_data.judged.filter(
        (pl.col("victim") == pl.col("surrogate")) & (pl.col("attack") == "aia")
        & (pl.col("eps") == 6.0) & ~pl.col("clean_success") & pl.col("success")
    )  # fmt: skip
    way = successes["clean_distance"] - successes["distance"]
    assert row["clean_distance"] - row["distance"] == way.max()
    assert f"of the {len(successes)} successes" in rule
    assert "not what is usual" in rule
    typical = case.median_success(run_data)
    assert typical is not None
    assert (
        typical["distance_reduction"]
        == successes["distance_reduction"].sort()[(len(successes) - 1) // 2]
    )


def test_where_all_fail_the_median_failure_is_shown_and_called_one(fake_run: MakeRun) -> None:
    run_data = RunData.load(fake_run(kappa=1e-6))
    row, rule = case.choose(run_data) or ({}, "")
    assert not row["success"]
    assert "no attack succeeds" in rule
    assert case.median_success(run_data) is None
    worst = case.worst_failure(run_data)
    assert worst is not None
    assert worst["distance_reduction"] == case.attacked_rows(run_data)["distance_reduction"].min()


def test_where_all_count_by_themselves_that_is_said(fake_run: MakeRun) -> None:
    run_data = RunData.load(fake_run(kappa=9.0))
    _, rule = case.choose(run_data) or ({}, "")
    assert "every sequence succeeds without an attack" in rule
    assert case.worst_failure(run_data) is None


def test_its_motion_gives_the_rows_numbers(finished: Path) -> None:
    run_data = RunData.load(finished)
    chosen = case.choose(run_data)
    assert chosen is not None
    one = case.read(run_data, *chosen)
    assert one.succeeded
    assert len(one.actor) == one.row["frames"]
    moved = 100 * (one.actor_adv - one.actor).norm(dim=-1)
    assert float(moved.mean()) == pytest.approx(one.row["perturbation_cm"], rel=1e-4)
    assert float(moved.max()) == pytest.approx(one.row["perturbation_max_cm"], rel=1e-4)
    for answer, row in ((one.answer, one.clean_row), (one.answer_adv, one.row)):
        error = 100 * (answer - one.target).norm(dim=-1).mean()
        assert float(error) == pytest.approx(row["error_cm"], rel=1e-4)


def test_acceleration_is_in_metres_per_second_squared() -> None:
    time = torch.arange(10) / 15
    fall = torch.zeros(10, 2, 3)
    fall[..., 1] = -0.5 * 9.81 * time[:, None] ** 2
    assert mean_acceleration(fall, 15.0) == pytest.approx(9.81, rel=1e-3)
    assert mean_acceleration(fall[:2], 15.0) is None


def test_noise_shakes_more_than_what_was_recorded(finished: Path) -> None:
    means = case.mean_accelerations(case.acceleration_rows(RunData.load(finished)))
    assert means["tcn", "sign-noise", 6.0] > means["tcn", "sign-noise", 1.0]
    assert means["tcn", "sign-noise", 1.0] > means["tcn", "none", 0.0] > 0


def test_tensors_of_another_run_are_refused(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn",), targets=("punching",))
    store = Store(folder)
    key = next(key for key in store if store.about(key)["kind"] == "targets")
    tensors, about = store.read(key)
    about["keys"] = ["someone/else"] * len(about["keys"])
    write_tensors(store.path(key), tensors, about)
    run_data = RunData.load(folder)
    with refused("rows-without-tensors"):
        case.read(run_data, *(case.choose(run_data) or ({}, "")))
