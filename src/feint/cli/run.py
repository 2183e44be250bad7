"""Commands that do an experiment or one of its stages, and `feint reproduce`.

The work is done by `feint.experiments.run` and `feint.reproduction.runner`; options that several
commands share are in `options.py`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from feint.cli.options import DataOptions, EngineOptions, ExperimentFile, RunOptions, expand

if TYPE_CHECKING:
    from feint.experiments.run import Run


def demo(
    out: Annotated[Path, typer.Option("--out", help="The run's folder.")] = Path("runs/demo"),
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for another process on the same run.")
    ] = False,
) -> None:
    """Train two models on the embedded data, attack them, and write a report."""
    from importlib.resources import files

    from feint.experiments import config_file
    from feint.experiments.run import Run

    text = files("feint.cli").joinpath("demo.toml").read_text(encoding="utf-8")
    _run_and_report(Run(config_file.parse(text, "demo.toml"), out, wait=wait))


@expand
def run(
    path: ExperimentFile,
    options: RunOptions,
    fold: Annotated[
        list[int] | None,
        typer.Option(help="Hold out this official fold, 1 to 5; repeatable, a run each."),
    ] = None,
) -> None:
    """Run an experiment from data to report; run again to continue."""
    folds: list[int | None] = [*fold] if fold else [None]
    for one in folds:
        _run_and_report(options.make_run(path, one))


@expand
def train(path: ExperimentFile, options: RunOptions) -> None:
    """Train an experiment's models and compare them with trivial predictors."""
    from feint.report import terminal

    one = options.make_run(path)
    one.train()
    terminal.show_models(one.folder)


@expand
def attack(path: ExperimentFile, options: RunOptions) -> None:
    """Craft an experiment's adversarial sequences."""
    one = options.make_run(path)
    one.attack()
    typer.echo(f"Adversarial sequences are finished jobs in {one.folder / 'jobs'}")


@expand
def check_model(path: ExperimentFile, options: DataOptions) -> None:
    """Check on the experiment's data that your models meet the attacks' assumptions.

    Exits with 1 if an attack on one of them would mean nothing.
    """
    from feint.experiments.check_models import check_models
    from feint.report import terminal

    fine = True
    for name, issues in check_models(options.read(path), options.trust):
        terminal.show_issues(name, issues)
        fine &= not any(one.fatal for one in issues)
    if not fine:
        raise typer.Exit(1)


@expand
def min_eps(path: ExperimentFile, options: RunOptions) -> None:
    """Find the smallest eps that brings each sequence to each target, up to the largest eps."""
    from feint.report import terminal

    one = options.make_run(path)
    one.minimal()
    terminal.show_minimal(one.folder)


@expand
def evaluate(path: ExperimentFile, options: RunOptions) -> None:
    """Let every model answer the adversarial sequences, and write the rows."""
    from feint.report import terminal

    one = options.make_run(path)
    with one.working():
        one.attack()  # what was not crafted yet
        one.score()
    terminal.show(one.folder)


@expand
def reproduce(
    options: EngineOptions,
    data: Annotated[Path | None, typer.Option("--data", help="SBU's folder.")] = None,
    profile: Annotated[
        Literal["full", "quick", "smoke"],
        typer.Option(help="full: the paper's sizes, hours; quick: minutes; smoke: generated data."),
    ] = "quick",
    only: Annotated[
        str | None,
        typer.Option(help="Parts, by commas: models, fig5, fig4, ...; all if not given."),
    ] = None,
    max_sequences: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART=N",
            help="Only N test sequences in that part; a larger N later keeps their results.",
        ),
    ] = None,
    second_seed: Annotated[
        str, typer.Option(help="Models trained once more with another seed, by commas.")
    ] = "tcn,deepgru",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder; runs/reproduce-<profile> if not given."),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="Run nothing: write the page from this folder of results."),
    ] = None,
) -> None:
    """Run the paper's experiments on SBU and write a page; run again to continue."""
    from feint.reproduction import profiles, runner
    from feint.reproduction.page import write
    from feint.reproduction.parts import run as run_module

    folder = out if out is not None else Path("runs") / f"reproduce-{profile}"
    if results is None:
        results = folder / "results"
        one = runner.Reproduction(
            profiles.profile(profile).with_max_sequences(max_sequences or []),
            data,
            folder,
            second_seed=_split(second_seed),
            engine=options.make_engine(),
            device=options.device,
            wait=options.wait,
        )
        run_module.run(one, _split(only))
    typer.echo(f"Page: {write.write(results, folder)}")


def _split(words: str | None) -> list[str]:
    return [word.strip() for word in (words or "").split(",") if word.strip()]


def _run_and_report(one: "Run") -> None:
    from feint.report import page, terminal
    from feint.report.figures import first_frame

    with one.working():
        if drawn := first_frame.write(one.folder, one.load_data().test):
            typer.echo(f"First frame, with the joints' names: {drawn}")
        for note in one.load_data().notes:
            typer.echo(f"- {note}")
        one.measure_tolerance()  # before anything costs time
        one.attack()
        one.score()
        written = page.write(one.folder)
    terminal.show(one.folder)
    typer.echo(f"Report: {written}")
