"""Speed, acceleration and jerk of joints in metres and seconds, by finite differences.

The report and the reproduction measure smoothness with these functions; another derivative belongs
here.
"""

from jaxtyping import Float
from torch import Tensor

from feint.errors import FeintError
from feint.sequences import Sequences
from feint.skeleton import Skeleton

DERIVATIVES = {"speed": 1, "acceleration": 2, "jerk": 3}
"""How often positions are differentiated by time."""


def magnitudes(
    positions: Float[Tensor, "frames joints axes"], fps: float, quantity: str
) -> Float[Tensor, "differences joints"]:
    """The size of a quantity at every joint, in m/s, m/s2 or m/s3.

    Args:
        positions: one person's, in metres (`Skeleton.to_metres`).
        fps: frames a second.
        quantity: a key of `DERIVATIVES`.

    Raises:
        FeintError: another quantity.
    """
    if quantity not in DERIVATIVES:
        raise FeintError(
            f"There is no {quantity!r}; expected one of {', '.join(DERIVATIVES)}.",
            code="unknown-quantity",
        )
    order = DERIVATIVES[quantity]
    return (positions.diff(n=order, dim=0) * fps**order).norm(dim=-1)


def mean_acceleration(positions: Float[Tensor, "frames joints axes"], fps: float) -> float | None:
    """The mean size of a joint's acceleration in m/s2; None for fewer than three frames."""
    found = magnitudes(positions, fps, "acceleration")
    return float(found.mean()) if len(found) else None


def percentile(
    people: Sequences, skeleton: Skeleton, quantity: str, percent: float = 95.0
) -> list[float]:
    """For each motion, the percentile over its joints and frames; NaN where it is too short.

    Args:
        people: in the data's units; features after the skeleton's are ignored.
        quantity: a key of `DERIVATIVES`.
        percent: 0 to 100.

    Raises:
        FeintError: another quantity.
    """
    found = []
    for one in people:
        positions = skeleton.to_metres(one[:, : skeleton.features])
        size = magnitudes(positions, skeleton.fps, quantity).flatten()
        found.append(float(size.quantile(percent / 100)) if len(size) else float("nan"))
    return found
