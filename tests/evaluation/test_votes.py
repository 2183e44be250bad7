"""Table 1's votes give the paper's bold values, and say what they do not add up to."""

from pathlib import Path

import pytest
from tests.errors import refused

from feint.evaluation import table1
from feint.evaluation.votes import Votes, read, thresholds, vote_warnings

TABLE_1 = Path("examples/table1.toml")


def test_table_1_typed_in_gives_the_papers_kappa() -> None:
    table = read(TABLE_1)
    assert {one.reaction: one.votes for one in table.votes} == table1.TABLE_1_VOTES
    assert {one.reaction: one.distances for one in table.votes} == table1.TABLE_1_DISTANCES
    found, other = thresholds(table.votes)
    assert found == {
        "handshaking": 79.52, "punching": 52.04, "kicking": 93.17, "departing": 71.77,
        "pushing": 22.77,
    }  # fmt: skip
    assert other == pytest.approx(63.854)
    assert table1.paper().values == found
    assert table1.paper().other == other
    assert [one.total for one in table.votes] == [78, 82, 82, 56, 79]
    (warning,) = vote_warnings(table.votes, table.judges)
    assert warning.code == "incomplete-votes"
    assert "78, 82, 82, 56 and 79, not 82" in warning.message


def test_the_minimum_read_literally_is_the_smallest_eps_with_any_vote() -> None:
    found, other = thresholds(read(TABLE_1).votes, "minimum")
    assert found == {
        "handshaking": 90.9, "punching": 52.04, "kicking": 100.61, "departing": 76.78,
        "pushing": 28.66,
    }  # fmt: skip
    assert other == pytest.approx((90.9 + 52.04 + 100.61 + 76.78 + 28.66) / 5)


def test_of_tied_eps_the_smaller_one_counts_and_it_is_said() -> None:
    tied = Votes("kicking", (0, 3, 3), (9.0, 8.0, 7.0))
    assert (tied.threshold(), tied.threshold("minimum")) == (8.0, 8.0)
    (warning,) = vote_warnings([tied])
    assert (warning.code, warning.about) == ("tied-votes", "kicking")


def test_none_and_missing_are_no_votes_but_are_told() -> None:
    few = Votes("kicking", (0, 1, 2), (9.0, 8.0, 7.0), none=4, missing=5)
    assert (few.total, few.threshold()) == (3, 7.0)
    (warning,) = vote_warnings([few], judges=12)
    assert (warning.code, warning.about) == ("mostly-none", "kicking")
    assert "4 judges" in warning.message
    nobody = Votes("pushing", (0, 0), (9.0, 8.0), none=2)
    assert nobody.threshold() is None
    assert thresholds([few, nobody]) == ({"kicking": 7.0}, 7.0)
    with refused("no-votes"):
        thresholds([nobody])


def test_two_objectives_of_one_reaction_give_their_mean() -> None:
    a, b = Votes("kicking", (1, 0), (9.0, 8.0)), Votes("kicking", (0, 1), (7.0, 6.0))
    c = Votes("pushing", (1, 0), (3.0, 2.0))
    assert thresholds([a, b, c]) == ({"kicking": 7.5, "pushing": 3.0}, 6.0)


def test_a_csv_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text("reaction,distance,votes\nkicking,9,1\nkicking,8.5,2\nkicking,,4\n")
    assert read(path).votes == (Votes("kicking", (1, 2), (9.0, 8.5), none=4),)


@pytest.mark.parametrize(
    "text, name",
    [
        ("objective = 1", "holds no votes"),
        ("judges = 3", "holds no votes"),
        ("[[objective]]\nreaction = 'a'\nvotes = [1]\ndistances = [1.0, 2.0]", "distances"),
        ("[[objective]]\nreaction = 'a'\nvotes = [-1]\ndistances = [1.0]", "(-1, 0, 0)"),
        ("[[objective]]\nreaction = 'a'\nvotes = [1]\ndistances = [0.0]", "(0.0,)"),
        ("[[objective]]\nreaction = 'a'\nvotes = ['x']\ndistances = [1.0]", "votes"),
        ("colour = 'red'\n[[objective]]\nreaction = 'a'\nvotes = [1]\ndistances = [1.0]", "colour"),
        ("]", "holds no votes"),
    ],
)
def test_what_is_no_votes_is_refused(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / "votes.toml"
    path.write_text(text)
    with refused("bad-votes", names=(name,)):
        read(path)
