"""`feint data`: commands that check, download, generate and show data.

Reading is done in `feint.data`; this file has the options and what is printed.
"""

from pathlib import Path
from typing import Annotated

import typer

from feint.cli.options import DataOptions, ExperimentFile, expand

data_app = typer.Typer(no_args_is_help=True, help="Get, check and make interaction data.")


@data_app.command()
def check_sbu(
    root: Annotated[Path, typer.Argument(help="SBU's folder, or one of its zip files.")],
) -> None:
    """Compare a folder of SBU with what it should contain; exits with 1 if anything differs."""
    from feint.data.sbu import check
    from feint.report import terminal

    found = check.check(root)
    terminal.show_check(found)
    if not found.ok:
        raise typer.Exit(1)


@data_app.command()
def download_sbu(
    root: Annotated[Path, typer.Argument(help="The folder to download to.")],
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="Only this set, such as s01s02; repeatable.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--url", help="A mirror of the official folder.")
    ] = None,
) -> None:
    """Download SBU Kinect Interaction from its authors; run again to resume."""
    from feint.data.sbu import constants, download

    fetched = download.download(
        root, sets=sets or constants.SETS, base_url=base_url or download.OFFICIAL_URL
    )
    typer.echo(f"{len(fetched)} sets in {root}. Check them: feint data check-sbu {root}")


@data_app.command()
def synthetic(
    root: Annotated[Path, typer.Argument(help="The folder to write to.")],
    seed: Annotated[int, typer.Option(help="Another seed gives other motion.")] = 0,
    repetitions: Annotated[
        int, typer.Option(help="Interactions per pair of people and class.")
    ] = 2,
) -> None:
    """Write the embedded default data in SBU's layout."""
    from feint.data.sbu import write
    from feint.data.synthetic import generate

    interactions = generate.generate(seed=seed, repetitions=repetitions)
    write.write(interactions, root)
    typer.echo(f"{len(interactions)} interactions in {root}")


@data_app.command()
@expand
def show(
    path: ExperimentFile,
    options: DataOptions,
    out: Annotated[Path, typer.Option("--out", help="The picture of the first frame.")] = Path(
        "first-frame.svg"
    ),
) -> None:
    """Read an experiment's data, draw its first frame with the joints' names, and train nothing."""
    from feint.data.load import load_data
    from feint.io.atomic import write_text
    from feint.report.figures import first_frame
    from feint.skeleton import Skeleton

    loaded = load_data(options.read(path).data)
    for note in loaded.notes:
        typer.echo(f"- {note}")
    typer.echo(f"{len(loaded.train)} pairs to train on, {len(loaded.test)} to test on")
    if isinstance(loaded.test.feature_spec, Skeleton):
        write_text(out, first_frame.first_frame(loaded.test))
        typer.echo(f"First frame: {out}")
