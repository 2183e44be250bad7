"""A study's answers: three judges by hand, and what must not change an estimate."""

import json
import math
from pathlib import Path

import polars as pl
import pytest
from tests.errors import refused

from feint.evaluation.tolerance import Tolerance
from feint.survey.analysis import simulate
from feint.survey.analysis.estimate import Estimate, estimate
from feint.survey.analysis.filtering import ExclusionRule, read_answers
from feint.survey.analysis.simulate import Truth
from feint.survey.study.schema import Study

LADDERS = {"kicking": (30.0, 25.0, 20.0, 15.0), "pushing": (12.0, 10.0, 8.0, 6.0)}
EPS = (0.1, 0.2, 0.3, 0.4)
STUDY = simulate.study(LADDERS, EPS, frames=10)
SMALL = simulate.study(LADDERS, EPS, frames=10, other_kinds=False)
TRUTH = Truth(
    {"objective-0": 22.0, "objective-1": 9.0}, {"objective-0": 2.0, "objective-1": 1.0},
    lapse=0.05, missing=0.1,
)  # fmt: skip


def table(study: Study, given: dict[str, dict[str, str | None]]) -> pl.DataFrame:
    """Answers by judge and trial."""
    rows = [
        {"study": study.id, "judge": judge, "trial": trial, "choice": choice}
        for judge, some in given.items()
        for trial, choice in some.items()
    ]
    schema = dict.fromkeys(("study", "judge", "trial", "choice"), pl.String)
    return pl.DataFrame(rows, schema=schema)


THREE = table(
    SMALL,
    {
        "a": {"l-0": "2", "l-1": "3", "c-0": "1", "c-1": "1"},
        "b": {"l-0": "2", "l-1": None, "c-0": "2", "c-1": "1"},
        "c": {"l-0": "3", "l-1": "none", "c-0": "1", "c-1": None},
    },
)


def numbers(found: Estimate) -> list[object]:
    return [found.tolerance(which).identity() for which in ("paper", "minimum")] + [
        found.tolerance("psychometric"), found.leftmost, found.naming, found.detections,
        found.named,
    ]  # fmt: skip


def test_three_judges_by_hand() -> None:
    found = estimate(SMALL, THREE, draws=50)
    kick, push = found.objectives
    assert (kick.votes.votes, kick.votes.none, kick.votes.missing) == ((0, 2, 1, 0), 0, 0)
    assert (push.votes.votes, push.votes.none, push.votes.missing) == ((0, 0, 1, 0), 1, 1)
    assert (found.judges, found.given, found.missing) == (3, 5, 1)
    paper = found.tolerance("paper")
    assert dict(paper.values) == {"kicking": 25.0, "pushing": 8.0}
    assert (paper.other, paper.per_frame, paper.judges) == (16.5, False, 3)
    assert paper.study == SMALL.id
    assert SMALL.id[:12] in paper.source
    assert dict(found.tolerance("paper", per_frame=True).values) == {"kicking": 2.5, "pushing": 0.8}
    assert found.warnings[0].code == "few-judges"
    assert "3 judges" in found.warnings[0].message
    # Ordinal over 2, 2, 3 and 3, none: all that can be said is that it is a number.
    assert -1 < found.leftmost.alpha < 1
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_rule_leaves_out_who_misses_more_than_one_catch_trial() -> None:
    careless = pl.concat([
        THREE, table(SMALL, {"d": {"l-0": "4", "l-1": "4", "c-0": "2", "c-1": "none"}}),
    ])  # fmt: skip
    found = estimate(SMALL, careless, draws=50)
    assert (found.excluded, found.judges) == (("d",), 3)
    assert numbers(found) == numbers(estimate(SMALL, THREE, draws=50))
    assert found.without_exclusions is not None
    assert found.without_exclusions.objectives[0].votes.votes == (0, 2, 1, 1)
    (excluded,) = [one for one in found.warnings if one.code == "excluded-judges"]
    assert "1 of 4 judges" in excluded.message
    strict = estimate(
        SMALL, careless, ExclusionRule(max_catch_errors=0, min_catch_trials=1), draws=50
    )
    assert strict.excluded == ("b", "d")  # c missed none: he left it unanswered
    assert estimate(SMALL, careless, None, draws=50).judges == 4


def test_a_missing_answer_changes_nothing_but_counts() -> None:
    answers = simulate.answers(STUDY, TRUTH, 12, seed=0)
    more = table(STUDY, {"someone-else": {"l-0": None, "n-0-1": None, "c-0": None}})
    a = estimate(STUDY, answers, draws=50)
    b = estimate(STUDY, pl.concat([answers.select(more.columns), more]), draws=50)
    assert b.missing == a.missing + 2
    assert b.objectives[0].votes.missing == a.objectives[0].votes.missing + 1
    assert [t.thresholds for t in a.objectives] == [t.thresholds for t in b.objectives]
    assert (a.pooled, a.named, a.leftmost, a.naming) == (b.pooled, b.named, b.leftmost, b.naming)
    assert a.detections == b.detections


def test_the_order_of_rows_does_not_matter() -> None:
    answers = simulate.answers(STUDY, TRUTH, 12, seed=1)
    mixed = answers.sample(fraction=1.0, shuffle=True, seed=0)
    assert numbers(estimate(STUDY, mixed, draws=50)) == numbers(estimate(STUDY, answers, draws=50))


def test_many_simulated_judges_are_found_out() -> None:
    truth = Truth(
        TRUTH.threshold, TRUTH.width, lapse=0.05, missing=0.1, careless=0.1, sensitivity=4.0
    )
    found = estimate(STUDY, simulate.answers(STUDY, truth, 400, seed=2), draws=50)
    assert 20 < len(found.excluded) < 60
    for one, true, width in zip(found.objectives, (22, 9), (2, 1), strict=True):
        assert one.thresholds["sum"].distance == pytest.approx(true, abs=0.3 * width)
        assert one.thresholds["per-frame"].distance == pytest.approx(true / 10, abs=0.03 * width)
        cm = one.thresholds["cm"].distance  # 10 cm a unit, over 10 frames and sqrt(15)
        assert cm == pytest.approx(one.thresholds["sum"].distance * 10 / 15**0.5, rel=1e-3)
        assert one.named["sum"].distance == pytest.approx(true, abs=0.5 * width)
        assert one.misfit > 1e-4
    assert found.named_auc > 0.6  # of two objectives at once, which have other distances
    largest = found.detections[-1]
    assert (largest.eps, largest.answers) == (0.4, pytest.approx(2 * found.judges * 0.9, abs=40))
    assert largest.dprime == pytest.approx(4 * 0.4 * 0.95, abs=0.25)
    assert [one.share for one in found.detections] == sorted(o.share for o in found.detections)


def test_the_tolerance_is_a_file_that_tells_its_interval(tmp_path: Path) -> None:
    found = estimate(STUDY, simulate.answers(STUDY, TRUTH, 30, seed=3), draws=50).tolerance()
    assert found.per_frame
    for label, kappa in found.values.items():
        assert found.low[label] < kappa < found.high[label]
    found.save(tmp_path / "kappa.json")
    assert Tolerance.load(tmp_path / "kappa.json") == found
    assert json.loads((tmp_path / "kappa.json").read_text())["schema"] == 3
    assert found.identity().keys() == Tolerance({"a": 1.0}).identity().keys()


def test_nobody_answered_is_no_kappa() -> None:
    found = estimate(SMALL, THREE.clear(), draws=50)
    assert (found.judges, found.given, found.pooled) == (0, 0, {})
    assert math.isnan(found.leftmost.alpha)
    with refused("no-tolerance", names=["psychometric"]):
        found.tolerance()
    assert found.to_dict()["tolerance"] == {"paper": {}, "minimum": {}, "psychometric": {}}


@pytest.mark.parametrize(
    "column, value, code, fact",
    [
        ("study", "0" * 64, "other-study", "000000000000"),
        ("trial", "l-9", "unknown-trial", "'l-9'"),
        ("choice", "5", "unknown-choice", "'5'"),
        ("judge", "a", "duplicate-answers", "Judge a"),
        ("judge", None, "missing-values", ""),
    ],
)
def test_answers_that_do_not_fit_the_study_are_refused(
    column: str, value: str | None, code: str, fact: str
) -> None:
    with refused(code, names=[fact]):
        estimate(SMALL, THREE.with_columns(pl.lit(value, pl.String).alias(column)))
    with refused("missing-columns", names=["choice"]):
        estimate(SMALL, THREE.drop("choice"))


def test_exported_answers_read_alike(tmp_path: Path) -> None:
    THREE.write_parquet(tmp_path / "a.parquet", compression="uncompressed")
    THREE.rename({"choice": "response"}).write_csv(tmp_path / "a.csv", quote_style="non_numeric")
    first = numbers(estimate(SMALL, read_answers(tmp_path / "a.parquet"), draws=50))
    assert numbers(estimate(SMALL, read_answers(tmp_path / "a.csv"), draws=50)) == first
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    with refused("bad-answers", names=["b.parquet"]):
        read_answers(tmp_path / "b.parquet")
