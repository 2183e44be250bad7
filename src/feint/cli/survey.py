"""The commands of a study with people: `feint survey make`.  No model runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feint.cli import survey_kappa, survey_server
from feint.errors import FeintError

if TYPE_CHECKING:
    from feint.survey.study.schema import Kind

survey = typer.Typer(no_args_is_help=True, help="Ask people what counts as the target: kappa.")
for command in (*survey_server.COMMANDS, survey_kappa.kappa):
    survey.command()(command)


@survey.command()
def make(
    run: Annotated[Path, typer.Argument(help="A finished run's folder.")],
    out: Annotated[Path, typer.Option("--out", help="The study's folder.")],
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ACTION:REACTION",
            help="What is seen, and what is wanted; repeatable. Table 1's five reactions if not "
            "given, or the run's where it has none of them.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Whose answers; repeatable. The run's first model if not given."),
    ] = None,
    tasks: Annotated[
        str, typer.Option(help="Kinds of question, by commas.")
    ] = "naming,leftmost,which",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other sequences.")] = 0,
    name: Annotated[str | None, typer.Option(help="The run's if not given.")] = None,
    consent: Annotated[
        Path | None, typer.Option(help="A text file: what a judge agrees to, in your words.")
    ] = None,
    recorded: Annotated[
        bool,
        typer.Option(
            "--recorded", help="Show the actor as recorded, not attacked, beside the answers."
        ),
    ] = False,
) -> None:
    """Make a study of a finished run: what judges see and are asked, in a folder."""
    from feint.report.run_data import RunData
    from feint.survey.study.create import Wanted, draft
    from feint.survey.study.trial_order import KINDS

    made = draft(
        RunData.load(run),
        Wanted(
            objectives=[_objective(one) for one in objective or []],
            models=model or (),
            tasks=_tasks(tasks, KINDS),
            seed=seed,
            name=name,
            consent=None if consent is None else _text(consent),
            recorded=recorded,
        ),
    )
    made.study.save(out, made.stimuli)
    for one in made.study.objectives:
        typer.echo(f"{one.action} -> {one.reaction} ({one.model}): sequence {one.sequence}")
    for note in made.notes:
        typer.echo(note)
    typer.echo(
        f"Study: {out} ({made.study.id[:12]}), {len(made.study.trials)} trials, about "
        f"{made.minutes} minutes a judge"
    )


def _objective(told: str) -> tuple[str, str]:
    action, colon, reaction = told.partition(":")
    if not (action and colon and reaction):
        raise FeintError(
            f"--objective got {told!r}; expected ACTION:REACTION, punching:handshaking say: what "
            "is seen, and the reaction that is wanted."
        )
    return action, reaction


def _tasks(told: str, kinds: "tuple[Kind, ...]") -> "list[Kind]":
    asked = [one.strip() for one in told.split(",")]
    if not set(asked) <= set(kinds):
        raise FeintError(f"--tasks got {told!r}; expected some of {', '.join(kinds)}, by commas.")
    return [kind for kind in kinds if kind in asked]


def _text(path: Path) -> str:
    from feint.io.atomic import read_bytes

    try:
        text = read_bytes(path, 2**16).decode().strip()
    except UnicodeDecodeError as error:
        raise FeintError(f"{path} is no text ({error}); expected UTF-8.") from error
    if not text:
        raise FeintError(f"{path} is empty; expected what a judge agrees to.")
    return text
