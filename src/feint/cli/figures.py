"""Commands that draw from a finished run: figure, animate, rerun.  No model runs.

Drawing is done in `feint.report`; this file has the options and the formats of files.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from feint.cli.options import CaseOptions, expand
from feint.errors import FeintError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from feint.report.cases.selection import Selection
    from feint.report.figures.paper import FilmRow
    from feint.report.run_data import RunData

Out = Annotated[
    Path | None, typer.Option("--out", help="The file; in the run's report/ if not given.")
]
FIGURES = ("pdf", "svg", "png")
MOVING = ("gif", "mp4", "html")


@expand
def figure(
    name: Annotated[
        Literal["fig1", "fig2", "fig3", "fig4", "fig5", "case"],
        typer.Argument(help="The paper's figure, or any case in the layout of Figures 1 to 3."),
    ],
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="A run's folder; fig4 takes several.")
    ],
    options: CaseOptions,
    out: Out = None,
    form: Annotated[
        Literal["pdf", "svg", "png"] | None,
        typer.Option("--format", help="By the suffix of --out if not given, else pdf."),
    ] = None,
) -> None:
    """Draw a figure of the paper from a finished run; runs no model."""
    from feint.io.optional import need

    need("A figure", "matplotlib", "PIL")
    from feint.report.cases.selection import Selection
    from feint.report.run_data import RunData

    if len(runs) > 1 and name != "fig4":
        raise FeintError(
            f"{name} is drawn from one run; got {len(runs)}. Only fig4 takes several.",
            "too-many-runs",
        )
    kind, path = _file(out, form, FIGURES, runs[0], name)
    selection = Selection(**vars(options))
    drawn = _drawn(name, [RunData.load(one) for one in runs], selection)
    from feint.io.atomic import write_bytes
    from feint.report.figures import export as content

    write_bytes(path, content.figure(drawn, kind))
    typer.echo(f"Figure: {path}")


@expand
def animate(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    options: CaseOptions,
    out: Out = None,
    form: Annotated[
        Literal["gif", "mp4", "html"] | None,
        typer.Option("--format", help="By the suffix of --out if not given, else gif."),
    ] = None,
) -> None:
    """Animate a case of a finished run, or write a page with the 3-D player for it."""
    from feint.io.optional import need

    kind, path = _file(out, form, MOVING, run, "animation")
    packages = {"mp4": ("imageio_ffmpeg",), "html": ("jinja2",)}
    need(f"A {kind} file", "matplotlib", "PIL", *packages.get(kind, ()))
    from feint.io.atomic import write_bytes
    from feint.report import page
    from feint.report.cases.selection import Selection, select
    from feint.report.figures import export as content
    from feint.report.figures import stick_figures
    from feint.report.run_data import RunData

    run_data = RunData.load(run)
    one = select(run_data, Selection(**vars(options)))
    _say(run_data, one.row, one.rule)
    if kind == "html":
        made = page.player_page(run_data, one)
    else:
        made = content.mp4(one) if kind == "mp4" else stick_figures.gif(one)[0]
    write_bytes(path, made)
    typer.echo(f"Animation: {path}")


@expand
def rerun(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    options: CaseOptions,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write a recording (.rrd) instead of opening it.")
    ] = None,
) -> None:
    """Open a case of a finished run in the rerun viewer (extra: view)."""
    from feint.report.cases import rerun as viewer
    from feint.report.cases.selection import Selection, select
    from feint.report.run_data import RunData

    run_data = RunData.load(run)
    one = select(run_data, Selection(**vars(options)))
    _say(run_data, one.row, one.rule)
    if out is None:
        viewer.show(one)
    else:
        viewer.save(one, out)
        typer.echo(f"Recording: {out}")


def _drawn(name: str, runs: "list[RunData]", selection: "Selection") -> "Figure":
    from feint.report.cases.selection import select, with_objective
    from feint.report.figures import paper
    from feint.report.figures.stick_figures import filmstrip

    first = runs[0]
    if name == "fig5":
        narrow = (selection.true_class, selection.sequence, selection.eps, selection.case)
        if any(one is not None for one in narrow):
            raise FeintError(
                f"fig5 shows all sequences and every eps; got {selection}. Expected at most "
                "--target and --victim.",
                "conflicting-options",
            )
        return paper.figure5(first, selection.victim, selection.target)
    if name == "fig4":
        several = len(runs) > 1
        return paper.figure4([row for one in runs for row in _film_rows(one, selection, several)])
    if name != "case":
        selection = with_objective(first, name, selection)
    one = select(first, selection)
    _say(first, one.row, one.rule)
    return filmstrip(one)


def _film_rows(run_data: "RunData", selection: "Selection", several: bool) -> "list[FilmRow]":
    """Rows of Figure 4: the case at every eps of one run, or one row for each of several runs."""
    import polars as pl

    from feint.report.cases.case import read
    from feint.report.cases.selection import select, white_box_rows
    from feint.report.figures.paper import FilmRow

    one = select(run_data, selection)
    _say(run_data, one.row, one.rule)
    label = f"{one.row['eps']:g} {run_data.units.eps}"
    if several:
        return [FilmRow.of(one, f"{run_data.folder.resolve().name}\n{label}")]
    if selection.eps is not None or selection.case is not None:
        return [FilmRow.of(one, label)]
    same = [pl.col(key) == one.row[key] for key in ("victim", "target", "sequence")]
    rows = white_box_rows(run_data).filter(*same).sort("eps")
    return [
        FilmRow.of(read(run_data, row, ""), f"{row['eps']:g} {run_data.units.eps}")
        for row in rows.iter_rows(named=True)
    ]


def _say(run_data: "RunData", row: dict[str, object], rule: str) -> None:
    from feint.report.cases.case import goal_text

    typer.echo(
        f"{row['true_class']}, {goal_text(row)}, victim {row['victim']}, eps {row['eps']:g} "
        f"{run_data.units.eps}, sequence {row['sequence']}: {rule}."
    )


def _file(
    out: Path | None, form: str | None, forms: tuple[str, ...], run: Path, name: str
) -> tuple[str, Path]:
    """The format and the path of the file; an error where they disagree."""
    if out is None:
        from feint.io.atomic import safe_join

        kind = form or forms[0]
        return kind, safe_join(run, "report", f"{name}.{kind}")
    suffix = out.suffix[1:].lower()
    if form is None and suffix not in forms:
        raise FeintError(
            f"The suffix of {out} is not a format; expected .{', .'.join(forms)}, or --format with "
            "one of them.",
            "unknown-format",
        )
    if form is not None and suffix in (*FIGURES, *MOVING) and suffix != form:
        raise FeintError(
            f"{out} ends in .{suffix}, and --format is {form}. Leave one of them out.",
            "conflicting-options",
        )
    return form or suffix, out
