"""Reads the tensors of cases drawn at random: distances frame by frame, and displacements in cm.

The section on distances (distances.py) and the one on displacements (displacement.py) show them.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch

from feint.errors import FeintError
from feint.evaluation.attack_task import NONE, is_attack_name
from feint.report.run_data import RunData

CASES = 150
"""At most so many of each model: a sequence and its target, white box."""
SEED = 0
"""Of the draw."""
FRAMES = 300
"""At most so many frames in a curve; of longer ones every second is taken, or every third ..."""
FEW = 5
"""A frame that fewer cases reach is left out, unless there are no more cases at all."""
CENTIMETRES = np.geomspace(0.1, 1000.0, 161)
"""Where a share of changes is counted: forty steps for every ten times."""

Place = tuple[str, str, float]
"""A model, what was done (`kind`), an eps."""


@dataclass(frozen=True)
class DistanceCurve:
    """Distances to the target over time: quartiles over cases, a column a frame.

    Attributes:
        frames: which ones.
        cases: how many rows are at least that long.
        low, middle, high: cm a joint, or data units.
    """

    frames: tuple[int, ...]
    cases: tuple[int, ...]
    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class DisplacementCdf:
    """How far joints are displaced: shares at or below `CENTIMETRES`, and the median in cm."""

    shares: tuple[float, ...]
    median: float


@dataclass(frozen=True)
class CaseSample:
    """What was read.

    Attributes:
        cases: how many of each model.
        total: of how many of each model.
        in_cm: distances are in cm a joint, not in data units.
        curves: distances to the target.
        displacements: how far a joint is from where it was recorded, every frame of every case.
        frame_to_frame: how far joints move by themselves from one frame to the next, by model.
        over_sequence: how far they get from where they are first, by model.
    """

    cases: Mapping[str, int]
    total: Mapping[str, int]
    in_cm: bool
    curves: Mapping[Place, DistanceCurve]
    displacements: Mapping[Place, DisplacementCdf]
    frame_to_frame: Mapping[str, DisplacementCdf]
    over_sequence: Mapping[str, DisplacementCdf]


def kind(attack: str) -> str:
    """What an attack's name comes to: "none", "noise" (of any kind), or "attack"."""
    if is_attack_name(attack):
        return "attack"
    return attack if attack == NONE else "noise"


def sample_cases(run: RunData, cases: int = CASES) -> CaseSample:
    """Draw cases and read their tensors.

    Raises:
        FeintError: a file is not there, or does not hold the rows.
    """
    some, counts, total = draw_cases(run, cases)
    in_cm = has_centimetres(run)
    distances: dict[Place, list[np.ndarray]] = defaultdict(list)
    moves: dict[Place, list[np.ndarray]] = defaultdict(list)
    between: dict[str, list[np.ndarray]] = defaultdict(list)
    over: dict[str, list[np.ndarray]] = defaultdict(list)
    known: set[tuple[str, str]] = set()
    for (job, model, attack, eps), rows in some.sort(
        "victim", "target", "job", "attack", "eps", "row"
    ).group_by("job", "victim", "attack", "eps", maintain_order=True):
        place = (str(model), kind(str(attack)), float(eps))
        for one in rows.iter_rows(named=True):
            read = _read(run, str(job), one, in_cm)
            distances[place].append(read.distance)
            if not in_cm:
                continue
            if attack != NONE:
                moves[place].append(read.change.ravel())
            elif (place[0], one["sequence"]) not in known:
                known.add((place[0], one["sequence"]))
                between[place[0]].append(read.steps.ravel())
                over[place[0]].append(read.furthest)
    lasting = {
        model: shown_frames([len(one) for one in found])
        for (model, done, _), found in distances.items()
        if done == NONE
    }
    return CaseSample(
        counts,
        total,
        in_cm,
        {place: distance_curve(found, lasting[place[0]]) for place, found in distances.items()},
        {place: _moved(found) for place, found in moves.items()},
        {model: _moved(found) for model, found in between.items()},
        {model: _moved(found) for model, found in over.items()},
    )


def has_centimetres(run: RunData) -> bool:
    """Distances and displacements are known in cm."""
    rows = run.rows
    return {"error_cm", "perturbation_cm"} <= set(rows.columns) and bool(
        rows["error_cm"].is_finite().any()
    )


def draw_cases(
    run: RunData, cases: int
) -> tuple[pl.DataFrame, Mapping[str, int], Mapping[str, int]]:
    """Rows of a seeded draw of white-box cases; of each model how many, and of how many."""
    judged = run.readable.filter(pl.col("surrogate") == pl.col("victim"))
    every = judged.select("victim", "target", "sequence").unique().sort(pl.all())
    parts = []
    for _, mine in every.group_by("victim", maintain_order=True):
        order = np.random.default_rng(SEED).permutation(len(mine))[:cases]
        parts.append(mine[np.sort(order)])
    if not parts:
        return judged, {}, {}
    taken = pl.concat(parts)
    rows = judged.join(taken, on=["victim", "target", "sequence"], how="semi")

    def count(some: pl.DataFrame) -> dict[str, int]:
        return {str(model): len(mine) for (model,), mine in some.group_by("victim")}

    return rows, count(taken), count(every)


@dataclass(frozen=True)
class _Case:
    distance: np.ndarray
    change: np.ndarray
    steps: np.ndarray
    furthest: np.ndarray


def _read(run: RunData, job: str, row: Mapping[str, Any], in_cm: bool) -> _Case:
    tensors, skeleton = run.tensors, run.skeleton
    task, i, frames = tensors.attack_task(job), row["row"], row["frames"]
    if i >= len(task.keys) or task.keys[i] != row["sequence"]:
        raise FeintError(
            f"The tensors in {run.folder} do not hold the sequence {row['sequence']} of "
            "rows.parquet. Run `feint evaluate` again.",
            code="rows-without-tensors",
        )
    missed = (tensors.score(job)[0].values[i] - task.targets.values[i])[:frames].float()
    if not in_cm:
        nothing = np.empty(0)
        return _Case(missed.norm(dim=-1).numpy(), nothing, nothing, nothing)
    joints = _joints(run)
    actor = task.x.values[i, :frames, : skeleton.features].float()
    change = tensors.victim_input(job).values[i, :frames, : skeleton.features].float() - actor
    place = skeleton.to_metres(actor)[:, joints]
    return _Case(
        100 * skeleton.displacement_in_metres(missed).norm(dim=-1).mean(dim=-1).numpy(),
        100 * skeleton.displacement_in_metres(change)[:, joints].norm(dim=-1).numpy(),
        100 * place.diff(dim=0).norm(dim=-1).numpy(),
        100 * (place - place[:1]).norm(dim=-1).amax(dim=0).numpy(),
    )


def _joints(run: RunData) -> torch.Tensor:
    """Those that the attacker may move."""
    named = run.experiment["attack"]["joints"] or run.skeleton.joints
    return torch.tensor([run.skeleton.joint(name) for name in named])


def shown_frames(lengths: list[int]) -> int:
    """Up to which frame there are cases enough."""
    return sorted(lengths, reverse=True)[min(FEW, len(lengths)) - 1]


def distance_curve(distances: list[np.ndarray], kept: int) -> DistanceCurve:
    """Quartiles of curves of different lengths, frame by frame, of the first `kept` frames."""
    padded = np.full((len(distances), kept), np.nan)
    for curve, one in zip(padded, distances, strict=True):
        curve[: len(one)] = one[:kept]
    there = np.isfinite(padded).sum(axis=0)
    frames = np.arange(0, kept, max(1, -(-kept // FRAMES)))
    low, middle, high = np.nanquantile(padded[:, frames], [0.25, 0.5, 0.75], axis=0)
    return DistanceCurve(
        tuple(frames.tolist()),
        tuple(there[frames].tolist()),
        tuple(low.tolist()),
        tuple(middle.tolist()),
        tuple(high.tolist()),
    )


def _moved(parts: list[np.ndarray]) -> DisplacementCdf:
    values = np.sort(np.concatenate(parts))
    values = values[np.isfinite(values)]
    if not len(values):
        return DisplacementCdf((), float("nan"))
    at_most = np.searchsorted(values, CENTIMETRES, side="right") / len(values)
    return DisplacementCdf(tuple(at_most.tolist()), float(np.median(values)))
