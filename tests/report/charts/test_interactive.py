"""What the charts are given, beside numbers worked out from rows and tensors by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

pytest.importorskip("matplotlib")

from feint.data.kinematics import mean_acceleration
from feint.data.sbu import constants
from feint.evaluation import rows as table
from feint.evaluation import success_rates, table1
from feint.report.cases import case
from feint.report.charts import (
    distance_curves,
    interactive,
    minimal_eps,
    smoothness,
    static,
    success_criteria,
)
from feint.report.charts.success_matrix import SuccessMatrix
from feint.report.run_data import RunData

MakeRun = Callable[..., Path]
ASKED = ["surrogate", "victim", "target", "sequence"]
HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def run_data(finished: Path) -> RunData:
    return RunData.load(finished)


def make_charts(run_data: RunData) -> interactive.Charts | None:
    rows = case.acceleration_rows(run_data)
    return interactive.charts(run_data, SuccessMatrix.of(run_data), rows)


@pytest.fixture(scope="module")
def drawn(run_data: RunData) -> interactive.Charts:
    found = interactive.charts(
        run_data, SuccessMatrix.of(run_data), case.acceleration_rows(run_data)
    )
    assert found is not None
    return found


@pytest.fixture(scope="module")
def payload(drawn: interactive.Charts) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(drawn.payload)
    return value


def of(payload: dict[str, Any], name: str) -> dict[str, Any]:
    """The section of this id."""
    (found,) = [one for one in payload["sections"] if one["id"] == name]
    return dict(found)


@pytest.fixture(scope="module")
def papers(make_run: Any, tmp_path_factory: pytest.TempPathFactory) -> RunData:
    """A run of SBU's classes, which Table 1 is of."""
    return RunData.load(
        make_run(
            tmp_path_factory.mktemp("papers"), models=("tcn",), eps=(0.1, 0.45), unit="data",
            axes=("z",), targets=("punching",), labels=tuple(constants.ACTIONS.values()),
        )
    )  # fmt: skip


def by_hand(run_data: RunData, hit: pl.Series, surrogate: str, victim: str, eps: float) -> Any:
    """Attack, clean and noise of the sequences asked, all targets."""
    judged = run_data.judged.with_columns(hit.alias("hit")).filter(
        pl.col("surrogate") == surrogate, pl.col("victim") == victim
    )
    attack = judged.filter(pl.col("attack") == "aia", pl.col("eps") == eps).sort(ASKED)
    clean = judged.filter(pl.col("attack") == "none").sort(ASKED)
    noise = judged.filter(pl.col("attack") == "sign-noise", pl.col("eps") == eps).sort(ASKED)
    assert attack["sequence"].equals(clean["sequence"])
    return attack["hit"], clean["hit"], noise["hit"]


def test_rates_are_counted_from_the_rows(run_data: RunData, payload: dict[str, Any]) -> None:
    rates = payload["rates"]
    assert [one["only_clean_failures"] for one in rates["criteria"]] == [True, False]
    for surrogate, victim, eps in (("tcn", "tcn", 3.0), ("tcn", "gru", 6.0)):
        hit, clean, noise = by_hand(run_data, run_data.judged["success"], surrogate, victim, eps)
        pair = rates["pairs"].index(
            {"surrogate": surrogate, "victim": victim, "name": "tcn" if victim == surrogate else
             "gru, crafted on tcn"}
        )  # fmt: skip
        place = [pair, 0, rates["eps"].index(eps)]
        for criterion, out in zip(rates["criteria"], (~clean, clean | ~clean), strict=True):
            (one,) = [rate for rate in criterion["rates"] if rate[:3] == place]
            true = [int(out.sum()), *(int((part & out).sum()) for part in (hit, clean, noise))]
            assert one[3:7] == true


def test_intervals_are_the_summarys(run_data: RunData) -> None:
    table = success_rates.success_rates(run_data.judged, success_rates.BY_TARGET)
    failed = next(one for one in success_criteria.criteria(run_data) if one.only_clean_failures)
    found = [one for one in success_criteria.rates(run_data, failed) if one.target is not None]
    assert len(found) == 2 * 2 * 2 * 3
    for one in found:
        row = table.row(
            by_predicate=(pl.col("attack") == "aia") & (pl.col("surrogate") == one.surrogate)
            & (pl.col("victim") == one.victim) & (pl.col("target") == one.target)
            & (pl.col("eps") == one.eps),
            named=True,
        )  # fmt: skip
        assert one.n == row["n_clean_failures"]
        assert one.intervals[0] == pytest.approx(
            tuple(row[f"success_rate_if_clean_fails_{side}"] for side in ("low", "high")),
            nan_ok=True,
        )
        if one.n:
            assert one.n_successes / one.n == pytest.approx(row["success_rate_if_clean_fails"])
            assert (one.n_noise or 0) / one.n == pytest.approx(
                row["noise_success_rate_if_clean_fails"]
            )


def test_table_1_is_read_where_the_classes_are_its_own(run_data: RunData, papers: RunData) -> None:
    assert {one.rule for one in success_criteria.criteria(run_data)} == {"own"}
    every = {(one.rule, one.only_clean_failures): one for one in success_criteria.criteria(papers)}
    assert set(every) == {(y, f) for y in ("own", "frame", "joint") for f in (True, False)}
    kappa = table1.TABLE_1_DISTANCES["punching"][0]
    for rule in ("frame", "joint"):
        hit = papers.judged[f"distance_{rule}"] < kappa
        attack, clean, noise = by_hand(papers, hit, "tcn", "tcn", 0.45)
        (one,) = [
            rate for rate in success_criteria.rates(papers, every[rule, False])
            if rate.target is None and rate.eps == 0.45
        ]  # fmt: skip
        assert (one.n, one.n_successes, one.n_clean) == (len(attack), attack.sum(), clean.sum())
        assert one.n_noise == noise.sum()


def test_the_recogniser_is_read_where_rows_carry_it(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn",), targets=("punching",))
    rows = table.read(folder / "rows.parquet")
    named = pl.when(pl.col("eps") > 2).then(pl.col("target")).otherwise(pl.lit("kicking"))
    table.write(folder / "rows.parquet", [rows.with_columns(recognised_as=named)], {})
    run_data = RunData.load(folder)
    reading = next(o for o in success_criteria.criteria(run_data) if o.rule == "recognised")
    rates = [one for one in success_criteria.rates(run_data, reading) if one.target is None]
    assert [(one.eps, one.n_successes == one.n) for one in rates] == [
        (1.0, False), (3.0, True), (6.0, True),
    ]  # fmt: skip


def test_the_smallest_eps_is_the_first_that_counts(run_data: RunData) -> None:
    found = minimal_eps.minimal_eps(run_data)
    assert found is not None
    assert (found.searched, found.largest, len(found.parts)) == (False, 6.0, 4)
    white = run_data.judged.filter(case.WHITE_BOX)
    for part in found.parts:
        mine = white.filter(pl.col("surrogate") == part.model, pl.col("target") == part.target)
        counts = (
            mine.filter("success", ~pl.col("clean_success")).group_by("sequence").agg(pl.min("eps"))
        )
        assert part.eps == tuple(sorted(counts["eps"]))
        assert part.n == mine["sequence"].n_unique()
        assert part.n_clean == mine.filter("clean_success")["sequence"].n_unique()


def test_what_was_searched_stands_before_the_grid(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn",), targets=("punching",))
    told = {"surrogate": ["tcn"] * 5, "target": ["punching"] * 5, "sequence": list("abcde"),
            "true_class": [*["departing"] * 4, "punching"]}  # fmt: skip
    some = pl.DataFrame(told | {"eps": [0.0, 2.5, None, 0.5, 1.0]})
    table.write(folder / "minimal.parquet", [some], {})
    found = minimal_eps.minimal_eps(RunData.load(folder))
    assert found is not None
    assert found.searched
    (part,) = found.parts
    assert (part.n, part.n_clean, part.eps) == (4, 1, (0.5, 2.5))
    table.write(folder / "minimal.parquet", [some.drop("eps")], {})
    damaged = RunData.load(folder)
    grid = minimal_eps.minimal_eps(damaged)
    assert grid is not None
    assert not grid.searched
    assert ["feint min-eps" in one for one in damaged.problems] == [True]


def test_distances_over_time_are_the_tensors(run_data: RunData) -> None:
    found = distance_curves.sample_cases(run_data)
    assert (found.cases, found.in_cm) == ({"tcn": 10, "gru": 10}, True)
    rows = run_data.judged.filter(case.WHITE_BOX, pl.col("eps") == 3.0, pl.col("victim") == "gru")
    curves, moves = [], []
    for row in rows.iter_rows(named=True):
        one = case.read(run_data, row, "")
        curves.append(100 * (one.answer_adv - one.target).norm(dim=-1).mean(dim=-1))
        moves.append(100 * (one.actor_adv - one.actor).norm(dim=-1).flatten())
    course = found.curves["gru", "attack", 3.0]
    assert course.cases == tuple(sum(len(one) > frame for one in curves) for frame in course.frames)
    for frame in (0, 7):
        here = np.array([float(one[frame]) for one in curves])
        assert course.middle[frame] == pytest.approx(np.median(here), rel=1e-5)
        assert course.low[frame] == pytest.approx(np.quantile(here, 0.25), rel=1e-5)
    moved = np.concatenate(moves)
    change = found.displacements["gru", "attack", 3.0]
    assert change.median == pytest.approx(np.median(moved), rel=1e-4)
    at = int(np.searchsorted(distance_curves.CENTIMETRES, 2.0))
    share = (moved <= distance_curves.CENTIMETRES[at]).mean()
    assert change.shares[at] == pytest.approx(share, abs=0.01)


def test_work_is_bounded_by_a_draw(run_data: RunData) -> None:
    found = distance_curves.sample_cases(run_data, cases=3)
    assert (found.cases["tcn"], found.total["tcn"]) == (3, 10)
    assert found.curves["tcn", "attack", 6.0].cases[0] == 3
    assert found == distance_curves.sample_cases(run_data, cases=3)


def test_frames_that_few_reach_are_left_out() -> None:
    assert distance_curves.shown_frames([9, 8, 7, 6, 5, 4]) == 5
    assert distance_curves.shown_frames([9, 4]) == 4
    long = distance_curves.distance_curve([np.arange(700.0), np.arange(700.0)], 700)
    assert len(long.frames) == 234
    assert long.middle[1] == 3.0


def test_smoothness_is_summed_over_all_rows_and_drawn_of_some(run_data: RunData) -> None:
    acceleration_rows = case.acceleration_rows(run_data)
    found = smoothness.smoothness(acceleration_rows, points=7)
    assert found is not None
    assert (len(found.points), found.total) == (14, len(acceleration_rows.filter(
        pl.col("attack") != "none", ~pl.col("clean_success")
    )))  # fmt: skip
    mine = acceleration_rows.filter(case.WHITE_BOX, ~pl.col("clean_success"), pl.col("eps") == 6.0)
    mine = mine.filter(pl.col("victim") == "tcn")
    (row,) = found.sums.filter(
        pl.col("victim") == "tcn", pl.col("attack") == "aia", pl.col("eps") == 6.0
    ).iter_rows(named=True)
    assert row["n"] == len(mine)
    assert row["success_rate"] == pytest.approx(mine["success"].mean())
    assert row["added"] == pytest.approx((mine["acceleration"] - mine["recorded"]).median())
    row = mine.row(0, named=True)
    one = case.read(run_data, row, "")
    assert row["acceleration"] == pytest.approx(mean_acceleration(one.actor_adv, 15.0))
    assert row["recorded"] == pytest.approx(mean_acceleration(one.actor, 15.0))


def test_curves_are_the_numbers_of_the_run(run_data: RunData, payload: dict[str, Any]) -> None:
    chart = of(payload, "distances")["charts"][0]
    sample = distance_curves.sample_cases(run_data)
    at = {"model": 1, "eps": 2}
    (curve,) = [one for one in chart["curves"] if one["line"] == 0 and one["at"] == at]
    assert curve["y"] == pytest.approx(sample.curves["gru", "attack", 6.0].middle, rel=1e-3)
    assert curve["x"] == [frame + 1 for frame in sample.curves["gru", "attack", 6.0].frames]
    (text,) = [one["text"] for one in chart["texts"] if one["at"] == at]
    assert f"{curve['y'][-1]:.3g}" in text
    chart = of(payload, "minimal-eps")["charts"][0]
    white = run_data.judged.filter(case.WHITE_BOX, pl.col("victim") == "tcn")
    n = white.select("sequence", "target").n_unique()
    reached = white.filter("success").select("sequence", "target").n_unique()
    (curve,) = [one for one in chart["curves"] if one["line"] == 0 and one["at"] == {"target": 0}]
    assert curve["y"][-1] == pytest.approx(reached / n, rel=1e-3)
    assert [len(one["parts"]) for one in chart["bars"]] == [3] * 6


def test_a_chart_is_described_once_and_drawn_twice(drawn: interactive.Charts) -> None:
    """Titles, axes and lines of the pictures are those of the page."""
    for section in drawn.sections:
        for chart in section.charts:
            for curve in chart.curves:
                assert len(curve.x) == len(curve.y)
                assert len(curve.low) in (0, len(curve.x))
                assert set(curve.at) <= set(chart.controls)
                assert curve.line < len(chart.lines)
            if section.kind == "lines":
                assert static.draw(section, chart) == static.draw(section, chart)
    assert [one.id for one in drawn.sections] == [
        "success", "transfer", "minimal-eps", "distances", "displacement", "smoothness",
    ]  # fmt: skip


def test_the_chart_of_the_docs_is_one_file_and_one_line(
    run_data: RunData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example of docs/adding-a-chart.md reaches the page's data and a picture as it stands."""
    text = (Path(__file__).parents[3] / "docs" / "adding-a-chart.md").read_text(encoding="utf-8")
    example = text.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(compile(example, "adding-a-chart.md", "exec"), names)
    monkeypatch.setattr(interactive, "SECTIONS", (*interactive.SECTIONS, names["section"]))
    found = make_charts(run_data)
    assert found is not None
    section = found.placed("perturbation")[-1]
    assert section.id == of(json.loads(found.payload), "bone-lengths")["id"]
    assert static.draw(section, section.charts[0]).startswith("<?xml")
    white = run_data.judged.filter(case.WHITE_BOX, pl.col("victim") == "gru")
    for eps, value in zip(
        section.charts[0].curves[1].x, section.charts[0].curves[1].y, strict=True
    ):
        rows = white.filter(pl.col("eps") == eps)
        assert value == pytest.approx(rows["bone_length_change"].median())


def test_names_cannot_leave_the_payload(fake_run: MakeRun) -> None:
    run_data = RunData.load(fake_run(models=("tcn",), targets=(HOSTILE,), eps=(6.0,)))
    found = interactive.charts(
        run_data, SuccessMatrix.of(run_data), case.acceleration_rows(run_data)
    )
    assert found is not None
    assert "<" not in found.payload
    assert json.loads(found.payload)["rates"]["targets"] == [HOSTILE]


def test_rows_without_centimetres_keep_their_charts(fake_run: MakeRun) -> None:
    folder = fake_run(models=("tcn",), targets=("punching",))
    rows = table.read(folder / "rows.parquet")
    gone = [one for one in rows.columns if one.endswith("_cm") or one == "bone_length_change"]
    table.write(folder / "rows.parquet", [rows.drop(gone)], {})
    run_data = RunData.load(folder)
    found = interactive.charts(
        run_data, SuccessMatrix.of(run_data), case.acceleration_rows(run_data)
    )
    assert found is not None
    value = json.loads(found.payload)
    assert not {"displacement", "smoothness"} & {one["id"] for one in value["sections"]}
    over_time, in_tolerances = of(value, "distances")["charts"]
    assert "data units" in over_time["y"]["label"]
    assert "tolerances" in in_tolerances["view"]


def test_the_script_holds_its_licence_and_fits_in_an_element(drawn: interactive.Charts) -> None:
    assert len(drawn.script) < 90_000
    beside = Path(interactive.__file__).parents[1] / "vendor" / "LICENSE-uplot.txt"
    lines = beside.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "The MIT License (MIT)"
    for line in lines:
        assert line in drawn.script
    for bad in ("</script", "<!--", "eval(", "new Function", "XMLHttpRequest", "fetch("):
        assert bad not in drawn.script
