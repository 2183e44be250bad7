"""What judges would see (Table 1): six sequences by rising eps for each objective, as JSON."""

import json
from dataclasses import asdict

import polars as pl
import torch

from feint.artefacts import Trail
from feint.evaluation import ATTACK
from feint.files import replacing
from feint.reproduction.conduct import Reproduction
from feint.reproduction.profiles import OBJECTIVES, PAPER


def write(r: Reproduction) -> None:
    """What judges would see: for each objective six sequences, by rising eps, as small JSON.

    The sequence of an objective is the first in the seeded order that is not of its own class.
    """
    experiment = r.experiment("strong", PAPER, transfer=True)
    rows = r.scored(experiment).filter(
        pl.col("attack") == ATTACK, pl.col("source") == pl.col("victim")
    )
    trail, stimuli = Trail(r.out / "run"), []
    for label in OBJECTIVES:
        if label not in r.profile.labels:
            continue
        asked = rows.filter(pl.col("target") == label, pl.col("label") != label)
        for source in PAPER:
            some = asked.filter(pl.col("source") == source)
            first = some["sequence"].unique(maintain_order=True).head(1)
            six = some.filter(pl.col("sequence").is_in(first.implode())).sort("eps")
            stimuli.append(_stimulus(r, trail, six))
    with replacing(r.results / "stimuli.json") as temporary:
        skeleton = asdict(r.skeleton)
        content = {"schema": 1, "skeleton": skeleton, "objectives": stimuli}
        temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")


def _stimulus(r: Reproduction, trail: Trail, six: pl.DataFrame) -> dict[str, object]:
    """One objective: metres to the millimetre, frame by frame, joint by joint."""

    def metres(values: torch.Tensor, frames: int) -> list[list[list[float]]]:
        positions = r.skeleton.to_metres(values[:frames, : r.skeleton.features])
        told: list[list[list[float]]] = (positions.double() * 1000).round().div(1000).tolist()
        return told

    steps, frames = [], int(six["frames"][0])
    for row in six.iter_rows(named=True):
        job, i = row["job"], row["row"]
        steps.append(
            {
                "eps": row["eps"],
                "distance_frame": round(row["distance_frame"], 4),
                "distance_joint": round(row["distance_joint"], 4),
                "actor": metres(trail.seen(job).values[i], frames),
                "reactor": metres(trail.score(job)[0].values[i], frames),
            }
        )
    one = six.row(0, named=True)
    question, i = trail.question(one["job"]), one["row"]
    return {
        "model": one["source"],
        "action": one["label"],
        "reaction": one["target"],
        "sequence": one["sequence"],
        "fps": r.skeleton.fps,
        "actor": metres(question.x.values[i], frames),
        "target": metres(question.wanted.values[i], frames),
        "sequences": steps,
    }
