"""Rows: what a victim answers to crafted sequences, measured.

White box and transfer are one function: any victim answers whatever was crafted.  Rows hold
distances, never successes; `success_rates` decides those.  Everything is computed anew in fp32.
"""

from collections.abc import Mapping

import polars as pl
import torch
from torch import Tensor, nn

from feint.attacks import Minimal
from feint.columns import FeatureSpec
from feint.evaluation.attack_task import AttackTask, Crafted
from feint.evaluation.distances import place_distance, pose_distance
from feint.evaluation.nulls import nearest
from feint.models.inference import predict
from feint.sequences import Sequences, check_alike, distance, mean_over_time
from feint.skeleton import Skeleton


def minimal_rows(
    surrogate: str, task: AttackTask, found: Minimal, tolerance: Tensor
) -> pl.DataFrame:
    """The rows of a search for minimal eps: one a sequence, eps null where none sufficed."""
    eps, success = found.eps.tolist(), found.success.tolist()
    columns = {
        "surrogate": [surrogate] * len(eps),
        "target": [task.target] * len(eps),
        "exemplar": task.exemplars,
        "sequence": task.keys,
        "true_class": task.labels,
        "reactor_side": task.sides,
        "frames": task.x.lengths.tolist(),
        "tolerance": tolerance.tolist(),
        "distance": found.distance.tolist(),
        "eps": [e if found_one else None for e, found_one in zip(eps, success, strict=True)],
    }
    return pl.DataFrame(columns, schema_overrides={"eps": pl.Float64})


def score(
    victim: nn.Module,
    task: AttackTask,
    crafted: Crafted,
    feature_spec: FeatureSpec | None,
    *,
    surrogate_name: str,
    victim_name: str,
    batch_size: int = 256,
) -> tuple[pl.DataFrame, Sequences]:
    """Let a victim answer crafted sequences.

    Args:
        feature_spec: of the data; with a `Skeleton`, rows are in cm as well.
        surrogate_name, victim_name: as the rows name them.

    Returns:
        rows: surrogate, victim, attack, target, exemplar, eps, sequence, true_class,
            reactor_side, frames; distance_frame, distance_joint (equation 7 in both norms, data
            units); linf (largest perturbation, data units); where there are other targets,
            other_target (the nearest one), other_distance_frame, other_distance_joint; with a
            skeleton error_cm (mean distance of a joint to the target's), perturbation_cm (mean
            displacement of a joint of the actor), perturbation_max_cm, bone_length_change
            (median, relative), pose_distance_m and place_distance_m (see `distances`).
        answers: (rows, time, outputs).

    Raises:
        FeintError: the answers differ from the targets in shape or lengths.
    """
    targets = task.targets[crafted.sequence]
    answers = torch.zeros_like(targets.values)
    for rows in torch.arange(len(targets)).split(batch_size):
        part = predict(victim, crafted.x_adv[rows])
        check_alike(part, targets[rows], "score (the victim's answer and the target)")
        answers[rows, : part.values.shape[1]] = part.values
    answered = targets.with_values(answers * targets.mask[..., None])
    table = score_answers(
        answered,
        task,
        crafted,
        feature_spec,
        surrogate_name=surrogate_name,
        victim_name=victim_name,
    )
    return table, answered


def score_answers(
    answered: Sequences,
    task: AttackTask,
    crafted: Crafted,
    feature_spec: FeatureSpec | None,
    *,
    surrogate_name: str,
    victim_name: str,
) -> pl.DataFrame:
    """The rows of answers that are there already; see `score`.

    Args:
        answered: (rows, time, outputs), one for each row of `crafted`.
    """
    x, targets = task.x[crafted.sequence], task.targets[crafted.sequence]
    sequence = crafted.sequence.tolist()
    perturbation = (crafted.x_adv.values - x.values).abs()
    columns: dict[str, object] = {
        "surrogate": [surrogate_name] * len(sequence),
        "victim": [victim_name] * len(sequence),
        "attack": [crafted.attack] * len(sequence),
        "target": [task.target] * len(sequence),
        "exemplar": [task.exemplars[i] for i in sequence],
        "eps": [round(e, 7) for e in crafted.eps.tolist()],
        "sequence": [task.keys[i] for i in sequence],
        "true_class": [task.labels[i] for i in sequence],
        "reactor_side": [task.sides[i] for i in sequence],
        "frames": x.lengths.tolist(),
        "distance_frame": distance(answered, targets).tolist(),
        "linf": perturbation.amax(dim=(1, 2)).tolist(),
    }
    skeleton = feature_spec if isinstance(feature_spec, Skeleton) else None
    if targets.values.shape[-1] % 3 == 0 and (skeleton is None or len(skeleton.axes) == 3):
        columns["distance_joint"] = distance(answered, targets, "joint").tolist()
    if task.others:
        others = {name: one[crafted.sequence] for name, one in task.others.items()}
        columns |= _other_targets(answered, others, "distance_joint" in columns)
    if skeleton is not None:
        columns |= _in_centimetres(skeleton, answered, targets, crafted.x_adv, x)
        columns["pose_distance_m"] = pose_distance(answered, targets, skeleton).tolist()
        columns["place_distance_m"] = place_distance(answered, targets, skeleton).tolist()
    return pl.DataFrame(columns)


def _other_targets(
    answered: Sequences, others: Mapping[str, Sequences], joints: bool
) -> dict[str, object]:
    """The nearest of the other targets, and how near it is in every norm."""
    names = list(others)
    which, least = nearest(answered, others)
    columns: dict[str, object] = {
        "other_target": [names[i] for i in which.tolist()],
        "other_distance_frame": least.tolist(),
    }
    if joints:
        columns["other_distance_joint"] = nearest(answered, others, "joint")[1].tolist()
    return columns


def _in_centimetres(
    skeleton: Skeleton, answered: Sequences, targets: Sequences, x_adv: Sequences, x: Sequences
) -> dict[str, object]:
    """The columns in cm, and the relative change of bone lengths."""

    def mean(per_frame: Tensor) -> list[float]:
        means: list[float] = mean_over_time(per_frame, x.lengths).tolist()
        return means

    actor, actor_adv = (s.values[..., : skeleton.features] for s in (x, x_adv))
    miss = skeleton.displacement_in_metres(answered.values - targets.values).norm(dim=-1)
    moved = skeleton.displacement_in_metres(actor_adv - actor).norm(dim=-1)
    bones = skeleton.bone_lengths(actor).clamp_min(1e-6)
    stretched = (skeleton.bone_lengths(actor_adv) / bones - 1).abs().median(dim=-1).values
    return {
        "error_cm": mean(100 * miss.mean(dim=-1)),
        "perturbation_cm": mean(100 * moved.mean(dim=-1)),
        "perturbation_max_cm": (100 * moved.amax(dim=(1, 2))).tolist(),
        "bone_length_change": mean(stretched),
    }
