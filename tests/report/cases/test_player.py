"""What the player is given: the cases that are told of, their motion to the millimetre, no more."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import feint
from feint.report.cases import case, player
from feint.report.run_data import RunData

MakeRun = Callable[..., Path]


@pytest.fixture(scope="module")
def run_data(finished: Path) -> RunData:
    return RunData.load(finished)


def told(run_data: RunData, **limits: int) -> list[dict[str, Any]]:
    found = player.player(run_data, **limits)
    assert found is not None
    cases: list[dict[str, Any]] = json.loads(found.payload)["cases"] if found.payload else []
    assert len(cases) == found.cases
    return cases


def decoded(text: str, step: float, axes: int = 3) -> np.ndarray:
    counted = np.frombuffer(base64.b64decode(text), "<i2").astype(float)
    counted[counted == player.NOWHERE] = np.nan
    return counted.reshape(-1, len(feint.SBU_15.joints), axes) * step


def test_the_motion_is_the_cases_within_half_a_millimetre(run_data: RunData) -> None:
    chosen = case.choose(run_data)
    assert chosen is not None
    true = case.read(run_data, *chosen)
    first = told(run_data)[0]
    assert first["frames"] == len(true.actor)
    for name in player.MOTIONS:
        stored = decoded(first["motions"][name], first["step"])
        assert np.abs(stored - getattr(true, name).numpy()).max() <= 0.000501
    error = [
        100 * np.linalg.norm(answer - wanted, axis=-1).mean()
        for answer, wanted in [
            [decoded(first["motions"][one], first["step"]) for one in ("answer_adv", "target")]
        ]
    ]
    assert error[0] == pytest.approx(first["numbers"]["error_cm"], abs=0.1)


def test_the_chosen_case_then_the_best_and_the_worst_of_everybody(run_data: RunData) -> None:
    cases = told(run_data)
    chosen, usual = case.choose(run_data), case.median_success(run_data)
    assert chosen is not None
    assert usual is not None
    assert cases[0]["id"] == player.case_id(chosen[0])
    assert player.case_id(usual) in [one["id"] for one in cases]
    assert len({one["id"] for one in cases}) == len(cases)
    assert all(one["surrogate"] == one["victim"] for one in cases)
    rest = [name for name in player.KEY if name != "eps"]
    same = [one for one in cases if all(one[name] == cases[0][name] for name in rest)]
    assert sorted(one["eps"] for one in same) == [1.0, 3.0, 6.0]
    rows = case.attacked_rows(run_data).filter(~pl.col("clean_success"))
    for _, asked in rows.group_by("victim", "target"):
        wins = asked.filter("success")
        if len(wins):
            way = wins["clean_distance"] - wins["distance"]
            assert player.case_id(wins.row(int(way.arg_max() or 0), named=True)) in [
                one["id"] for one in cases
            ]
        lost = asked.filter(~pl.col("success"))
        if len(lost):
            worst = lost.sort("distance_reduction").row(0, named=True)
            assert player.case_id(worst) in [one["id"] for one in cases]


def test_the_limits_are_kept_and_what_is_left_out_is_counted(run_data: RunData) -> None:
    everything = player.player(run_data)
    assert everything is not None
    assert everything.attacked == len(run_data.judged.filter(pl.col("attack") == "aia"))
    assert everything.cases > 2
    assert len(told(run_data, cases=2)) == 2
    size = len(everything.payload)
    few = player.player(run_data, size=size - 1)
    assert few is not None
    assert few.cases == everything.cases - 1
    assert len(few.payload) < size
    same = player.player(run_data, size=size)
    assert same == everything
    none = player.player(run_data, size=1000)
    assert none is not None
    assert (none.payload, none.cases, none.attacked) == ("", 0, everything.attacked)


def test_what_is_far_away_or_nowhere_fits() -> None:
    motion = torch.tensor([[[0.0, float("nan"), 400.0]]])
    step = 400 / 32767
    back = np.frombuffer(base64.b64decode(player.encode_motion(motion, step)), "<i2")
    assert back.tolist() == [0, player.NOWHERE, 32767]


def test_two_axes_stay_two(run_data: RunData) -> None:
    flat = replace(
        feint.SBU_15, axes=("x", "y"), scale=(1.0, 1.0), offset=(0.0, 0.0), joints=("a", "head"),
        bones=(("a", "head"),), root="a",
    )  # fmt: skip
    head = player.skeleton_to_dict(flat)
    assert (head["axes"], head["head"], head["bones"], head["turned"]) == (2, 1, [[0, 1]], False)
    assert len(base64.b64decode(player.encode_motion(torch.zeros(5, 2, 2)))) == 5 * 2 * 2 * 2


def test_a_name_ends_no_element(fake_run: MakeRun) -> None:
    bad = "</script><img src=x onerror=alert(1)>&\u2028"
    found = player.player(RunData.load(fake_run(targets=(bad,), models=("tcn",), eps=(6.0,))))
    assert found is not None
    assert not {"<", ">", "&", "\u2028"} & set(found.payload)
    assert json.loads(found.payload)["cases"][0]["target"] == bad


def test_numbers_that_are_none_are_null(run_data: RunData) -> None:
    chosen = case.choose(run_data)
    assert chosen is not None
    row = chosen[0] | {"error_cm": float("nan"), "perturbation_cm": None}
    made = player._encoded(run_data, case.read(run_data, row, ""))
    assert (made["numbers"]["error_cm"], made["numbers"]["perturbation_cm"]) == (None, None)
    json.dumps(made, allow_nan=False)


def test_where_nothing_was_attacked_there_is_none(fake_run: MakeRun) -> None:
    make = partial(fake_run, models=("tcn",), eps=(6.0,))
    nothing = make(targets=("punching",), labels=("punching",))
    assert player.player(RunData.load(nothing)) is None


def test_the_script_holds_its_licence_and_fits_in_an_element(run_data: RunData) -> None:
    found = player.player(run_data, cases=1)
    assert found is not None
    assert len(found.script) < 600_000
    beside = Path(player.__file__).parents[1] / "vendor" / "LICENSE-three.txt"
    lines = beside.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "The MIT License"
    for line in lines:
        assert line.replace("©", "(c)") in found.script
    for bad in ("</script", "<!--", "eval(", "new Function", "XMLHttpRequest"):
        assert bad not in found.script
