"""The success matrix: counts of successes by true class and target, for models and eps.

The page's script draws it (frontend/src/matrix.js).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.evaluation.success_rates import success_rates
from feint.io.text import percent
from feint.report.run_data import RunData

PLACE = ("surrogate", "victim", "true_class", "target", "eps")
COUNTS = ("n", "n_clean_failures", "n_successes", "n_noise")
TEXTS = {
    "small": "{successes} of {failures}",
    "small_open": "0 of {n} fail",
    "open": "{true_class}, target {target}: all {n} succeed without an attack",
    "cell": "{true_class}, target {target}: of the {failures} that fail without an attack "
    "{successes} succeed; {n} in all",
    "cell_noise": "{true_class}, target {target}: of the {failures} that fail without an attack "
    "{successes} succeed, under random noise {noise}; {n} in all",
}
"""Of a cell; the page's script fills in the same ones."""


@dataclass(frozen=True)
class Cell:
    """One cell as text.

    Attributes:
        share: the success rate among the sequences that fail without an attack; None without any.
        text, small: its first and second line.
        description: the same in words, with all counts.
    """

    share: float | None
    text: str = ""
    small: str = ""
    description: str = ""


@dataclass(frozen=True)
class SuccessMatrix:
    """Every cell that was attacked, at every eps, for every pair of surrogate and victim.

    Attributes:
        pairs: surrogate and victim.
        eps: rising; `eps_labels` are the same with their unit.
        labels, targets: the rows and the columns.
        counts: positions of pair, eps, label, target, then `COUNTS`; `n_noise` is None
            where no noise was tried.
    """

    pairs: tuple[tuple[str, str], ...]
    eps: tuple[float, ...]
    eps_labels: tuple[str, ...]
    labels: tuple[str, ...]
    targets: tuple[str, ...]
    counts: tuple[tuple[int | None, ...], ...]

    @staticmethod
    def of(run: RunData) -> "SuccessMatrix":
        """Count a run's rows."""
        cells = count_cells(run.judged)
        eps = sorted(cells["eps"].unique())
        place = {name: i for i, name in enumerate(run.models)}

        def order(pair: tuple[str, str]) -> tuple[object, ...]:
            """By victim in the models' order, its own attacks first; unknown models last."""
            surrogate, victim = pair
            last = len(place)
            where = (place.get(victim, last), surrogate != victim, place.get(surrogate, last))
            return (*where, victim, surrogate)

        pairs = sorted(set(cells.select("surrogate", "victim").rows()), key=order)
        labels, targets = (sorted(cells[name].unique()) for name in ("true_class", "target"))
        return SuccessMatrix(
            tuple(pairs),
            tuple(eps),
            tuple(run.units.eps_text(one) for one in eps),
            tuple(labels),
            tuple(targets),
            tuple(
                (
                    pairs.index((one["surrogate"], one["victim"])),
                    eps.index(one["eps"]),
                    labels.index(one["true_class"]),
                    targets.index(one["target"]),
                    *(one[name] for name in COUNTS),
                )
                for one in cells.iter_rows(named=True)
            ),
        )

    @property
    def packed(self) -> dict[str, Any]:
        """For the page's script."""
        return {
            "pairs": [
                {"surrogate": s, "victim": v, "name": pair_name(s, v)} for s, v in self.pairs
            ],
            "eps": list(self.eps_labels),
            "texts": TEXTS,
            "eps_words": [f"{one:g}" for one in self.eps],
            "labels": list(self.labels),
            "targets": list(self.targets),
            "counts": [list(one) for one in self.counts],
        }

    def still(self) -> Iterator[tuple[str, list[tuple[str, list[Cell]]]]]:
        """White box at the largest eps: every victim's name and its rows of cells."""
        last = len(self.eps) - 1
        for p, (surrogate, victim) in enumerate(self.pairs):
            if surrogate != victim:
                continue
            here = {one[2:4]: one[4:] for one in self.counts if one[:2] == (p, last)}
            yield (
                victim,
                [
                    (label, [self._cell(here.get((i, j)), i, j) for j in range(len(self.targets))])
                    for i, label in enumerate(self.labels)
                ],
            )

    def _cell(self, counts: tuple[int | None, ...] | None, label: int, target: int) -> Cell:
        if counts is None:
            return Cell(None)
        n, failures, successes, noise = counts
        words = {
            "true_class": self.labels[label],
            "target": self.targets[target],
            "n": n,
            "failures": failures,
            "successes": successes,
            "noise": noise,
        }
        if not failures:
            return Cell(
                None,
                percent(None),
                TEXTS["small_open"].format(**words),
                TEXTS["open"].format(**words),
            )
        share = (successes or 0) / failures
        text = TEXTS["cell"] if noise is None else TEXTS["cell_noise"]
        return Cell(share, percent(share), TEXTS["small"].format(**words), text.format(**words))


def pair_name(surrogate: str, victim: str) -> str:
    """The victim's name, with the surrogate's where that is another model."""
    return victim if surrogate == victim else f"{victim}, crafted on {surrogate}"


def count_cells(judged: pl.DataFrame) -> pl.DataFrame:
    """Count `RunData.judged` by `PLACE`.

    Returns:
        n; n_clean_failures: how many fail without an attack; n_successes: those of them that
        succeed under the attack; n_noise: those of them that succeed under any random noise of this
        eps, null where none was tried.
    """
    table = success_rates(judged.filter(IS_ATTACK), PLACE, intervals=())
    failures = pl.col("n_clean_failures")

    def count(rate: str) -> pl.Expr:
        return (pl.col(rate).fill_null(0.0) * failures).round().cast(pl.Int64)

    return table.select(
        *PLACE,
        "n",
        "n_clean_failures",
        n_successes=count("success_rate_if_clean_fails"),
        n_noise=pl.when(pl.col("noise_success_rate").is_not_null()).then(
            count("noise_success_rate_if_clean_fails")
        ),
    )
