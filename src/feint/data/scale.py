"""From the files' units and axes to metres: x to the right, y up, z towards the viewer.

Experiments say the unit (data.unit), the people's height (data.height), or a skeleton with a scale
and an offset per axis; some formats fix the unit.  `to_metres` applies it all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from feint.data.formats.recording import AnyPositions, Positions, Recording
from feint.data.formats.skeletons import KNOWN
from feint.data.skeleton_match import joint_order
from feint.errors import FeintError
from feint.skeleton import Skeleton

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254}
"""Metres in each unit."""
UP = {"y": "x y z", "-y": "x -y -z", "z": "x z -y", "-z": "x -z y"}
"""Which of a file's axes point right, up and towards the viewer, by the axis that points up."""
ONES = (1.0, 1.0, 1.0)
ZEROS = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Scale:
    """How a file's coordinates become metres.

    Attributes:
        skeleton: joints and axes of what comes out; its own scale is 1.
        axes: a file's axes that point right, up and towards the viewer, as in `UP`.
        factors, offsets: metres = factor * value + offset, one per axis x, y, z of the file.
        aliases: other names that files have for joints.
    """

    skeleton: Skeleton
    axes: str
    factors: tuple[float, float, float] = ONES
    offsets: tuple[float, float, float] = ZEROS
    aliases: Mapping[str, str] = field(default_factory=dict)


def up_axis(axes: str) -> str:
    """The file's axis that points up, "y", "-y", "z" or "-z"."""
    return axes.split()[1]


def factors_of(
    unit: str | Sequence[str] | None,
    height: float | None,
    asked: Skeleton | None,
    fixed: str | None,
    file: str,
) -> tuple[tuple[float, float, float], tuple[float, float, float]] | None:
    """Metres in the units of the file's axes and the offsets in metres; None if nothing says.

    Args:
        unit: data.unit, one for all axes or one per axis x, y, z.
        height: data.height, of the people in metres; the unit is measured on them then.
        asked: the skeleton that data.skeleton names; the scale and offset of one in TOML count.
        fixed: the unit that the format or the file fixes.
        file: for errors.

    Raises:
        FeintError: more than one of unit, height and a skeleton's scale is given.
    """
    has_scale = asked is not None and asked not in KNOWN.values()
    has_scale &= asked is not None and {*asked.scale, 1.0} | {*asked.offset, 0.0} != {0.0, 1.0}
    given = [f"data.unit = {unit!r}"] * (unit is not None)
    given += [f"data.height = {height}"] * (height is not None)
    given += [f"the scale and offset of the skeleton {asked.name}"] * has_scale if asked else []
    if len(given) > 1:
        raise FeintError(
            f"{' and '.join(given)} both say what a unit of {file} is. Remove one of them.",
            code="conflicting-keys",
        )
    if unit is not None:
        x, y, z = [unit] * 3 if isinstance(unit, str) else [*unit, *unit[-1:]][:3]
        return (UNITS[x], UNITS[y], UNITS[z]), ZEROS
    if asked is not None and has_scale:
        by_axis = {a: (s, o) for a, s, o in zip(asked.axes, asked.scale, asked.offset, strict=True)}
        each = [by_axis.get(axis, (abs(asked.scale[0]), 0.0)) for axis in "xyz"]
        factors, offsets = zip(*each, strict=True)
        return factors, offsets
    return None if fixed is None else ((UNITS[fixed],) * 3, ZEROS)


def to_metres(recording: Recording, scale: Scale) -> tuple[dict[str, AnyPositions], list[str]]:
    """A recording's people with the skeleton's joints and axes, in metres; what was assumed.

    Raises:
        FeintError: a joint or an axis is not in the file.
    """
    order, notes = joint_order(recording, scale.skeleton, scale.aliases)
    people = {
        name: convert(values[:, order], scale, recording.file)
        for name, values in recording.people.items()
    }
    return people, notes


def convert(values: Positions, scale: Scale, file: str) -> Float[np.ndarray, "frames joints out"]:
    """Positions in a file's axes and units, in metres on the skeleton's axes."""
    columns = []
    for axis in scale.skeleton.axes:
        word = scale.axes.split()["xyz".index(axis)]
        source, sign = "xyz".index(word[-1]), -1.0 if word.startswith("-") else 1.0
        if source >= values.shape[-1]:
            raise FeintError(
                f"{file} has {values.shape[-1]} coordinates per joint, and the axes "
                f"{', '.join(scale.skeleton.axes)} with {up_axis(scale.axes)} up need "
                f'{word[-1]}. Set data.axes = ["x", "y"] and data.up = "y" or "-y".',
                code="unknown-axis",
            )
        columns.append(sign * (scale.factors[source] * values[..., source] + scale.offsets[source]))
    return np.stack(columns, axis=-1)
