"""How rough the attacked motion is beside what it achieves: a point a row, and sums over all."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from feint.evaluation import ATTACK, NONE

POINTS = 2000
"""At most so many of the attack, and of noise, in a page."""
SEED = 0
"""Of the draw where there are more."""


@dataclass(frozen=True)
class Rough:
    """White-box rows that did not count as the target without an attack.

    Attributes:
        points: victim, kind ("attack" or "noise"), eps, reached, closed, and `added`: the mean
            acceleration of the actor's joints less that of the recording, m/s2.
        total: how many there are of the attack, and of noise.
        sums: a row a victim, kind and eps: n, reached (a share), and medians of closed and added.
    """

    points: pl.DataFrame
    total: int
    sums: pl.DataFrame


def rough(shaken: pl.DataFrame, points: int = POINTS) -> Rough | None:
    """Read off `case.shaken` rows; None where no acceleration is known."""
    rows = (
        shaken.filter(pl.col("attack") != NONE, ~pl.col("clean"))
        .with_columns(
            kind=pl.when(pl.col("attack") == ATTACK).then(pl.lit(ATTACK)).otherwise(pl.lit("noise")),
            added=pl.col("acceleration") - pl.col("recorded"),
        )
        .filter(pl.col("added").is_finite(), pl.col("closed").is_finite())
        .select("victim", "kind", "eps", "target", "sequence", "attack", "reached", "closed", "added")
        .sort(pl.all())
    )
    if not len(rows):
        return None
    drawn = []
    for _, some in rows.group_by("kind", maintain_order=True):
        order = np.random.default_rng(SEED).permutation(len(some))[:points]
        drawn.append(some[np.sort(order)])
    sums = (
        rows.group_by("victim", "kind", "eps")
        .agg(
            n=pl.len(),
            reached=pl.col("reached").mean(),
            closed=pl.col("closed").median(),
            added=pl.col("added").median(),
        )
        .sort("victim", "eps", "kind")
    )
    return Rough(pl.concat(drawn), len(rows), sums)
