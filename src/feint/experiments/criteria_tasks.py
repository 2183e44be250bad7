"""The tasks behind success criteria: limits fitted on real performances, and null answers.

Like every task (`tasks.py`) they read inputs and give a result; both run on the CPU, so that
distances are those of one processor.
"""

from dataclasses import asdict

import polars as pl
import torch
from torch import Tensor, nn

from feint.columns import FeatureSpec, spec_from_dict
from feint.evaluation import nulls, scoring
from feint.evaluation.attack_task import AttackTask, Crafted
from feint.evaluation.natural_limits import place_limits, pose_limits
from feint.experiments.results import Result
from feint.experiments.task_inputs import TaskContext, TaskInputs
from feint.jobs.job import Job
from feint.models.inference import predict
from feint.sequences import Sequences
from feint.skeleton import Skeleton


def limits(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    """The natural limits of pose and of place, by class."""
    train, role = inputs.pairs("train"), inputs.setting("role")
    found = {"pose": pose_limits(train, role), "place": place_limits(train, role)}
    return {}, {
        "limits": {
            kind: {label: asdict(one) for label, one in each.items()}
            for kind, each in found.items()
        }
    }


def null_rows(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    """The null answers of one model to some rows, scored against one target."""
    inputs = inputs.on_cpu()
    task, truth = inputs.attack_task(), inputs.truth()
    spec = spec_from_dict(inputs.setting("feature_spec"))
    poses = None
    if isinstance(spec, Skeleton):
        poses = nulls.mean_poses(inputs.pairs("train"), task.sides)
    rows = score_nulls(inputs.model(), task, truth, spec, poses)
    return {}, {"rows": rows.to_dict(as_series=False)}


def score_nulls(
    model: nn.Module,
    task: AttackTask,
    truth: Sequences,
    feature_spec: FeatureSpec,
    mean_poses: Tensor | None,
) -> pl.DataFrame:
    """The rows of a model's null answers, null by null, without the names that a plan knows.

    Args:
        mean_poses: of `nulls.mean_poses`; without them the mean pose is left out.
    """
    skeleton = feature_spec if isinstance(feature_spec, Skeleton) else None
    clean = predict(model, task.x)
    answers = nulls.null_answers(clean, truth, task.targets, task.others, skeleton, mean_poses)
    each = torch.arange(len(task.x))
    parts = [
        scoring.score_answers(
            answer,
            task,
            Crafted(nulls.PREFIX + name, torch.zeros(len(each)), each, task.x),
            feature_spec,
            surrogate_name="",
            victim_name="",
        )
        for name, answer in answers.items()
    ]
    return pl.concat(parts).drop("surrogate", "victim", "target")
