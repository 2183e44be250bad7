"""The command line: thin; every command is a function of the library, and torch loads late."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from feint import drawing, surveying
from feint.errors import FeintError

if TYPE_CHECKING:
    from feint.engines import Engine as Place
    from feint.experiment import Experiment
    from feint.runs import Run
    from feint.specs import YourModel

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
app.add_typer(surveying.survey, name="survey")

ExperimentFile = Annotated[
    Path, typer.Argument(help="The experiment, a TOML file such as examples/sbu.toml.")
]
RunFolder = Annotated[Path, typer.Argument(help="A run's folder.")]
Out = Annotated[
    Path | None, typer.Option("--out", help="The run's folder; runs/<name> if not given.")
]
DataRoot = Annotated[
    Path | None, typer.Option("--data", help="Where the data lies; goes before data.root.")
]


Engine = Annotated[
    Literal["local", "ray"],
    typer.Option(help="Where jobs are done: in this process, or on Ray (extra: ray)."),
]
Address = Annotated[
    str | None,
    typer.Option(help="With --engine ray: a cluster to join; a Ray of its own if not given."),
]
Cpus = Annotated[float, typer.Option(help="With --engine ray: processors a job.")]
Gpus = Annotated[float, typer.Option(help="With --engine ray: GPUs a job; 0.25 shares one by 4.")]
Device = Annotated[
    Literal["cpu", "cuda", "auto"], typer.Option(help="Where models compute; auto: a GPU if any.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for another process on the same run.")]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help="In place of the file's models: package.module:factory, a .pt2 (with --trust), or a "
        "saved feint model; repeatable.",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(help="Of the --model: safetensors, or a folder that save_pretrained wrote."),
]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Unpickle .pt2 exports: a pickle can run any code it likes."),
]
TensorBoard = Annotated[
    bool, typer.Option("--tensorboard", help="Write training curves to RUN/tensorboard.")
]


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="The run's folder.")] = Path("runs/demo"),
    wait: Wait = False,
) -> None:
    """Train two reactors on the embedded data, attack them, and write a report."""
    from importlib.resources import files

    from feint import experiment
    from feint.runs import Run

    text = files("feint").joinpath("demo.toml").read_text(encoding="utf-8")
    _whole(Run(experiment.parse(text, "demo.toml"), out, wait=wait))


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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
    from feint.inspection import inspect
    from feint.report import terminal

    fine = True
    for name, findings in inspect(_read(path, data, _models(model, weights)), trust):
        terminal.show_findings(name, findings)
        fine &= not any(one.fatal for one in findings)
    if not fine:
        raise typer.Exit(1)


@app.command()
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


@app.command()
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


@app.command()
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
    from feint.reproduction import conduct, page, parts, profiles

    folder = out if out is not None else Path("runs") / f"reproduce-{profile}"
    results = page_from if page_from is not None else folder / "results"
    if page_from is None:
        where = _engine(engine, address, cpus, gpus)
        one = conduct.Reproduction(
            profiles.profile(profile).with_rows(rows or []),
            data,
            folder,
            again=_list(again),
            engine=where,
            device=device,
            wait=wait,
        )
        parts.run(one, _list(only))
    typer.echo(f"Page: {page.write(results, folder)}")


@app.command()
def status(
    folder: RunFolder,
    jobs: Annotated[bool, typer.Option("--jobs", help="List every job.")] = False,
) -> None:
    """Tell what of a run is done, what is left and how long that may take."""
    from feint import status as progress
    from feint.report import terminal

    if jobs:
        for state, job in progress.states(folder):
            typer.echo(f"{state:6} {job.key} {job.name}")
        return
    terminal.show_status(progress.status(folder))


@app.command()
def verify(
    folder: RunFolder,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the code of users' models that the run names.")
    ] = False,
) -> None:
    """Work out every stored perturbation and row again; exits with 1 if anything is wrong."""
    from feint.artefacts import describe
    from feint.lock import Lock
    from feint.report import terminal
    from feint.verification import verify as check

    describe(folder)  # or no lock is put where no run is
    with Lock(folder):
        found = check(folder, trust)
    terminal.show_verification(found)
    if not found.ok:
        raise typer.Exit(1)


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(help="A run's folder.")],
    b: Annotated[Path, typer.Argument(help="Another one's.")],
) -> None:
    """Tell what differs between two runs, and what it did to the results."""
    from feint import differences
    from feint.report import terminal

    terminal.show_difference(differences.diff(a, b), str(a), str(b))


@app.command()
def report(
    folder: RunFolder,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what it says as JSON, and write no page.")
    ] = False,
) -> None:
    """Show a run's verdict and write its report; runs no model."""
    from feint.report import machine, page, terminal
    from feint.report.findings import Findings

    if as_json:
        typer.echo(machine.told(Findings.of(folder)))
        return
    written = page.write(folder)
    terminal.show(folder)
    typer.echo(f"Report: {written}")


app.command()(drawing.figure)
app.command()(drawing.animate)
app.command()(drawing.view)


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


def _list(words: str | None) -> list[str]:
    return [word.strip() for word in (words or "").split(",") if word.strip()]


def _engine(engine: str, address: str | None, cpus: float, gpus: float) -> "Place":
    if engine == "ray":
        from feint.engines.on_ray import OnRay

        return OnRay(address, cpus, gpus)
    if address is not None:
        raise FeintError(f"--address {address} needs --engine ray.")
    from feint.engines.in_process import InProcess

    return InProcess()


def _models(paths: list[str] | None, weights: Path | None) -> "list[YourModel]":
    """What --model names."""
    from feint import specs

    if weights is not None and len(paths or ()) != 1:
        raise FeintError("--weights is of one --model; expected exactly one beside it.")
    return [specs.yours(path, weights) for path in paths or ()]


def _run(
    path: Path,
    data: Path | None,
    out: Path | None,
    engine: "Place",
    device: str,
    wait: bool,
    tensorboard: bool = False,
    fold: int | None = None,
    models: "list[YourModel] | None" = None,
    trust: bool = False,
) -> "Run":
    from feint import experiment
    from feint.runs import Run

    one = _read(path, data, models)
    folder = out if out is not None else Path("runs") / one.name
    if fold is not None:
        one = experiment.on_fold(one, fold)
        folder = folder / f"fold-{fold}"
    return Run(
        one, folder, engine=engine, wait=wait, device=device, tensorboard=tensorboard, trust=trust
    )


def _read(path: Path, data: Path | None, models: "list[YourModel] | None") -> "Experiment":
    from feint import experiment

    one = experiment.read(path)
    if models:
        one = experiment.with_models(one, models)
    if data is not None:
        one = one.model_copy(update={"data": one.data.model_copy(update={"root": data})})
    return one


def _whole(one: "Run") -> None:
    from feint.report import page, terminal

    with one.working():
        one.tolerance  # noqa: B018  (measured and written before anything costs time)
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
        from rich.text import Text

        told = Text.assemble(("error: ", "bold red"), str(error))
        Console(stderr=True).print(told, highlight=False, soft_wrap=True)
        sys.exit(2)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # what typer makes of Ctrl-C
            sys.stderr.write("\nStopped. Run the same command again to go on.\n")
        raise


if __name__ == "__main__":
    main()
