"""`feint survey serve`, `export`, `collect`, `forget`: a study's judges and their answers."""

from pathlib import Path
from typing import Annotated

import typer

from feint.errors import FeintError

StudyFolder = Annotated[
    Path, typer.Argument(metavar="STUDY", help="A study's folder, from `feint survey make`.")
]
Database = Annotated[
    str | None,
    typer.Option(
        envvar="FEINT_DATABASE",
        help="postgresql://USER:PASSWORD@HOST/NAME, or sqlite:///PATH; STUDY/answers.sqlite if "
        "not given.",
        show_envvar=True,
    ),
]


def serve(
    study: StudyFolder,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    database: Database = None,
    admin_token_file: Annotated[
        Path | None,
        typer.Option(help="A file with the researcher's token; else FEINT_ADMIN_TOKEN, else new."),
    ] = None,
    judges: Annotated[int, typer.Option(min=1, help="How many may take part.")] = 2000,
    joins: Annotated[
        int, typer.Option(min=1, help="New judges a minute from one address, and at once.")
    ] = 60,
    trust_proxy: Annotated[
        str, typer.Option(help="Addresses whose X-Forwarded-For is believed, by commas.")
    ] = "127.0.0.1",
) -> None:
    """Ask people: serve a study's page, and store every answer at once."""
    from feint.survey.server.middleware import Limits
    from feint.survey.server.run import run, token

    limits = Limits(judges=judges, joins=joins)
    run(study, host, port, database, token(admin_token_file), limits, trust_proxy)


def export(
    study: StudyFolder,
    out: Annotated[
        Path | None, typer.Option("--out", help="Answers as a table: a .csv or .parquet file.")
    ] = None,
    static: Annotated[
        Path | None,
        typer.Option(help="The study as files, for JATOS, DataPipe, any web space: a new folder."),
    ] = None,
    send: Annotated[
        str | None, typer.Option(help="With --static: where the page sends answers, a URL.")
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="With --send to DataPipe: the experiment's id.")
    ] = None,
    database: Database = None,
) -> None:
    """Write a study's answers to a file, or the study itself as files to be hosted elsewhere."""
    from feint.survey.answers import export as table
    from feint.survey.answers.database import answers_of
    from feint.survey.server import static_export as files
    from feint.survey.study.schema import Study

    if out is None and static is None:
        raise FeintError("Nothing to write; expected --out answers.csv, or --static FOLDER.")
    if static is None and (send is not None or experiment is not None):
        raise FeintError("--send and --experiment are of a study as files; expected --static, too.")
    plan = Study.load(study)
    if static is not None:
        files.write(plan, study, static, send, experiment)
        typer.echo(f"Study: {static}")
    if out is not None:
        with answers_of(study, database) as storage:
            answers = storage.answers(plan.id)
        table.write(answers, out)
        typer.echo(f"{len(answers)} answers: {out}")


def collect(
    study: StudyFolder,
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="What judges' pages handed over.")
    ],
    database: Database = None,
) -> None:
    """Store answers that came as files; to do it twice changes nothing."""
    from contextlib import closing

    from feint.survey.answers.database import Storage, beside
    from feint.survey.answers.import_files import collect as store
    from feint.survey.study.schema import Study

    plan = Study.load(study)
    with closing(Storage(database or beside(study))) as storage:
        found = store(plan, storage, paths)
    typer.echo(
        f"{found.stored} answers stored, {found.judges} new judges; {found.same} were there before."
    )
    if found.other:
        typer.echo(f"{found.other} say otherwise than what is stored, which was kept.")


def forget(
    study: StudyFolder,
    judge: Annotated[str, typer.Argument(metavar="JUDGE", help="The number they were told.")],
    database: Database = None,
) -> None:
    """Delete a judge who withdraws, and all their answers."""
    from feint.survey.answers.database import answers_of
    from feint.survey.study.schema import Study

    plan = Study.load(study)
    with answers_of(study, database) as storage:
        gone = storage.forget(plan.id, judge.strip().lower())
    if gone is None:
        raise FeintError(
            f"The study has no judge {judge}; expected the number on their last page, 32 letters "
            "and digits."
        )
    typer.echo(f"Deleted the judge {judge} and {gone} answers.")


COMMANDS = (serve, export, collect, forget)
