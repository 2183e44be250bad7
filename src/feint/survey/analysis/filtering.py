"""Which answers count: read answers, check them against the plan, exclude judges.

A trial's ground truth comes from the plan, never from the answers' file.  Practice trials and catch
trials are not counted.  A missing answer (null) is neither "none" nor wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from feint.errors import FeintError
from feint.io.parquet_guard import validate
from feint.survey.study.schema import Study, Trial

REQUIRED_COLUMNS = ("study", "judge", "trial", "choice")
MAX_BYTES = 200_000_000
"""The size limit of an answers' file."""
MAX_ANSWERS = 5_000_000


@dataclass(frozen=True)
class ExclusionRule:
    """Exclude judges who answer too many catch trials wrong.

    Attributes:
        max_catch_errors: catch trials that a judge may answer wrong.
        min_catch_trials: catch trials that a judge must have answered to be excluded; a catch
            trial without an answer does not count.
    """

    max_catch_errors: int = 1
    min_catch_trials: int = 2

    def __post_init__(self) -> None:
        if self.max_catch_errors < 0 or self.min_catch_trials < 1:
            raise FeintError(
                f"The exclusion rule allows {self.max_catch_errors} errors in at least "
                f"{self.min_catch_trials} catch trials; expected 0 or more errors and 1 or more "
                "trials.",
                code="bad-exclusion-rule",
            )

    @property
    def sentence(self) -> str:
        """The rule as a sentence."""
        return (
            f"Excluded: judges with more than {self.max_catch_errors} wrong answers to "
            f"{self.min_catch_trials} or more answered catch trials."
        )


@dataclass(frozen=True)
class FilteredAnswers:
    """A study's answers, and the judges who are excluded.

    Attributes:
        study: the study's plan.
        all_answers: (judge, trial, choice) of every answer, missing ones included, sorted.
        excluded: ids of the excluded judges.
    """

    study: Study
    all_answers: pl.DataFrame
    excluded: tuple[str, ...]

    @cached_property
    def judges(self) -> tuple[str, ...]:
        """The judges who are not excluded, sorted."""
        return tuple(sorted(set(self.all_answers["judge"]) - set(self.excluded)))

    @cached_property
    def counted(self) -> pl.DataFrame:
        """(judge, trial, choice) of these judges, without practice and catch trials."""
        counts = [t.name for t in self.study.trials if not t.practice and not t.catch]
        return self.all_answers.filter(
            pl.col("trial").is_in(counts), ~pl.col("judge").is_in(list(self.excluded))
        )

    @cached_property
    def given(self) -> pl.DataFrame:
        """`counted` without missing answers."""
        return self.counted.drop_nulls("choice")

    def trials(self, kind: str) -> list[Trial]:
        """The trials of a kind that count, in the plan's order."""
        return [t for t in self.study.trials if t.kind == kind and not t.practice and not t.catch]

    def tally(self, trial: Trial) -> tuple[dict[str, int], int]:
        """The number of choices of each option, and of missing answers."""
        some = self.counted.filter(pl.col("trial") == trial.name)["choice"]
        found = dict.fromkeys((option.value for option in trial.options), 0)
        for choice in some.drop_nulls():
            found[choice] += 1
        return found, int(some.null_count())

    def without_exclusions(self) -> "FilteredAnswers":
        """The same answers with no judge excluded."""
        return FilteredAnswers(self.study, self.all_answers, ())


def filter_answers(
    study: Study, answers: pl.DataFrame, rule: ExclusionRule | None = None
) -> FilteredAnswers:
    """Check answers against a study's plan, and exclude judges.

    Args:
        study: the study's plan.
        answers: a table with at least the columns study, judge, trial and choice.
        rule: which judges to exclude; None excludes no judge.

    Raises:
        FeintError: the answers belong to another study, name an unknown trial or choice, or answer
            a trial twice.
    """
    if "choice" not in answers.columns and "response" in answers.columns:
        answers = answers.rename({"response": "choice"})
    missing = [name for name in REQUIRED_COLUMNS if name not in answers.columns]
    if missing:
        raise FeintError(
            f"The answers lack the columns {', '.join(missing)}; expected "
            f"{', '.join(REQUIRED_COLUMNS)}, as `feint survey export` writes them.",
            code="missing-columns",
        )
    table = answers.select(pl.col(name).cast(pl.String) for name in REQUIRED_COLUMNS)
    others = sorted({str(one)[:12] for one in table["study"] if one != study.id})
    if others:
        raise FeintError(
            f"The answers belong to the study {', '.join(others[:3])}; expected {study.id[:12]}. "
            "Use the answers that were given to this study.",
            code="other-study",
        )
    if table["judge"].null_count() or table["trial"].null_count():
        raise FeintError(
            "Some answers have no judge or no trial. Export the answers again.",
            code="missing-values",
        )
    _check_choices(study.by_name, table)
    twice = table.group_by("judge", "trial").len().filter(pl.col("len") > 1)
    if len(twice):
        judge, trial, n = twice.sort("judge", "trial").row(0)
        raise FeintError(
            f"Judge {judge} has {n} answers to trial {trial}; expected one. Export the answers "
            "again.",
            code="duplicate-answers",
        )
    all_answers = table.select("judge", "trial", "choice").sort("judge", "trial")
    return FilteredAnswers(study, all_answers, _excluded(study, all_answers, rule))


def read_answers(path: Path) -> pl.DataFrame:
    """Read exported answers, Parquet or CSV, with a column `choice` or jsPsych's `response`.

    Raises:
        FeintError: the file cannot be read, is too large, or is not a table.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise FeintError(
            f"Could not read the answers in {path}: {error}.", code="cannot-read"
        ) from error
    if content is None:
        raise FeintError(
            f"{path} has more than {MAX_BYTES} bytes; expected the answers to one study.",
            code="file-too-large",
        )
    try:
        if path.suffix.lower() == ".csv":
            found = pl.read_csv(
                content, infer_schema=False, null_values=["", "null"], n_rows=MAX_ANSWERS
            )
        else:
            validate(content)
            found = pl.read_parquet(content, n_rows=MAX_ANSWERS)
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise FeintError(
            f"{path} is not a table of answers ({_first_line(error)}). Expected Parquet or CSV, as "
            "`feint survey export` writes it.",
            code="bad-answers",
        ) from error
    return found


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0][:200]


def _check_choices(trials: Mapping[str, Trial], table: pl.DataFrame) -> None:
    options = {name: {option.value for option in trial.options} for name, trial in trials.items()}
    for name, choice in table.select("trial", "choice").unique().sort("trial", "choice").rows():
        if name not in trials:
            raise FeintError(
                f"The answers name a trial {name[:64]!r}, which the study does not have.",
                code="unknown-trial",
            )
        if choice is not None and choice not in options[name]:
            raise FeintError(
                f"An answer chooses {choice[:100]!r} in trial {name}; expected one of "
                f"{', '.join(sorted(options[name]))}, or no choice.",
                code="unknown-choice",
            )


def _excluded(
    study: Study, all_answers: pl.DataFrame, rule: ExclusionRule | None
) -> tuple[str, ...]:
    if rule is None:
        return ()
    right = {t.name: t.expected for t in study.trials if t.catch and not t.practice}
    if not right:
        return ()
    answered = all_answers.drop_nulls("choice").filter(pl.col("trial").is_in(list(right)))
    known = pl.DataFrame({"trial": list(right), "right": list(right.values())})
    per_judge = (
        answered.join(known, on="trial")
        .group_by("judge")
        .agg(errors=(pl.col("choice") != pl.col("right")).sum(), answered=pl.len())
    )
    excluded = per_judge.filter(
        pl.col("errors") > rule.max_catch_errors, pl.col("answered") >= rule.min_catch_trials
    )
    return tuple(sorted(excluded["judge"]))
