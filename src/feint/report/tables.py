"""The report's tables, as text; the page, the terminal and `--json` users read the same numbers.

A new column or table belongs here. How a number is written: feint/io/text.py.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from feint.errors import FeintError
from feint.evaluation import rows, success_rates
from feint.evaluation.attack_task import IS_ATTACK, IS_NOISE
from feint.evaluation.criteria_rates import ATTACK
from feint.io.atomic import safe_join
from feint.io.text import MISSING, number, number_interval, percent, percent_interval
from feint.report.console import Table
from feint.report.run_data import RunData

CRITERIA_LEGEND = (
    "White box, largest eps, all attacked sequences: success rates with 95 % intervals. Every "
    "answer but the attack's is a null, made without an attack; *: the strongest one of its "
    "criterion. Last line: the attack's rate minus that null's, on the same rows, in percentage "
    "points. within tolerance: near the target by equation 7. specific: also nearer to it than to "
    "any other target. pose: the body's pose alone. place: the path alone."
)
ALL = "every class"
"""In the table of tolerances, where one number is for all."""
SHARES = ("eps", "n", "clean", "noise", "attack", "failed", "noise", "attack", "95 %")
"""Short heads of the cells of `_shares`."""


def models(run: RunData) -> Table:
    """The error of every model beside the trivial predictors."""
    comparisons = run.baselines
    trivial = list(
        dict.fromkeys(name for comparison in comparisons.values() for name in comparison.trivial)
    )
    unit = next(iter(comparisons.values())).unit
    return Table(
        ("model", f"error ({unit})", *trivial, "reaction", "training error"),
        tuple(
            (
                name,
                number(comparison.error),
                *(number(comparison.trivial.get(other)) for other in trivial),
                number(comparison.reaction),
                number(comparison.train_error),
            )
            for name, comparison in comparisons.items()
        ),
    )


def rates(run: RunData, by_target: bool = False) -> Table:
    """Success rates under the attack, without an attack and under random noise."""
    table = run.rates_by_target if by_target else run.rates
    shown = [c for c in ("error_cm", "perturbation_cm", "bone_length_change") if c in table.columns]
    heads = {
        "error_cm": "distance, cm a joint",
        "perturbation_cm": "perturbation, cm a joint",
        "bone_length_change": "bone length change",
    }
    attacked = table.filter(IS_ATTACK)
    return Table(
        (
            "surrogate",
            "victim",
            *(["target"] if by_target else []),
            f"eps ({run.units.eps})",
            "n",
            "no attack",
            "random noise",
            "attack",
            "n, clean fails",
            "noise, clean fails",
            "attack, clean fails",
            "95 % interval",
            *(heads[c] for c in shown),
        ),
        tuple(
            (
                one["surrogate"],
                one["victim"],
                *([one["target"]] if by_target else []),
                *_shares(one),
                *(_measure(c, one[c]) for c in shown),
            )
            for one in attacked.iter_rows(named=True)
        ),
        names=3 if by_target else 2,
    )


def _shares(one: dict[str, Any]) -> tuple[str, ...]:
    """The cells that both tables of rates have in common."""
    return (
        f"{one['eps']:g}",
        str(one["n"]),
        percent(one["clean_success_rate"]),
        percent(one["noise_success_rate"]),
        percent(one["success_rate"]),
        str(one["n_clean_failures"]),
        percent(one["noise_success_rate_if_clean_fails"]),
        percent(one["success_rate_if_clean_fails"]),
        percent_interval(*(one[f"success_rate_if_clean_fails_{s}"] for s in ("low", "high"))),
    )


def criteria(run: RunData) -> Table | None:
    """Success by every criterion, of the attack and of every null; None with one criterion."""
    table = run.criteria.table if run.criteria else pl.DataFrame()
    if not len(table):
        return None
    names = list(dict.fromkeys(table["criterion"]))
    lines = []
    for (model,), own in table.group_by("model", maintain_order=True):
        for (answer,), some in own.group_by("answer", maintain_order=True):
            cells = {one["criterion"]: _rate(one) for one in some.iter_rows(named=True)}
            lines.append((str(model), str(answer), *(cells.get(n, MISSING) for n in names)))
        differences = {
            one["criterion"]: _points(one)
            for one in own.filter(pl.col("answer") == ATTACK).iter_rows(named=True)
        }
        lines.append((str(model), "attack minus *", *(differences[n] for n in names)))
    return Table(("model", "answer", *names), tuple(lines), names=2)


def _rate(one: dict[str, Any]) -> str:
    """A rate, its interval, and a star where it is the strongest null's."""
    ends = percent_interval(one["success_rate_low"], one["success_rate_high"])
    return f"{percent(one['success_rate'])} ({ends}){' *' if one['strongest'] else ''}"


def _points(one: dict[str, Any]) -> str:
    """A difference of rates in percentage points, with its interval."""
    ends = [one["difference"], one["difference_low"], one["difference_high"]]
    middle, low, high = (MISSING if n is None or math.isnan(n) else f"{100 * n:+.0f}" for n in ends)
    return f"{middle} ({low} to {high})"


def attacks(run: RunData) -> Table:
    """Every attack of a run beside the others, white box: `short_rates` of each."""
    order = {name: i for i, name in enumerate(run.attacks)}
    white = run.attack_rates.filter(pl.col("surrogate") == pl.col("victim"))
    table = white.sort("victim", "eps", pl.col("attack").replace_strict(order))
    return Table(
        ("model", "attack", *SHARES),
        tuple((one["victim"], one["attack"], *_shares(one)) for one in table.iter_rows(named=True)),
        names=2,
    )


def _measure(column: str, value: float | None) -> str:
    return percent(value, 1) if column == "bone_length_change" else number(value)


def short_rates(run: RunData) -> Table:
    """`rates` for a narrow terminal: success rates alone."""
    attacked = run.rates.filter(IS_ATTACK)
    return Table(
        ("model", *SHARES),
        tuple(
            (
                one["victim"]
                if one["surrogate"] == one["victim"]
                else f"{one['victim']} from {one['surrogate']}",
                *_shares(one),
            )
            for one in attacked.iter_rows(named=True)
        ),
    )


def perturbation(run: RunData, mean_accelerations: Mapping[tuple[str, str, float], float]) -> Table:
    """The size of perturbations in the actor's motion, by attack or noise, at every eps.

    Args:
        mean_accelerations: of a joint, m/s2, by source, attack and eps.
    """
    rows = run.judged.filter(pl.col("surrogate") == pl.col("victim"))
    measures = {
        "perturbation_cm": ("perturbation, cm a joint", pl.col("perturbation_cm").mean()),
        "perturbation_max_cm": ("largest, cm", pl.col("perturbation_max_cm").max()),
        "bone_length_change": ("bone length change (median)", pl.col("bone_length_change").mean()),
    }
    measures = {name: value for name, value in measures.items() if name in rows.columns}
    table = rows.group_by("surrogate", "attack", "eps").agg(
        pl.len().alias("n"), **{name: value for name, (_, value) in measures.items()}
    )
    order = pl.when(IS_ATTACK).then(2).when(IS_NOISE).then(1).otherwise(0)
    return Table(
        (
            "surrogate",
            "perturbation",
            f"eps ({run.units.eps})",
            *(head for head, _ in measures.values()),
            "acceleration, m/s²",
        ),
        tuple(
            (
                one["surrogate"],
                one["attack"],
                f"{one['eps']:g}",
                *(_measure(c, one[c]) for c in measures),
                number(mean_accelerations.get((one["surrogate"], one["attack"], one["eps"]))),
            )
            for one in table.sort("surrogate", order, "attack", "eps").iter_rows(named=True)
        ),
        names=2,
    )


def tolerance(run: RunData) -> Table:
    """The tolerance of every class, the targets first."""
    one = run.tolerance
    targets = list(run.experiment["target"]["labels"])
    labels = [*targets, *sorted(set(one.values) - set(targets))]
    labels += [ALL] if one.other is not None and not labels else []
    judged = ("95 % interval",) if one.low or one.high else ()
    return Table(
        (
            "class",
            "target",
            f"tolerance ({run.distance_unit})",
            *judged,
            "other classes within it",
            "pairs",
        ),
        tuple(
            (
                label,
                "yes" if label in targets else "no",
                number(one.values.get(label, one.other), 3),
                *(number_interval(one.low.get(label), one.high.get(label)) for _ in judged),
                percent(one.among_others.get(label)),
                str(one.between_same.get(label, MISSING)),
            )
            for label in labels
        ),
        names=2,
    )


def minimal(folder: Path) -> tuple[Table, str]:
    """Minimal eps of every model and target, and its unit.

    Raises:
        FeintError: the run has no minimal.parquet.
    """
    path = safe_join(folder, "minimal.parquet")
    if not path.exists():
        raise FeintError(
            f"{path} is not there. Run `feint min-eps` on the experiment first.", code="not-run-yet"
        )
    unit = RunData.load(folder).units.eps
    found = success_rates.minimal_eps_quartiles(
        rows.read(path, ("surrogate", "target", "true_class"))
    )
    shares = ("quarter", "half", "three_quarters")
    return (
        Table(
            (
                "model",
                "target",
                "n",
                "no attack",
                "attack",
                "25 %",
                "50 %",
                "75 %",
            ),
            tuple(
                (
                    one["surrogate"],
                    one["target"],
                    str(one["n"]),
                    percent(one["clean_success_rate"]),
                    percent(one["success_rate"]),
                    *(number(one[share], 3) for share in shares),
                )
                for one in found.iter_rows(named=True)
            ),
            names=2,
        ),
        unit,
    )
