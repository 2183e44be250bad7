"""NTU RGB+D's `.skeleton`: text, frame by frame the bodies that Kinect v2 saw, in metres.

First the number of frames.  A frame: how many bodies; a body: its name and nine more words, how
many joints, then a line a joint: x, y, z, eight more numbers, and how well it was tracked (0: not).
"""

import re
from pathlib import Path

import numpy as np

from feint.data.formats.recording import MOST_PEOPLE, Joints, Recording, check_size
from feint.data.formats.skeletons import NTU_25
from feint.errors import FeintError
from feint.io.atomic import read_bytes

LARGEST_FILE = 256 * 2**20
FPS = 30.0
NAME = re.compile(r"S\d{3}C\d{3}(P\d{3})R\d{3}(A\d{3})")
"""Of a file: who performed, and which action."""
JOINTS = len(NTU_25.joints)


def read_ntu(path: Path) -> Recording:
    """Everybody in a `.skeleton` file, by their names in it.

    Raises:
        FeintError: no such file, not of this kind, larger than the limits, with the line.
    """
    return parse_ntu(read_bytes(path, LARGEST_FILE), str(path))


def parse_ntu(content: bytes, place: str) -> Recording:
    """The same from bytes; `place` stands for them in errors."""
    lines = _Lines(content, place)
    frames = lines.count("a number of frames")
    check_size(place, frames, 1, JOINTS)
    if len(lines.lines) < frames:
        raise FeintError(
            f"{place} says {frames} frames and has {len(lines.lines)} lines; expected all."
        )
    people: dict[str, Joints] = {}
    for frame in range(frames):
        for _ in range(lines.count("a number of bodies")):
            name = lines.words(1, 40, "a body's name")[0].decode("ascii", "replace")[:40]
            joints = lines.count("a number of joints")
            if joints != JOINTS:
                raise lines.wrong(str(joints).encode(), f"{JOINTS} joints, as Kinect v2 has")
            if name not in people:
                check_size(place, frames, len(people) + 1, JOINTS)
                people[name] = np.full((frames, JOINTS, 3), np.nan)
            for joint in range(joints):
                words = lines.words(3, 40, "x, y, z of a joint")
                try:
                    position = [float(word) for word in words[:3]]
                except ValueError:
                    raise lines.wrong(b" ".join(words), "x, y, z of a joint") from None
                lost = len(words) >= 12 and words[11] == b"0"
                if not lost:
                    people[name][frame, joint] = position
    if any(line.strip() for line in lines.lines[lines.at :]):
        raise lines.wrong(lines.lines[lines.at], "the end of the file")
    return Recording(place, people, NTU_25.joints, NTU_25.bones, FPS)


class _Lines:
    """Reads line by line."""

    def __init__(self, content: bytes, place: str) -> None:
        self.lines, self.place, self.at = content.split(b"\n"), place, 0

    def count(self, what: str) -> int:
        """A whole number alone in its line."""
        word = self.words(1, 1, what)[0]
        most = 10**7 if "frames" in what else MOST_PEOPLE
        if not (word.isdigit() and len(word) <= 8 and int(word) <= most):
            raise self.wrong(word, what)
        return int(word)

    def words(self, least: int, most: int, what: str) -> list[bytes]:
        """The words of the next line."""
        if self.at >= len(self.lines):
            raise FeintError(f"{self.place} ends too early; expected {what}. Is it cut off?")
        line = self.lines[self.at]
        self.at += 1
        words = line.split(None, most) if len(line) < 4096 else []
        if not least <= len(words) <= most:
            raise self.wrong(line, what)
        return words

    def wrong(self, got: bytes, expected: str) -> FeintError:
        """What is wrong in the line just read."""
        told = got[:40].decode("utf-8", "replace")
        return FeintError(f"{self.place}, line {self.at}: got {told!r}; expected {expected}.")
