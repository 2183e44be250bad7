"""Whether what was read looks like people: their height, which way is up, and rigid bones.

Wrong units, axes or orders of joints give no error by themselves; every centimetre of a report
would be wrong.  Heights and directions that no person has are refused, unless the experiment says
that they are meant; bones that change their length are a warning.
"""

from collections.abc import Sequence

import numpy as np

from feint.data.formats.recording import AnyPositions
from feint.errors import FeintError
from feint.skeleton import Skeleton

HEIGHTS = (0.3, 3.0)
"""Metres that a person may measure, from the lowest point to the top of the head."""
LYING = 1.5
"""A body that extends so much more along another axis than upwards is not upright."""
FINEST = 1e-4
"""Metres: the largest step of float32 that positions may have."""
RIGID = 0.05
"""How much the length of a bone may vary within a recording, relative to its mean."""


def body_height(people: Sequence[AnyPositions], up: int, top: Sequence[int] = ()) -> float:
    """How tall people are: the median over them of the 95th percentile over frames.

    Args:
        people: positions of joints and tips, in any unit.
        up: the axis that points up.
        top: the points that may be the highest, such as the head's; all of them if empty. Raised
            hands do not make a person taller.
    """
    each = []
    for one in people:
        heights = one[..., up]
        seen = ~np.isnan(heights).all(axis=1)
        above = heights[:, list(top)] if len(top) else heights
        seen &= ~np.isnan(above).all(axis=1)
        spread = np.nanmax(above[seen], axis=1) - np.nanmin(heights[seen], axis=1)
        each += [np.percentile(spread, 95)] if len(spread) else []
    return float(np.median(each)) if each else float("nan")


def head_points(names: Sequence[str]) -> list[int]:
    """The joints and tips that belong to the head, by their names."""
    return [i for i, name in enumerate(names) if "head" in name.lower()]


def check_height(people: Sequence[AnyPositions], skeleton: Skeleton) -> None:
    """Raise FeintError if people in metres are not of a person's size: the unit is wrong then."""
    if "y" not in skeleton.axes:
        return
    top = head_points(skeleton.joints)
    height = body_height(people, skeleton.axes.index("y"), top)
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        raise FeintError(
            f"People would be {height:.3g} m tall, from the lowest joint to the highest; expected "
            f"{HEIGHTS[0]:g} to {HEIGHTS[1]:g}. Set data.unit to the files' own, data.up to the "
            "axis that points up, or data.height = 1.7.",
            code="implausible-height",
        )


def check_origin(people: Sequence[AnyPositions]) -> None:
    """Raise FeintError if positions in metres are so far away that float32 blurs them."""
    largest = max((float(np.abs(one).max(initial=0.0)) for one in people), default=0.0)
    step = float(np.spacing(np.float32(largest)))
    if step > FINEST:
        middle = [round(float(n)) for n in people[0].reshape(-1, people[0].shape[-1]).mean(axis=0)]
        raise FeintError(
            f"People are up to {largest:.6g} m from the origin, where float32 has steps of "
            f"{1000 * step:.2g} mm. Move them: write a skeleton in TOML (data.skeleton) "
            f"with scale, in place of data.unit, and offset = {[-n for n in middle]}.",
            code="far-from-origin",
        )


def check_upright(people: Sequence[AnyPositions], skeleton: Skeleton, up: str) -> None:
    """Raise FeintError if bodies lie down or stand on their heads, as far as can be seen.

    Args:
        people: positions on the skeleton's axes.
        up: the axis of the files that was taken as up.
    """
    if "y" not in skeleton.axes:
        return
    vertical = skeleton.axes.index("y")
    extents, tilts = [], []
    root = skeleton.joint(skeleton.root)
    head = skeleton.joint("nose") if "nose" in skeleton.joints else skeleton.head
    for one in people:
        seen = one[~np.isnan(one).any(axis=(1, 2))]
        if not len(seen):
            continue
        extents.append(np.median(np.ptp(seen, axis=1), axis=0))
        if head is not None and head != root:
            tilts.append(np.median(seen[:, head] - seen[:, root], axis=0))
    if not extents:
        return
    extent = np.median(extents, axis=0)
    lying = extent.max() > LYING * extent[vertical]
    if tilts:
        tilt = np.median(tilts, axis=0)
        lying = np.abs(tilt).max() > LYING * abs(tilt[vertical])
        if not lying and tilt[vertical] < 0:
            raise FeintError(
                f"People stand on their heads if {up} points up in the files. Set data.up to the "
                f'axis that does: data.up = "{up[1:] if up.startswith("-") else "-" + up}" (or say '
                f'data.up = "{up}" if that is how they stand).',
                code="wrong-up",
            )
    if lying:
        raise FeintError(
            f"People lie down if {up} points up in the files: they extend {extent[vertical]:.3g} "
            f"upwards and {extent.max():.3g} along another axis. Set data.up to the axis that "
            f'points up, "y", "-y", "z" or "-z" (or say data.up = "{up}" if they do lie).',
            code="wrong-up",
        )


def bone_spread(people: Sequence[AnyPositions], skeleton: Skeleton) -> float:
    """The relative change of a bone's length within a recording, the median; NaN in 2-D."""
    if len(skeleton.axes) < 3:
        return float("nan")
    a, b = ([skeleton.joint(bone[end]) for bone in skeleton.bones] for end in (0, 1))
    each = []
    for one in people:
        lengths = np.linalg.norm(one[:, a] - one[:, b], axis=-1)
        lengths = lengths[~np.isnan(lengths).any(axis=1)]
        if len(lengths) > 1:
            each.append(np.median(lengths.std(axis=0) / np.maximum(lengths.mean(axis=0), 1e-9)))
    return float(np.median(each)) if each else float("nan")


def bone_warnings(people: Sequence[AnyPositions], skeleton: Skeleton) -> list[str]:
    """A warning if bones are not rigid: joints in another order look like that."""
    spread = bone_spread(people, skeleton)
    if not spread > RIGID:
        return []
    return [
        f"Warning (bones-not-rigid): bones change their length by {spread:.1%} within a recording "
        "(median); bones of bodies are rigid. If the joints are not in the order "
        f"{', '.join(skeleton.joints[:4])} ..., set data.skeleton"
    ]
