"""The report in a terminal: warnings first, then the models, the rates, the verdict."""

import sys
from pathlib import Path

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable
from rich.text import Text

from feint.checks import Warning
from feint.data import sbu
from feint.report import tables
from feint.report.findings import Findings

MOST_DAMAGE = 20
PIPE_WIDTH = 120
LEGEND = (
    "eps in {unit}. Of all n: without an attack (none), under random noise, under the attack. Then "
    "of those that failed without one: under noise, under the attack, and its 95 % interval. "
    "'a from b': answered by a, crafted on b."
)


def show(folder: Path) -> None:
    """Show a run's results.  Raises FeintError if it was not scored yet."""
    findings = Findings.of(folder)
    out = _console()
    _warn(out, findings.warnings)
    _table(out, "Models beside trivial predictors, on the test set", tables.models(findings))
    _table(out, "How often an answer counts as the target", tables.short_rates(findings))
    out.print(Text(LEGEND.format(unit=findings.unit)))
    out.print()
    for sentence in findings.verdicts:
        out.print(Text(sentence, style="bold"))
    if not findings.verdicts:
        out.print("Nothing was asked: every test sequence is of the target's own class.")


def show_models(folder: Path) -> None:
    """Show how the trained models compare with the trivial predictors."""
    findings = Findings.of(folder)
    out = _console()
    _warn(out, [w for name, gate in findings.gates.items() for w in gate.warnings(name)])
    _table(out, "Models beside trivial predictors, on the test set", tables.models(findings))


def show_minimal(folder: Path) -> None:
    """Show the smallest eps that was enough."""
    out = _console()
    content, unit = tables.minimal(folder)
    _table(out, f"The smallest eps that is enough, in {unit}", content)
    out.print(
        "Of n sequences: the share that counts as the target as it is, and with the largest eps "
        "or less. Of those that needed a change: eps enough for a quarter, half, three quarters."
    )


def show_check(report: sbu.CheckReport) -> None:
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
    expected = sum(sbu.EXPECTED.values())
    out.print(
        f"{report.sequences} sequences of {expected}, {report.frames} frames of "
        f"{sbu.EXPECTED_FRAMES}.",
        highlight=False,
    )
    if report.missing_sets:
        out.print(Text(f"Missing sets: {', '.join(report.missing_sets)}", style="bold red"))
    _listed(out, "damaged", [str(one) for one in report.damage], "red")
    _listed(out, "unusual", [str(one) for one in report.warnings], "yellow")
    if report.ok:
        out.print(Text("Everything is there, and nothing is damaged.", style="green"))
    else:
        told = "It differs from the official dataset; `feint data sbu` fetches what is missing."
        out.print(Text(told, style="bold red"))


def _console() -> Console:
    """Stdout; a pipe has no width of its own, and tables should not be squeezed into 80."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)


def _warn(out: Console, warnings: list[Warning]) -> None:
    for one in warnings:
        out.print(Text.assemble((f"warning {one.name}: ", "bold yellow"), one.sentence))
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
