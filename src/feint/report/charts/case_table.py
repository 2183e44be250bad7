"""The rows of the page's table of cases, packed in few bytes: columns, and words by number.

frontend/src/table-data.js unpacks them, table.js shows them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.report.cases.player import KEY, Player, case_id
from feint.report.charts.success_matrix import SuccessMatrix
from feint.report.embed import bundled_script, csp_hash, safe_json
from feint.report.run_data import RunData

ROWS = 20_000
"""At most so many in one page."""
SEED = 0
"""Of the draw where there are more."""
FURTHEST = 9e15
"""The largest number stored: JavaScript counts larger ones inexactly."""


@dataclass(frozen=True)
class Browse:
    """What the page's table and matrix are given.

    Attributes:
        payload: JSON that is safe inside a script element.
        rows: how many are in it.
        total: how many attacked rows the run has.
        matrix: counted over all rows, whether they are in the page or not.
    """

    payload: str
    rows: int
    total: int
    matrix: SuccessMatrix

    @cached_property
    def script(self) -> str:
        """What makes the table and the matrix."""
        return bundled_script("browse.js")

    @property
    def csp_hash(self) -> str:
        """The script as a Content-Security-Policy names it."""
        return csp_hash(self.script)

    @property
    def seed(self) -> int:
        """Of the draw."""
        return SEED


def browse(run: RunData, player: Player | None, limit: int = ROWS) -> Browse | None:
    """The rows to browse; None if nothing was attacked."""
    rows = run.judged.filter(IS_ATTACK)
    if not len(rows):
        return None
    return packed(
        rows,
        player.keys if player else (),
        SuccessMatrix.of(run),
        run.models,
        (run.units.eps, run.distance_unit),
        limit,
        run.folder.resolve().name,
    )


def packed(
    rows: pl.DataFrame,
    played: Sequence[tuple[Any, ...]],
    matrix: SuccessMatrix,
    models: Sequence[str],
    units: tuple[str, str],
    limit: int = ROWS,
    folder: str = "RUN",
) -> Browse:
    """Pack rows of `RunData.judged`.

    Args:
        rows: attacked ones.
        played: the keys (`player.KEY`) of those that the player has.
        matrix: of all rows.
        models: in their order.
        units: of eps, and of the distance.
        limit: see `chosen`.
        folder: what the run's folder is called.
    """
    some = chosen(rows, played, limit)
    places = {key: i for i, key in enumerate(some.select(KEY).iter_rows())}
    cases = [
        [places[key], case_id(dict(zip(KEY, key, strict=True)))] for key in played if key in places
    ]
    value = {
        "columns": _columns(some, models, *units),
        "cases": cases,
        "total": len(rows),
        "folder": folder,
        "matrix": matrix.packed,
    }
    return Browse(safe_json(value), len(some), len(rows), matrix)


def chosen(rows: pl.DataFrame, played: Sequence[tuple[Any, ...]], limit: int) -> pl.DataFrame:
    """All rows in the order of their keys, or `limit` of them: those played, others drawn."""
    rows = rows.sort(KEY)
    if len(rows) <= limit:
        return rows
    kept = set(played)
    has = np.array([key in kept for key in rows.select(KEY).iter_rows()])
    drawn = np.random.default_rng(SEED).permutation(len(rows))
    first = np.concatenate([drawn[has[drawn]], drawn[~has[drawn]]])[:limit]
    return rows[np.sort(first)]


def _columns(
    rows: pl.DataFrame, models: Sequence[str], unit: str, distance_unit: str
) -> list[dict[str, Any]]:
    """The table's columns, in their order."""
    in_cm = "error_cm" in rows.columns and bool(rows["error_cm"].is_finite().any())
    eps = sorted(rows["eps"].unique())
    return [
        _words(rows["surrogate"], "surrogate", models),
        _words(rows["victim"], "victim", models),
        _words(rows["true_class"], "true class"),
        _words(rows["target"], "target"),
        _words(rows["eps"], f"eps ({unit})", eps),
        _numbers(rows, "error_cm", "distance, cm a joint", 1)
        if in_cm
        else _numbers(rows, "distance", f"distance, {distance_unit}", 3),
        _flags(rows["success"], "success"),
        _flags(rows["clean_success"], "clean success"),
        _numbers(rows, "perturbation_max_cm", "largest perturbation, cm", 1),
        _numbers(rows, "bone_length_change", "bone length change, %", 1, 100.0),
        _words(rows["sequence"], "sequence"),
    ]


def _words(values: pl.Series, head: str, order: Sequence[Any] | None = None) -> dict[str, Any]:
    """A column of words: every word once, and each row's position in them."""
    there = set(values.unique())
    first = [one for one in order or () if one in there]
    words = [*first, *sorted(there.difference(first))]  # unknown ones come last
    codes = {word: i for i, word in enumerate(words)}
    return {
        "name": values.name,
        "head": head,
        "words": [one if isinstance(one, str) else f"{one:g}" for one in words],
        "codes": [codes[one] for one in values],
    }


def _numbers(
    rows: pl.DataFrame, name: str, head: str, places: int, factor: float = 1.0
) -> dict[str, Any]:
    """A column of numbers, in units of the last digit shown; None for NaN and infinity."""
    values: list[int | None] = [None] * len(rows)
    if name in rows.columns:
        value = pl.col(name).cast(pl.Float64)
        scaled = (value * factor * 10**places).round().clip(-FURTHEST, FURTHEST).fill_nan(0)
        counted = rows.select(pl.when(value.is_finite()).then(scaled.cast(pl.Int64)).alias(name))
        values = counted[name].to_list()
    return {"name": name, "head": head, "places": places, "values": values}


def _flags(values: pl.Series, head: str) -> dict[str, Any]:
    """A column of yes and no, one character for each row."""
    return {
        "name": values.name,
        "head": head,
        "flags": "".join("1" if one else "0" for one in values),
    }
