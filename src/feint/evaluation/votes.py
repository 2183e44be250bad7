"""Tolerances from votes, by the paper's rule (section 5.1): no curve, no interval.

Judges see an objective's sequences by rising eps and choose the leftmost that performs the target
reaction.  An eps has a number of votes and a distance (equation 7).  The threshold, kappa in the
paper, is the distance at one eps:

"paper"    the eps with the most votes: the bold values of Table 1.
"minimum"  the smallest eps with a vote: "the minimum eps polled", taken literally.

The text says the one and the table the other; feint has both.  Of two eps with the most votes the
smaller one counts.  "None of them" and missing answers are no votes, and are counted separately.
Other classes get the mean of the objectives.  `feint survey threshold` uses this, and fits curves
as well (survey/analysis).
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal

from feint.errors import FeintError
from feint.evaluation.model_checks import EvaluationWarning
from feint.io.csv_reader import read_rows
from feint.io.text import join_words

VoteRule = Literal["paper", "minimum"]
"""Which eps decides: the one with the most votes, or the smallest with a vote."""
MOST = 1_000_000
"""Votes of one kind, at most."""
LARGEST_FILE = 2**20
"""Bytes of a file of votes, at most."""


@dataclass(frozen=True)
class Votes:
    """The votes of one objective.

    Attributes:
        reaction: the target class.
        votes: by rising eps.
        distances: to the target at each eps, equation 7.
        none: judges who answered "none of them".
        missing: judges who did not answer.
        action: the class of the action; "" if not known.
    """

    reaction: str
    votes: tuple[int, ...]
    distances: tuple[float, ...]
    none: int = 0
    missing: int = 0
    action: str = ""

    def __post_init__(self) -> None:
        counts = (*self.votes, self.none, self.missing)
        if not len(self.votes) == len(self.distances) > 0:
            raise FeintError(
                f"The votes for {self.reaction!r} are {len(self.votes)} and the distances "
                f"{len(self.distances)}; expected one of each for every eps.",
                code="wrong-shape",
            )
        if not all(type(n) is int and 0 <= n <= MOST for n in counts):
            raise FeintError(
                f"The votes for {self.reaction!r} are {counts}; expected whole numbers from 0 to "
                f"{MOST}.",
                code="bad-votes",
            )
        if not all(0 < d < float("inf") for d in self.distances):
            raise FeintError(
                f"The distances for {self.reaction!r} are {self.distances}; expected finite "
                "numbers above 0.",
                code="bad-votes",
            )

    @property
    def total(self) -> int:
        """Judges who chose an eps."""
        return sum(self.votes)

    @property
    def tied(self) -> bool:
        """Whether two eps have the most votes."""
        return self.total > 0 and self.votes.count(max(self.votes)) > 1

    def chosen_index(self, rule: VoteRule = "paper") -> int | None:
        """The index of the eps that decides; None without a vote."""
        if not self.total:
            return None
        if rule == "minimum":
            return next(i for i, n in enumerate(self.votes) if n)
        return self.votes.index(max(self.votes))

    def threshold(self, rule: VoteRule = "paper") -> float | None:
        """The distance at the eps that decides; None without a vote."""
        index = self.chosen_index(rule)
        return None if index is None else self.distances[index]


def thresholds(votes: Sequence[Votes], rule: VoteRule = "paper") -> tuple[dict[str, float], float]:
    """The threshold of each reaction (several objectives: their mean), and that of all others.

    Raises:
        FeintError: there is no vote.
    """
    found: dict[str, list[float]] = {}
    for one in votes:
        threshold = one.threshold(rule)
        if threshold is not None:
            found.setdefault(one.reaction, []).append(threshold)
    every = [threshold for some in found.values() for threshold in some]
    if not every:
        raise FeintError(
            "No judge voted for any eps, so there is no threshold. Ask more judges.",
            code="no-votes",
        )
    return {name: sum(some) / len(some) for name, some in found.items()}, sum(every) / len(every)


def vote_warnings(votes: Sequence[Votes], judges: int | None = None) -> list[EvaluationWarning]:
    """Warnings about the votes; docs/survey-threshold.md has a paragraph for each code.

    Args:
        votes: the votes of each objective.
        judges: how many the source of the votes states.
    """
    found = []

    def warn(code: str, about: str, sentence: str) -> None:
        message = f"{about}: {sentence}" if about else sentence
        found.append(EvaluationWarning(code, about, message))

    totals = [one.total + one.none + one.missing for one in votes]
    if judges is not None and any(total != judges for total in totals):
        warn(
            "incomplete-votes",
            "",
            f"The votes total {join_words(totals)}, not {judges}: some judges are "
            "counted neither for an eps, nor for none, nor as missing.",
        )
    for one in votes:
        name = f"{one.action} -> {one.reaction}" if one.action else one.reaction
        if one.tied:
            most = max(one.votes)
            warn("tied-votes", name, f"two eps have {most} votes; the smaller one counts.")
        if one.none > max(one.votes):
            warn(
                "mostly-none",
                name,
                f"{one.none} judges saw it nowhere, and at most {max(one.votes)} at one "
                "eps. Its threshold is that of a minority.",
            )
        if not one.total:
            warn("no-votes", name, "no judge chose an eps, so it has no threshold.")
        if any(near >= far for far, near in zip(one.distances, one.distances[1:], strict=False)):
            warn("distances-not-falling", name, "the distances do not fall as eps rises.")
    return found


@dataclass(frozen=True)
class VoteTable:
    """The votes of a survey without the answers of single judges.

    Attributes:
        votes: one an objective.
        source: where they are from.
        judges: how many the source states.
    """

    votes: tuple[Votes, ...]
    source: str
    judges: int | None = None


def read(path: Path) -> VoteTable:
    """Read votes from a TOML or CSV file.

    TOML: `source`, `judges`, and per objective `[[objective]]` with `reaction`, `votes`,
    `distances` and perhaps `action`, `none`, `missing`.  CSV: a line a panel by rising eps, with
    `reaction`, `distance`, `votes`; without a distance the votes are "none of them".

    Raises:
        FeintError: there is no such file, or it holds no votes.
    """
    try:
        if path.suffix.lower() == ".csv":
            content = _csv(path)
        else:
            content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        objectives = [
            Votes(**{**one, "votes": tuple(one["votes"]), "distances": tuple(one["distances"])})
            for one in content.pop("objective")
        ]
        source, judges = content.pop("source", path.name), content.pop("judges", None)
        table = VoteTable(tuple(objectives), source, judges)
    except (OSError, UnicodeDecodeError) as error:
        raise FeintError(
            f"Could not read the votes in {path}: {error}.", code="unreadable-file"
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FeintError(
            f"{path} holds no votes ({type(error).__name__}: {error}). Expected a file like "
            "examples/table1.toml.",
            code="bad-votes",
        ) from error
    if content or not objectives or type(source) is not str or type(judges) not in (int, NoneType):
        raise FeintError(
            f"{path} holds no votes: got {', '.join(content) or 'no objective, or wrong types'}. "
            "Expected `source` (text), `judges` (a whole number) and [[objective]], as in "
            "examples/table1.toml.",
            code="bad-votes",
        )
    return table


def _csv(path: Path) -> dict[str, Any]:
    """The content of a CSV file, as a TOML file would have it."""
    found: dict[str, dict[str, Any]] = {}
    (_, names), *rows = read_rows(path, LARGEST_FILE)
    for _, cells in rows:
        line = dict(zip(names, cells, strict=True))
        name = line["reaction"]
        one = found.setdefault(name, {"reaction": name, "votes": [], "distances": []})
        if line["distance"]:
            one["votes"].append(int(line["votes"]))
            one["distances"].append(float(line["distance"]))
        else:
            one["none"] = one.get("none", 0) + int(line["votes"])
    return {"objective": list(found.values()), "source": path.name}
