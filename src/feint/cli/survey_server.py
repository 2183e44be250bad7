"""`feint survey serve`, `export`, `import-answers`, `delete-judge`: judges and their answers."""

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
        help="postgresql://USER:PASSWORD@HOST/NAME or sqlite:///PATH. Default: "
        "STUDY/answers.sqlite.",
        show_envvar=True,
    ),
]


def serve(
    study: StudyFolder,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")
    ] = 8000,
    database: Database = None,
    admin_token_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with the admin token. Default: FEINT_ADMIN_TOKEN, or a new token."
        ),
    ] = None,
    max_judges: Annotated[int, typer.Option(min=1, help="Judges that may take part.")] = 2000,
    max_joins_per_minute: Annotated[
        int, typer.Option(min=1, help="New judges a minute from one address, also at once.")
    ] = 60,
    trust_proxy: Annotated[
        str,
        typer.Option(help="Addresses whose X-Forwarded-For is trusted, separated by commas."),
    ] = "127.0.0.1",
) -> None:
    """Serve a study's page to judges, and store every answer at once."""
    from feint.survey.server import run
    from feint.survey.server.middleware import ServerLimits

    limits = ServerLimits(max_judges=max_judges, joins_per_minute=max_joins_per_minute)
    token = run.read_admin_token(admin_token_file)
    run.serve(study, host, port, database, token, limits, trust_proxy)


def export(
    study: StudyFolder,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the answers to a .csv or .parquet file.")
    ] = None,
    static_dir: Annotated[
        Path | None,
        typer.Option(
            help="Write the study as static files into a new folder, for JATOS, DataPipe or any "
            "web space."
        ),
    ] = None,
    submit_url: Annotated[
        str | None, typer.Option(help="With --static-dir: the URL to which the page sends answers.")
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="With --submit-url of DataPipe: the experiment's id.")
    ] = None,
    database: Database = None,
) -> None:
    """Write a study's answers to a file, or the study as static files for another host."""
    from feint.survey.answers.database import open_answers
    from feint.survey.answers.export import write
    from feint.survey.server import static_export
    from feint.survey.study.schema import Study

    if out is None and static_dir is None:
        raise FeintError(
            "Nothing to write; expected --out answers.csv, or --static-dir FOLDER.",
            code="missing-option",
        )
    if static_dir is None and (submit_url is not None or experiment is not None):
        raise FeintError("--submit-url and --experiment need --static-dir.", code="missing-option")
    plan = Study.load(study)
    if static_dir is not None:
        static_export.write(plan, study, static_dir, submit_url, experiment)
        typer.echo(f"Study: {static_dir}")
    if out is not None:
        with open_answers(study, database) as storage:
            answers = storage.answers(plan.id)
        write(answers, out)
        typer.echo(f"{len(answers)} answers: {out}")


def import_answers(
    study: StudyFolder,
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files from the judges' pages.")
    ],
    database: Database = None,
) -> None:
    """Store answers from files. Importing a file twice changes nothing."""
    from contextlib import closing

    from feint.survey.answers import import_files
    from feint.survey.answers.database import Storage, default_url
    from feint.survey.study.schema import Study

    plan = Study.load(study)
    with closing(Storage(database or default_url(study))) as storage:
        found = import_files.import_answers(plan, storage, paths)
    typer.echo(
        f"{found.stored} answers stored, {found.judges} new judges; {found.unchanged} answers were "
        "stored before."
    )
    if found.conflicts:
        typer.echo(f"{found.conflicts} answers differ from the stored ones, which were kept.")


def delete_judge(
    study: StudyFolder,
    judge: Annotated[
        str, typer.Argument(metavar="JUDGE", help="The number on the judge's last page.")
    ],
    database: Database = None,
) -> None:
    """Delete a judge who withdraws, and all their answers."""
    from feint.survey.answers.database import open_answers
    from feint.survey.study.schema import Study

    plan = Study.load(study)
    with open_answers(study, database) as storage:
        deleted = storage.delete_judge(plan.id, judge.strip().lower())
    if deleted is None:
        raise FeintError(
            f"The study has no judge {judge}; expected the number on the judge's last page, 32 "
            "letters and digits.",
            code="unknown-judge",
        )
    typer.echo(f"Deleted the judge {judge} and {deleted} answers.")


COMMANDS = (serve, export, import_answers, delete_judge)
