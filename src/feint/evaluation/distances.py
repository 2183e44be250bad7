"""Distances that separate what an answer does from where it is done, for success criteria.

Equation 7 mixes a person's place and pose: an answer that only stands where the target stands is
near it.  `pose_distance` compares bodies alone, `place_distance` the paths of their roots alone.
Both are means over a sequence's own frames, in metres, so that sequences of unequal length compare.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from feint.data.facing import rotate_about_vertical
from feint.sequences import Sequences, check_alike, mean_over_time
from feint.skeleton import LEFT_RIGHT, Skeleton, forward_direction


def pose_distance(a: Sequences, b: Sequences, skeleton: Skeleton) -> Float[Tensor, " batch"]:
    """Mean distance of a joint to the same joint, each body seen from its root, in metres.

    Both bodies are first turned about the vertical until they face one direction, where the
    skeleton has the axes x, y, z and shoulders and hips by name; otherwise they are not turned.

    Raises:
        FeintError: shapes or lengths differ.
    """
    check_alike(a, b, "pose_distance")
    each = (_bodies(a, skeleton), _bodies(b, skeleton))
    return mean_over_time((each[0] - each[1]).norm(dim=-1).mean(dim=-1), a.lengths)


def place_distance(a: Sequences, b: Sequences, skeleton: Skeleton) -> Float[Tensor, " batch"]:
    """Mean distance of the root to the other root, frame by frame, in metres.

    Raises:
        FeintError: shapes or lengths differ.
    """
    check_alike(a, b, "place_distance")
    difference = skeleton.displacement_in_metres(a.values - b.values)
    return mean_over_time(difference[:, :, skeleton.joint(skeleton.root)].norm(dim=-1), a.lengths)


def turns(skeleton: Skeleton) -> bool:
    """Whether a body of this skeleton can be turned: which way it faces is known."""
    names = [name for pair in LEFT_RIGHT for name in pair]
    return tuple(skeleton.axes) == ("x", "y", "z") and set(names) <= set(skeleton.joints)


def _bodies(sequences: Sequences, skeleton: Skeleton) -> Float[Tensor, "batch time joints axes"]:
    """Positions in metres from the root of the same frame, turned to face +x."""
    positions = skeleton.to_metres(sequences.values)
    root = skeleton.joint(skeleton.root)
    about = positions - positions[:, :, root : root + 1]
    if not turns(skeleton):
        return about
    across = about.new_zeros(len(sequences), 3)
    for left, right in LEFT_RIGHT:
        span = about[:, :, skeleton.joint(right)] - about[:, :, skeleton.joint(left)]
        own = torch.where(sequences.mask[..., None], span, 0)
        across = across + own.sum(dim=1) / sequences.lengths[:, None]
    x, z = forward_direction(across)
    angle = torch.atan2(z, x)
    return rotate_about_vertical(about, -angle[:, None, None])
