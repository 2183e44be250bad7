"""Commands that read a run: status, verify, diff, report.  They train and attack nothing.

The work is done in `feint.experiments` and `feint.report`; this file has the options.
"""

from pathlib import Path
from typing import Annotated

import typer

from feint.cli.options import RunFolder


def status(
    folder: RunFolder,
    jobs: Annotated[bool, typer.Option("--jobs", help="List every job.")] = False,
) -> None:
    """Show what of a run is done, what is left and how long that may take."""
    from feint.experiments import status as progress
    from feint.report import terminal

    if jobs:
        for state, job in progress.states(folder):
            typer.echo(f"{state:6} {job.key} {job.name}")
        return
    terminal.show_status(progress.status(folder))


def verify(
    folder: RunFolder,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the code of users' models that the run names.")
    ] = False,
) -> None:
    """Recompute every stored perturbation and row; exits with 1 if anything is wrong."""
    from feint.experiments.run_folder import describe
    from feint.experiments.verification import verify as check
    from feint.jobs.lock import Lock
    from feint.report import terminal

    describe(folder)  # before a lock is written into a folder that is not a run
    with Lock(folder):
        found = check(folder, trust)
    terminal.show_verification(found)
    if not found.ok:
        raise typer.Exit(1)


def diff(
    a: Annotated[Path, typer.Argument(help="A run's folder.")],
    b: Annotated[Path, typer.Argument(help="The other run's folder.")],
) -> None:
    """Show the differences between two runs, in settings and in results."""
    from feint.experiments import diff as diff_module
    from feint.report import terminal

    terminal.show_difference(diff_module.diff(a, b), str(a), str(b))


def report(
    folder: RunFolder,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report's numbers as JSON; write no page.")
    ] = False,
    attack: Annotated[
        str, typer.Option(help="Of several attacks, the one to report on; the first by default.")
    ] = "",
) -> None:
    """Show a run's results and write its report; runs no model."""
    from feint.report import json_report, page, terminal
    from feint.report.run_data import RunData

    if as_json:
        typer.echo(json_report.to_json(RunData.load(folder, attack)))
        return
    written = page.write(folder, attack)
    terminal.show(folder, attack)
    typer.echo(f"Report: {written}")
