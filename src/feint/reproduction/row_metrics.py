"""Add columns to a run's rows: root-relative distances, acceleration, and recognised classes.

The tables of results are made of these rows.  They contain distances and recognised classes, never
successes: `metrics.py` decides those.
"""

from collections.abc import Mapping

import polars as pl
import torch

from feint.data.facing import egocentric_motion
from feint.data.kinematics import percentile
from feint.evaluation.attack_task import IS_ATTACK
from feint.evaluation.recogniser import Recogniser
from feint.experiments.tensor_reader import TensorReader
from feint.sequences import Sequences
from feint.skeleton import Skeleton

KEPT = (
    "surrogate", "victim", "target", "attack", "eps", "sequence", "true_class", "frames",
    "distance_frame", "distance_joint", "error_cm", "perturbation_cm", "perturbation_max_cm",
    "bone_length_change",
)  # fmt: skip
"""Columns of a run's rows that stay in the tables."""


def add_metrics(
    rows: pl.DataFrame,
    reader: TensorReader,
    recognisers: Mapping[str, Recogniser],
    skeleton: Skeleton,
) -> pl.DataFrame:
    """Add the columns that the page needs.

    A baseline row (clean or noise) appears once for each victim, with the victim as its surrogate.

    Args:
        rows: rows of rows.parquet.
        reader: reader of the run's tensors.
        recognisers: recognisers by name; "real" gives the columns recognised_as and
            target_probability, any other name recognised_as_<name> and target_probability_<name>.
        skeleton: skeleton of the data.

    Returns:
        The columns of `KEPT`, and error_root_cm and error_facing_cm (mean distance of a joint to
        the target in cm, root-relative, and also turned to one direction), acceleration and jerk
        of the actor that the model saw (95th percentile over joints and frames, m/s2 and m/s3),
        and for each recogniser its class for the output and its probability of the target.
    """
    first = rows.filter(~IS_ATTACK).unique(
        ["victim", "target", "attack", "eps", "sequence"], keep="first", maintain_order=True
    )
    baselines = first.with_columns(surrogate=pl.col("victim"))
    asked = pl.concat([baselines, rows.filter(IS_ATTACK)])
    parts = []
    for (job,), some in asked.group_by("job", maintain_order=True):
        parts.append(_more(some, str(job), reader, recognisers, skeleton))
    table = pl.concat(parts)
    floats = [name for name, kind in table.schema.items() if kind == pl.Float64 and name != "eps"]
    return table.with_columns(pl.col(floats).cast(pl.Float32))


def _more(
    rows: pl.DataFrame,
    job: str,
    reader: TensorReader,
    recognisers: Mapping[str, Recogniser],
    skeleton: Skeleton,
) -> pl.DataFrame:
    places = rows["row"].to_list()
    task = reader.attack_task(job)
    answers, targets = reader.score(job)[0][places], task.targets[places]
    seen = reader.victim_input(job)[places]
    columns = {
        "error_root_cm": mean_joint_distance(answers, targets, skeleton, turn=False),
        "error_facing_cm": mean_joint_distance(answers, targets, skeleton, turn=True),
        "acceleration": percentile(seen, skeleton, "acceleration"),
        "jerk": percentile(seen, skeleton, "jerk"),
    }
    more = rows.select(KEPT).with_columns(
        *(pl.Series(name, values, dtype=pl.Float64) for name, values in columns.items())
    )
    for name, recogniser in recognisers.items():
        suffix = "" if name == "real" else f"_{name}"
        chances = recogniser.probabilities(answers)
        named = [recogniser.labels[i] for i in chances.argmax(dim=1).tolist()]
        at = [recogniser.labels.index(t) if t in recogniser.labels else -1 for t in rows["target"]]
        of_target = [float(p[i]) if i >= 0 else 0.0 for p, i in zip(chances, at, strict=True)]
        more = more.with_columns(
            pl.Series(f"recognised_as{suffix}", named, dtype=pl.String),
            pl.Series(f"target_probability{suffix}", of_target, dtype=pl.Float64),
        )
    return more


def mean_joint_distance(a: Sequences, b: Sequences, skeleton: Skeleton, turn: bool) -> list[float]:
    """(rows,), mean distance of the joints in cm, each relative to its root in every frame."""
    found = []
    for one, other in zip(a, b, strict=True):
        difference = egocentric_motion(one, skeleton, turn, travel=False) - egocentric_motion(
            other, skeleton, turn, travel=False
        )
        found.append(float(100 * torch.linalg.vector_norm(difference, dim=-1).mean()))
    return found
