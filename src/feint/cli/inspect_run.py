"""Commands that read a finished run: status, verify, diff, report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feint.cli.options import RunFolder

if TYPE_CHECKING:
    pass


def status(
    folder: RunFolder,
    jobs: Annotated[bool, typer.Option("--jobs", help="List every job.")] = False,
) -> None:
    """Tell what of a run is done, what is left and how long that may take."""
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
    """Work out every stored perturbation and row again; exits with 1 if anything is wrong."""
    from feint.experiments.run_folder import describe
    from feint.experiments.verification import verify as check
    from feint.jobs.lock import Lock
    from feint.report import terminal

    describe(folder)  # or no lock is put where no run is
    with Lock(folder):
        found = check(folder, trust)
    terminal.show_verification(found)
    if not found.ok:
        raise typer.Exit(1)


def diff(
    a: Annotated[Path, typer.Argument(help="A run's folder.")],
    b: Annotated[Path, typer.Argument(help="Another one's.")],
) -> None:
    """Tell what differs between two runs, and what it did to the results."""
    from feint.experiments import diff as diff_module
    from feint.report import terminal

    terminal.show_difference(diff_module.diff(a, b), str(a), str(b))


def report(
    folder: RunFolder,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what it says as JSON, and write no page.")
    ] = False,
    attack: Annotated[
        str, typer.Option(help="Of several attacks, the one to report on; the first by default.")
    ] = "",
) -> None:
    """Show a run's verdict and write its report; runs no model."""
    from feint.report import json_report, page, terminal
    from feint.report.run_data import RunData

    if as_json:
        typer.echo(json_report.to_json(RunData.load(folder, attack)))
        return
    written = page.write(folder, attack)
    terminal.show(folder, attack)
    typer.echo(f"Report: {written}")
