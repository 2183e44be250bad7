"""BVH: a tree of joints, and for every frame the rotations that place them.

Joint positions are worked out here from offsets and rotations, in the file's own unit; end sites
(tips without a channel) are left out.  What a file says is checked before anything is made of it.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from feint.data.formats.recording import LARGEST, MOST_JOINTS, Joints, Recording, check_size
from feint.errors import FeintError
from feint.io.atomic import read_bytes

LARGEST_FILE = 256 * 2**20
DEEPEST = 100
LONGEST_HEADER = 2**20
CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")


@dataclass
class _Joint:
    name: str
    parent: int
    offset: list[float] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)


def read_bvh(path: Path) -> Recording:
    """One person from a BVH file, named as the file is.

    Raises:
        FeintError: no such file, not BVH, larger than the limits, with what is wrong.
    """
    return parse_bvh(read_bytes(path, LARGEST_FILE), str(path), path.stem)


def parse_bvh(content: bytes, place: str, name: str) -> Recording:
    """The same from bytes; `place` stands for them in errors."""
    begin = content.find(b"MOTION")
    if not 0 <= begin <= LONGEST_HEADER:
        raise FeintError(
            f"{place} has no MOTION in its first {LONGEST_HEADER} bytes; expected a BVH file: "
            "HIERARCHY, then MOTION."
        )
    joints = _Hierarchy(content[:begin], place).read()
    values, fps = _motion(content[begin:], place, joints)
    positions = _placed(joints, values)
    names = tuple(one.name for one in joints)
    bones = tuple((names[one.parent], one.name) for one in joints if one.parent >= 0)
    return Recording(place, {name: positions}, names, bones, fps)


class _Hierarchy:
    """Reads the tree, token by token."""

    def __init__(self, content: bytes, place: str) -> None:
        self.tokens = content.decode("utf-8", "replace").replace("{", " { ").split()
        self.place, self.at = place, 0

    def read(self) -> list[_Joint]:
        """The joints, parents first."""
        joints: list[_Joint] = []
        self._expect("HIERARCHY")
        self._expect("ROOT")
        stack = [self._joint(joints, -1)]
        while stack:
            token = self._next()
            if token == "}":
                stack.pop()
            elif token == "JOINT" and stack[-1] >= 0:
                stack.append(self._joint(joints, stack[-1]))
            elif token == "End" and stack[-1] >= 0:
                self._expect("Site")
                self._expect("{")
                stack.append(-1)
            elif token == "OFFSET":
                offset = [self._number() for _ in range(3)]
                if stack[-1] >= 0:
                    joints[stack[-1]].offset = offset
            elif token == "CHANNELS" and stack[-1] >= 0:
                joints[stack[-1]].channels = self._channels()
            else:
                raise self._wrong(token, "JOINT, End Site, OFFSET, CHANNELS or a closing bracket")
            if len(stack) > DEEPEST or len(joints) > MOST_JOINTS:
                raise FeintError(
                    f"{self.place} has a tree of more than {DEEPEST} levels or {MOST_JOINTS} "
                    "joints; expected a person."
                )
        if self.at < len(self.tokens):
            raise self._wrong(self.tokens[self.at], "MOTION: one person, one ROOT a file")
        for one in joints:
            if len(one.offset) != 3:
                raise FeintError(f"{self.place}: the joint {one.name!r} has no OFFSET.")
        if len({one.name for one in joints}) != len(joints):
            raise FeintError(f"{self.place} has two joints of one name; expected each once.")
        return joints

    def _joint(self, joints: list[_Joint], parent: int) -> int:
        words = []
        while (token := self._next()) != "{":
            words.append(token)
            if len(words) > 8:
                raise self._wrong(token, "a joint's name and an opening bracket")
        name = " ".join(words)
        if not 0 < len(name) <= 100 or not name.isprintable():
            raise self._wrong(name, "a joint's name")
        joints.append(_Joint(name, parent))
        return len(joints) - 1

    def _channels(self) -> list[str]:
        count = self._next()
        if not (count.isdecimal() and len(count) == 1 and int(count) <= 6):
            raise self._wrong(count, "a number of channels, 0 to 6")
        named = [self._next() for _ in range(int(count))]
        if not set(named) <= set(CHANNELS) or len(set(named)) != len(named):
            raise self._wrong(" ".join(named), f"channels such as {' '.join(CHANNELS)}, each once")
        return named

    def _number(self) -> float:
        token = self._next()
        try:
            value = float(token)
        except ValueError:
            value = float("nan")
        if not abs(value) < LARGEST:
            raise self._wrong(token, "a finite number")
        return value

    def _expect(self, word: str) -> None:
        token = self._next()
        if token != word:
            raise self._wrong(token, word)

    def _next(self) -> str:
        if self.at >= len(self.tokens):
            raise FeintError(f"{self.place} ends inside its HIERARCHY; expected a BVH file, whole.")
        self.at += 1
        return self.tokens[self.at - 1]

    def _wrong(self, got: str, expected: str) -> FeintError:
        return FeintError(f"{self.place}: got {got[:40]!r} in its HIERARCHY; expected {expected}.")


def _motion(
    content: bytes, place: str, joints: list[_Joint]
) -> tuple[Float[np.ndarray, "frames channels"], float]:
    """The channels' values, and the frames a second."""
    lines = content[:400].split(b"\n", 3)
    words = b" ".join(lines[:3]).split()
    right = len(lines) > 3 and len(words) == 6
    right = right and [words[0], words[1], *words[3:5]] == [
        b"MOTION",
        b"Frames:",
        b"Frame",
        b"Time:",
    ]
    try:
        frames, seconds = int(words[2][:10]), float(words[5])
    except (IndexError, ValueError):
        right = False
    if not right or not 1e-4 <= seconds <= 10:
        raise FeintError(
            f"{place}: got {b' '.join(words)[:80].decode('utf-8', 'replace')!r} where its motion "
            "begins; expected MOTION, Frames: a number, Frame Time: seconds from 0.0001 to 10."
        )
    width = sum(len(one.channels) for one in joints)
    check_size(place, frames, 1, len(joints))
    if width == 0:
        raise FeintError(f"{place} has no channels; expected joints that move.")
    body = content[sum(len(line) + 1 for line in lines[:3]) :].split()
    if len(body) != frames * width:
        raise FeintError(
            f"{place} has {len(body)} numbers of motion; expected {frames} frames x {width} "
            "channels. Is it cut off?"
        )
    try:
        values = np.array(body, dtype=np.float64).reshape(frames, width)
    except ValueError as error:
        raise FeintError(
            f"{place}: its motion holds something that is no number ({error})."
        ) from None
    if not bool((np.abs(values) < LARGEST).all()):
        raise FeintError(f"{place}: its motion holds a number that is not finite.")
    return values, round(1 / seconds, 2)  # files tell seconds with few digits


def _placed(joints: list[_Joint], values: Float[np.ndarray, "frames channels"]) -> Joints:
    """Where every joint is, frame by frame."""
    frames, at = len(values), 0
    turned = np.empty((len(joints), frames, 3, 3))
    places = np.empty((frames, len(joints), 3))
    for k, one in enumerate(joints):
        own = np.broadcast_to(np.eye(3), (frames, 3, 3))
        moved = np.tile(np.array(one.offset), (frames, 1))
        for name in one.channels:
            axis, channel = "XYZ".index(name[0]), values[:, at]
            if name.endswith("position"):
                moved[:, axis] = channel  # in place of the offset, as in Blender and bvhio
            else:
                own = own @ _rotation(axis, np.deg2rad(channel))
            at += 1
        if one.parent < 0:
            turned[k], places[:, k] = own, moved
        else:
            up = turned[one.parent]
            turned[k] = up @ own
            places[:, k] = places[:, one.parent] + (up @ moved[:, :, None])[:, :, 0]
    return places


def _rotation(axis: int, angle: Float[np.ndarray, " frames"]) -> Float[np.ndarray, "frames 3 3"]:
    """Rotations about one axis."""
    a, b = (axis + 1) % 3, (axis + 2) % 3
    made = np.zeros((len(angle), 3, 3))
    made[:, axis, axis] = 1.0
    made[:, a, a] = made[:, b, b] = np.cos(angle)
    made[:, b, a] = np.sin(angle)
    made[:, a, b] = -made[:, b, a]
    return made
