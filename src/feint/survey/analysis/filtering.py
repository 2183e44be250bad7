"""Which answers count: read, checked against the study's plan, and sorted by what was asked.

What was true of a trial is taken from the plan, never from the answers' file.  Practice trials and
catch trials are not counted.  A missing answer (null) is no answer: neither "none", nor wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from feint.errors import FeintError
from feint.io.parquet_guard import validate
from feint.survey.study.schema import Study, Trial

NEEDED = ("study", "judge", "trial", "choice")
MOST = 200_000_000
"""Bytes of an answers' file."""
MOST_ANSWERS = 5_000_000


@dataclass(frozen=True)
class Rule:
    """Who is not counted: more than `allowed` catch trials missed of at least `least` answered.

    A catch trial that was not answered is not missed, and not answered.
    """

    allowed: int = 1
    least: int = 2

    def __post_init__(self) -> None:
        if self.allowed < 0 or self.least < 1:
            raise FeintError(
                f"The rule allows {self.allowed} misses of {self.least}; expected 0 or more of 1 "
                "or more."
            )

    @property
    def words(self) -> str:
        """The rule as a sentence."""
        return (
            f"Left out: judges with more than {self.allowed} wrong of {self.least} or more catch "
            "trials answered."
        )


@dataclass(frozen=True)
class Counted:
    """A study's answers.

    Attributes:
        study: its plan.
        every: (judge, trial, choice) of all answers, missing ones included, sorted.
        excluded: judges who are left out.
    """

    study: Study
    every: pl.DataFrame
    excluded: tuple[str, ...]

    @cached_property
    def judges(self) -> tuple[str, ...]:
        """Who is counted: everybody with a row who is not left out."""
        return tuple(sorted(set(self.every["judge"]) - set(self.excluded)))

    @cached_property
    def asked(self) -> pl.DataFrame:
        """(judge, trial, choice) of the judges counted: no practice, no catch trials."""
        counts = [t.name for t in self.study.trials if not t.practice and not t.catch]
        return self.every.filter(
            pl.col("trial").is_in(counts), ~pl.col("judge").is_in(list(self.excluded))
        )

    @cached_property
    def given(self) -> pl.DataFrame:
        """`asked` without the missing ones."""
        return self.asked.drop_nulls("choice")

    def trials(self, kind: str) -> list[Trial]:
        """The trials of a kind that count, in the plan's order."""
        return [t for t in self.study.trials if t.kind == kind and not t.practice and not t.catch]

    def tally(self, trial: Trial) -> tuple[dict[str, int], int]:
        """How often each option was chosen, and how often nothing."""
        some = self.asked.filter(pl.col("trial") == trial.name)["choice"]
        found = dict.fromkeys((option.value for option in trial.options), 0)
        for choice in some.drop_nulls():
            found[choice] += 1
        return found, int(some.null_count())

    def everybody(self) -> "Counted":
        """The same with nobody left out."""
        return Counted(self.study, self.every, ())


def count(study: Study, answers: pl.DataFrame, rule: Rule | None = None) -> Counted:
    """Check answers against a study's plan.

    Args:
        answers: columns study, judge, trial and choice at least.
        rule: who is left out; None leaves out nobody.

    Raises:
        FeintError: they are of another study, tell of a trial or choice that the plan has not, or
            answer a trial twice.
    """
    if "choice" not in answers.columns and "response" in answers.columns:
        answers = answers.rename({"response": "choice"})
    lacking = [name for name in NEEDED if name not in answers.columns]
    if lacking:
        raise FeintError(
            f"The answers have no column {', '.join(lacking)}; expected {', '.join(NEEDED)} as "
            "`feint survey export` writes them."
        )
    table = answers.select(pl.col(name).cast(pl.String) for name in NEEDED)
    others = sorted({str(one)[:12] for one in table["study"] if one != study.id})
    if others:
        raise FeintError(
            f"The answers are of the study {', '.join(others[:3])}; expected {study.id[:12]}. "
            "Answers belong to the study they were given to, and to no other."
        )
    if table["judge"].null_count() or table["trial"].null_count():
        raise FeintError("The answers name no judge or no trial in some rows.")
    _known(study.by_name, table)
    twice = table.group_by("judge", "trial").len().filter(pl.col("len") > 1)
    if len(twice):
        judge, trial, n = twice.sort("judge", "trial").row(0)
        raise FeintError(
            f"Judge {judge} answers trial {trial} {n} times; expected once. Export the answers "
            "again."
        )
    every = table.select("judge", "trial", "choice").sort("judge", "trial")
    return Counted(study, every, _excluded(study, every, rule))


def read(path: Path) -> pl.DataFrame:
    """Read exported answers, Parquet or CSV, with `choice` or jsPsych's `response`.

    Raises:
        FeintError: no such file, too large, or no table.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= MOST else None
    except OSError as error:
        raise FeintError(f"Could not read the answers in {path}: {error}.") from error
    if content is None:
        raise FeintError(f"{path} has more than {MOST} bytes; expected the answers to one study.")
    try:
        if path.suffix.lower() == ".csv":
            found = pl.read_csv(
                content, infer_schema=False, null_values=["", "null"], n_rows=MOST_ANSWERS
            )
        else:
            validate(content)
            found = pl.read_parquet(content, n_rows=MOST_ANSWERS)
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise FeintError(
            f"{path} is no table of answers ({_first(error)}). Expected Parquet "
            "as `feint survey export` writes it, or CSV."
        ) from error
    return found


def _first(error: Exception) -> str:
    """The first line of what went wrong."""
    return str(error).split("\n")[0][:200]


def _known(trials: Mapping[str, Trial], table: pl.DataFrame) -> None:
    options = {name: {option.value for option in trial.options} for name, trial in trials.items()}
    for name, choice in table.select("trial", "choice").unique().sort("trial", "choice").rows():
        if name not in trials:
            raise FeintError(
                f"The answers tell of a trial {name[:64]!r}; the study has none of that name."
            )
        if choice is not None and choice not in options[name]:
            raise FeintError(
                f"The answers choose {choice[:100]!r} in trial {name}; expected one of "
                f"{', '.join(sorted(options[name]))}, or nothing."
            )


def _excluded(study: Study, every: pl.DataFrame, rule: Rule | None) -> tuple[str, ...]:
    if rule is None:
        return ()
    right = {t.name: t.expected for t in study.trials if t.catch and not t.practice}
    if not right:
        return ()
    caught = every.drop_nulls("choice").filter(pl.col("trial").is_in(list(right)))
    known = pl.DataFrame({"trial": list(right), "right": list(right.values())})
    per_judge = (
        caught.join(known, on="trial")
        .group_by("judge")
        .agg(missed=(pl.col("choice") != pl.col("right")).sum(), answered=pl.len())
    )
    out = per_judge.filter(pl.col("missed") > rule.allowed, pl.col("answered") >= rule.least)[
        "judge"
    ]
    return tuple(sorted(out))
