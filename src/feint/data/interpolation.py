"""Missing values and other rates: short gaps are filled linearly, sequences are resampled.

Recordings, tables and targets all use these functions, so that "linear" means one thing.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor


def interpolate_gaps(
    values: Float[np.ndarray, "steps columns"], longest: int
) -> tuple[Float[np.ndarray, "steps columns"], Bool[np.ndarray, "steps columns"]]:
    """Fill gaps (NaN) of up to `longest` steps, column by column and linearly.

    Missing values before the first value and behind the last stay missing.

    Returns:
        The values, and where there is a value now.
    """
    out, steps = values.copy(), np.arange(len(values))
    for column in out.T:
        missing = np.isnan(column)
        if not missing.any() or missing.all():
            continue
        length = run_lengths(missing)
        there = steps[~missing]
        inside = (steps > there[0]) & (steps < there[-1])
        short = missing & inside & (length <= longest)
        column[short] = np.interp(steps[short], there, column[there])
    return out, ~np.isnan(out)


def run_lengths(flags: Bool[np.ndarray, " steps"]) -> np.ndarray:
    """For each step, the length of the run of equal flags that it lies in."""
    change = np.flatnonzero(np.diff(flags)) + 1
    edges = np.concatenate([[0], change, [len(flags)]])
    lengths = np.diff(edges)
    return np.repeat(lengths, lengths)


def sample_linearly(
    sequence: Float[Tensor, "time features"], at: Float[Tensor, " frames"]
) -> Float[Tensor, "frames features"]:
    """A sequence at positions between its frames, counted from 0.

    A missing value (NaN) makes the positions on either side of it missing, and no others.
    """
    have = len(sequence)
    before = at.floor().long().clamp_max(max(have - 2, 0))
    after = (before + 1).clamp_max(have - 1)
    share = (at - before).to(sequence.dtype)[:, None]
    mixed = torch.lerp(sequence[before], sequence[after], share)
    exact = torch.where(share == 0, sequence[before], sequence[after])
    return torch.where(mixed.isnan() & ((share == 0) | (share == 1)), exact, mixed)
