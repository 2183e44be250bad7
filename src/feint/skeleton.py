"""Joints, bones and units of a skeleton, and what is told about motion in metres.

A frame of a skeleton sequence is flat: joint by joint, axis by axis (`head.x, head.y, head.z,
neck.x, ...`), in the data's own units.  `to_metres` and `from_metres` are the only conversions.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from feint.errors import FeintError

_WORDS = {a: b for one, two in (("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT"))
          for a, b in ((one, two), (two, one))}  # fmt: skip
_LETTERS = {"l": "r", "r": "l", "L": "R", "R": "L"}
_SIDES = (
    (re.compile("|".join(_WORDS)), _WORDS),
    (re.compile(r"(?<![A-Za-z])[lrLR](?=[_.A-Z ])|(?<=[_.])[lrLR](?![A-Za-z])"), _LETTERS),
)
"""How the names of joints tell left from right."""


@dataclass(frozen=True)
class Skeleton:
    """What the features of a skeleton sequence are.

    Attributes:
        name: a short name.
        joints: names, in the order of the features.
        bones: pairs of joint names, parent first.
        root: the joint a person's place is read from.
        axes: names of a joint's coordinates, in the order of the features.
        scale, offset: metres = scale * value + offset, one per axis.
        fps: frames a second.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[str, str], ...]
    root: str
    axes: tuple[str, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    fps: float

    @staticmethod
    def of(told: Mapping[str, Any]) -> "Skeleton":
        """The skeleton that JSON tells (`dataclasses.asdict`).

        Raises:
            FeintError: it tells none.
        """
        try:
            fields: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in told.items()
            }
            fields["bones"] = tuple((a, b) for a, b in fields["bones"])
            found = Skeleton(**fields)
            found._check()
            return found
        except (KeyError, TypeError, ValueError) as error:
            raise FeintError(
                f"This describes no skeleton ({error}): {dict(told)}. Expected the fields of "
                "feint.Skeleton."
            ) from error

    def _check(self) -> None:
        """Raise ValueError unless names and numbers belong together."""
        ends = [end for bone in self.bones for end in bone]
        words = (self.name, self.root, *self.joints, *self.axes, *ends)
        numbers = (*self.scale, *self.offset, self.fps)
        if not all(isinstance(word, str) for word in words):
            raise ValueError("its names are no words")
        if not all(type(n) in (int, float) and abs(n) < 1e9 for n in numbers):
            raise ValueError("scale, offset and fps are no numbers below 1e9")
        if not {self.root, *ends} <= set(self.joints) or not ends:
            raise ValueError("its root and bones are not of its joints")
        if not 0 < len(self.axes) == len(self.scale) == len(self.offset):
            raise ValueError("scale and offset are not one an axis")
        if 0 in self.scale or not self.fps > 0:
            raise ValueError("scale and fps cannot be 0")

    @property
    def features(self) -> int:
        """Numbers a frame: joints x axes."""
        return len(self.joints) * len(self.axes)

    @property
    def head(self) -> int | None:
        """The joint that is drawn as a head, by its name in any case; None if none is called so."""
        return next((i for i, one in enumerate(self.joints) if one.lower() == "head"), None)

    def joint(self, name: str) -> int:
        """The position of a joint, by name.  Raises FeintError on one it does not have."""
        if name not in self.joints:
            raise FeintError(
                f"Skeleton {self.name} has no joint {name!r}; expected one of "
                f"{', '.join(self.joints)}."
            )
        return self.joints.index(name)

    def twin(self, name: str) -> str:
        """The joint on the body's other side, by its name: "left hand", "LeftHand", "l_hand".

        A joint without one is its own.
        """
        for pattern, swap in _SIDES:
            other = _swapped(name, pattern, swap)
            if other != name and other in self.joints:
                return other
        return name

    def axis(self, *names: str) -> Bool[Tensor, " features"]:
        """Which features lie on these axes: True there.  `axis("z")` is the paper's depth only.

        Raises:
            FeintError: no name, or an axis it does not have.
        """
        for name in names:
            if name not in self.axes:
                raise FeintError(
                    f"Skeleton {self.name} has no axis {name!r}; expected {', '.join(self.axes)}."
                )
        if not names:
            raise FeintError(f"axis() got no name; expected one or more of {', '.join(self.axes)}.")
        wanted = torch.tensor([a in names for a in self.axes])
        return wanted.repeat(len(self.joints))

    def centimetres(self) -> Float[Tensor, " features"]:
        """Data units in a centimetre, feature by feature: a `Budget`'s unit."""
        return (0.01 / torch.tensor(self.scale).abs()).repeat(len(self.joints))

    def of_joints(self, names: Sequence[str]) -> Bool[Tensor, " features"]:
        """Which features belong to these joints: True there.  Combine with `axis` by `&`.

        Raises:
            FeintError: no name, or a joint it does not have.
        """
        if not names:
            raise FeintError("of_joints got no name; expected one or more joints.")
        wanted = torch.zeros(len(self.joints), dtype=torch.bool)
        wanted[[self.joint(name) for name in names]] = True
        return wanted.repeat_interleave(len(self.axes))

    def split(
        self, values: Float[Tensor, "*shape features"]
    ) -> Float[Tensor, "*shape joints axes"]:
        """Flat frames as (..., joints, axes).  Raises on another number of features."""
        if values.shape[-1] != self.features:
            raise FeintError(
                f"Skeleton {self.name} got {values.shape[-1]} features a frame; expected "
                f"{self.features} ({len(self.joints)} joints x {len(self.axes)} axes)."
            )
        return values.unflatten(-1, (len(self.joints), len(self.axes)))

    def to_metres(
        self, values: Float[Tensor, "*shape features"]
    ) -> Float[Tensor, "*shape joints axes"]:
        """Flat frames in data units -> positions in metres, (..., joints, axes)."""
        scale = values.new_tensor(self.scale)
        return self.split(values) * scale + values.new_tensor(self.offset)

    def from_metres(
        self, positions: Float[Tensor, "*shape joints axes"]
    ) -> Float[Tensor, "*shape features"]:
        """Positions in metres -> flat frames in data units.  The inverse of `to_metres`."""
        scale = positions.new_tensor(self.scale)
        return ((positions - positions.new_tensor(self.offset)) / scale).flatten(-2)

    def change_in_metres(
        self, difference: Float[Tensor, "*shape features"]
    ) -> Float[Tensor, "*shape joints axes"]:
        """A difference of two flat frames -> displacements in metres (no offset)."""
        return self.split(difference) * difference.new_tensor(self.scale)

    def bone_lengths(
        self, values: Float[Tensor, "*shape features"]
    ) -> Float[Tensor, "*shape bones"]:
        """Lengths of the bones in metres, in the order of `bones`."""
        positions = self.to_metres(values)
        parents = [self.joint(a) for a, _ in self.bones]
        children = [self.joint(b) for _, b in self.bones]
        return (positions[..., children, :] - positions[..., parents, :]).norm(dim=-1)


def _swapped(name: str, pattern: re.Pattern[str], swap: Mapping[str, str]) -> str:
    """A name with its words for left and right in each other's place."""
    return pattern.sub(lambda found: swap[found[0]], name)


SBU_15 = Skeleton(
    name="SBU_15",
    joints=(
        "head",
        "neck",
        "torso",
        "left shoulder",
        "left elbow",
        "left hand",
        "right shoulder",
        "right elbow",
        "right hand",
        "left hip",
        "left knee",
        "left foot",
        "right hip",
        "right knee",
        "right foot",
    ),
    bones=(
        ("neck", "head"),
        ("torso", "neck"),
        ("neck", "left shoulder"),
        ("left shoulder", "left elbow"),
        ("left elbow", "left hand"),
        ("neck", "right shoulder"),
        ("right shoulder", "right elbow"),
        ("right elbow", "right hand"),
        ("torso", "left hip"),
        ("left hip", "left knee"),
        ("left knee", "left foot"),
        ("torso", "right hip"),
        ("right hip", "right knee"),
        ("right knee", "right foot"),
    ),
    root="torso",
    axes=("x", "y", "z"),
    # Yun et al. 2012, dataset notes: X = (1280 - 2560 x) mm, Y = (960 - 1920 y) mm,
    # Z = z * 10 / 7.8125 m.
    scale=(-2.56, -1.92, 1.28),
    offset=(1.28, 0.96, 0.0),
    fps=15.0,
)
"""The skeleton of SBU Kinect: 15 joints (NITE), normalised image coordinates and depth."""
