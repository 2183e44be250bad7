"""`feint survey threshold`: estimate a tolerance from judges' answers, or from votes."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from feint.errors import FeintError

if TYPE_CHECKING:
    from feint.survey.analysis.filtering import ExclusionRule
    from feint.survey.analysis.results import Estimate


def threshold(
    study: Annotated[
        Path | None, typer.Argument(help="A study's folder; leave it out with --votes.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Exported answers, .parquet or .csv.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="URL of the study's database, if not its own SQLite file.")
    ] = None,
    votes: Annotated[
        Path | None,
        typer.Option(help="Votes and distances in a .toml or .csv, as in examples/table1.toml."),
    ] = None,
    method: Annotated[
        Literal["paper", "minimum", "psychometric"] | None,
        typer.Option(
            help="Tolerance that --out contains: the distance at the most voted eps, at the "
            "smallest voted eps, or the one that half recognise. Default: psychometric; with "
            "--votes paper."
        ),
    ] = None,
    norm: Annotated[Literal["frame", "joint"], typer.Option(help="Norm of equation 7.")] = "frame",
    max_catch_errors: Annotated[
        int, typer.Option(help="Catch trials that a judge may answer wrong.")
    ] = 1,
    min_catch_trials: Annotated[
        int, typer.Option(help="Answered catch trials that are needed to exclude a judge.")
    ] = 2,
    no_exclusions: Annotated[
        bool, typer.Option("--no-exclusions", help="Do not exclude any judge.")
    ] = False,
    draws: Annotated[
        int, typer.Option(min=50, max=100_000, help="Number of resamples of judges.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resamples.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Write a tolerance file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all results as JSON.")] = False,
) -> None:
    """Estimate the tolerance from judges' answers, or from votes. Runs no model."""
    _check_packages()
    if out is not None and out.suffix != ".json":
        raise FeintError(f"--out is {out}; expected a name that ends in .json.", code="bad-suffix")
    if votes is not None:
        if study is not None or answers is not None or database is not None:
            raise FeintError(
                "--votes cannot be combined with a study, --answers or --database.",
                code="conflicting-options",
            )
        found = _from_votes(votes, draws, seed)
    elif study is None:
        raise FeintError(
            "Expected a study's folder, or votes with --votes FILE.", code="missing-option"
        )
    else:
        from feint.survey.analysis.filtering import ExclusionRule

        rule = None if no_exclusions else ExclusionRule(max_catch_errors, min_catch_trials)
        found = _from_study(study, answers, database, rule, norm, draws, seed)
    _show(found, method or ("psychometric" if votes is None else "paper"), out, as_json)


def _from_votes(path: Path, draws: int, seed: int) -> "Estimate":
    from feint.evaluation.votes import read
    from feint.survey.analysis.estimate import from_votes

    return from_votes(read(path), draws, seed)


def _from_study(
    folder: Path,
    answers: Path | None,
    database: str | None,
    rule: "ExclusionRule | None",
    norm: Literal["frame", "joint"],
    draws: int,
    seed: int,
) -> "Estimate":
    from feint.survey.analysis.estimate import estimate
    from feint.survey.analysis.filtering import read_answers
    from feint.survey.answers.database import open_answers
    from feint.survey.study.schema import Study

    plan = Study.load(folder)
    if answers is not None:
        table = read_answers(answers)
    else:
        with open_answers(folder, database) as storage:
            table = storage.answers(plan.id)
    return estimate(plan, table, rule, norm, draws, seed)


def _show(
    found: "Estimate",
    method: Literal["paper", "minimum", "psychometric"],
    out: Path | None,
    as_json: bool,
) -> None:
    from feint.survey.analysis import terminal

    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2, allow_nan=False))
    else:
        terminal.show(found)
    if out is not None:
        found.tolerance(method).save(out)
        typer.echo(f"Tolerance ({method}): {out}", err=as_json)


def _check_packages() -> None:
    missing = [n for n in ("krippendorff", "statsmodels") if find_spec(n) is None]
    if missing:
        raise FeintError(
            f"feint survey threshold needs {', '.join(missing)}, which is not installed. Expected: "
            "pip install 'feint[survey]'",
            code="missing-package",
        )
