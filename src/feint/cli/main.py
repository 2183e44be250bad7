"""The command line: thin; every command is a function of the library, and torch loads late."""

import sys
from typing import TYPE_CHECKING

import typer

from feint.cli import figures, inspect_run, run, survey
from feint.cli.data import data_app
from feint.errors import FeintError

if TYPE_CHECKING:
    pass

app = typer.Typer(
    name="feint",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find the smallest change in what a sequence model sees that makes it answer with a "
    "reaction you chose; measure how easily that happens.",
)
INTERRUPTED = 130
app.add_typer(data_app, name="data")
app.add_typer(survey.survey, name="survey")


for command in (
    *(run.demo, run.run, run.train, run.attack, run.inspect, run.minimal, run.score, run.reproduce),
    *(inspect_run.status, inspect_run.verify, inspect_run.diff, inspect_run.report),
    *(figures.figure, figures.animate, figures.view),
):
    app.command()(command)


def main() -> None:
    """The `feint` command: FeintError becomes one message on stderr and exit status 2."""
    try:
        app()
    except FeintError as error:
        from rich.console import Console
        from rich.text import Text

        told = Text.assemble(("error: ", "bold red"), str(error))
        Console(stderr=True).print(told, highlight=False, soft_wrap=True)
        sys.exit(2)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # what typer makes of Ctrl-C
            sys.stderr.write("\nStopped. Run the same command again to go on.\n")
        raise
