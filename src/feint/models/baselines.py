"""Trivial predictors: a model must beat them before its robustness means anything.

They are not attacked.  `evaluation.model_checks` compares every model with them.  None may use
what the model does not see: a forecaster is compared with `persistence`, `constant_velocity` and
`seasonal_naive`, which continue the past of the columns that it forecasts.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from feint.sequences import Sequences, distance


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
    mean, scale = inputs.mean(dim=0), inputs.std(dim=0)
    # A constant column has a deviation of rounding alone; any other is used on its own scale.
    varies = scale > 1e-9 * inputs.abs().amax(dim=0)
    scale = torch.where(varies, scale, inputs.abs().amax(dim=0).clamp_min(1e-6))
    design, offset = (inputs - mean) / scale, answers.mean(dim=0)
    gram = design.T @ design + penalty * torch.eye(design.shape[1]).to(design)
    weights = torch.linalg.solve(gram, design.T @ (answers - offset))
    predicted: Float[Tensor, "batch time outputs"] = (
        (new.values.double() - mean) / scale
    ) @ weights + offset
    return new.with_values(predicted.to(y.values.dtype))


def persistence(past: Sequences) -> Sequences:
    """The present value, for every step that is forecast.

    Args:
        past: the forecast columns as the model sees them, up to the step it forecasts from.
    """
    return past


def constant_velocity(past: Sequences, horizon: int) -> Sequences:
    """The present value and `horizon` times its last change; the first step has no change."""
    before = torch.cat([past.values[:, :1], past.values[:, :-1]], dim=1)
    return past.with_values(past.values + horizon * (past.values - before))


def seasonal_naive(past: Sequences, horizon: int, season: int) -> Sequences:
    """The value one season before the step that is forecast.

    Where the window begins later than that, the present value.

    Args:
        season: steps, at least `horizon`, so that the value is in the past.
    """
    time = torch.arange(past.values.shape[1], device=past.values.device)
    source = time + horizon - season
    return past.with_values(past.values[:, torch.where(source < 0, time, source)])


def best_season(past: Sequences, future: Sequences, horizon: int, longest: int = 512) -> int:
    """The season, more than `horizon` steps, with the smallest error on training windows."""
    last = min(past.values.shape[1] - 1 + horizon, longest)
    errors = {
        season: float(distance(seasonal_naive(past, horizon, season), future).sum())
        for season in range(horizon + 1, last + 1)
    }
    return min(errors, key=errors.__getitem__) if errors else horizon
