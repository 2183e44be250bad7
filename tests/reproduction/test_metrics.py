"""Rates beside their baselines, and the cases shown, from rows known by hand."""

import numpy as np
import polars as pl
import pytest

from feint.evaluation.tolerance import Tolerance
from feint.reproduction.metrics import (
    case_rows,
    natural_percentile,
    rates,
    recognised_tolerance,
    recognition_curves,
    with_success,
)

NATURAL = Tolerance({"punching": 1.0, "handshaking": 1.0}, per_frame=True)


def row(attack: str, sequence: str, named: str, **more: object) -> dict[str, object]:
    return {
        "surrogate": "tcn",
        "victim": "tcn",
        "target": "punching",
        "attack": attack,
        "eps": 0.0 if attack == "none" else 0.3,
        "sequence": sequence,
        "true_class": "handshaking",
        "frames": 10,
        "distance_frame": 40.0,
        "distance_joint": 60.0,
        "error_cm": 20.0,
        "error_root_cm": 15.0,
        "error_facing_cm": 12.0,
        "bone_length_change": 0.1,
        "recognised_as": named,
        "recognised_as_both": named,
        "target_probability": 0.5,
        "perturbation_cm": 5.0,
        **more,
    }


def table(*rows: dict[str, object]) -> pl.DataFrame:
    return with_success(pl.DataFrame(rows), NATURAL)


def test_criteria_by_hand():
    rows = table(
        row("none", "a/1/AB", "kicking"),  # Table 1's kappa for punching is 52.04
        row("attack", "a/1/AB", "punching", distance_joint=52.03, distance_frame=9.0),
    )
    assert rows["table1_frame"].to_list() == [True, True]
    assert rows["table1_joint"].to_list() == [False, True]
    assert rows["natural"].to_list() == [False, True]
    assert rows["recognised"].to_list() == [False, True]


def test_rates_by_hand():
    rows = table(
        *(row("none", f"a/{i}/AB", "punching" if i == 0 else "kicking") for i in range(4)),
        *(row("sign-noise", f"a/{i}/AB", "punching" if i < 2 else "kicking") for i in range(4)),
        *(row("attack", f"a/{i}/AB", "punching", error_cm=5.0) for i in range(3)),
        row("attack", "a/3/AB", "kicking", error_cm=10.0),
        row("none", "a/9/AB", "punching", true_class="punching"),  # has nothing to be moved to
        row("attack", "a/9/AB", "punching", true_class="punching"),
    )
    one = rates(rows, ["surrogate", "victim", "eps"]).row(
        by_predicate=pl.col("criterion") == "recognised", named=True
    )
    assert (one["n"], one["sequences"], one["n_clean_failures"]) == (4, 4, 3)
    assert one["success_rate"] == pytest.approx(3 / 4)
    assert one["clean_success_rate"] == pytest.approx(1 / 4)
    assert one["noise_success_rate"] == pytest.approx(2 / 4)
    rate = one["success_rate_if_clean_fails"]
    assert rate == pytest.approx(2 / 3)
    assert one["noise_success_rate_if_clean_fails"] == pytest.approx(1 / 3)
    assert one["distance_reduction"] == pytest.approx(np.median([0.75, 0.75, 0.75, 0.5]))
    low, high = (one[f"success_rate_if_clean_fails_{end}"] for end in ("low", "high"))
    assert low <= rate <= high


def test_noise_is_of_the_attacks_own_axes():
    rows = [
        row(attack, "a/1/AB", named, axes=axes)
        for axes, named in (("depth", "kicking"), ("all axes", "punching"))
        for attack in ("none", "sign-noise", "attack")
    ]
    found = rates(table(*rows), ["axes"], ("recognised",))
    assert dict(found.select("axes", "noise_success_rate").rows()) == {"depth": 0, "all axes": 1}


def test_rates_without_noise_or_failures():
    rows = table(row("none", "a/1/AB", "punching"), row("attack", "a/1/AB", "punching"))
    one = rates(rows, ["eps"], ("recognised",)).row(0, named=True)
    assert one["noise_success_rate"] is None
    assert one["success_rate_if_clean_fails"] is None
    assert one["success_rate_if_clean_fails_low"] is None


def test_curves_are_fitted_on_white_box_outputs_of_other_classes():
    rng = np.random.default_rng(0)
    d = rng.uniform(0, 40, 600)
    hit = rng.random(600) < 1 / (1 + np.exp((d - 15) / 2))
    rows = [
        row("attack", f"a/{i // 4}/AB", "punching" if h else "kicking", error_cm=x,
            error_root_cm=x, error_facing_cm=x)
        for i, (x, h) in enumerate(zip(d.tolist(), hit.tolist(), strict=True))
    ]  # fmt: skip
    stray = row("attack", "b/1/AB", "punching", error_cm=39.0, surrogate="deepgru")
    found = recognition_curves(table(*rows, *[stray] * 200))
    one = found.filter(
        pl.col("target") == "all",
        pl.col("recogniser") == "recognised",
        pl.col("distance") == "error_cm",
    ).row(0, named=True)
    assert one["n"] == 600
    assert one["threshold"] == pytest.approx(15, abs=1)
    assert one["low"] < 15 < one["high"]


def test_a_tolerance_from_what_is_recognised():
    rng = np.random.default_rng(0)
    per_frame = rng.uniform(0, 4, 400)
    hit = rng.random(400) < 1 / (1 + np.exp((per_frame - 1.5) / 0.2))
    rows = table(
        *(
            row("attack", f"a/{i}/AB", "punching" if h else "kicking", distance_frame=10 * x)
            for i, (x, h) in enumerate(zip(per_frame.tolist(), hit.tolist(), strict=True))
        )
    )
    found = recognised_tolerance(rows)
    assert found is not None
    assert found.per_frame
    assert found.of("punching") == pytest.approx(1.5, abs=0.1)
    assert found.of("hugging") == pytest.approx(1.5, abs=0.1)
    nobody = rows.with_columns(recognised=pl.lit(False))
    assert recognised_tolerance(nobody) is None


def test_cases_are_chosen_by_the_rule():
    rows = table(
        *(row("none", f"a/{i}/AB", "punching" if i == 3 else "handshaking") for i in range(4)),
        row("attack", "a/0/AB", "punching", target_probability=0.7),
        row("attack", "a/1/AB", "punching", target_probability=0.9),
        row("attack", "a/2/AB", "kicking", target_probability=0.1),
        row(
            "attack", "a/3/AB", "punching", target_probability=1.0
        ),  # was called that without an attack
    )
    staying = rows.with_columns(target=pl.lit("approaching"))
    roles = pl.DataFrame({"sequence": [f"a/{i}/AB" for i in range(4)], "role": ["initiator"] * 4})
    found = case_rows(rows, staying, roles)
    assert list(found) == ["1: handshaking -> punching"]
    case = found["1: handshaking -> punching"]
    assert case["success"]["sequence"] == "a/1/AB"
    assert case["failure"]["sequence"] == "a/2/AB"
    assert (case["success"]["successes"], case["success"]["n"]) == (2, 3)


def test_without_success_the_nearest_is_shown():
    rows = table(
        row("none", "a/0/AB", "handshaking"),
        row("attack", "a/0/AB", "kicking", target_probability=0.2),
    )
    roles = pl.DataFrame({"sequence": ["a/0/AB"], "role": ["initiator"]})
    case = case_rows(rows, rows.head(0), roles)["1: handshaking -> punching"]
    assert set(case) == {"nearest"}


def test_percentiles_of_natural_motion():
    natural = pl.DataFrame(
        {"quantity": ["jerk"] * 3, "percent": [50.0, 90.0, 99.0], "value": [10.0, 50.0, 140.0]}
    )
    assert natural_percentile(np.array([20.0, 40.0]), natural, "jerk") == pytest.approx(70)
