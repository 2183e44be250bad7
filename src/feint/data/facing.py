"""Motion from a person's own point of view: where it starts and where it faces taken out.

Raw coordinates mix what a person does with the position and the camera.  Here a motion is rotated
about the vertical until the person faces +x, and given in metres from the root.  The recogniser
and the paper's aligned distances use it; models have their own (`models.layers.egocentric`).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from feint.errors import FeintError
from feint.sequences import Sequences
from feint.skeleton import LEFT_RIGHT, Skeleton, forward_direction, rotate_horizontally


def heading(positions: Float[Tensor, "time joints 3"], skeleton: Skeleton) -> Float[Tensor, ""]:
    """The angle about the vertical at which a person faces, in radians, over all frames.

    It is at right angles to the mean line from the left to the right shoulder and hip; 0 faces +x
    and pi/2 faces +z.

    Raises:
        FeintError: the skeleton has no shoulders or hips, or not the axes x, y, z.
    """
    if tuple(skeleton.axes) != ("x", "y", "z"):
        raise FeintError(
            f"Skeleton {skeleton.name} has the axes {', '.join(skeleton.axes)}; facing needs "
            "x, y, z with y upright.",
            code="unknown-axis",
        )
    across = positions.new_zeros(3)
    for left, right in LEFT_RIGHT:
        span = positions[:, skeleton.joint(right)] - positions[:, skeleton.joint(left)]
        across = across + span.mean(dim=0)
    x, z = forward_direction(across)
    return torch.atan2(z, x)


def egocentric_motion(
    values: Float[Tensor, "time features"],
    skeleton: Skeleton,
    rotate: bool = True,
    travel: bool = True,
) -> Float[Tensor, "time joints 3"]:
    """One person's motion in metres, from the root, facing +x.

    Args:
        values: in the data's units.
        rotate: rotate it; otherwise only the position is taken out.
        travel: keep the root's way since the first frame; otherwise the root stays at the origin.

    Raises:
        FeintError: the skeleton has no shoulders or hips, or not the axes x, y, z.
    """
    positions = skeleton.to_metres(values)
    root = positions[:, [skeleton.joint(skeleton.root)]]
    about = positions - (root[:1] if travel else root)
    if not rotate:
        return about
    return rotate_about_vertical(about, -heading(positions, skeleton))


def rotate_about_vertical(
    positions: Float[Tensor, "*shape 3"], angle: Float[Tensor, "*around"] | float
) -> Float[Tensor, "*shape 3"]:
    """Positions rotated about the vertical by angles in radians: +x goes towards +z."""
    angle = torch.as_tensor(angle, dtype=positions.dtype, device=positions.device)
    return rotate_horizontally(positions, torch.cos(angle), torch.sin(angle))


def egocentric_sequences(reactions: Sequences, skeleton: Skeleton) -> Sequences:
    """Every motion as `egocentric_motion`, flat: (batch, time, joints x 3) in metres.

    The root, which would always be the origin, holds its way since the first frame.
    """
    root = skeleton.joint(skeleton.root)
    rows = []
    for one in reactions:
        still = egocentric_motion(one, skeleton, travel=False)
        still[:, root] = egocentric_motion(one, skeleton)[:, root]
        rows.append(still.flatten(1))
    return reactions.with_rows(rows)
