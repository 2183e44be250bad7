"""The section "Smoothness": distance reduction against the acceleration that an attack adds.

Titles, axes and sentences are here; how a chart is described is in `chart.py`.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from feint.evaluation.attack_task import NONE, is_attack_name
from feint.io.text import number, percent
from feint.report.charts.chart import Axis, Chart, Curve, Line, Section, Table
from feint.report.charts.inputs import ChartInputs

POINTS = 2000
"""At most so many of the attack, and of each noise, in a page."""
SEED = 0
"""Of the draw where there are more."""
SUCCESS = Line("attack, success", "attacked", 0.0, marker="dot")
FAILURE = Line("attack, no success", "attacked", 0.0, marker="ring")


@dataclass(frozen=True)
class Smoothness:
    """White-box rows that failed without an attack.

    Attributes:
        points: victim, attack (its name, or a noise's), eps, success, distance_reduction, and
            `added`: the mean acceleration of the actor's joints less that of the recording, m/s2.
        total: how many there are.
        sums: a row a victim, attack and eps: n, success_rate, and the medians of distance_reduction
            and added.
    """

    points: pl.DataFrame
    total: int
    sums: pl.DataFrame


def smoothness(acceleration_rows: pl.DataFrame, points: int = POINTS) -> Smoothness | None:
    """Draw points and sum up `case.acceleration_rows`; None where no acceleration is known."""
    rows = (
        acceleration_rows.filter(pl.col("attack") != NONE, ~pl.col("clean_success"))
        .with_columns(added=pl.col("acceleration") - pl.col("recorded"))
        .filter(pl.col("added").is_finite(), pl.col("distance_reduction").is_finite())
        .select(
            "victim",
            "attack",
            "eps",
            "target",
            "sequence",
            *("success", "distance_reduction", "added"),
        )
        .sort(pl.all())
    )
    if not len(rows):
        return None
    drawn = []
    for _, some in rows.group_by("attack", maintain_order=True):
        order = np.random.default_rng(SEED).permutation(len(some))[:points]
        drawn.append(some[np.sort(order)])
    sums = (
        rows.group_by("victim", "attack", "eps")
        .agg(
            n=pl.len(),
            success_rate=pl.col("success").mean(),
            distance_reduction=pl.col("distance_reduction").median(),
            added=pl.col("added").median(),
        )
        .sort("victim", "eps", "attack")
    )
    return Smoothness(pl.concat(drawn), len(rows), sums)


def section(inputs: ChartInputs) -> Section | None:
    """A point a row; None without accelerations in m/s2."""
    if not inputs.sample.in_cm:
        return None
    shown = pl.col("victim").is_in(inputs.models) & pl.col("eps").is_in(inputs.eps)
    found = smoothness(inputs.acceleration_rows.filter(shown))
    if found is None:
        return None
    noises = sorted(one for one in set(found.points["attack"]) if not is_attack_name(one))
    looks = [
        Line(_name(one), "noise", 0.0, marker="ring" if i else "dot")
        for i, one in enumerate(noises)
    ]
    chart = Chart(
        "smoothness",
        Axis("acceleration added, m/s², mean of joints", tip="{} m/s² added"),
        Axis("distance reduction", "percent"),
        [SUCCESS, FAILURE, *looks],
        _points(inputs, found.points, noises),
        ("model", "eps"),
        texts=_texts(inputs, found),
        empty="No sequence failed without an attack.",
        tables=[_table(inputs, found.sums, i) for i in range(len(inputs.models))],
        alt="Distance reduction against the acceleration added, a point a sequence.",
    )
    return Section(
        "smoothness",
        "Smoothness",
        "A point is a white-box sequence that failed without an attack. Across: how much the mean "
        "acceleration of the actor's joints grew over the recording's. Up: by which share the "
        "distance to the target fell (values below −100 % are drawn at −100 %).",
        (chart,),
        (inputs.model_control, inputs.eps_control),
        place="perturbation",
    )


def _name(attack: str) -> str:
    return attack.replace("-", " ")


def _points(inputs: ChartInputs, points: pl.DataFrame, noises: list[str]) -> list[Curve]:
    curves = []
    for (victim, eps, attack, success), some in points.group_by(
        "victim", "eps", "attack", "success", maintain_order=True
    ):
        line = (0 if success else 1) if str(attack) not in noises else 2 + noises.index(str(attack))
        at = {"model": inputs.models.index(str(victim)), "eps": inputs.eps.index(float(eps))}
        y = some["distance_reduction"].clip(-1, 1).to_list()
        curves.append(Curve(line, some["added"].to_list(), y, at=at))
    return curves


def _texts(inputs: ChartInputs, found: Smoothness) -> list[tuple[dict[str, int], str]]:
    drawn = ""
    if len(found.points) < found.total:
        drawn = f" The page has {len(found.points)} of {found.total} rows, drawn at random."
    texts = []
    for (victim, eps), some in found.sums.group_by("victim", "eps", maintain_order=True):
        i, j = inputs.models.index(str(victim)), inputs.eps.index(float(eps))
        medians = "; ".join(
            f"{_name(one['attack'])} adds {number(one['added'])} m/s² and reduces the distance "
            f"by {percent(one['distance_reduction'])} (medians of {one['n']}), "
            f"{percent(one['success_rate'])} succeed"
            for one in some.iter_rows(named=True)
        )
        text = (
            f"{victim}, at most {inputs.matrix.eps_labels[j]}, among the sequences that failed "
            f"without an attack: {medians}.{drawn}"
        )
        texts.append(({"model": i, "eps": j}, text))
    return texts


def _table(inputs: ChartInputs, sums: pl.DataFrame, model: int) -> Table:
    return Table(
        {"model": model},
        (
            f"eps ({inputs.run.units.eps})",
            "attack",
            "n",
            "success rate",
            "distance reduction (median)",
            "added, m/s² (median)",
        ),
        [
            (
                f"{one['eps']:g}",
                _name(one["attack"]),
                str(one["n"]),
                percent(one["success_rate"]),
                percent(one["distance_reduction"]),
                number(one["added"], 2),
            )
            for one in sums.filter(pl.col("victim") == inputs.models[model]).iter_rows(named=True)
        ],
    )
