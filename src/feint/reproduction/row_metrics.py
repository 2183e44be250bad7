"""Rows with all that the page tells of them: distances of three kinds, what a recogniser sees."""

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
"""Columns of a run's rows that are kept."""


def judged(
    rows: pl.DataFrame,
    reader: TensorReader,
    recognisers: Mapping[str, Recogniser],
    skeleton: Skeleton,
) -> pl.DataFrame:
    """A run's rows with more columns; baselines once a victim, as its own surrogate.

    Args:
        rows: of rows.parquet.
        recognisers: by name; "real" gives the columns recognised_as and
            target_probability, any other name recognised_as_<name> and target_probability_<name>.

    Returns:
        the columns of `KEPT`, and error_root_cm and error_facing_cm (mean distance of a joint to
        the target's, root-relative, and turned to one direction too), acceleration and jerk of the
        actor that was seen (95th percentile over joints and frames, m/s2 and m/s3), and of every
        recogniser the label it gives the answer and its probability of the target.
    """
    first = rows.filter(~IS_ATTACK).unique(
        ["victim", "target", "attack", "eps", "sequence"], keep="first", maintain_order=True
    )
    baselines = first.with_columns(surrogate=pl.col("victim"))
    asked = pl.concat([baselines, rows.filter(IS_ATTACK)])
    parts = []
    for (job,), some in asked.group_by("job", maintain_order=True):
        parts.append(_more(some, str(job), reader, recognisers, skeleton))
    told = pl.concat(parts)
    floats = [name for name, kind in told.schema.items() if kind == pl.Float64 and name != "eps"]
    return told.with_columns(pl.col(floats).cast(pl.Float32))


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
    seen = reader.seen(job)[places]
    columns = {
        "error_root_cm": apart(answers, targets, skeleton, turn=False),
        "error_facing_cm": apart(answers, targets, skeleton, turn=True),
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


def apart(a: Sequences, b: Sequences, skeleton: Skeleton, turn: bool) -> list[float]:
    """Mean distance of the joints in cm, both told from their own root in every frame."""
    told = []
    for one, other in zip(a, b, strict=True):
        difference = egocentric_motion(one, skeleton, turn, travel=False) - egocentric_motion(
            other, skeleton, turn, travel=False
        )
        told.append(float(100 * torch.linalg.vector_norm(difference, dim=-1).mean()))
    return told
