"""Trivial predictors: a model must beat them before its robustness means anything.

They are not attacked.  `evaluation.model_checks` compares every model with them.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from feint.sequences import Sequences


def hold_first_pose(reactor: Sequences) -> Sequences:
    """The reactor's true first pose, held: (batch, time, outputs).

    It reads the true reaction's first frame, which a model without `first_pose` does not see.
    """
    return reactor.with_values(reactor.values[:, :1].expand_as(reactor.values))


def mean_pose(train: Sequences, like: Sequences) -> Sequences:
    """The mean pose over all own frames of the training reactions, for every frame of `like`.

    Returns:
        (batch, time, outputs), in the data's units.
    """
    pose = train.values[train.mask].mean(dim=0)
    return like.with_values(pose.expand_as(like.values))


def ridge(x: Sequences, y: Sequences, new: Sequences, penalty: float = 1.0) -> Sequences:
    """Ridge regression from each frame's input to the same frame's answer.

    Args:
        x, y: training inputs and answers.
        new: inputs to answer.
        penalty: on the squared weights, with inputs in units of their standard deviation.

    Returns:
        (batch, time, outputs), in the data's units.
    """
    inputs, answers = x.values[x.mask].double(), y.values[y.mask].double()
    mean, scale = inputs.mean(dim=0), inputs.std(dim=0).clamp_min(1e-6)
    design, offset = (inputs - mean) / scale, answers.mean(dim=0)
    gram = design.T @ design + penalty * torch.eye(design.shape[1]).to(design)
    weights = torch.linalg.solve(gram, design.T @ (answers - offset))
    predicted: Float[Tensor, "batch time outputs"] = (
        (new.values.double() - mean) / scale
    ) @ weights + offset
    return new.with_values(predicted.to(y.values.dtype))
