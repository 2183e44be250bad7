"""NTU RGB+D's `.skeleton`: text, frame by frame the bodies that Kinect v2 saw, in metres.

First the number of frames.  A frame: how many bodies; a body: its name and nine more words, how
many joints, then a line a joint: x, y, z, eight more numbers, and how well it was tracked (0: not).
The joints have no names in the file; their order is Kinect v2's (`skeletons.NTU_25`).
"""

from pathlib import Path

import numpy as np

from feint.data.formats.recording import (
    MOST_PEOPLE,
    Positions,
    ReadOptions,
    Recording,
    check_size,
)
from feint.errors import FeintError
from feint.io.atomic import read_bytes

LARGEST_FILE = 256 * 2**20
FPS = 30.0
JOINTS = 25


def read(path: Path, options: ReadOptions) -> Recording:
    """The people of a `.skeleton` file, by their names in it.

    Raises:
        FeintError: no such file, not of this kind, larger than the limits, with the line.
    """
    return parse_ntu(read_bytes(path, LARGEST_FILE), str(path))


def parse_ntu(content: bytes, file: str) -> Recording:
    """The recording in a file's bytes; `file` is its name for errors."""
    lines = _Lines(content.removeprefix(b"\xef\xbb\xbf"), file)
    frames = lines.count("a number of frames")
    check_size(file, frames, 1, JOINTS)
    if len(lines.lines) < frames:
        raise FeintError(
            f"{file} says {frames} frames and has {len(lines.lines)} lines. Is it cut off?",
            code="damaged-file",
        )
    people: dict[str, Positions] = {}
    for frame in range(frames):
        for _ in range(lines.count("a number of bodies")):
            name = lines.words(1, 40, "a body's name")[0].decode("ascii", "replace")[:40]
            joints = lines.count("a number of joints")
            if joints != JOINTS:
                raise lines.wrong(str(joints).encode(), f"{JOINTS} joints, as Kinect v2 has")
            if name not in people:
                check_size(file, frames, len(people) + 1, JOINTS)
                people[name] = np.full((frames, JOINTS, 3), np.nan)
            for joint in range(joints):
                words = lines.words(3, 40, "x, y, z of a joint")
                try:
                    position = [float(word) for word in words[:3]]
                except ValueError:
                    raise lines.wrong(b" ".join(words), "x, y, z of a joint") from None
                untracked = len(words) >= 12 and words[11] == b"0"
                if not untracked:
                    people[name][frame, joint] = position
    if any(line.strip() for line in lines.lines[lines.at :]):
        raise lines.wrong(lines.lines[lines.at], "the end of the file")
    return Recording(file, people, fps=FPS, convention="NTU_25")


class _Lines:
    def __init__(self, content: bytes, file: str) -> None:
        self.lines, self.file, self.at = content.split(b"\n"), file, 0

    def count(self, what: str) -> int:
        word = self.words(1, 1, what)[0]
        most = 10**7 if "frames" in what else MOST_PEOPLE
        if not (word.isdigit() and len(word) <= 8 and int(word) <= most):
            raise self.wrong(word, what)
        return int(word)

    def words(self, least: int, most: int, what: str) -> list[bytes]:
        if self.at >= len(self.lines):
            raise FeintError(
                f"{self.file} ends too early; expected {what}. Is it cut off?", code="damaged-file"
            )
        line = self.lines[self.at]
        self.at += 1
        words = line.split(None, most) if len(line) < 4096 else []
        if not least <= len(words) <= most:
            raise self.wrong(line, what)
        return words

    def wrong(self, got: bytes, expected: str) -> FeintError:
        shown = got[:40].decode("utf-8", "replace")
        return FeintError(
            f"{self.file}, line {self.at}: got {shown!r}; expected {expected}.", code="not-ntu"
        )
