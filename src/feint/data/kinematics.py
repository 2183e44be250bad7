"""How people move, in metres and seconds: speed, acceleration and jerk of the joints."""

from jaxtyping import Float
from torch import Tensor

from feint.errors import FeintError
from feint.sequences import Sequences
from feint.skeleton import Skeleton

DERIVATIVES = {"speed": 1, "acceleration": 2, "jerk": 3}
"""Which finite difference each is."""


def magnitudes(
    values: Float[Tensor, "time features"], skeleton: Skeleton, quantity: str
) -> Float[Tensor, "frames joints"]:
    """The size of a quantity at every joint: m/s, m/s2 or m/s3, by finite differences.

    Args:
        values: one person's motion in the data's units; features after the skeleton's are left.
    """
    if quantity not in DERIVATIVES:
        raise FeintError(f"There is no {quantity!r}; expected one of {', '.join(DERIVATIVES)}.")
    order = DERIVATIVES[quantity]
    positions = skeleton.to_metres(values[:, : skeleton.features])
    return (positions.diff(n=order, dim=0) * skeleton.fps**order).norm(dim=-1)


def percentile(
    people: Sequences, skeleton: Skeleton, quantity: str, percent: float = 95.0
) -> list[float]:
    """Of each motion, the percentile over its joints and frames; NaN where it is too short."""
    found = []
    for one in people:
        size = magnitudes(one, skeleton, quantity).flatten()
        found.append(float(size.quantile(percent / 100)) if len(size) else float("nan"))
    return found
