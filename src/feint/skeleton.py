"""`Skeleton`: joints, bones, axes and units of a person's motion, and SBU Kinect's.

A frame of a skeleton sequence is flat: joint by joint, axis by axis (`head.x, head.y, head.z,
neck.x, ...`), in the data's own units.  `to_metres` and `from_metres` are the only conversions.
Data and models both turn people about the vertical, so that rotation is here, too.  This file may
import only the other flat files.
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
"""Patterns of names that say left or right, and what to put in their place."""
LEFT_RIGHT = (("left shoulder", "right shoulder"), ("left hip", "right hip"))
"""Pairs of joints whose mean line is at right angles to where a person faces."""


@dataclass(frozen=True)
class Skeleton:
    """Joints, bones, axes and units of a sequence of poses.

    Attributes:
        name: a short name.
        joints: names, in the order of the features.
        bones: pairs of joint names, parent first.
        root: the joint that gives a person's position.
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
    def from_dict(values: Mapping[str, Any]) -> "Skeleton":
        """The skeleton that `dataclasses.asdict` wrote, perhaps by way of JSON or TOML.

        Raises:
            FeintError: the values do not describe a skeleton.
        """
        try:
            fields: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
            }
            fields["bones"] = tuple((a, b) for a, b in fields["bones"])
            found = Skeleton(**fields)
            found._check()
            return found
        except (KeyError, TypeError, ValueError) as error:
            raise FeintError(
                f"This does not describe a skeleton ({error}): {str(dict(values))[:300]}. Expected "
                "the fields of feint.Skeleton.",
                code="not-a-skeleton",
            ) from error

    def _check(self) -> None:
        """Raise ValueError unless names and numbers belong together."""
        ends = [end for bone in self.bones for end in bone]
        words = (self.name, self.root, *self.joints, *self.axes, *ends)
        numbers = (*self.scale, *self.offset, self.fps)
        if not all(isinstance(word, str) for word in words):
            raise ValueError("a name is not a string")
        if not all(type(n) in (int, float) and abs(n) < 1e9 for n in numbers):
            raise ValueError("scale, offset and fps must be numbers below 1e9")
        if not {self.root, *ends} <= set(self.joints) or not ends:
            raise ValueError("the root and the ends of bones must be joints")
        if not 0 < len(self.axes) == len(self.scale) == len(self.offset):
            raise ValueError("scale and offset must have one number per axis")
        if 0 in self.scale or not self.fps > 0:
            raise ValueError("scale and fps must not be 0")

    @property
    def features(self) -> int:
        """Numbers per frame: joints x axes."""
        return len(self.joints) * len(self.axes)

    @property
    def head(self) -> int | None:
        """The position of the joint named "head", in any case; None without one."""
        return next((i for i, one in enumerate(self.joints) if one.lower() == "head"), None)

    def joint(self, name: str) -> int:
        """The position of a joint, by name.  Raises FeintError on one it does not have."""
        if name not in self.joints:
            raise FeintError(
                f"Skeleton {self.name} has no joint {name!r}; expected one of "
                f"{', '.join(self.joints)}.",
                code="unknown-joint",
            )
        return self.joints.index(name)

    def twin(self, name: str) -> str:
        """The joint on the other side, by its name: "left hand", "LeftHand", "l_hand", "hand.L".

        A joint without a twin is returned itself.
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
                    f"Skeleton {self.name} has no axis {name!r}; expected {', '.join(self.axes)}.",
                    code="unknown-axis",
                )
        if not names:
            raise FeintError(
                f"axis() got no name; expected one or more of {', '.join(self.axes)}.",
                code="missing-name",
            )
        chosen = torch.tensor([a in names for a in self.axes])
        return chosen.repeat(len(self.joints))

    def centimetres(self) -> Float[Tensor, " features"]:
        """Data units per centimetre, one per feature: a `Budget`'s unit."""
        return (0.01 / torch.tensor(self.scale).abs()).repeat(len(self.joints))

    def of_joints(self, names: Sequence[str]) -> Bool[Tensor, " features"]:
        """Which features belong to these joints: True there.  Combine with `axis` by `&`.

        Raises:
            FeintError: no name, or a joint it does not have.
        """
        if not names:
            raise FeintError(
                f"of_joints got no name; expected one or more of {', '.join(self.joints)}.",
                code="missing-name",
            )
        chosen = torch.zeros(len(self.joints), dtype=torch.bool)
        chosen[[self.joint(name) for name in names]] = True
        return chosen.repeat_interleave(len(self.axes))

    def split(
        self, values: Float[Tensor, "*shape features"]
    ) -> Float[Tensor, "*shape joints axes"]:
        """Flat frames as (..., joints, axes).  Raises FeintError on another number of features."""
        if values.shape[-1] != self.features:
            raise FeintError(
                f"Skeleton {self.name} got {values.shape[-1]} features a frame; expected "
                f"{self.features} ({len(self.joints)} joints x {len(self.axes)} axes).",
                code="wrong-shape",
            )
        return values.unflatten(-1, (len(self.joints), len(self.axes)))

    def root_of(self, values: Float[Tensor, "*shape features"]) -> Float[Tensor, "*shape features"]:
        """The root's coordinates in every frame, in data units, repeated for every joint."""
        root = self.split(values)[..., self.joint(self.root), :]
        return root.repeat(*([1] * (root.ndim - 1)), len(self.joints))

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

    def displacement_in_metres(
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
    return pattern.sub(lambda found: swap[found[0]], name)


def forward_direction(
    across: Float[Tensor, "*shape 3"],
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
    """X and z of where a person faces, from the line between left and right joints.

    It is `across` x up, as long as `across` is horizontally; y is upright.
    """
    return across[..., 2], -across[..., 0]


def rotate_horizontally(
    positions: Float[Tensor, "*shape 3"],
    cos: Float[Tensor, "*around"],
    sin: Float[Tensor, "*around"],
) -> Float[Tensor, "*shape 3"]:
    """Positions (x, y, z) rotated about y by an angle with this cosine and sine: x towards z."""
    x, y, z = positions.unbind(dim=-1)
    return torch.stack([cos * x - sin * z, y, sin * x + cos * z], dim=-1)


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
