"""What counts as success: of a finished run, of rows by hand, and of a run that lost a file."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from feint.evaluation.criteria import Specific, Within, all_of, criteria_for, pose
from feint.evaluation.criteria_rates import rates_by_criterion, share_that_is_strict
from feint.evaluation.nulls import TITLES
from feint.evaluation.result_checks import loose_criteria
from feint.evaluation.tolerance import Tolerance
from feint.report import json_report, tables, terminal
from feint.report.run_data import RunData

TOLERANCE = Tolerance({"punch": 5.0})
LIMITS = {"pose": {"punch": 0.3}, "place": {"punch": 0.3}}
STRICT = all_of(Specific(TOLERANCE), pose(LIMITS["pose"]))
SLID = TITLES["clean-on-path"]


def rows(answers: dict[str, list[tuple[float, float, float]]]) -> pl.DataFrame:
    """Distances to the target, to the nearest other one, and of the pose; a row a sequence."""
    return pl.DataFrame(
        {
            **dict.fromkeys(("surrogate", "victim"), "m"),
            "target": "punch",
            "attack": attack,
            "eps": 0.0 if attack == "none" or attack.startswith("null") else 2.0,
            "sequence": f"s/{i}/A",
            "true_class": "kick",
            "frames": 10,
            "distance_frame": near,
            "other_distance_frame": other,
            "pose_distance_m": body,
            "place_distance_m": 0.1,
        }
        for attack, some in answers.items()
        for i, (near, other, body) in enumerate(some)
    )


BY_HAND = rows(
    {
        "none": [(9, 8, 1), (9, 8, 1), (9, 8, 1), (4, 3, 1)],
        "sign-noise": [(9, 8, 1)] * 4,
        "aia": [(2, 8, 0.1), (3, 8, 0.2), (4, 8, 0.9), (4, 3, 0.1)],
    }
)
NULLS = rows({"null clean-on-path": [(4, 8, 1), (4, 8, 1), (4, 3, 1), (9, 8, 1)]})


def test_every_criterion_of_the_attack_and_of_every_null_by_hand() -> None:
    criteria = criteria_for(BY_HAND, NULLS, TOLERANCE, LIMITS)
    assert [one.name for one in criteria] == [
        *("within tolerance", "specific", "pose", "place", "specific and pose")
    ]
    table = rates_by_criterion(BY_HAND, NULLS, criteria)
    found = {(c, a): rate for _, c, a, _, rate in table.select(pl.nth(range(5))).rows()}
    for answer, expected in {
        "attack": [1, 0.75, 0.75, 1, 0.5],
        "no attack": [0.25, 0, 0, 1, 0],
        "random noise": [0, 0, 0, 1, 0],
        SLID: [0.75, 0.5, 0, 1, 0],
    }.items():
        assert [found[one.name, answer] for one in criteria] == expected
    strongest = table.filter("strongest").select("criterion", "answer").rows()
    assert dict(strongest)["specific"] == SLID
    attack = table.filter(pl.col("answer") == "attack").rows_by_key("criterion", named=True)
    (specific,) = attack["specific"]
    assert specific["difference"] == pytest.approx(0.25)
    assert specific["difference_low"] <= 0.25 <= specific["difference_high"]
    assert specific["success_rate_low"] < 0.75 < specific["success_rate_high"]
    assert share_that_is_strict(BY_HAND, Within(TOLERANCE), STRICT) == {"m": (4, 0.5)}


def test_a_criterion_that_a_null_passes_is_called_loose_by_name() -> None:
    table = rates_by_criterion(BY_HAND, NULLS, criteria_for(BY_HAND, NULLS, TOLERANCE, LIMITS))
    warned = {one.about: one for one in loose_criteria(table)}
    assert set(warned) == {"within tolerance", "specific", "place"}
    assert {one.code for one in warned.values()} == {"loose-criterion"}
    assert SLID in warned["specific"].message
    assert "50%" in warned["specific"].message


def test_only_criteria_that_the_rows_support() -> None:
    def names(some: pl.DataFrame, limits: Any = LIMITS) -> list[str]:
        return [one.name for one in criteria_for(some, None, TOLERANCE, limits)]

    assert names(BY_HAND, {}) == ["within tolerance", "specific"]
    assert names(BY_HAND, {"pose": {"hug": 1.0}, "place": {"hug": 1.0}}) == names(BY_HAND, {})
    assert names(BY_HAND.drop("pose_distance_m", "place_distance_m")) == names(BY_HAND, {})
    assert names(BY_HAND.drop("other_distance_frame")) == ["within tolerance"]


def test_a_finished_run_shows_every_criterion_beside_every_null(
    least: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunData.load(least.folder)
    assert run.missing == []
    table = run.criteria.table  # type: ignore[union-attr]
    assert table["criterion"].n_unique() == 5
    assert set(table["answer"]) == {"attack", "no attack", "random noise", *TITLES.values()}
    shown = tables.criteria(run)
    assert shown is not None
    assert {len(one) for one in shown.rows} == {len(shown.heads)} == {7}
    told = json.loads(json_report.to_json(run))
    assert len(told["criteria"]) == len(table)
    assert "specific and pose" in told["verdict"][0]
    terminal.show(least.folder)
    out = capsys.readouterr().out
    assert out.index("What counts as success") < out.index(" ".join(run.verdicts[0].split()[:3]))


@pytest.mark.parametrize("name", ["nulls.parquet", "limits.json"])
def test_a_missing_or_damaged_file_is_named_and_the_rest_is_shown(
    least: Any, tmp_path: Path, name: str
) -> None:
    folder = least.copy(tmp_path)
    (folder / name).write_bytes(b"")
    for _ in range(2):
        run = RunData.load(folder)
        assert len(run.missing) == 1
        assert name in run.missing[0]
        assert len(run.criteria.table)  # type: ignore[union-attr]
        assert len(run.verdicts) == 1
        (folder / name).unlink(missing_ok=True)


def test_rows_of_before_are_judged_by_the_tolerance_alone(finished: Path) -> None:
    run = RunData.load(finished)
    assert run.missing == []
    assert [one.name for one in run.criteria.criteria] == ["within tolerance"]  # type: ignore[union-attr]
    assert tables.criteria(run) is None
    assert json.loads(json_report.to_json(run))["criteria"] == []
