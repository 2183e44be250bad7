"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

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
