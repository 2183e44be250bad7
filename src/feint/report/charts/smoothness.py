"""How rough the attacked motion is beside what it achieves: a point a row, and sums over all."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from feint.evaluation.attack_task import NONE

POINTS = 2000
"""At most so many of the attack, and of each noise, in a page."""
SEED = 0
"""Of the draw where there are more."""


@dataclass(frozen=True)
class Smoothness:
    """White-box rows that did not count as the target without an attack.

    Attributes:
        points: victim, attack (its name, or a noise's), eps, reached, closed, and `added`: the mean
            acceleration of the actor's joints less that of the recording, m/s2.
        total: how many there are.
        sums: a row a victim, attack and eps: n, reached (a share), and medians of closed and added.
    """

    points: pl.DataFrame
    total: int
    sums: pl.DataFrame


def smoothness(acceleration_rows: pl.DataFrame, points: int = POINTS) -> Smoothness | None:
    """Read off `case.acceleration_rows` rows; None where no acceleration is known."""
    rows = (
        acceleration_rows.filter(pl.col("attack") != NONE, ~pl.col("clean"))
        .with_columns(added=pl.col("acceleration") - pl.col("recorded"))
        .filter(pl.col("added").is_finite(), pl.col("closed").is_finite())
        .select("victim", "attack", "eps", "target", "sequence", "reached", "closed", "added")
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
            reached=pl.col("reached").mean(),
            closed=pl.col("closed").median(),
            added=pl.col("added").median(),
        )
        .sort("victim", "eps", "attack")
    )
    return Smoothness(pl.concat(drawn), len(rows), sums)
