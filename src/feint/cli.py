"""The command line: thin; every command is a function of the library, and torch loads late."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feint.errors import FeintError

if TYPE_CHECKING:
    from feint.runs import Run

app = typer.Typer(
    name="feint",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find the smallest change in what a sequence model sees that makes it answer with a "
    "reaction you chose; measure how easily that happens.",
)
INTERRUPTED = 130
data_app = typer.Typer(no_args_is_help=True, help="Get, check and make interaction data.")
app.add_typer(data_app, name="data")

ExperimentFile = Annotated[
    Path, typer.Argument(help="The experiment, a TOML file such as examples/sbu.toml.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="The run's folder; runs/<name> if not given.")
]
DataRoot = Annotated[
    Path | None, typer.Option("--data", help="Where the data lies; goes before data.root.")
]


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="The run's folder.")] = Path("runs/demo"),
) -> None:
    """Train two reactors on the embedded data, attack them, and write a report."""
    from importlib.resources import files

    from feint import experiment
    from feint.runs import Run

    text = files("feint").joinpath("demo.toml").read_text(encoding="utf-8")
    _whole(Run(experiment.parse(text, "demo.toml"), out))


@app.command()
def run(path: ExperimentFile, data: DataRoot = None, out: Out = None) -> None:
    """Run an experiment from data to report; run again, it goes on where it stopped."""
    _whole(_run(path, data, out))


@app.command()
def train(path: ExperimentFile, data: DataRoot = None, out: Out = None) -> None:
    """Train an experiment's reactors and put them beside the trivial predictors."""
    from feint.report import terminal

    one = _run(path, data, out)
    one.train()
    terminal.show_models(one.folder)


@app.command()
def attack(path: ExperimentFile, data: DataRoot = None, out: Out = None) -> None:
    """Craft an experiment's adversarial sequences."""
    one = _run(path, data, out)
    one.attack()
    typer.echo(f"Adversarial sequences: {one.folder / 'adversarial'}")


@app.command()
def minimal(path: ExperimentFile, data: DataRoot = None, out: Out = None) -> None:
    """Find the smallest eps that brings each sequence to each target, up to the largest eps."""
    from feint.report import terminal

    one = _run(path, data, out)
    one.minimal()
    terminal.show_minimal(one.folder)


@app.command()
def score(path: ExperimentFile, data: DataRoot = None, out: Out = None) -> None:
    """Let every model answer what was crafted, and write the rows."""
    from feint.report import terminal

    one = _run(path, data, out)
    one.tolerance  # noqa: B018  (measured and written beside the rows)
    one.attack()  # what was not crafted yet
    one.score()
    terminal.show(one.folder)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="A run's folder.")],
) -> None:
    """Show a run's verdict and write its report; runs no model."""
    from feint.report import page, terminal

    written = page.write(folder)
    terminal.show(folder)
    typer.echo(f"Report: {written}")


@data_app.command("check")
def data_check(
    root: Annotated[Path, typer.Argument(help="SBU's folder, or one of its zip files.")],
) -> None:
    """Tell what of SBU is there against what should be; exits with 1 if anything differs."""
    from feint.data import sbu
    from feint.report import terminal

    found = sbu.check(root)
    terminal.show_check(found)
    if not found.ok:
        raise typer.Exit(1)


@data_app.command("sbu")
def data_sbu(
    root: Annotated[Path, typer.Argument(help="The folder to download to.")],
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="Only this set, s01s02 say; repeatable.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--url", help="A mirror of the official folder.")
    ] = None,
) -> None:
    """Download SBU Kinect Interaction from its authors; run again, it resumes."""
    from feint.data import download, sbu

    fetched = download.download(
        root, sets=sets or sbu.SETS, base_url=base_url or download.OFFICIAL_URL
    )
    typer.echo(f"{len(fetched)} sets in {root}. Check them: feint data check {root}")


@data_app.command("synthetic")
def data_synthetic(
    root: Annotated[Path, typer.Argument(help="The folder to write to.")],
    seed: Annotated[int, typer.Option(help="Another seed, other motion.")] = 0,
    runs: Annotated[int, typer.Option(help="Interactions per pair of people and class.")] = 2,
) -> None:
    """Write the embedded default data in SBU's layout."""
    from feint.data import sbu, synthetic

    interactions = synthetic.generate(seed=seed, runs=runs)
    sbu.write(interactions, root)
    typer.echo(f"{len(interactions)} interactions in {root}")


def _run(path: Path, data: Path | None, out: Path | None) -> "Run":
    from feint import experiment
    from feint.runs import Run

    one = experiment.read(path)
    if data is not None:
        one = one.model_copy(update={"data": one.data.model_copy(update={"root": data})})
    return Run(one, out if out is not None else Path("runs") / one.name)


def _whole(one: "Run") -> None:
    from feint.report import page, terminal

    one.tolerance  # noqa: B018  (measured and written before anything costs time)
    one.train()
    one.attack()
    one.score()
    written = page.write(one.folder)
    terminal.show(one.folder)
    typer.echo(f"Report: {written}")


def main() -> None:
    """The `feint` command: FeintError becomes one message on stderr and exit status 2."""
    try:
        app()
    except FeintError as error:
        from rich.console import Console
        from rich.markup import escape

        told = f"[bold red]error:[/] {escape(str(error))}"
        Console(stderr=True).print(told, highlight=False, soft_wrap=True)
        sys.exit(2)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # what typer makes of Ctrl-C
            sys.stderr.write("\nStopped. Run the same command again to go on.\n")
        raise


if __name__ == "__main__":
    main()
