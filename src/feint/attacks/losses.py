"""The two terms of AIA's loss: L_spatial (equations 3 and 4) and L_temporal (equation 5).

Functions of tensors alone; which term is used, and with which radius, is decided in `aia.py`.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from feint.sequences import Norm, Sequences, frame_distance, sum_over_time

Surface = Literal["point", "ball", "sphere"]
Temporal = Literal["input", "velocity", "acceleration", "jerk"]
ORDER = {"velocity": 1, "acceleration": 2, "jerk": 3}


def spatial_loss(
    output: Float[Tensor, "batch time outputs"],
    target: Sequences,
    norm: Norm,
    surface: Surface,
    radius: Float[Tensor, "batch 1"] | None,
) -> Float[Tensor, " batch"]:
    """L_spatial, equation 3: the distance of each frame to S_t, summed over a row's own frames.

    S_t is the target itself ("point"), the ball of this radius around it, or its sphere.
    """
    d = frame_distance(output - target.values, norm)
    if radius is not None and surface != "point":
        d = d - radius.to(d)
        d = d.clamp_min(0) if surface == "ball" else d.abs()
    return sum_over_time(d, target.lengths)


def temporal_loss(
    values: Float[Tensor, "batch time features"], x: Sequences, temporal: Temporal
) -> Float[Tensor, " batch"]:
    """L_temporal, equation 5: how much the perturbed values (or the perturbation) move in time.

    "input" sums the norms of the steps of x'.  Every pair of neighbouring frames counts twice,
    once from each side; the paper's undefined x'_0 and x'_{T+1} are left out.  The others sum the
    norms of the first, second or third difference of the perturbation x' - x.
    """
    if temporal == "input":
        return 2 * _sum_of_norms(values.diff(dim=1), x.lengths - 1)
    order = ORDER[temporal]
    return _sum_of_norms((values - x.values).diff(n=order, dim=1), x.lengths - order)


def _sum_of_norms(difference: Tensor, frames: Tensor) -> Tensor:
    return sum_over_time(torch.linalg.vector_norm(difference, dim=-1), frames)
