"""Keypoints as JSON: what MediaPipe, COCO tools and most pose estimators can be made to write.

    {"fps": 30, "frames": [{"people": [{"id": "a", "keypoints": [[x, y, score], ...]}]}, ...]}

A keypoint is [x, y], [x, y, score], [x, y, z, score] or {"x", "y", "z", "visibility"}; keypoints
may be one flat list, as in COCO.  A frame may hold "pose_world_landmarks" or "pose_landmarks" (a
list of people, MediaPipe's) in place of "people".  COCO's own list of annotations, with `image_id`
as the frame and `track_id` or `person_id` as the person, is read too.
"""

from pathlib import Path
from typing import Any

import numpy as np

from feint.data.formats.recording import Joints, Recording, check_size
from feint.data.formats.skeletons import by_count
from feint.errors import FeintError
from feint.io.atomic import read_bytes
from feint.io.memory import SHARE, free_memory
from feint.io.sealed import parse

LARGEST_FILE = 256 * 2**20
SWELLS = 30
"""Bytes in memory a byte of JSON may become."""
PEOPLE = ("people", "pose_world_landmarks", "pose_landmarks", "landmarks")
NAMES = ("id", "track_id", "person_id")
SCORES = ("visibility", "score", "confidence", "presence")

Points = list[list[float]]


def read_keypoints(path: Path, confidence: float = 0.3, depth: bool = False) -> Recording:
    """Everybody in a file, by their ids or, without, by their places in each frame.

    Args:
        confidence: a keypoint below it is missing.
        depth: three numbers are x, y, z; otherwise x, y and a score.

    Raises:
        FeintError: no such file, no JSON, larger than the limits, with the frame.
    """
    return parse_keypoints(read_bytes(path, LARGEST_FILE), str(path), confidence, depth)


def parse_keypoints(content: bytes, place: str, confidence: float, depth: bool) -> Recording:
    """The same from bytes; `place` stands for them in errors."""
    if len(content) * SWELLS > free_memory() * SHARE:
        raise FeintError(f"{place} is too large for this machine's memory. Cut it into more files.")
    try:
        told = parse(content)
    except (ValueError, RecursionError) as error:
        raise FeintError(f"{place} is no JSON: {str(error)[:150]}. Expected keypoints.") from None
    fps = told.get("fps") if isinstance(told, dict) else None
    if fps is not None and type(fps) not in (int, float):
        raise FeintError(f"{place} says fps = {str(fps)[:40]!r}; expected a number.")
    frames = _frames(told, place)
    seen: dict[str, dict[int, np.ndarray]] = {}
    width = joints = 0
    for number, people in enumerate(frames):
        for name, keypoints in people:
            points = _points(keypoints, confidence, depth, f"{place}, frame {number}")
            width, joints = width or points.shape[1], joints or len(points)
            if points.shape != (joints, width):
                raise FeintError(
                    f"{place}, frame {number}: got {len(points)} keypoints of {points.shape[1]} "
                    f"coordinates; expected {joints} of {width}, as before."
                )
            if number in seen.setdefault(name, {}):
                raise FeintError(f"{place}, frame {number}: the person {name!r} stands twice.")
            seen[name][number] = points
    check_size(place, len(frames), len(seen), joints, width)
    known = by_count(joints)
    return Recording(
        place,
        {name: _filled(each, len(frames), joints, width) for name, each in seen.items()},
        known.joints if known else (),
        known.bones if known else (),
        None if fps is None else float(fps),
    )


def _filled(each: dict[int, np.ndarray], frames: int, joints: int, width: int) -> Joints:
    values = np.full((frames, joints, width), np.nan)
    for number, points in each.items():
        values[number] = points
    return values


def _frames(told: Any, place: str) -> list[list[tuple[str, Any]]]:
    """For every frame, who was seen and their keypoints."""
    if isinstance(told, list) and told and isinstance(told[0], dict) and "image_id" in told[0]:
        return _annotated(told, place)
    frames = told.get("frames") if isinstance(told, dict) else told
    if not isinstance(frames, list) or not frames:
        raise FeintError(
            f'{place} has no frames; expected {{"fps": 30, "frames": [{{"people": [...]}}, ...]}} '
            "or COCO's list of annotations (docs/data.md)."
        )
    check_size(place, len(frames), 1, 1)
    found = []
    for number, frame in enumerate(frames):
        people = frame
        if isinstance(frame, dict):
            people = next((frame[key] for key in PEOPLE if key in frame), [])
        if not isinstance(people, list):
            raise FeintError(
                f"{place}, frame {number}: got {str(people)[:40]!r}; expected a list of people."
            )
        if people and isinstance(people[0], dict) and "x" in people[0]:
            people = [people]  # one person's landmarks
        found.append([_person(one, i) for i, one in enumerate(people)])
    return found


def _person(one: Any, place: int) -> tuple[str, Any]:
    if not isinstance(one, dict):
        return str(place), one
    name = next((one[key] for key in NAMES if key in one), place)
    return str(name)[:40], one.get("keypoints", one.get("landmarks"))


def _annotated(told: list[Any], place: str) -> list[list[tuple[str, Any]]]:
    """COCO's annotations, by frame."""
    frames: dict[int, list[tuple[str, Any]]] = {}
    for i, one in enumerate(told):
        number = one.get("image_id") if isinstance(one, dict) else None
        if type(number) is not int:
            raise FeintError(
                f"{place}, annotation {i}: got image_id {str(number)[:40]!r}; expected the "
                "frame's number."
            )
        mine = frames.setdefault(number, [])
        name = next((one[key] for key in NAMES[1:] if key in one), len(mine))
        mine.append((str(name)[:40], one.get("keypoints")))
    first, last = min(frames), max(frames)
    check_size(place, last - first + 1, 1, 1)
    return [frames.get(number, []) for number in range(first, last + 1)]


def _points(told: Any, confidence: float, depth: bool, place: str) -> np.ndarray:
    """One person's keypoints, (joints, 2 or 3), NaN where the score is too low."""
    wrong = FeintError(
        f"{place}: got keypoints {str(told)[:60]!r}; expected a list of [x, y, score], "
        '[x, y, z, score] or {"x": ..., "y": ...}, with finite numbers.'
    )
    if not isinstance(told, list) or not told:
        raise wrong
    rows: list[list[float]] = []
    if all(type(n) in (int, float) for n in told):
        if len(told) % 3:
            raise wrong
        told = [told[i : i + 3] for i in range(0, len(told), 3)]
    for one in told:
        values, score = _one(one, depth)
        numbers = [*values, score]
        if len(values) not in (2, 3) or not all(type(n) in (int, float) for n in numbers):
            raise wrong
        if not all(abs(n) < 1e9 for n in numbers):
            raise wrong
        rows.append([float(n) for n in values] if score >= confidence else [np.nan] * len(values))
    if len({len(row) for row in rows}) != 1:
        raise wrong
    return np.array(rows)


def _one(one: Any, depth: bool) -> tuple[list[Any], Any]:
    """One keypoint's coordinates and score."""
    if isinstance(one, dict):
        score = next((one[key] for key in SCORES if key in one), 1.0)
        return [one[axis] for axis in "xyz" if axis in one], score
    if not isinstance(one, list):
        return [], 1.0
    if len(one) == 4:
        return one[:3], one[3]
    if len(one) == 3 and not depth:
        return one[:2], one[2]
    return one, 1.0
