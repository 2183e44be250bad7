"""The sections "Attack success rate" and "Transfer", and the rates that both of them read.

`success_criteria.py` says by which criteria success is counted.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from feint.report.charts import success_criteria
from feint.report.charts.chart import ATTACK, CLEAN, NOISE, SHARE, Axis, Chart, Control, Section
from feint.report.charts.inputs import ChartInputs
from feint.report.charts.success_criteria import SuccessCriterion
from feint.report.charts.success_matrix import pair_name

STEPS = 10_000
"""What a bound of an interval is counted in: JSON holds whole numbers."""


def section(inputs: ChartInputs) -> Section:
    """Success rates over eps, by criterion, pair of models and target."""
    names = tuple(pair_name(*pair) for pair in inputs.matrix.pairs)
    criteria = tuple(one.name for one in success_criteria.criteria(inputs.run))
    chart = Chart(
        "success",
        inputs.eps_axis(),
        Axis("attack success rate", **SHARE),  # type: ignore[arg-type]
        (ATTACK, NOISE, CLEAN),
    )
    return Section(
        "success",
        "Attack success rate",
        "The share of outputs within the tolerance of the target, beside the rates without an "
        "attack and under random noise of the same size; the bands are 95 % intervals over "
        "interactions.",
        (chart,),
        (
            Control("criterion", "Success criterion", criteria),
            Control("pair", "Victim", names),
            inputs.target_control,
        ),
        kind="success",
        place="success",
    )


def transfer_section(inputs: ChartInputs) -> Section | None:
    """Surrogate by victim; None where every attack is white box."""
    if all(surrogate == victim for surrogate, victim in inputs.matrix.pairs):
        return None
    return Section(
        "transfer",
        "Transfer",
        "Crafted on a surrogate (rows), evaluated on a victim that the attacker does not know "
        "(columns): success rate among the sequences that fail without an attack, by the run's "
        "tolerance. The diagonal is white box.",
        (),
        (inputs.target_control, inputs.eps_control),
        kind="transfer",
        place="success",
    )


def rates_to_dict(inputs: ChartInputs) -> dict[str, Any]:
    """Every rate of every criterion, for the page's script."""
    matrix, criteria = inputs.matrix, success_criteria.criteria(inputs.run)
    return {
        "eps": list(matrix.eps),
        "eps_labels": list(matrix.eps_labels),
        "pairs": [{"surrogate": s, "victim": v, "name": pair_name(s, v)} for s, v in matrix.pairs],
        "targets": list(inputs.targets),
        "criteria": [_criterion(inputs, one, criteria) for one in criteria],
    }


def _criterion(
    inputs: ChartInputs, one: SuccessCriterion, criteria: Sequence[SuccessCriterion]
) -> dict[str, Any]:
    """Its rates: pair, target (0: all), eps, the counts, then six bounds in `STEPS`."""
    matrix, several = inputs.matrix, len(inputs.matrix.targets) > 1
    rates = []
    for rate in success_criteria.rates(inputs.run, one):
        if several or rate.target is not None:
            target = 0 if rate.target is None else matrix.targets.index(rate.target) + several
            pair = matrix.pairs.index((rate.surrogate, rate.victim))
            bounds = _counted(bound for ends in rate.intervals for bound in ends)
            counts = [rate.n, rate.n_successes, rate.n_clean, rate.n_noise]
            rates.append([pair, target, matrix.eps.index(rate.eps), *counts, *bounds])
    same = [i for i, other in enumerate(criteria) if other.rule == one.rule]
    return {
        "name": one.name,
        "description": one.description,
        "only_clean_failures": one.only_clean_failures,
        "all": next(i for i in same if not criteria[i].only_clean_failures),
        "rates": sorted(rates, key=lambda rate: rate[:3]),
    }


def _counted(values: Iterable[float]) -> list[int | None]:
    return [round(one * STEPS) if math.isfinite(one) else None for one in values]
