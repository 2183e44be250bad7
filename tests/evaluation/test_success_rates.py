"""Rates from rows whose answers are known by hand."""

import numpy as np
import polars as pl
import pytest

from feint.evaluation.success_rates import judge, minimal_eps_quartiles, success_rates, summarise
from feint.evaluation.tolerance import Tolerance


def rows(distances: dict[str, list[float]], labels: list[str]) -> pl.DataFrame:
    """One model, one target "push", one eps; `distances` per attack, one a sequence."""
    return pl.DataFrame(
        [
            {
                "surrogate": "m",
                "victim": "m",
                "attack": attack,
                "target": "push",
                "eps": 0.0 if attack == "none" else 1.0,
                "sequence": f"s/{i}/AB",
                "true_class": labels[i],
                "frames": 10,
                "distance_frame": d,
                "error_cm": d * 2,
            }
            for attack, ds in distances.items()
            for i, d in enumerate(ds)
        ]
    )


KAPPA = Tolerance({"push": 5.0})


def rates(rows: pl.DataFrame, tolerance: Tolerance) -> pl.DataFrame:
    return success_rates(judge(rows, tolerance))


def test_rates_by_hand():
    table = rates(
        rows(
            {
                "none": [4, 8, 8, 8, 1],
                "sign-noise": [6, 4, 8, 8, 1],
                "attack": [2, 2, 4, 6, 1],
            },
            ["kick", "kick", "hug", "hug", "push"],  # the last is the target's own class
        ),
        KAPPA,
    )
    one = table.row(by_predicate=pl.col("attack") == "attack", named=True)
    assert one["n"] == 4
    assert one["clean_success_rate"] == pytest.approx(1 / 4)
    assert one["success_rate"] == pytest.approx(3 / 4)
    assert one["noise_success_rate"] == pytest.approx(1 / 4)
    assert one["n_clean_failures"] == 3
    assert one["success_rate_if_clean_fails"] == pytest.approx(2 / 3)
    assert one["noise_success_rate_if_clean_fails"] == pytest.approx(1 / 3)
    assert one["distance_reduction"] == pytest.approx(np.median([1 / 2, 3 / 4, 1 / 2, 1 / 4]))
    assert one["error_cm"] == pytest.approx(2 * (2 + 2 + 4 + 6) / 4)


def test_a_success_without_an_attack_is_no_success_of_the_attack():
    table = rates(rows({"none": [1, 1], "attack": [1, 1]}, ["kick", "kick"]), KAPPA)
    one = table.row(0, named=True)
    assert one["success_rate"] == one["clean_success_rate"] == 1.0
    assert one["n_clean_failures"] == 0
    assert one["success_rate_if_clean_fails"] is None
    assert summarise(table, "cm") == ["m: every answer counts as the target by itself."]


def test_strictly_below_kappa():
    table = rates(rows({"none": [9], "attack": [5.0]}, ["kick"]), KAPPA)
    assert table["success_rate"].to_list() == [0.0]


def test_a_transfer_is_compared_with_its_own_victims_clean_answer():
    crafted = rows({"none": [8], "attack": [2]}, ["kick"])
    other = rows({"none": [2], "attack": [2]}, ["kick"]).with_columns(victim=pl.lit("other"))
    table = rates(pl.concat([crafted, other]), KAPPA)
    assert dict(zip(table["victim"], table["clean_success_rate"], strict=True)) == {
        "m": 0.0,
        "other": 1.0,
    }


def test_the_summary_names_the_baselines():
    table = rates(
        rows({"none": [8, 8], "sign-noise": [8, 8], "attack": [1, 8]}, ["kick", "hug"]), KAPPA
    )
    (told,) = summarise(table, "cm")
    assert "at most 1 cm makes 50%" in told
    assert "random noise of the same size 0%" in told
    assert "Without an attack 0% of all 2" in told


def test_without_noise_rows_nothing_is_said_of_noise():
    table = rates(rows({"none": [8], "attack": [1]}, ["kick"]), KAPPA)
    assert table["noise_success_rate"].to_list() == [None]
    assert "random noise was not tried" in summarise(table, "cm")[0]


def test_what_the_sequences_needed():
    rows = pl.DataFrame(
        {
            "surrogate": ["a"] * 8,
            "target": ["hugging"] * 8,
            "true_class": ["kicking"] * 7 + ["hugging"],
            "eps": [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, None, 0.5],
        }
    )
    one = minimal_eps_quartiles(rows).row(0, named=True)
    assert one["n"] == 7  # the hug has nothing to be moved to
    assert one["clean_success_rate"] == pytest.approx(2 / 7)
    assert one["success_rate"] == pytest.approx(6 / 7)
    assert (one["quarter"], one["half"], one["three_quarters"]) == (2.0, 3.0, 4.0)
    few = rows.with_columns(eps=pl.Series([0.0, None, None, None, 1.0, None, None, 1.0]))
    one = minimal_eps_quartiles(few).row(0, named=True)
    assert (one["quarter"], one["half"]) == (None, None)
