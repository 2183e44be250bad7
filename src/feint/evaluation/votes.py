"""From votes to kappa, as the paper has it (section 5.1): no curve, no interval.

Judges see an objective's sequences by rising eps and choose the leftmost that performs the target
reaction.  An eps has as many votes as judges chose it, and a distance (equation 7).  Kappa is the
distance at one eps:

"paper"    the eps with the most votes: what Table 1 prints in bold.
"minimum"  the smallest eps that anybody chose: "the minimum eps polled", read literally.

The text says the one and the table the other; feint has both.  Where two eps have the most votes,
the smaller one counts: the leftmost, as judges were asked.  "None of them" is no eps, and a missing
answer is no vote; both are counted beside.  Classes that were not asked get the objectives' mean.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from feint.errors import FeintError
from feint.io.csv_reader import read_rows

Reading = Literal["paper", "minimum"]
"""Of "the minimum epsilon polled": the most voted, or the smallest with any vote."""
MOST = 1_000_000
LARGEST_FILE = 2**20


@dataclass(frozen=True)
class Votes:
    """What judges chose of one objective.

    Attributes:
        reaction: the class that was wanted.
        votes: by rising eps.
        distances: to the target at each eps, equation 7.
        none: judges who said that none of them performs it.
        missing: judges who were asked and did not answer.
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
                f"{len(self.distances)}; expected one of each for every eps."
            )
        if not all(type(n) is int and 0 <= n <= MOST for n in counts):
            raise FeintError(
                f"The votes for {self.reaction!r} are {counts}; expected whole numbers from 0 to "
                f"{MOST}."
            )
        if not all(0 < d < float("inf") for d in self.distances):
            raise FeintError(
                f"The distances for {self.reaction!r} are {self.distances}; expected finite "
                "numbers above 0."
            )

    @property
    def total(self) -> int:
        """Judges who chose an eps."""
        return sum(self.votes)

    @property
    def tied(self) -> bool:
        """Whether two eps have the most votes."""
        return self.total > 0 and self.votes.count(max(self.votes)) > 1

    def place(self, reading: Reading = "paper") -> int | None:
        """Which eps decides, from 0; None if nobody chose one."""
        if not self.total:
            return None
        if reading == "minimum":
            return next(i for i, n in enumerate(self.votes) if n)
        return self.votes.index(max(self.votes))

    def kappa(self, reading: Reading = "paper") -> float | None:
        """The distance at that eps; None if nobody chose one."""
        place = self.place(reading)
        return None if place is None else self.distances[place]


def kappas(votes: Sequence[Votes], reading: Reading = "paper") -> tuple[dict[str, float], float]:
    """Kappa of every reaction that was asked (several objectives: their mean), and of all others.

    Raises:
        FeintError: nobody chose anything.
    """
    found: dict[str, list[float]] = {}
    for one in votes:
        kappa = one.kappa(reading)
        if kappa is not None:
            found.setdefault(one.reaction, []).append(kappa)
    every = [kappa for some in found.values() for kappa in some]
    if not every:
        raise FeintError("There is no vote for any eps, so that there is no kappa. Ask judges.")
    return {name: sum(some) / len(some) for name, some in found.items()}, sum(every) / len(every)


def doubts(votes: Sequence[Votes], judges: int | None = None) -> list[str]:
    """What a reader must know of the votes, a sentence each.

    Args:
        judges: how many there are said to be.
    """
    told = []
    totals = [one.total + one.none + one.missing for one in votes]
    if judges is not None and any(total != judges for total in totals):
        told.append(
            f"The votes total {_listed(totals)}, not {judges}: some judges are neither counted "
            "for an eps, nor for none, nor as missing."
        )
    for one in votes:
        name = f"{one.action} -> {one.reaction}" if one.action else one.reaction
        if one.tied:
            told.append(f"{name}: two eps have {max(one.votes)} votes; the smaller one counts.")
        if one.none > max(one.votes):
            told.append(
                f"{name}: {one.none} judges saw it nowhere, and at most {max(one.votes)} at one "
                "eps. Its kappa is what a minority saw."
            )
        if not one.total:
            told.append(f"{name}: nobody chose an eps, so that it has no kappa.")
        if any(near >= far for far, near in zip(one.distances, one.distances[1:], strict=False)):
            told.append(f"{name}: the distances do not fall as eps rises.")
    return told


@dataclass(frozen=True)
class Poll:
    """A survey as it is printed: votes and no judges.

    Attributes:
        votes: an objective each.
        source: where it is from, in words.
        judges: how many there are said to be.
    """

    votes: tuple[Votes, ...]
    source: str
    judges: int | None = None


def read(path: Path) -> Poll:
    """Read votes that somebody typed in.

    TOML: `source`, `judges`, and per objective `[[objective]]` with `reaction`, `votes`,
    `distances` and perhaps `action`, `none`, `missing`.  CSV: a line a panel by rising eps, with
    `reaction`, `distance`, `votes`; without a distance the votes are "none of them".

    Raises:
        FeintError: no such file, or it tells no votes.
    """
    try:
        if path.suffix.lower() == ".csv":
            told = _csv(path)
        else:
            told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        objectives = [
            Votes(**{**one, "votes": tuple(one["votes"]), "distances": tuple(one["distances"])})
            for one in told.pop("objective")
        ]
        poll = Poll(tuple(objectives), told.pop("source", path.name), told.pop("judges", None))
    except (OSError, UnicodeDecodeError) as error:
        raise FeintError(f"Could not read the votes in {path}: {error}.") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FeintError(
            f"{path} tells no votes ({type(error).__name__}: {error}). Expected a file like "
            "examples/table1.toml."
        ) from error
    if told or not objectives or type(poll.source) is not str or type(poll.judges) not in _WHOLE:
        raise FeintError(
            f"{path} tells no votes: got {', '.join(told) or 'no objective, or wrong words'}. "
            "Expected `source` (words), `judges` (a whole number) and [[objective]], as in "
            "examples/table1.toml."
        )
    return poll


_WHOLE = (int, type(None))


def _csv(path: Path) -> dict[str, Any]:
    """The same as the TOML's dictionary."""
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


def _listed(numbers: Sequence[int]) -> str:
    words = [str(n) for n in numbers]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
