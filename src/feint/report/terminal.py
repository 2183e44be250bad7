"""What the commands print: a run's results, models, status, verification and differences.

One function a command. Tables of results come from tables.py.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from feint.data.sbu import check as check_module
from feint.evaluation.model_checks import EvaluationWarning
from feint.experiments.diff import Difference
from feint.experiments.problems import Verification
from feint.experiments.status import Stage, Status
from feint.io import text
from feint.models.sanity_checks import CHECKS, LEFT_OUT, ModelIssue
from feint.report import tables
from feint.report.console import Table, console, print_table
from feint.report.run_data import RunData

MOST_DAMAGE = 20
BASELINES = "Baseline comparison: models and trivial predictors on the test set"
LEGEND = (
    "eps in {unit}. Success rates among all n sequences (those whose true class is the target are "
    "stored, and not counted): without an attack (clean), under random "
    "noise, under the attack. Then the number of sequences that fail without an attack, and the "
    "success rates among them, with a 95 % interval. 'a from b': victim a, crafted on b."
)


def show(folder: Path, attack: str = "") -> None:
    """Show the results of one attack of a run (the first by default) and what is missing.

    With several attacks a table compares them.
    """
    run = RunData.load(folder, attack)
    out = console()
    for one in run.missing:
        out.print(Text.assemble(("missing: ", "bold red"), one))
    _warn(out, run.warnings)
    if run.baselines:
        print_table(out, BASELINES, tables.models(run))
    if not run.scored:
        return
    if len(run.attacks) > 1:
        print_table(out, "The attacks compared", tables.attacks(run))
        out.print(f"From here on: {run.experiment['attack']['name']}.", markup=False)
    print_table(out, "Attack success rate", tables.short_rates(run))
    out.print(Text(LEGEND.format(unit=run.units.eps)))
    out.print()
    content = tables.criteria(run)
    if run.criteria and content:
        for sentence in run.criteria.sentences:
            out.print(Text(sentence, style="bold"))
        print_table(out, "What counts as success", content)
        out.print(Text(tables.CRITERIA_LEGEND))
        out.print()
    for sentence in run.verdicts:
        out.print(Text(sentence, style="bold"))
    if not run.verdicts:
        out.print("Nothing was attacked: every test sequence is of the target's own class.")


def show_models(folder: Path) -> None:
    """Show the baseline comparison of the trained models."""
    run = RunData.load(folder)
    out = console()
    _warn(out, [w for name, comparison in run.baselines.items() for w in comparison.warnings(name)])
    print_table(out, BASELINES, tables.models(run))


def show_issues(name: str, issues: Sequence[ModelIssue]) -> None:
    """Show every check of a user's model, with the issues that were found."""
    out = console()
    found = {one.code: one for one in issues}
    stopped = any(one.fatal for one in issues)
    left_out = {check for code in found for check in LEFT_OUT.get(code, ())}
    for check, expected in CHECKS.items():
        if check in found:
            word = "FAILS" if found[check].fatal else "note"
            issue = f"{name} {found[check].message} ({check})"
            out.print(Text(f"{word:6}{issue}", style="yellow" if word == "note" else "red"))
        elif not stopped and check not in left_out:
            out.print(Text(f"{'ok':6}{name} {expected}"))
    if not issues:
        out.print(f"{name} can be attacked.", highlight=False)


def show_minimal(folder: Path) -> None:
    """Show the minimal eps of every model and target."""
    out = console()
    content, unit = tables.minimal(folder)
    print_table(out, f"Minimal eps, in {unit}", content)
    out.print(
        "Success rates among n sequences: without an attack, and at the largest eps or less. Then "
        "the eps at which 25, 50 and 75 % of those that fail without an attack succeed."
    )


def show_check(report: check_module.CheckReport) -> None:
    """Show which part of SBU is there, and what is expected."""
    out = console()
    table = Table(
        ("category", "label", "found", "expected", ""),
        tuple(
            (category, label, str(found), str(expected), "" if found == expected else "differs")
            for category, label, found, expected in report.rows
        ),
        names=2,
    )
    print_table(out, f"SBU Kinect Interaction in {report.root}", table)
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
        out.print(Text("The dataset is complete and undamaged.", style="green"))
    else:
        message = (
            "It differs from the official dataset; `feint data download-sbu` fetches missing files."
        )
        out.print(Text(message, style="bold red"))


def show_status(found: Status) -> None:
    """Show how far a run is."""
    out = console()
    if found.holder:
        out.print(Text(f"In use by {found.holder}.", style="bold"))
    table = Table(
        ("jobs", "done", "left", "failed", "time left"),
        tuple(
            (one.kind, str(one.done), str(one.left), str(one.failed), _time_left(one))
            for one in found.stages
        ),
    )
    print_table(out, "Jobs", table)
    for name, reason in found.failures:
        out.print(Text(f"failed: {name}: {reason}", style="red"))
    if found.damaged:
        out.print(Text(f"{found.damaged} damaged files were moved to damaged/.", style="red"))
    if found.others:
        out.print(f"{found.others} finished jobs belong to other settings or to `feint min-eps`.")
    if found.finished:
        out.print(Text("The run is complete.", style="green"))
    else:
        left = "unknown" if found.seconds is None else _duration(found.seconds)
        out.print(
            f"Time left, one job at a time: {left}. Run the same command again to go on; failed "
            "jobs are tried again."
        )


def _time_left(stage: Stage) -> str:
    if not stage.left and not stage.failed:
        return text.MISSING
    return "unknown" if stage.seconds is None else _duration(stage.seconds)


def _duration(seconds: float) -> str:
    """Seconds in the unit that reads best."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def show_verification(found: Verification) -> None:
    """Show whether a run's tensors and rows agree."""
    out = console()
    out.print(
        f"{found.results} results and {found.rows} rows were checked. The largest relative "
        f"difference of a recomputed distance is {found.largest:.1g}.",
        highlight=False,
    )
    for one in found.problems:
        out.print(Text(one, style="red"))
    if found.wrong > len(found.problems):
        out.print(Text(f"... and {found.wrong - len(found.problems)} more", style="red"))
    if found.damaged:
        message = f"{found.damaged} damaged files were moved away; `feint run` makes them again."
        out.print(Text(message, style="bold red"))
    if found.ok:
        out.print(Text("All rows agree with the tensors.", style="green"))


def show_difference(found: Difference, a: str, b: str) -> None:
    """Show what differs between two runs."""
    out = console()
    for title, lines in (("settings", found.settings), ("provenance", found.origins)):
        out.print(Text(f"Differences in {title}: {len(lines) or 'none'}", style="bold"))
        for line in lines:
            out.print(Text(f"  {line}"))
    if found.rates is None:
        out.print("One of the runs has no rows yet. Finish it with `feint run` to compare results.")
        return
    content = Table(
        (
            "surrogate",
            "victim",
            "attack",
            "eps",
            "n",
            "clean",
            "attack, a",
            "attack, b",
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
    print_table(out, f"Attack success rate, a = {a}, b = {b}", content)
    out.print(
        "clean: success rate without an attack. attack: success rate among the sequences that fail "
        "without one. difference: in percentage points. "
        f"{found.alike} rows are in both runs; {found.same} of them have the same distance (to "
        f"1e-4). The largest relative difference is {found.most:.2g}."
    )


def _warn(out: Console, warnings: list[EvaluationWarning]) -> None:
    for one in warnings:
        out.print(Text.assemble((f"warning {one.code}: ", "bold yellow"), one.message))
    if warnings:
        out.print()


def _listed(out: Console, what: str, lines: list[str], style: str) -> None:
    if not lines:
        return
    out.print(Text(f"{len(lines)} {what}:", style=f"bold {style}"))
    for line in lines[:MOST_DAMAGE]:
        out.print(Text(f"  {line}", style=style))
    if len(lines) > MOST_DAMAGE:
        out.print(Text(f"  ... and {len(lines) - MOST_DAMAGE} more", style=style))
