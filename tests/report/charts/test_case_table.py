"""What the table of every case is given: all rows, or a ruled part of them, and true counts."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from feint.report.cases import player
from feint.report.charts import case_table, success_matrix
from feint.report.run_data import RunData

MakeRun = Callable[..., Path]
HOSTILE = "</script><img src=x onerror=alert(1)>&\u2028"


@pytest.fixture(scope="module")
def run_data(finished: Path) -> RunData:
    return RunData.load(finished)


@pytest.fixture(scope="module")
def looked(run_data: RunData) -> case_table.Browse:
    found = case_table.browse(run_data, player.player(run_data))
    assert found is not None
    return found


def attacked(run_data: RunData) -> pl.DataFrame:
    return run_data.judged.filter(pl.col("attack") == "aia").sort(player.KEY)


def unpacked(column: dict[str, Any]) -> list[Any]:
    """A column as the page reads it."""
    if "flags" in column:
        return [one == "1" for one in column["flags"]]
    if "words" in column:
        return [column["words"][code] for code in column["codes"]]
    return [None if one is None else one / 10 ** column["places"] for one in column["values"]]


def columns(found: case_table.Browse) -> dict[str, list[Any]]:
    return {one["name"]: unpacked(one) for one in json.loads(found.payload)["columns"]}


def test_every_attacked_row_is_there_to_the_last_place(
    run_data: RunData, looked: case_table.Browse
) -> None:
    rows, told = attacked(run_data), columns(looked)
    assert looked.rows == looked.total == len(rows) == 2 * 2 * 2 * 3 * 5
    for name in ("surrogate", "victim", "true_class", "target", "sequence"):
        assert told[name] == rows[name].to_list()
    for name, of in (("success", "success"), ("clean_success", "clean_success")):
        assert told[name] == rows[of].to_list()
    assert [float(one) for one in told["eps"]] == rows["eps"].to_list()
    for name, factor in (("error_cm", 1), ("perturbation_max_cm", 1), ("bone_length_change", 100)):
        true = [factor * one for one in rows[name]]
        assert told[name] == pytest.approx(true, abs=0.0501)


def test_words_stand_in_their_order(looked: case_table.Browse) -> None:
    words = {one["name"]: one.get("words") for one in json.loads(looked.payload)["columns"]}
    assert words["eps"] == ["1", "3", "6"]
    assert words["victim"] == ["tcn", "gru"]
    assert words["target"] == sorted(words["target"])


def test_a_row_names_its_case_in_the_player(run_data: RunData, looked: case_table.Browse) -> None:
    played = player.player(run_data)
    assert played is not None
    cases = {one["id"]: one for one in json.loads(played.payload)["cases"]}
    links, told = json.loads(looked.payload)["cases"], columns(looked)
    assert {one for _, one in links} == set(cases)
    for row, one in links:
        assert float(told["eps"][row]) == cases[one]["eps"]
        for name in ("surrogate", "victim", "target", "sequence"):
            assert told[name][row] == cases[one][name]


def test_of_too_many_rows_those_played_stay_and_others_are_drawn(
    run_data: RunData, looked: case_table.Browse
) -> None:
    played = player.player(run_data)
    some = case_table.browse(run_data, played, limit=30)
    assert played is not None
    assert some is not None
    assert (some.rows, some.total) == (30, looked.total)
    assert len(json.loads(some.payload)["cases"]) == played.cases
    assert some.payload == getattr(case_table.browse(run_data, played, limit=30), "payload", None)
    assert json.loads(some.payload)["matrix"] == json.loads(looked.payload)["matrix"]
    drawn = case_table.chosen(attacked(run_data), (), 30)
    everything = attacked(run_data).select(player.KEY).rows()
    assert set(drawn.select(player.KEY).rows()) < set(everything)
    assert drawn["eps"].n_unique() == 3
    assert len(case_table.chosen(attacked(run_data), (), 120)) == 120


def test_the_matrix_counts_what_the_rates_count(run_data: RunData) -> None:
    totals = (
        success_matrix.count_cells(run_data.judged)
        .group_by("surrogate", "victim", "target", "eps")
        .agg(pl.col(success_matrix.COUNTS).sum())
        .sort("surrogate", "victim", "target", "eps")
    )
    rates = run_data.rates_by_target.filter(pl.col("attack") == "aia")
    rates = rates.sort("surrogate", "victim", "target", "eps")
    assert totals["n"].to_list() == rates["n"].to_list()
    assert totals["n_clean_failures"].to_list() == rates["n_clean_failures"].to_list()
    for counted, rate in (
        ("n_successes", "success_rate_if_clean_fails"),
        ("n_noise", "noise_success_rate_if_clean_fails"),
    ):
        assert totals[counted].to_list() == pytest.approx(
            (rates[rate] * rates["n_clean_failures"]).fill_null(0).to_list()
        )


def test_the_still_matrix_is_white_box_at_the_largest_eps(run_data: RunData) -> None:
    matrix = success_matrix.SuccessMatrix.of(run_data)
    assert len(matrix.pairs) == 4
    stills = dict(matrix.still())
    assert list(stills) == ["tcn", "gru"]
    rates = run_data.rates_by_target.filter(
        (pl.col("attack") == "aia") & (pl.col("eps") == 6) & (pl.col("surrogate") == "tcn")
    )
    for j, target in enumerate(matrix.targets):
        one = rates.filter(victim="tcn", target=target).row(0, named=True)
        cells = [cells[j] for _, cells in stills["tcn"] if cells[j].share is not None]
        moved = [re.findall(r"\d+", cell.small) for cell in cells]
        assert sum(int(of) for _, of in moved) == one["n_clean_failures"]
        assert sum(int(n) for n, _ in moved) == pytest.approx(
            one["success_rate_if_clean_fails"] * one["n_clean_failures"]
        )
    own = dict(stills["tcn"])["punching"][matrix.targets.index("punching")]
    assert own == success_matrix.Cell(None)


def test_where_all_count_by_themselves_no_share_is_told(fake_run: MakeRun) -> None:
    found = RunData.load(fake_run(kappa=9.0, models=("tcn",), eps=(1.0,), noise=()))
    matrix = success_matrix.SuccessMatrix.of(found)
    assert all(counts[5] == 0 and counts[7] is None for counts in matrix.counts)
    ((_, rows),) = matrix.still()
    assert {cell.text for _, cells in rows for cell in cells} == {"", "–"}


def test_a_name_ends_no_element(fake_run: MakeRun) -> None:
    found = case_table.browse(RunData.load(fake_run(targets=(HOSTILE,), models=("tcn",))), None)
    assert found is not None
    assert not {"<", ">", "&", "\u2028"} & set(found.payload)
    assert set(columns(found)["target"]) == {HOSTILE}
    assert json.loads(found.payload)["cases"] == []


def test_numbers_that_are_none_are_null(run_data: RunData) -> None:
    rows = attacked(run_data).with_columns(
        error_cm=pl.lit(float("nan")),
        bone_length_change=pl.when(pl.col("eps") > 1).then(float("inf")),
    )
    matrix = success_matrix.SuccessMatrix.of(run_data)
    found = case_table.packed(
        rows.drop("perturbation_max_cm"), (), matrix, run_data.models, ("cm", "data units a frame")
    )
    told = columns(found)
    assert "error_cm" not in told
    assert told["distance"] == pytest.approx(rows["distance"].to_list(), abs=0.000501)
    assert set(told["bone_length_change"]) == set(told["perturbation_max_cm"]) == {None}


def test_where_nothing_was_attacked_there_is_none(fake_run: MakeRun) -> None:
    nothing = fake_run(models=("tcn",), targets=("punching",), labels=("punching",), eps=(1.0,))
    assert case_table.browse(RunData.load(nothing), None) is None


def test_the_script_is_small_and_fits_in_an_element(looked: case_table.Browse) -> None:
    assert len(looked.script) < 60_000
    for bad in ("</script", "<!--", "eval(", "new Function", "XMLHttpRequest", "innerHTML"):
        assert bad not in looked.script


def test_the_page_trusts_its_own_scripts_and_tells_what_it_left_out(
    fake_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    from feint.report import page

    monkeypatch.setattr(page, "browse", lambda *of: case_table.browse(*of, limit=9))
    run = fake_run(models=("tcn",), targets=("hugging",), eps=(1.0, 6.0))
    text = page.write(run).read_text(encoding="utf-8")
    assert "9 of 12 rows are in this page" in text
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    policy = re.search(r"script-src ([^;]*);", html.unescape(text))
    assert policy is not None
    assert policy[1] == " ".join(f"'sha256-{one}'" for one in hashes)
    assert len(hashes) == 3
