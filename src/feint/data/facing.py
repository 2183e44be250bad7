"""Motion as a person sees it: turned to one direction, told from where the person stands.

Raw coordinates mix what somebody does with where they stand and which way the camera looks.  Here
a motion is turned about the vertical until the person faces +x, and told in metres from the root.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from feint.errors import FeintError
from feint.sequences import Sequences
from feint.skeleton import Skeleton

PAIRS = (("left shoulder", "right shoulder"), ("left hip", "right hip"))
"""Who has these knows where a person faces."""


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
            "x, y, z with y upright."
        )
    across = positions.new_zeros(3)
    for left, right in PAIRS:
        span = positions[:, skeleton.joint(right)] - positions[:, skeleton.joint(left)]
        across = across + span.mean(dim=0)
    forward_x, forward_z = across[2], -across[0]  # across x up, up to length
    return torch.atan2(forward_z, forward_x)


def egocentric_motion(
    values: Float[Tensor, "time features"],
    skeleton: Skeleton,
    turn: bool = True,
    travel: bool = True,
) -> Float[Tensor, "time joints 3"]:
    """One person's motion in metres, from the root, facing +x.

    Args:
        values: in the data's units.
        turn: turn it; else only the place is taken out.
        travel: tell the root's own way since the first frame; else it stays at the origin.
    """
    positions = skeleton.to_metres(values)
    root = positions[:, [skeleton.joint(skeleton.root)]]
    about = positions - (root[:1] if travel else root)
    if not turn:
        return about
    return rotate_about_vertical(about, -heading(positions, skeleton))


def rotate_about_vertical(
    positions: Float[Tensor, "*shape 3"], angle: Float[Tensor, "*around"] | float
) -> Float[Tensor, "*shape 3"]:
    """Positions turned about the vertical by angles in radians: +x goes towards +z."""
    angle = torch.as_tensor(angle, dtype=positions.dtype, device=positions.device)
    cos, sin = torch.cos(angle), torch.sin(angle)
    x, y, z = positions.unbind(dim=-1)
    return torch.stack([cos * x - sin * z, y, sin * x + cos * z], dim=-1)


def egocentric_sequences(reactions: Sequences, skeleton: Skeleton) -> Sequences:
    """Every motion as `egocentric_motion`, flat: (batch, time, joints x 3) in metres.

    The root, always the origin otherwise, tells its way since the first frame.
    """
    root = skeleton.joint(skeleton.root)
    rows = []
    for one in reactions:
        still = egocentric_motion(one, skeleton, travel=False)
        still[:, root] = egocentric_motion(one, skeleton)[:, root]
        rows.append(still.flatten(1))
    return reactions.with_rows(rows)
