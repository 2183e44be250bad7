"""The command group `feint survey`, and its first command, `make`.  No model runs.

The other commands of the group are in `survey_server.py` and `survey_threshold.py`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feint.cli import survey_server, survey_threshold
from feint.errors import FeintError

if TYPE_CHECKING:
    from feint.survey.study.schema import Kind

survey = typer.Typer(no_args_is_help=True, help="Ask people when an output counts as the target.")
for command in (*survey_server.COMMANDS, survey_threshold.threshold):
    survey.command()(command)


@survey.command()
def make(
    run: Annotated[Path, typer.Argument(help="A finished run's folder.")],
    out: Annotated[Path, typer.Option("--out", help="The study's folder.")],
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ACTION:REACTION",
            help="The action that is seen and the target reaction; repeatable. Default: Table 1's "
            "five reactions, or all of the run's if it has none of the five.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="The model that is attacked; repeatable. Default: the run's first."),
    ] = None,
    tasks: Annotated[
        str, typer.Option(help="Kinds of trial, separated by commas.")
    ] = "naming,leftmost,which",
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the sequences and of the order of trials.")
    ] = 0,
    name: Annotated[
        str | None, typer.Option(help="Name of the study. Default: the run's name.")
    ] = None,
    consent: Annotated[
        Path | None, typer.Option(help="A text file with your own consent text.")
    ] = None,
    recorded: Annotated[
        bool,
        typer.Option("--recorded", help="Show the actor as recorded, not as the model saw it."),
    ] = False,
) -> None:
    """Make a study from a finished run: a folder with what judges see and are asked."""
    from feint.report.run_data import RunData
    from feint.survey.study.create import StudyOptions, draft
    from feint.survey.study.trial_order import KINDS

    made = draft(
        RunData.load(run),
        StudyOptions(
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


def _objective(given: str) -> tuple[str, str]:
    action, colon, reaction = given.partition(":")
    if not (action and colon and reaction):
        raise FeintError(
            f"--objective is {given!r}; expected ACTION:REACTION, for example "
            "punching:handshaking: the action that is seen and the target reaction.",
            code="bad-objective",
        )
    return action, reaction


def _tasks(given: str, kinds: "tuple[Kind, ...]") -> "list[Kind]":
    asked = [one.strip() for one in given.split(",")]
    if not set(asked) <= set(kinds):
        raise FeintError(
            f"--tasks is {given!r}; expected some of {', '.join(kinds)}, separated by commas.",
            code="unknown-task",
        )
    return [kind for kind in kinds if kind in asked]


def _text(path: Path) -> str:
    from feint.io.atomic import read_bytes

    try:
        text = read_bytes(path, 2**16).decode().strip()
    except UnicodeDecodeError as error:
        raise FeintError(f"{path} is not a UTF-8 text file ({error}).", code="not-text") from error
    if not text:
        raise FeintError(f"{path} is empty; expected the consent text.", code="empty-file")
    return text
