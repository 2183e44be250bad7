"""Which case the options leave: the run's rule among them, or the one that is named."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.errors import refused

from feint.report.cases import case, player
from feint.report.cases.selection import Selection, select, white_box_rows, with_objective
from feint.report.run_data import RunData

MakeRun = Callable[..., Path]


@pytest.fixture(scope="module")
def run_data(finished: Path) -> RunData:
    return RunData.load(finished)


def test_with_nothing_asked_it_is_the_reports_case(run_data: RunData) -> None:
    chosen = case.choose(run_data)
    assert chosen is not None
    one = select(run_data, Selection())
    assert one.row == chosen[0]
    assert chosen[1] == f"{one.rule}; the median success is below"


def test_the_rule_holds_among_what_the_options_leave(run_data: RunData) -> None:
    asked = Selection(target="punching", victim="tcn", eps=3.0)
    rows = white_box_rows(run_data).filter(
        pl.col("target") == "punching", pl.col("victim") == "tcn", pl.col("eps") == 3.0
    )
    one = select(run_data, asked)
    wins = rows.filter(~pl.col("clean_success") & pl.col("success"))
    way = wins["clean_distance"] - wins["distance"]
    assert one.row["clean_distance"] - one.row["distance"] == way.max()
    assert f"of the {len(wins)} successes at eps 3" in one.rule


def test_an_interaction_stands_for_both_of_its_sides(run_data: RunData) -> None:
    both = Selection(sequence="s01s02/03/001").rows(run_data)
    assert set(both["sequence"]) == {"s01s02/03/001/A", "s01s02/03/001/B"}
    assert set(Selection(sequence="s01s02/03/001/B").rows(run_data)["sequence"]) == {
        "s01s02/03/001/B"
    }


def test_every_case_has_an_id_and_the_players_have_places(run_data: RunData) -> None:
    small = white_box_rows(run_data).filter(pl.col("eps") == 1.0).row(0, named=True)
    assert select(run_data, Selection(case=player.case_id(small))).row == small
    told = [row for row, _ in player.notable_cases(run_data)]
    for place, row in enumerate(told, 1):
        assert select(run_data, Selection(case=str(place))).row == row
    other = next(one for one in told if one["victim"] == "gru")
    assert select(run_data, Selection(victim="gru", case="1")).row == other
    for wrong in ("0", "99", "-1", "xyz", "1.5"):
        with refused("no-such-case"):
            select(run_data, Selection(case=wrong))


def test_fig3_takes_the_first_target_that_is_there(fake_run: MakeRun) -> None:
    labels = ("approaching", "handshaking")
    run_data = RunData.load(fake_run(labels=labels, targets=("departing",), models=("tcn",)))
    assert with_objective(run_data, "fig3", Selection()) == Selection("departing", "approaching")
    with refused("no-such-case", names=("approaching", "remaining")):
        with_objective(run_data, "fig3", Selection(target="remaining"))


def test_where_nothing_was_asked_that_is_said(fake_run: MakeRun) -> None:
    run_data = RunData.load(fake_run(labels=("punching",), targets=("punching",)))
    with refused("nothing-attacked"):
        select(run_data, Selection())
