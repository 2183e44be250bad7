"""Show a study's results in the terminal: warnings, votes, thresholds, agreement.

`feint survey threshold` prints them; change the tables of that command here.
"""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from feint.io.text import MISSING
from feint.report.console import Table, console, print_table
from feint.survey.analysis.agreement import Agreement
from feint.survey.analysis.results import Estimate, Method, ObjectiveResult, Unit
from feint.survey.analysis.thresholds import Threshold

UNITS: dict[Unit, str] = {
    "sum": "equation 7",
    "per-frame": "equation 7 per frame",
    "cm": "cm per joint",
}


def show(found: Estimate) -> None:
    """Print the results of a study."""
    out = console()
    for warning in found.warnings:
        out.print(Text.assemble((f"{warning.code} ", "bold yellow"), warning.message))
    who = f"{found.judges} judges" if found.judges else "Judges"
    out.print(Text(f"{who}, {found.given} answers, {found.missing} missing. {found.rule}"))
    out.print()
    _votes(out, found)
    _thresholds(out, found)
    _detection_and_agreement(out, found)


def _votes(out: Console, found: Estimate) -> None:
    panels = max((len(one.votes.votes) for one in found.objectives), default=0)
    heads = [str(k + 1) for k in range(panels)]
    lines = [
        [
            _name(one),
            *(str(n) for n in one.votes.votes),
            *[""] * (panels - len(one.votes.votes)),
            str(one.votes.none),
            str(one.votes.missing),
            str(one.votes.total),
            _number(one.tolerance("paper")),
            _number(one.tolerance("minimum")),
        ]
        for one in found.objectives
    ]
    more = ["none", "missing", "total", "most voted", "smallest voted"]
    _table(out, "Votes for the leftmost panel, and the paper's tolerance (equation 7)",
           ["objective", *heads, *more], lines)  # fmt: skip
    methods: tuple[tuple[Method, str], ...] = (
        ("paper", "the most voted eps"),
        ("minimum", "the smallest voted eps"),
    )
    for method, where in methods:
        known = [d for d in (one.tolerance(method) for one in found.objectives) if math.isfinite(d)]
        if known:
            out.print(Text(f"Mean for other classes, at {where}: {sum(known) / len(known):.2f}"))
    out.print()


def _thresholds(out: Console, found: Estimate) -> None:
    for unit, name in UNITS.items():
        lines = [
            [_name(one), "leftmost", *_line(one.thresholds[unit])]
            for one in found.objectives
            if unit in one.thresholds
        ]
        lines += [
            [_name(one), "naming", *_line(one.named[unit])]
            for one in found.objectives
            if unit in one.named
        ]
        for asked, pooled in (("leftmost", found.pooled), ("naming", found.named)):
            if unit in pooled:
                lines.append(["all", asked, *_line(pooled[unit])])
        if lines:
            heads = ["objective", "trials", "threshold", "95 %", "width", "lapse", "judges"]
            _table(out, f"The distance that half recognise, {name}", [*heads, "failed"], lines)
    if found.without_exclusions is not None:
        every = found.without_exclusions
        lines = [
            [_name(one), _threshold(one, "sum"), _threshold(all_, "sum")]
            for one, all_ in zip(found.objectives, every.objectives, strict=True)
        ]
        heads = ["objective", f"{found.judges} judges", f"all {every.judges}"]
        _table(out, "Thresholds with and without exclusions, equation 7", heads, lines)


def _detection_and_agreement(out: Console, found: Estimate) -> None:
    lines = [
        [
            f"{one.eps:g}",
            f"{one.right} of {one.answers}",
            f"{one.share:.0%}",
            f"{one.low:.0%} to {one.high:.0%}",
            _number(one.dprime),
            f"{_number(one.dprime_low)} to {_number(one.dprime_high)}",
        ]
        for one in found.detections
    ]
    if lines:
        heads = ["eps", "right", "share", "95 %", "d'", "95 %"]
        _table(out, "Which of two clips was changed (chance: 50%)", heads, lines)
    for name, one in (
        ("leftmost panel, ordinal", found.leftmost),
        ("names, nominal", found.naming),
    ):
        if one is not None and not math.isnan(one.alpha):
            out.print(Text(f"Krippendorff's alpha, {name}: {_alpha(one)}"))


def _line(one: Threshold) -> list[str]:
    return [
        _number(one.distance) + (" (extrapolated)" if one.extrapolated else ""),
        _interval(one),
        _number(one.width),
        f"{one.lapse:.0%}",
        str(one.judges),
        f"{one.failed} of {one.draws}",
    ]


def _threshold(one: ObjectiveResult, unit: Unit) -> str:
    fit = one.thresholds.get(unit)
    return MISSING if fit is None else f"{_number(fit.distance)} ({_interval(fit)})"


def _interval(one: Threshold) -> str:
    if math.isnan(one.low):
        return MISSING
    return " to ".join(_number(end) if math.isfinite(end) else "any" for end in (one.low, one.high))


def _alpha(one: Agreement) -> str:
    if math.isnan(one.low):
        return f"{one.alpha:.2f}"
    return f"{one.alpha:.2f} ({one.low:.2f} to {one.high:.2f})"


def _name(one: ObjectiveResult) -> str:
    pair = f"{one.action} -> {one.reaction}" if one.action else one.reaction
    return f"{pair}, {one.model}" if one.model else pair


def _number(value: float) -> str:
    if not math.isfinite(value):
        return MISSING
    return f"{value:.{2 if abs(value) >= 10 else 3}f}"


def _table(out: Console, title: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    print_table(out, title, Table(tuple(heads), tuple(tuple(line) for line in lines)))
