"""Options that several commands share, in blocks that a command takes as one parameter.

    @expand
    def train(path: ExperimentFile, options: RunOptions) -> None: ...

`expand` shows typer each field of the block as an option of its own.  A new shared option is a
field here, with its flag and its help text.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from feint.errors import FeintError

if TYPE_CHECKING:
    from feint.experiments.config import Experiment
    from feint.experiments.run import Run
    from feint.jobs.engines import Engine
    from feint.models.config import ExternalModelConfig

ExperimentFile = Annotated[
    Path, typer.Argument(help="The experiment, a TOML file such as examples/sbu.toml.")
]
RunFolder = Annotated[Path, typer.Argument(help="A run's folder.")]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Unpickle .pt2 exports: a pickle can run any code it likes."),
]


def expand(command: Callable[..., None]) -> Callable[..., None]:
    """The command, with every field of its option blocks as a parameter of its own."""
    parameters: list[inspect.Parameter] = []
    blocks: dict[str, Any] = {}
    for one in inspect.signature(command).parameters.values():
        if is_dataclass(one.annotation):
            blocks[one.name] = one.annotation
            parameters += [
                one.replace(name=f.name, default=f.default, annotation=f.type)
                for f in fields(one.annotation)
            ]
        else:
            parameters.append(one)

    @wraps(command)
    def run(**values: Any) -> None:
        for name, block in blocks.items():
            values[name] = block(**{f.name: values.pop(f.name) for f in fields(block)})
        command(**values)

    keyword = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    vars(run)["__signature__"] = inspect.Signature(keyword)
    run.__annotations__ = {one.name: one.annotation for one in keyword}
    del vars(run)["__wrapped__"]
    return run


@dataclass(frozen=True)
class EngineOptions:
    """Where jobs are done."""

    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Where jobs are done: in this process, or on Ray (extra: ray)."),
    ] = "local"
    address: Annotated[
        str | None,
        typer.Option(help="With --engine ray: a cluster to join; a Ray of its own if not given."),
    ] = None
    cpus: Annotated[float, typer.Option(help="With --engine ray: processors a job.")] = 1.0
    gpus: Annotated[
        float, typer.Option(help="With --engine ray: GPUs a job; 0.25 shares one by 4.")
    ] = 0.0
    device: Annotated[
        Literal["cpu", "cuda", "auto"],
        typer.Option(help="Where models compute; auto: a GPU if there is one."),
    ] = "cpu"
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for another process on the same run.")
    ] = False

    def make_engine(self) -> "Engine":
        """The engine.  Raises FeintError if an address goes with the wrong one."""
        if self.engine == "ray":
            from feint.jobs.engines.ray import RayEngine

            return RayEngine(self.address, self.cpus, self.gpus)
        if self.address is not None:
            raise FeintError(f"--address {self.address} needs --engine ray.", "needs-ray")
        from feint.jobs.engines.local import LocalEngine

        return LocalEngine()


@dataclass(frozen=True)
class DataOptions:
    """Data and models in place of the experiment's own."""

    data: Annotated[
        Path | None,
        typer.Option("--data", help="The data's folder or file, in place of data.root."),
    ] = None
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="In place of the file's models: package.module:factory, a .pt2 (with --trust), "
            "or a saved feint model; repeatable.",
        ),
    ] = None
    weights: Annotated[
        Path | None,
        typer.Option(help="Of the --model: safetensors, or a folder that save_pretrained wrote."),
    ] = None
    trust: Trust = False

    def read(self, path: Path) -> "Experiment":
        """The experiment of a TOML file with this data and these models.

        Raises:
            FeintError: it cannot be read; --weights goes with no model, or with several.
        """
        from feint.experiments import config_file

        if self.weights is not None and len(self.model or ()) != 1:
            raise FeintError("--weights needs exactly one --model.", "needs-one-model")
        one = config_file.read(path)
        if models := self._models():
            one = config_file.with_models(one, models)
        if self.data is not None:
            one = one.model_copy(update={"data": one.data.model_copy(update={"root": self.data})})
        return one

    def _models(self) -> "list[ExternalModelConfig]":
        from feint.models import config

        return [config.external_model(path, self.weights) for path in self.model or ()]


@dataclass(frozen=True)
class RunOptions(EngineOptions, DataOptions):
    """How an experiment is run, and where."""

    out: Annotated[
        Path | None, typer.Option("--out", help="The run's folder; runs/<name> if not given.")
    ] = None
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write training curves to RUN/tensorboard.")
    ] = False

    def make_run(self, path: Path, fold: int | None = None) -> "Run":
        """The run of an experiment; nothing is begun.

        Args:
            path: the TOML file.
            fold: hold out this official fold, in a folder of its own.

        Raises:
            FeintError: the experiment cannot be read, or options do not go together.
        """
        from feint.experiments import config_file
        from feint.experiments.run import Run

        engine, one = self.make_engine(), self.read(path)
        folder = self.out if self.out is not None else Path("runs") / one.name
        if fold is not None:
            one = config_file.on_fold(one, fold)
            folder = folder / f"fold-{fold}"
        return Run(
            one,
            folder,
            engine=engine,
            wait=self.wait,
            device=self.device,
            tensorboard=self.tensorboard,
            trust=self.trust,
        )


@dataclass(frozen=True)
class CaseOptions:
    """Which case of a run; what is not given is chosen."""

    target: Annotated[str | None, typer.Option(help="The target.")] = None
    true_class: Annotated[str | None, typer.Option(help="The class of the actor's motion.")] = None
    victim: Annotated[str | None, typer.Option(help="The model that is attacked.")] = None
    sequence: Annotated[
        str | None, typer.Option(help="The test sequence, such as s01s02/03/001/A.")
    ] = None
    eps: Annotated[
        float | None, typer.Option(help="In the run's unit; the largest there is if not given.")
    ] = None
    case: Annotated[
        str | None,
        typer.Option(
            "--case",
            help="An id of the report's player (#case=...), or a number in its list of cases.",
        ),
    ] = None
