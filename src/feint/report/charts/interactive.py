"""The page's charts: all that they show, as one piece of JSON, and the script that draws it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from feint.evaluation import success_rates
from feint.evaluation.attack_task import NONE, is_attack_name
from feint.report.charts import minimal_eps, success_criteria
from feint.report.charts.distance_curves import CENTIMETRES, CaseSample, sample_cases
from feint.report.charts.minimal_eps import MinimalEpsByModel
from feint.report.charts.smoothness import Smoothness, smoothness
from feint.report.charts.success_matrix import SuccessMatrix, pair_name
from feint.report.embed import bundled_script, csp_hash, safe_json
from feint.report.run_data import RunData

ALL = "all targets together"


@dataclass(frozen=True)
class Charts:
    """What the page's charts are given.

    Attributes:
        payload: JSON that may stand inside a script element.
        criteria: of success.
        white: names of the models attacked white box.
        largest: of the eps.
        smallest, sampled, rough: what each section shows; None where there is nothing.
    """

    payload: str
    criteria: tuple[success_criteria.SuccessCriterion, ...]
    white: tuple[str, ...]
    largest: float
    smallest: MinimalEpsByModel | None
    sampled: CaseSample
    rough: Smoothness | None

    @cached_property
    def script(self) -> str:
        """What draws the charts, uPlot in it."""
        return bundled_script("charts.js")

    @property
    def csp_hash(self) -> str:
        """The script as a Content-Security-Policy names it."""
        return csp_hash(self.script)


def charts(
    run: RunData, matrix: SuccessMatrix | None, acceleration_rows: pl.DataFrame
) -> Charts | None:
    """Everything to draw; None if nothing was attacked.

    Args:
        run: of the run.
        matrix: of the same, for its order of pairs, eps and targets.
        acceleration_rows: of `case.acceleration_rows`.
    """
    if matrix is None:
        return None
    ways = tuple(success_criteria.criteria(run))
    white = tuple(victim for surrogate, victim in matrix.pairs if surrogate == victim)
    found = minimal_eps.minimal_eps(run)
    drawn = sample_cases(run)
    there = pl.col("victim").is_in(white) & pl.col("eps").is_in(matrix.eps)
    shakes = smoothness(acceleration_rows.filter(there)) if drawn.in_cm else None
    targets = [ALL, *matrix.targets] if len(matrix.targets) > 1 else list(matrix.targets)
    value = {
        "unit": run.units.eps,
        "depth": run.units.cm_axis,
        "eps": list(matrix.eps),
        "told": list(matrix.told),
        "pairs": [{"surrogate": s, "victim": v, "name": pair_name(s, v)} for s, v in matrix.pairs],
        "models": list(white),
        "targets": targets,
        "criteria": [_criterion(run, one, ways, matrix) for one in ways],
        "needed": None if found is None else _needed(found),
        "distances": {
            "unit": "cm a joint" if drawn.in_cm else "data units",
            "fps": run.skeleton.fps,
            "cases": [[drawn.cases.get(one, 0), drawn.total.get(one, 0)] for one in white],
            "courses": _courses(drawn, white, matrix.eps),
            "spreads": _spreads(run, white, matrix.eps),
        },
        "moved": _moved(drawn, white, matrix.eps),
        "rough": None if shakes is None else _rough(shakes, white, matrix.eps),
    }
    return Charts(safe_json(value), ways, white, matrix.eps[-1], found, drawn, shakes)


def counted(values: Iterable[float | None], steps: int) -> list[int | None]:
    """Numbers as whole ones, `steps` of which are 1; null for what is none."""
    return [
        None if one is None or not math.isfinite(one) else round(max(min(one * steps, 9e15), -9e15))
        for one in values
    ]


def _criterion(
    run: RunData,
    one: success_criteria.SuccessCriterion,
    ways: Sequence[success_criteria.SuccessCriterion],
    matrix: SuccessMatrix,
) -> dict[str, Any]:
    """Its rates: pair, target (0: all), eps, the counts, then six bounds in ten-thousandths."""
    several = len(matrix.targets) > 1
    rates = []
    for rate in success_criteria.rates(run, one):
        if several or rate.target is not None:
            where = 0 if rate.target is None else matrix.targets.index(rate.target) + several
            pair = matrix.pairs.index((rate.surrogate, rate.victim))
            bounds = counted((bound for ends in rate.intervals for bound in ends), 10_000)
            counts = [rate.asked, rate.hits, rate.clean, rate.noise]
            rates.append([pair, where, matrix.eps.index(rate.eps), *counts, *bounds])
    same = [i for i, other in enumerate(ways) if other.rule == one.rule]
    everyone = next(i for i in same if not ways[i].failed)
    return {
        "name": one.name,
        "told": one.told,
        "failed": one.failed,
        "all": everyone,
        "rates": sorted(rates, key=lambda rate: rate[:3]),
    }


def _needed(found: MinimalEpsByModel) -> dict[str, Any]:
    def short(values: tuple[float, ...]) -> list[float]:
        return [float(f"{value:.4g}") for value in values]

    return {
        "searched": found.searched,
        "largest": found.largest,
        "parts": [
            {
                "model": one.model,
                "target": one.target,
                "asked": one.asked,
                "none": one.none,
                "eps": short(one.eps),
                "noise": None if one.noise is None else short(one.noise),
            }
            for one in found.parts
        ],
    }


def _courses(drawn: CaseSample, white: Sequence[str], eps: Sequence[float]) -> list[dict[str, Any]]:
    """Distances frame by frame, in tenths of a millimetre or thousandths of a data unit."""
    steps = 100 if drawn.in_cm else 1000
    return [
        {
            "model": white.index(model),
            "kind": kind,
            "eps": None if kind == "none" else eps.index(at),
            "steps": steps,
            "frames": list(one.frames),
            "cases": list(one.cases) if kind == NONE else None,
            **{name: counted(getattr(one, name), steps) for name in ("low", "middle", "high")},
        }
        for (model, kind, at), one in sorted(drawn.curves.items())
        if model in white and (kind == "none" or at in eps)
    ]


def _spreads(run: RunData, white: Sequence[str], eps: Sequence[float]) -> list[dict[str, Any]]:
    """Quartiles of a sequence's distance against eps: in cm where it is known, in tolerances."""
    rows = run.judged.filter(
        pl.col("surrogate") == pl.col("victim"),
        (pl.col("attack") == NONE) | pl.col("eps").is_in(eps),
    ).with_columns(share=pl.col("distance") / pl.col("kappa"))
    told = {"share": "of the tolerance", "error_cm": "cm a joint"}
    found = []
    for column, unit in told.items():
        if column not in rows.columns:
            continue
        lines = [
            {
                "model": i,
                "kind": {"random noise": "noise"}.get(one["kind"], one["kind"]),
                "eps": None if one["kind"] == "none" else eps.index(one["eps"]),
                "cases": one["cases"],
                "quartiles": counted((one["low"], one["middle"], one["high"]), 1000),
            }
            for i, model in enumerate(white)
            for one in success_rates.quartiles(
                rows.filter(pl.col("victim") == model), column
            ).iter_rows(named=True)
        ]
        if lines:
            found.append({"unit": unit, "lines": lines})
    return found


def _moved(drawn: CaseSample, white: Sequence[str], eps: Sequence[float]) -> dict[str, Any] | None:
    """Shares in ten-thousandths of how far joints were moved, and move by themselves."""
    places = [
        *((model, "between", None, one) for model, one in drawn.frame_to_frame.items()),
        *((model, "over", None, one) for model, one in drawn.over_sequence.items()),
        *((model, kind, at, one) for (model, kind, at), one in drawn.displacements.items()),
    ]
    there = [one for one in places if one[0] in white and one[3].shares]
    there = [one for one in there if one[2] is None or one[2] in eps]
    if not there:
        return None
    shown = 1 + max(sum(share < 1 for share in one.shares) for *_, one in there)
    return {
        "cm": [float(f"{cm:.4g}") for cm in CENTIMETRES[:shown]],
        "lines": [
            {
                "model": white.index(model),
                "kind": kind,
                "eps": None if at is None else eps.index(at),
                "median": counted([one.median], 100)[0],
                "shares": counted(one.shares[:shown], 10_000),
            }
            for model, kind, at, one in there
        ],
    }


def _rough(found: Smoothness, white: Sequence[str], eps: Sequence[float]) -> dict[str, Any]:
    """Points as columns: added acceleration in cm/s2, closed in thousandths, kept within 1."""
    points = found.points
    kinds = sorted(points["attack"].unique(), key=lambda one: (not is_attack_name(one), one))
    return {
        "total": found.total,
        "model": [white.index(one) for one in points["victim"]],
        "eps": [eps.index(one) for one in points["eps"]],
        "kinds": ["attack" if is_attack_name(one) else one for one in kinds],
        "kind": [kinds.index(one) for one in points["attack"]],
        "reached": "".join("1" if one else "0" for one in points["reached"]),
        "added": counted(points["added"], 100),
        "closed": counted(points["closed"].clip(-1, 1), 1000),
        "sums": [
            [
                white.index(one["victim"]),
                kinds.index(one["attack"]),
                eps.index(one["eps"]),
                one["n"],
                *counted((one["reached"], one["closed"], one["added"]), 10_000),
            ]
            for one in found.sums.iter_rows(named=True)
        ],
    }
