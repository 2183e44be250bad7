"""`feint survey kappa`: what the judges' answers say, and a tolerance from them."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from feint.errors import FeintError

if TYPE_CHECKING:
    import polars as pl

    from feint.survey.study.schema import Study


def kappa(
    study: Annotated[
        Path | None, typer.Argument(help="A study's folder; none with --votes.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Exported answers, .parquet or .csv.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="The study's database, if not its own SQLite file.")
    ] = None,
    votes: Annotated[
        Path | None,
        typer.Option(help="Votes and distances typed in, .toml or .csv: examples/table1.toml."),
    ] = None,
    method: Annotated[
        Literal["paper", "minimum", "psychometric"] | None,
        typer.Option(
            help="What --out holds: the most voted eps, the smallest with any vote, or the "
            "distance half recognise (if not given; with --votes the paper's)."
        ),
    ] = None,
    norm: Annotated[
        Literal["frame", "joint"], typer.Option(help="Norm of a frame in equation 7.")
    ] = "frame",
    allowed: Annotated[
        int, typer.Option(help="Catch trials a judge may miss and still be counted.")
    ] = 1,
    least: Annotated[
        int, typer.Option(help="Catch trials a judge must have answered to be left out.")
    ] = 2,
    everybody: Annotated[bool, typer.Option("--everybody", help="Leave out nobody.")] = False,
    draws: Annotated[int, typer.Option(min=50, max=100_000, help="Resamples of judges.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Write a tolerance file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Estimate kappa from judges' answers, or from votes; runs no model."""
    _need()
    from feint.survey.analysis import estimate, filtering, terminal
    from feint.survey.study.schema import Study

    if votes is not None:
        if study is not None or answers is not None or database is not None:
            raise FeintError("--votes stands alone: leave out the study, its answers and database.")
        from feint.evaluation.votes import read

        found = estimate.from_votes(read(votes), draws, seed)
        method = method or "paper"
    elif study is None:
        raise FeintError("Name a study's folder, or votes with --votes FILE.")
    else:
        plan = Study.load(study)
        rule = None if everybody else filtering.Rule(allowed, least)
        table = filtering.read(answers) if answers is not None else _stored(study, plan, database)
        found = estimate.estimate(plan, table, rule, norm, draws, seed)
    method = method or "psychometric"
    if as_json:
        typer.echo(json.dumps(found.told(), indent=2, allow_nan=False))
    else:
        terminal.show(found)
    if out is not None:
        if out.suffix != ".json":
            raise FeintError(f"{out} does not end in .json, as a tolerance file does.")
        found.tolerance(method).save(out)
        typer.echo(f"Tolerance ({method}): {out}", err=as_json)


def _stored(folder: Path, study: "Study", database: str | None) -> "pl.DataFrame":
    """The answers in the study's database, or in another one."""
    from feint.survey.answers.database import answers_of

    with answers_of(folder, database) as storage:
        return storage.answers(study.id)


def _need() -> None:
    lacking = [n for n in ("krippendorff", "scipy", "statsmodels") if find_spec(n) is None]
    if lacking:
        raise FeintError(
            f"feint survey kappa needs {', '.join(lacking)}, which is not installed. Expected: pip "
            "install 'feint[survey]'"
        )
