"""Missing values: short gaps are interpolated, longer ones stay."""

import numpy as np
from jaxtyping import Bool, Float


def interpolate_gaps(
    values: Float[np.ndarray, "steps columns"], longest: int
) -> tuple[Float[np.ndarray, "steps columns"], Bool[np.ndarray, "steps columns"]]:
    """Values with gaps (NaN) of up to `longest` steps interpolated, and where there is a value now.

    Column by column and linearly; what lies before the first value or behind the last stays
    missing.
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


def run_lengths(missing: Bool[np.ndarray, " steps"]) -> np.ndarray:
    """For each step, how many in a row are like it."""
    change = np.flatnonzero(np.diff(missing)) + 1
    edges = np.concatenate([[0], change, [len(missing)]])
    lengths = np.diff(edges)
    return np.repeat(lengths, lengths)
