"""Commands that run an experiment or one of its parts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from feint.cli.options import (
    Address,
    Cpus,
    DataRoot,
    Device,
    Engine,
    ExperimentFile,
    Gpus,
    Models,
    Out,
    TensorBoard,
    Trust,
    Wait,
    Weights,
)
from feint.errors import FeintError

if TYPE_CHECKING:
    from feint.experiments.config import Experiment
    from feint.experiments.run import Run
    from feint.jobs.engines import Engine as Place
    from feint.models.config import ExternalModelConfig


def demo(
    out: Annotated[Path, typer.Option("--out", help="The run's folder.")] = Path("runs/demo"),
    wait: Wait = False,
) -> None:
    """Train two reactors on the embedded data, attack them, and write a report."""
    from importlib.resources import files

    from feint.experiments import config_file
    from feint.experiments.run import Run

    text = files("feint.cli").joinpath("demo.toml").read_text(encoding="utf-8")
    _whole(Run(config_file.parse(text, "demo.toml"), out, wait=wait))


def run(
    path: ExperimentFile,
    data: DataRoot = None,
    out: Out = None,
    engine: Engine = "local",
    address: Address = None,
    cpus: Cpus = 1.0,
    gpus: Gpus = 0.0,
    device: Device = "cpu",
    wait: Wait = False,
    model: Models = None,
    weights: Weights = None,
    trust: Trust = False,
    tensorboard: TensorBoard = False,
    fold: Annotated[
        list[int] | None,
        typer.Option(help="Hold out this official fold, 1 to 5; repeatable, a run each."),
    ] = None,
) -> None:
    """Run an experiment from data to report; run again, it goes on where it stopped."""
    where = _engine(engine, address, cpus, gpus)
    folds: list[int | None] = [*fold] if fold else [None]
    for one in folds:
        spec = _models(model, weights)
        _whole(_run(path, data, out, where, device, wait, tensorboard, one, spec, trust))


def train(
    path: ExperimentFile,
    data: DataRoot = None,
    out: Out = None,
    engine: Engine = "local",
    address: Address = None,
    cpus: Cpus = 1.0,
    gpus: Gpus = 0.0,
    device: Device = "cpu",
    wait: Wait = False,
    model: Models = None,
    weights: Weights = None,
    trust: Trust = False,
    tensorboard: TensorBoard = False,
) -> None:
    """Train an experiment's reactors and put them beside the trivial predictors."""
    from feint.report import terminal

    where = _engine(engine, address, cpus, gpus)
    spec = _models(model, weights)
    one = _run(path, data, out, where, device, wait, tensorboard, None, spec, trust)
    one.train()
    terminal.show_models(one.folder)


def attack(
    path: ExperimentFile,
    data: DataRoot = None,
    out: Out = None,
    engine: Engine = "local",
    address: Address = None,
    cpus: Cpus = 1.0,
    gpus: Gpus = 0.0,
    device: Device = "cpu",
    wait: Wait = False,
    model: Models = None,
    weights: Weights = None,
    trust: Trust = False,
) -> None:
    """Craft an experiment's adversarial sequences."""
    where, spec = _engine(engine, address, cpus, gpus), _models(model, weights)
    one = _run(path, data, out, where, device, wait, models=spec, trust=trust)
    one.attack()
    typer.echo(f"Adversarial sequences are finished jobs in {one.folder / 'jobs'}")


def inspect(
    path: ExperimentFile,
    data: DataRoot = None,
    model: Models = None,
    weights: Weights = None,
    trust: Trust = False,
) -> None:
    """Ask your own models, on the experiment's data, what an attack takes for granted.

    Exits with 1 if an attack on one of them would mean nothing.
    """
    from feint.experiments.inspect import inspect
    from feint.report import terminal

    fine = True
    for name, findings in inspect(_read(path, data, _models(model, weights)), trust):
        terminal.show_issues(name, findings)
        fine &= not any(one.fatal for one in findings)
    if not fine:
        raise typer.Exit(1)


def minimal(
    path: ExperimentFile,
    data: DataRoot = None,
    out: Out = None,
    engine: Engine = "local",
    address: Address = None,
    cpus: Cpus = 1.0,
    gpus: Gpus = 0.0,
    device: Device = "cpu",
    wait: Wait = False,
    model: Models = None,
    weights: Weights = None,
    trust: Trust = False,
) -> None:
    """Find the smallest eps that brings each sequence to each target, up to the largest eps."""
    from feint.report import terminal

    where, spec = _engine(engine, address, cpus, gpus), _models(model, weights)
    one = _run(path, data, out, where, device, wait, models=spec, trust=trust)
    one.minimal()
    terminal.show_minimal(one.folder)


def score(
    path: ExperimentFile,
    data: DataRoot = None,
    out: Out = None,
    engine: Engine = "local",
    address: Address = None,
    cpus: Cpus = 1.0,
    gpus: Gpus = 0.0,
    device: Device = "cpu",
    wait: Wait = False,
    model: Models = None,
    weights: Weights = None,
    trust: Trust = False,
) -> None:
    """Let every model answer what was crafted, and write the rows."""
    from feint.report import terminal

    where, spec = _engine(engine, address, cpus, gpus), _models(model, weights)
    one = _run(path, data, out, where, device, wait, models=spec, trust=trust)
    with one.working():
        one.attack()  # what was not crafted yet
        one.score()
    terminal.show(one.folder)


def reproduce(
    data: DataRoot = None,
    profile: Annotated[
        Literal["full", "quick", "smoke"],
        typer.Option(help="full: the paper's sizes, hours; quick: minutes; smoke: generated data."),
    ] = "quick",
    only: Annotated[
        str | None,
        typer.Option(help="Parts, by commas: models, fig5, fig4, ...; all if not given."),
    ] = None,
    rows: Annotated[
        list[str] | None,
        typer.Option(help="PART=N: only N test sequences in that part; more later keeps them."),
    ] = None,
    again: Annotated[
        str, typer.Option(help="Reactors trained once more with another seed, by commas.")
    ] = "tcn,deepgru",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder; runs/reproduce-<profile> if not given."),
    ] = None,
    engine: Engine = "local",
    address: Address = None,
    cpus: Cpus = 1.0,
    gpus: Gpus = 0.0,
    device: Device = "cpu",
    wait: Wait = False,
    page_from: Annotated[
        Path | None,
        typer.Option(
            "--page-from", help="Run nothing: write the page from this folder of results."
        ),
    ] = None,
) -> None:
    """Run the paper's experiments on SBU and write a page of them; run again, it goes on."""
    from feint.reproduction import profiles, runner
    from feint.reproduction.page import write
    from feint.reproduction.parts import run as run_module

    folder = out if out is not None else Path("runs") / f"reproduce-{profile}"
    results = page_from if page_from is not None else folder / "results"
    if page_from is None:
        where = _engine(engine, address, cpus, gpus)
        one = runner.Reproduction(
            profiles.profile(profile).with_rows(rows or []),
            data,
            folder,
            again=_list(again),
            engine=where,
            device=device,
            wait=wait,
        )
        run_module.run(one, _list(only))
    typer.echo(f"Page: {write.write(results, folder)}")


def _list(words: str | None) -> list[str]:
    return [word.strip() for word in (words or "").split(",") if word.strip()]


def _engine(engine: str, address: str | None, cpus: float, gpus: float) -> "Place":
    if engine == "ray":
        from feint.jobs.engines.ray import RayEngine

        return RayEngine(address, cpus, gpus)
    if address is not None:
        raise FeintError(f"--address {address} needs --engine ray.")
    from feint.jobs.engines.local import LocalEngine

    return LocalEngine()


def _models(paths: list[str] | None, weights: Path | None) -> "list[ExternalModelConfig]":
    """What --model names."""
    from feint.models import config

    if weights is not None and len(paths or ()) != 1:
        raise FeintError("--weights is of one --model; expected exactly one beside it.")
    return [config.external_model(path, weights) for path in paths or ()]


def _run(
    path: Path,
    data: Path | None,
    out: Path | None,
    engine: "Place",
    device: str,
    wait: bool,
    tensorboard: bool = False,
    fold: int | None = None,
    models: "list[ExternalModelConfig] | None" = None,
    trust: bool = False,
) -> "Run":
    from feint.experiments import config_file
    from feint.experiments.run import Run

    one = _read(path, data, models)
    folder = out if out is not None else Path("runs") / one.name
    if fold is not None:
        one = config_file.on_fold(one, fold)
        folder = folder / f"fold-{fold}"
    return Run(
        one, folder, engine=engine, wait=wait, device=device, tensorboard=tensorboard, trust=trust
    )


def _read(
    path: Path, data: Path | None, models: "list[ExternalModelConfig] | None"
) -> "Experiment":
    from feint.experiments import config_file

    one = config_file.read(path)
    if models:
        one = config_file.with_models(one, models)
    if data is not None:
        one = one.model_copy(update={"data": one.data.model_copy(update={"root": data})})
    return one


def _whole(one: "Run") -> None:
    from feint.report import page, terminal

    with one.working():
        one.measure_tolerance()  # before anything costs time
        one.attack()
        one.score()
        written = page.write(one.folder)
    terminal.show(one.folder)
    typer.echo(f"Report: {written}")
