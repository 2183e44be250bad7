"""The report in a terminal: warnings first, then the models, the rates, the verdict."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable
from rich.text import Text

from feint.data.sbu import check as check_module
from feint.evaluation.model_checks import EvaluationWarning
from feint.experiments.diff import Difference
from feint.experiments.problems import Verification
from feint.experiments.status import Stage, Status
from feint.io import text
from feint.models.sanity_checks import CHECKS, ModelIssue
from feint.report import tables
from feint.report.run_data import RunData

MOST_DAMAGE = 20
PIPE_WIDTH = 120
LEGEND = (
    "eps in {unit}. Of all n: without an attack (none), under random noise, under the attack. Then "
    "of those that failed without one: under noise, under the attack, and its 95 % interval. "
    "'a from b': answered by a, crafted on b."
)


def show(folder: Path, attack: str = "") -> None:
    """Show a run's results: what is there, and what is not; of its first attack if none is named.

    With several attacks a table compares them.
    """
    run = RunData.load(folder, attack)
    out = _console()
    for one in run.missing:
        out.print(Text.assemble(("missing: ", "bold red"), one))
    _warn(out, run.warnings)
    if run.baselines:
        _table(out, "Models beside trivial predictors, on the test set", tables.models(run))
    if not run.scored:
        return
    if len(run.attacks) > 1:
        _table(out, "The attacks compared", tables.attacks(run))
        out.print(f"From here on: {run.experiment['attack']['name']}.", markup=False)
    _table(out, "How often an answer counts as the target", tables.short_rates(run))
    out.print(Text(LEGEND.format(unit=run.units.eps)))
    out.print()
    for sentence in run.verdicts:
        out.print(Text(sentence, style="bold"))
    if not run.verdicts:
        out.print("Nothing was asked: every test sequence is of the target's own class.")


def show_models(folder: Path) -> None:
    """Show how the trained models compare with the trivial predictors."""
    run = RunData.load(folder)
    out = _console()
    _warn(out, [w for name, comparison in run.baselines.items() for w in comparison.warnings(name)])
    _table(out, "Models beside trivial predictors, on the test set", tables.models(run))


def show_issues(name: str, issues: Sequence[ModelIssue]) -> None:
    """Show what a user's model was asked, and what was found."""
    out = _console()
    said = {one.code: one for one in issues}
    stopped = any(one.fatal for one in issues)
    for check, wanted in CHECKS.items():
        if check in said:
            word = "FAILS" if said[check].fatal else "note"
            told = f"{name} {said[check].message} ({check})"
            out.print(Text(f"{word:6}{told}", style="yellow" if word == "note" else "red"))
        elif not stopped:
            out.print(Text(f"{'ok':6}{name} {wanted}"))
    if not issues:
        out.print(f"{name} can be attacked.", highlight=False)


def show_minimal(folder: Path) -> None:
    """Show the smallest eps that was enough."""
    out = _console()
    content, unit = tables.minimal(folder)
    _table(out, f"The smallest eps that is enough, in {unit}", content)
    out.print(
        "Of n sequences: the share that counts as the target as it is, and with the largest eps "
        "or less. Of those that needed a change: eps enough for a quarter, half, three quarters."
    )


def show_check(report: check_module.CheckReport) -> None:
    """Show what of SBU is there against what should be."""
    out = _console()
    table = tables.Table(
        ("category", "label", "found", "expected", ""),
        tuple(
            (category, label, str(found), str(expected), "" if found == expected else "differs")
            for category, label, found, expected in report.rows
        ),
        names=2,
    )
    _table(out, f"SBU Kinect Interaction in {report.root}", table)
    expected = sum(check_module.EXPECTED.values())
    out.print(
        f"{report.sequences} sequences of {expected}, {report.frames} frames of "
        f"{check_module.EXPECTED_FRAMES}.",
        highlight=False,
    )
    if report.missing_sets:
        out.print(Text(f"Missing sets: {', '.join(report.missing_sets)}", style="bold red"))
    _listed(out, "damaged", [str(one) for one in report.damage], "red")
    _listed(out, "unusual", [str(one) for one in report.warnings], "yellow")
    if report.ok:
        out.print(Text("Everything is there, and nothing is damaged.", style="green"))
    else:
        told = "It differs from the official dataset; `feint data download-sbu` fetches what lacks."
        out.print(Text(told, style="bold red"))


def show_status(found: Status) -> None:
    """Show how far a run is."""
    out = _console()
    if found.holder:
        out.print(Text(f"Being worked on by {found.holder}.", style="bold"))
    table = tables.Table(
        ("jobs", "done", "left", "failed", "may take"),
        tuple(
            (one.kind, str(one.done), str(one.left), str(one.failed), _told_time(one))
            for one in found.stages
        ),
    )
    _table(out, "Jobs", table)
    for name, reason in found.failures:
        out.print(Text(f"failed: {name}: {reason}", style="red"))
    if found.damaged:
        out.print(Text(f"{found.damaged} damaged files were set aside in damaged/.", style="red"))
    if found.others:
        out.print(f"{found.others} finished jobs are of other settings, or of `feint min-eps`.")
    if found.finished:
        out.print(Text("Nothing is left to do.", style="green"))
    else:
        left = "unknown" if found.seconds is None else _duration(found.seconds)
        out.print(
            f"Left, one job at a time: {left}. Run the same command again to go on; what failed "
            "is tried again."
        )


def _told_time(stage: Stage) -> str:
    if not stage.left and not stage.failed:
        return text.MISSING
    return "unknown" if stage.seconds is None else _duration(stage.seconds)


def _duration(seconds: float) -> str:
    """A time that people can read."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def show_verification(found: Verification) -> None:
    """Show what a run's tensors say of its rows."""
    out = _console()
    out.print(
        f"{found.results} results and {found.rows} rows looked at; the largest relative difference "
        f"of a distance worked out again is {found.largest:.1g}.",
        highlight=False,
    )
    for one in found.problems:
        out.print(Text(one, style="red"))
    if found.wrong > len(found.problems):
        out.print(Text(f"... and {found.wrong - len(found.problems)} more", style="red"))
    if found.damaged:
        told = f"{found.damaged} damaged files were set aside; `feint run` makes them anew."
        out.print(Text(told, style="bold red"))
    if found.ok:
        out.print(Text("Everything is as the rows say.", style="green"))


def show_difference(found: Difference, a: str, b: str) -> None:
    """Show what differs between two runs."""
    out = _console()
    for title, lines in (("settings", found.settings), ("where they were made", found.origins)):
        out.print(Text(f"Differences in {title}: {len(lines) or 'none'}", style="bold"))
        for line in lines:
            out.print(Text(f"  {line}"))
    if found.rates is None:
        out.print("One of them has no rows yet: `feint run` it to compare results.")
        return
    content = tables.Table(
        (
            "crafted on",
            "answered by",
            "by",
            "eps",
            "n",
            "none",
            "moved, a",
            "moved, b",
            "difference",
        ),
        tuple(
            (
                *(one[name] for name in ("surrogate", "victim", "attack")),
                f"{one['eps']:g}",
                " / ".join(text.MISSING if n is None else str(n) for n in (one["n_a"], one["n_b"])),
                " / ".join(text.percent(one[f"clean_success_rate_{run}"]) for run in "ab"),
                text.percent(one["success_rate_if_clean_fails_a"]),
                text.percent(one["success_rate_if_clean_fails_b"]),
                text.MISSING if one["difference"] is None else f"{100 * one['difference']:+.1f}",
            )
            for one in found.rates.iter_rows(named=True)
        ),
        names=3,
    )
    _table(out, f"Success, a = {a}, b = {b}", content)
    out.print(
        "none: without an attack. moved: of those that failed without one. change: in percentage "
        f"points. {found.alike} rows ask the same in both; {found.same} of them have the same "
        f"distance (to 1e-4), and the most it differs by is {found.most:.2g} of itself."
    )


def _console() -> Console:
    """Stdout; a pipe has no width of its own, and tables should not be squeezed into 80."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)


def _warn(out: Console, warnings: list[EvaluationWarning]) -> None:
    for one in warnings:
        out.print(Text.assemble((f"warning {one.code}: ", "bold yellow"), one.message))
    if warnings:
        out.print()


def _table(out: Console, title: str, content: tables.Table) -> None:
    out.print(Text(title, style="bold"))
    table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for i, head in enumerate(content.heads):
        justify: JustifyMethod = "left" if i < content.names else "right"
        table.add_column(
            Text(head),
            justify=justify,
            overflow="fold",
            no_wrap=i >= content.names and " " not in head,
        )
    for row in content.rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)


def _listed(out: Console, what: str, lines: list[str], style: str) -> None:
    if not lines:
        return
    out.print(Text(f"{len(lines)} {what}:", style=f"bold {style}"))
    for line in lines[:MOST_DAMAGE]:
        out.print(Text(f"  {line}", style=style))
    if len(lines) > MOST_DAMAGE:
        out.print(Text(f"  ... and {len(lines) - MOST_DAMAGE} more", style=style))
