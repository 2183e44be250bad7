"""The section "Minimal eps": the smallest eps at which each sequence is a success.

Found by `feint min-eps`, or else the first eps of the run's grid that succeeds.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from feint.errors import DamagedError
from feint.evaluation.attack_task import IS_ATTACK, IS_NOISE
from feint.io.text import percent
from feint.report.charts.chart import (
    MODEL_COLOURS,
    SHARE,
    At,
    Axis,
    Bar,
    Chart,
    Curve,
    Line,
    Section,
    Table,
)
from feint.report.charts.inputs import ChartInputs
from feint.report.run_data import RunData


@dataclass(frozen=True)
class MinimalEps:
    """The minimal eps of every sequence of one model and target.

    Attributes:
        model, target: which.
        n: how many sequences.
        n_clean: how many succeed without an attack.
        eps: rising, the minimal eps of those that succeed under the attack; the rest never do.
        noise: the same under random noise, on the grid; None where none was tried.
    """

    model: str
    target: str
    n: int
    n_clean: int
    eps: tuple[float, ...]
    noise: tuple[float, ...] | None


@dataclass(frozen=True)
class MinimalEpsByModel:
    """Minimal eps of every model and target, white box.

    Attributes:
        searched: found by a search; else the first eps of the grid that succeeds.
        largest: the largest eps that was tried.
        parts: one for each model and target.
    """

    searched: bool
    largest: float
    parts: tuple[MinimalEps, ...]


def minimal_eps(run: RunData) -> MinimalEpsByModel | None:
    """The minimal eps of every sequence; None if nothing was attacked."""
    judged = run.judged.filter(pl.col("surrogate") == pl.col("victim"))
    noise = first(judged.filter(IS_NOISE))
    grid = first(judged.filter(IS_ATTACK))
    try:
        searched = run.minimal_eps_rows
    except DamagedError:
        searched = None  # `run.problems` names it
    found = grid if searched is None else searched
    if not len(found):
        return None
    tried = {(s, t): _successes(some) for (s, t), some in noise.group_by("surrogate", "target")}
    order = {name: i for i, name in enumerate(run.models)}
    parts = [
        MinimalEps(
            str(model),
            str(target),
            len(some),
            int((some["eps"] == 0).sum()),
            _successes(some),
            tried.get((model, target)),
        )
        for (model, target), some in found.group_by("surrogate", "target")
    ]
    parts.sort(key=lambda one: (order.get(one.model, len(order)), one.model, one.target))
    # The search goes up to the experiment's largest eps, as the grid does.
    return MinimalEpsByModel(
        searched is not None, float(max(run.experiment["attack"]["eps"])), tuple(parts)
    )


def first(judged: pl.DataFrame) -> pl.DataFrame:
    """The first eps at which each row succeeds: 0 if it does without an attack, null if never.

    Args:
        judged: of `RunData.judged`, of one kind of attack.
    """
    return judged.group_by("surrogate", "target", "true_class", "sequence").agg(
        eps=pl.when(pl.col("clean_success").any())
        .then(0.0)
        .otherwise(pl.col("eps").filter(pl.col("success")).min())
    )


def _successes(rows: pl.DataFrame) -> tuple[float, ...]:
    return tuple(rows.filter(pl.col("eps").is_finite() & (pl.col("eps") > 0))["eps"].sort())


def section(inputs: ChartInputs) -> Section | None:
    """Cumulative success rates over eps, a line a model; None if nothing was attacked."""
    found = minimal_eps(inputs.run)
    if found is None:
        return None
    models = list(dict.fromkeys(one.model for one in found.parts))
    sums = {
        (i, j): _together(found, model, target)
        for i, model in enumerate(models)
        for j, target in enumerate(inputs.targets)
    }
    unit = inputs.run.units.eps
    axis = inputs.eps_axis("smallest eps ({})")
    chart = Chart(
        "minimal-eps",
        Axis(axis.label, tip=axis.tip, low=0.0, high=found.largest * 1.05, above=axis.above),
        Axis("share of successes", **SHARE),  # type: ignore[arg-type]
        _lines(models, sums),
        [curve for (i, j), one in sums.items() if one.n for curve in _curves(i, j, one, found)],
        ("target",),
        steps=True,
        texts=[
            ({"target": j}, " ".join(_sentence(one, found.largest, unit) for one in some))
            for j in range(len(inputs.targets))
            if (some := [one for (_, k), one in sums.items() if k == j and one.n])
        ],
        tables=[_table(j, [one for (_, k), one in sums.items() if k == j and one.n])
                for j in range(len(inputs.targets))],
        bars=[_bar(j, one) for (_, j), one in sums.items() if one.n],
        alt="Share of sequences that succeed, against the smallest eps at which they do.",
    )  # fmt: skip
    how = (
        "Found for each sequence by feint min-eps, with this run's tolerance; random noise on the "
        "run's grid."
        if found.searched
        else "Read off the run's grid: the first eps that succeeds. The true minimum "
        "lies between it and the eps before; feint min-eps searches for it."
    )
    return Section(
        "minimal-eps",
        "Minimal eps",
        f"The smallest eps at which a sequence is a success, white box. {how} A curve begins at "
        "the share that succeeds without an attack; what it lacks to 100 % at its end never does.",
        (chart,),
        (inputs.target_control,),
        place="success",
    )


def _together(found: MinimalEpsByModel, model: str, target: str) -> MinimalEps:
    """One target, or all of them where the name is of none."""
    mine = [one for one in found.parts if one.model == model]
    some = [one for one in mine if one.target == target]
    if target not in {one.target for one in found.parts}:
        some = mine
    noise = None
    if some and all(one.noise is not None for one in some):
        noise = tuple(sorted(eps for one in some for eps in one.noise or ()))
    eps = tuple(sorted(eps for one in some for eps in one.eps))
    n, n_clean = sum(one.n for one in some), sum(one.n_clean for one in some)
    return MinimalEps(model, target, n, n_clean, eps, noise)


def _lines(models: list[str], sums: dict[tuple[int, int], MinimalEps]) -> list[Line]:
    """Two for each model: the attack, and random noise."""
    lines = []
    for i, model in enumerate(models):
        colour = MODEL_COLOURS[i % len(MODEL_COLOURS)]
        lines.append(Line(model, colour, 2.4))
        lines.append(Line(f"{model}, random noise", colour, 1.4, dashed=True))
    return lines


def _curves(i: int, j: int, one: MinimalEps, found: MinimalEpsByModel) -> list[Curve]:
    curves = []
    for line, eps in ((2 * i, one.eps), (2 * i + 1, one.noise)):
        if eps is not None:
            values, counts = np.unique(np.array(eps, dtype=float), return_counts=True)
            x = [0.0, *values.tolist(), 1.05 * found.largest]
            y = (one.n_clean + np.cumsum([0, *counts, 0])) / one.n
            curves.append(Curve(line, x, y.tolist(), at={"target": j}))
    return curves


def _quantile(one: MinimalEps, share: float) -> float | None:
    """The eps at which a share of those that failed without an attack succeeds."""
    failures = one.n - one.n_clean
    place = int(np.ceil(share * (failures - 1)))
    return one.eps[place] if failures and place < len(one.eps) else None


def _sentence(one: MinimalEps, largest: float, unit: str) -> str:
    never = one.n - one.n_clean - len(one.eps)
    half = _quantile(one, 0.5)
    if one.n == one.n_clean:
        rest = "No sequence is left to attack."
    elif half is None:
        rest = "Fewer than half of those that failed without an attack succeed."
    else:
        rest = f"Half of those that failed without an attack succeed by {half:.3g} {unit}."
    return (
        f"{one.model}: of {one.n}, {percent(one.n_clean / one.n)} succeed without an attack, "
        f"{percent(never / one.n)} never succeed up to {largest:.3g} {unit}. {rest}"
    )


def _table(j: int, some: list[MinimalEps]) -> Table:
    def eps(value: float | None) -> str:
        return "–" if value is None else f"{value:.3g}"

    return Table(
        {"target": j},
        ("model", "n", "without an attack", "under the attack", "never", "25 %", "50 %", "75 %"),
        [
            (
                one.model,
                str(one.n),
                str(one.n_clean),
                str(len(one.eps)),
                str(one.n - one.n_clean - len(one.eps)),
                *(eps(_quantile(one, share)) for share in (0.25, 0.5, 0.75)),
            )
            for one in some
        ],
    )


def _bar(j: int, one: MinimalEps) -> Bar:
    never = one.n - one.n_clean - len(one.eps)
    parts = (
        ("clean", "success without an attack", one.n_clean),
        ("attacked", "success under the attack", len(one.eps)),
        ("never", "never a success", never),
    )
    at: At = {"target": j}
    return Bar(one.model, parts, at)
