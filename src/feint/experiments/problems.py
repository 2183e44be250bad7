"""What `feint verify` finds: counts, and a sentence for each problem.

`verification.py` fills a `Verification`, `report/terminal.py` prints it.
"""

from dataclasses import dataclass, field
from typing import Any

from feint.errors import FeintError

MAX_PROBLEMS = 20
"""Problems that are listed."""


@dataclass
class Verification:
    """What was checked, and what is wrong.

    Attributes:
        results: how many finished jobs had their checksums checked; damaged: how many of them
            were quarantined.
        rows: how many were recomputed.
        largest: the largest relative difference of a distance.
        problems: a sentence each; the first `MAX_PROBLEMS`.
        wrong: how many problems there are in all.
    """

    results: int = 0
    damaged: int = 0
    rows: int = 0
    largest: float = 0.0
    problems: list[str] = field(default_factory=list)
    wrong: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong and not self.damaged

    def say(self, sentence: str) -> None:
        """One more problem."""
        self.wrong += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(sentence)


class Problems:
    """Turns an error inside the block into one of the problems found."""

    def __init__(self, found: Verification, about: str) -> None:
        self.found, self.about = found, about

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if not isinstance(error, Exception):
            return False
        name = "" if isinstance(error, FeintError) else f"{type(error).__name__}: "
        self.found.say(f"{self.about}: {name}{error}")
        return True
