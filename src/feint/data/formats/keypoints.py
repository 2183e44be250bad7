"""Keypoints as JSON: what MediaPipe, OpenPose, AlphaPose, MMPose and COCO tools write.

    {"fps": 30, "frames": [{"people": [{"id": "a", "keypoints": [[x, y, score], ...]}]}, ...]}

`keypoint_documents` finds frames and people in the shapes that these programs write, and
`keypoint_values` reads one person's points.  Here both become one `Recording`: which person an
id belongs to, which row a frame number or a time stamp belongs to, and what is missing.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from feint.data.clock import fit_grid
from feint.data.formats import keypoint_documents as documents
from feint.data.formats.keypoint_documents import Document
from feint.data.formats.keypoint_values import Points, read_points
from feint.data.formats.recording import (
    MOST_FRAMES,
    ReadOptions,
    Recording,
    check_size,
    without_zeros,
)
from feint.errors import FeintError
from feint.io.atomic import read_bytes

LARGEST_FILE = 256 * 2**20
SHARE_OF_IMAGE = 1.5
"""Coordinates of images that all lie below it are shares of the width and the height."""
COUNTED = 10
UNITS_OF_TIME = ((COUNTED, 1.0), (1e4, 1e3), (1e7, 1e6))
"""The largest median step between two frames, and how many of its unit are a second."""


def read(path: Path, options: ReadOptions) -> Recording:
    """The people of a JSON file, or of a folder of JSON files, one a frame (OpenPose).

    People are distinguished by their ids, or by their positions where they have no ids.

    Raises:
        FeintError: no such file, no JSON, larger than the limits, with the frame.
    """
    if not path.is_dir():
        return parse_keypoints(read_bytes(path, LARGEST_FILE), str(path), options)
    files = sorted(one for one in path.iterdir() if one.suffix.lower() == ".json")
    if len(files) > MOST_FRAMES or sum(one.stat().st_size for one in files) > LARGEST_FILE:
        raise FeintError(
            f"{path} holds {len(files)} frames, or more than {LARGEST_FILE} bytes; expected at "
            f"most {MOST_FRAMES} frames. Cut it into several folders.",
            code="file-too-large",
        )
    contents = [(one.name, read_bytes(one, LARGEST_FILE)) for one in files]
    return _recording(documents.of_folder(contents, str(path)), str(path), options)


def parse_keypoints(content: bytes, file: str, options: ReadOptions) -> Recording:
    """The recording in one file's bytes; `file` is its name for errors."""
    return _recording(documents.of_file(content, file), file, options)


@dataclass
class _Gathered:
    """The points of all frames, sorted by person.

    Attributes:
        named: by id and row.
        nameless: by row, of people without ids.
        shape: (joints, axes) of everyone.
        names: of the joints, where the points say their own.
        scored: every point has a score.
        least, most: of all coordinates.
    """

    named: dict[str, dict[int, Points]] = field(default_factory=dict)
    nameless: dict[int, list[Points]] = field(default_factory=dict)
    shape: tuple[int, int] | None = None
    names: tuple[str, ...] = ()
    scored: bool = True
    least: float = math.inf
    most: float = -math.inf

    def add(self, name: str | None, row: int, points: Points, where: str) -> None:
        """One person of one frame."""
        joints, axes = points.values.shape
        self.shape, self.names = self.shape or (joints, axes), self.names or points.names
        if (joints, axes) != self.shape:
            raise FeintError(
                f"{where}: got {joints} keypoints of {axes} coordinates; expected "
                f"{self.shape[0]} of {self.shape[1]}, as in the frames before.",
                code="wrong-shape",
            )
        self.scored &= points.scored
        finite = points.values[~np.isnan(points.values)]
        if not len(finite):
            return
        self.least, self.most = min(self.least, finite.min()), max(self.most, finite.max())
        if name is None:
            self.nameless.setdefault(row, []).append(points)
            return
        if row in self.named.setdefault(name, {}):
            raise FeintError(
                f"{where}: the person {name!r} is there twice; expected each id once a frame.",
                code="duplicate-name",
            )
        self.named[name][row] = points


def _recording(document: Document, file: str, options: ReadOptions) -> Recording:
    rows, count, step, fps, times = _rows(document, file)
    check_size(file, count, 1, 1)
    gathered = _Gathered()
    for frame, row in zip(document.frames, rows, strict=True):
        where = f"{file}, {frame.label}"
        for person in frame.people:
            points = read_points(person, options.confidence, options.depth, where)
            gathered.add(person.name, row, points, where)
    notes = list(document.notes)
    if any(len(each) > 1 for each in gathered.nameless.values()):
        notes.append("people without ids were followed from frame to frame by their positions")
    seen = gathered.named | _follow(gathered.nameless, gathered.named)
    joints, axes = gathered.shape or (1, 2)
    check_size(file, count, len(seen), joints, axes)
    people, zeros = {}, 0
    for name, each in seen.items():
        values = np.full((count, joints, axes), np.nan)
        for row, points in each.items():
            values[row] = points.values
        people[name], lost = (values, 0) if gathered.scored else without_zeros(values)
        zeros += lost
    if zeros:
        notes.append("points at exactly 0 without a score were taken as missing")
    scale = _image_scale(document, options, gathered, axes, file)
    names = document.joints or gathered.names
    return Recording(
        file,
        {name: one * scale for name, one in people.items() if not np.isnan(one).all()},
        names if len(names) == joints else (),
        document.bones if len(names) == joints else (),
        fps,
        document.convention(joints),
        step,
        times,
        unit=document.unit,
        notes=tuple(notes),
    )


def _rows(
    document: Document, file: str
) -> tuple[list[int], int, int, float | None, np.ndarray | None]:
    """The row of each frame, how many rows, frames from one to the next, the rate, uneven times."""
    frames, fps = document.frames, document.fps
    stamps = [one.seconds for one in frames if one.seconds is not None]
    times = _in_seconds(np.array(stamps)) if len(stamps) == len(frames) > 1 else None
    numbers = [one.number for one in frames if one.number is not None]
    if times is not None and not numbers and _are_numbers(np.array(stamps)):
        numbers, times = [int(n) for n in stamps], None
    if len(numbers) == len(frames):
        first, last = min(numbers), max(numbers)
        if len(set(numbers)) != len(numbers):
            twice = next(n for n in numbers if numbers.count(n) > 1)
            raise FeintError(
                f"{file} has the frame {twice} twice; expected each number once.",
                code="duplicate-name",
            )
        step = math.gcd(*(n - first for n in numbers)) or 1
        check_size(file, (last - first) // step + 1, 1, 1)
        if times is not None and fps is None and last > first:
            span = times[numbers.index(last)] - times[numbers.index(first)]
            fps = _rate_of(float(span) / (last - first), file)
        rows = [(n - first) // step for n in numbers]
        return rows, (last - first) // step + 1, step, fps, None
    plain = list(range(len(frames)))
    if times is None:
        return plain, len(frames), 1, fps, None
    grid = fit_grid(times, f"{file}, the times of its frames")
    if not grid.is_even:
        return plain, len(frames), 1, None, times
    rows = grid.index.tolist()
    check_size(file, rows[-1] + 1, 1, 1)
    return rows, rows[-1] + 1, 1, _rate_of(grid.step, file), None


def _are_numbers(stamps: np.ndarray) -> bool:
    """Whole "times" that rise by 1 to 10: no clock, but frames that are counted."""
    steps = np.diff(stamps)
    return bool((stamps == np.round(stamps)).all() and 1 <= np.median(steps) <= COUNTED)


def _in_seconds(stamps: np.ndarray) -> np.ndarray:
    """Time stamps in seconds, if recordings have at least one frame in 10 seconds."""
    step = float(np.median(np.diff(stamps)))
    unit = next((unit for most, unit in UNITS_OF_TIME if step <= most), 1e9)
    return (stamps - stamps[0]) / unit


def _rate_of(step: float, file: str) -> float:
    """Frames a second, of the seconds between two."""
    if not step > 0:
        raise FeintError(
            f"{file}: the times of its frames do not rise with their numbers; expected seconds or "
            "milliseconds.",
            code="time-not-rising",
        )
    return round(1 / step, 2) if 1 / step >= 1 else 1 / step


def _image_scale(
    document: Document, options: ReadOptions, gathered: _Gathered, axes: int, file: str
) -> np.ndarray:
    """What coordinates are multiplied with: the image's size, where they are shares of it."""
    one = np.ones(axes)
    looks_like_shares = axes == 2 and gathered.least >= 0 and gathered.most <= SHARE_OF_IMAGE
    if not document.shares and not (looks_like_shares and not options.has_unit):
        return one
    size = options.image_size or document.image_size
    if size is None:
        raise FeintError(
            f"{file}: its coordinates are shares of an image's width and height, which are "
            "different lengths. Set data.image_size = [1920, 1080] to the size of the images, in "
            "pixels" + ("." if document.shares else ', or data.unit = "m" if they are lengths.'),
            code="image-size-needed",
        )
    one[0], one[1] = size
    if len(one) == 3:
        one[2] = size[0]  # MediaPipe's z has the scale of x
    return one


def _follow(
    nameless: dict[int, list[Points]], named: dict[str, dict[int, Points]]
) -> dict[str, dict[int, Points]]:
    """People without ids, from frame to frame: each is the nearest person of the frames before."""
    if all(len(each) == 1 for each in nameless.values()):
        alone = {row: each[0] for row, each in nameless.items()}
        return {_new_name(0, named): alone} if alone else {}
    tracks: dict[str, dict[int, Points]] = {}
    last: dict[str, np.ndarray] = {}
    for row in sorted(nameless):
        free = dict(last)
        pairs = sorted(
            (_apart(points.values, values), i, name)
            for i, points in enumerate(nameless[row])
            for name, values in free.items()
        )
        matched: dict[int, str] = {}
        for apart, i, name in pairs:
            if i not in matched and name in free and apart < 1:
                matched[i] = name
                del free[name]
        for i, points in enumerate(nameless[row]):
            name = matched.get(i) or _new_name(i, tracks, named)
            tracks.setdefault(name, {})[row] = points
            last[name] = points.values
    return tracks


def _new_name(i: int, *taken: dict[str, dict[int, Points]]) -> str:
    k = i
    while any(str(k) in one for one in taken):
        k += 1
    return str(k)


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far two poses are apart, in sizes of the larger one."""
    with np.errstate(all="ignore"):
        both = ~np.isnan(one).any(axis=1) & ~np.isnan(other).any(axis=1)
    if not both.any():
        return math.inf
    size = max(np.ptp(each[both], axis=0).max() for each in (one, other))
    far = float(np.linalg.norm(one[both] - other[both], axis=1).mean())
    return far / float(size) if size > 0 else (0.0 if far == 0 else math.inf)
