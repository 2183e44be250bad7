"""The parts of AIA's loss that need no model: surfaces of the spatial term, sums of norms."""

from typing import Literal

import torch
from torch import Tensor

from feint.sequences import sum_over_time

Surface = Literal["point", "ball", "sphere"]


Temporal = Literal["input", "velocity", "acceleration", "jerk"]


def _sum_of_norms(difference: Tensor, frames: Tensor) -> Tensor:
    return sum_over_time(torch.linalg.vector_norm(difference, dim=-1), frames)
