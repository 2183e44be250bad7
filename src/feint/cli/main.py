"""The `feint` command: which commands there are, and what becomes of their errors.

A command is a thin function of this package; torch is imported inside it, never at the top, so
that `feint --help` answers at once.
"""

import sys

import typer

from feint.cli import figures, inspect_run, run, survey
from feint.cli.data import data_app
from feint.errors import FeintError

INTERRUPTED = 130
"""What typer makes of Ctrl-C."""

app = typer.Typer(
    name="feint",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find the smallest change in what a sequence model sees that makes it answer with a "
    "reaction you chose; measure how easily that happens.",
)
app.add_typer(data_app, name="data")
app.add_typer(survey.survey, name="survey")


for command in (
    *(run.demo, run.run, run.train, run.attack, run.check_model, run.min_eps, run.evaluate),
    *(inspect_run.status, inspect_run.verify, inspect_run.diff, inspect_run.report),
    *(figures.figure, figures.animate, figures.rerun, run.reproduce),
):
    app.command()(command)


def main() -> None:
    """Run a command; FeintError becomes one message on stderr and exit status 2."""
    try:
        app()
    except FeintError as error:
        from rich.console import Console
        from rich.text import Text

        message = Text.assemble(("error: ", "bold red"), str(error))
        Console(stderr=True).print(message, highlight=False, soft_wrap=True)
        sys.exit(2)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            sys.stderr.write("\nStopped. Run the same command again to go on.\n")
        raise
