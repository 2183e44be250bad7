"""Frames and people in the JSON that pose estimators write, before any point is read.

Each program has its own words for the same things; all of them are in the tables below.  A frame
may be null (no person was seen), and it may carry its number or its time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feint.data.formats.keypoint_metadata import as_list, image_size, names, rate
from feint.data.formats.keypoint_values import Person
from feint.data.formats.recording import check_size
from feint.errors import FeintError
from feint.io.memory import SHARE, free_memory
from feint.io.sealed import parse

SWELLS = 30
"""Bytes in memory a byte of JSON may become."""
LONGEST_NAME = 40
PEOPLE = ("people", "instances", "persons", "poses", "bodies")
WORLD = ("pose_world_landmarks", "poseWorldLandmarks", "worldLandmarks")
"""MediaPipe's points in metres, from the middle of each person's own hips."""
IMAGE = ("pose_landmarks", "poseLandmarks", "landmarks")
"""MediaPipe's points as shares of the image's width and height."""
IDS = ("track_id", "person_id", "idx", "instance_id", "id")
POINTS_3D = ("pose_keypoints_3d", "keypoints_3d", "keypoints3D")
POINTS = ("keypoints", "pose_keypoints_2d", "joints", *WORLD, *IMAGE)
SCORES = ("keypoint_scores", "keypoints_scores", "keypoint_score", "scores", "confidences")
NUMBERS = ("frame", "frame_id", "frame_index", "frame_idx", "frame_number", "image_id")
SECONDS = ("timestamp", "time", "t", "timestamp_s")
MILLISECONDS = ("timestamp_ms", "timestampMs", "time_ms")
EXPECTED = (
    'expected {"fps": 30, "frames": [{"people": [...]}, ...]}, or what OpenPose, AlphaPose, MMPose '
    "or MediaPipe write (docs/data.md)."
)


@dataclass(frozen=True, eq=False)
class Frame:
    """What was seen at one time; `label` names it in errors."""

    label: str
    people: list[Person]
    number: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Document:
    """A file's frames, and what it says of all of them.

    Attributes:
        joints, bones: their names, where the file has them.
        fps: frames a second, where the file says.
        image_size: width and height in pixels, where the file says.
        shares: coordinates are shares of the image's width and height.
        unit: "m" where the points are MediaPipe's world landmarks.
        program: "openpose" or "mediapipe", whose order of joints is known.
        notes: what was assumed.
    """

    frames: list[Frame]
    joints: tuple[str, ...] = ()
    bones: tuple[tuple[str, str], ...] = ()
    fps: float | None = None
    image_size: tuple[int, int] | None = None
    shares: bool = False
    unit: str | None = None
    program: str = ""
    notes: tuple[str, ...] = ()

    def convention(self, joints: int) -> str | None:
        """The skeleton whose order of joints the program fixes."""
        known = {("openpose", 25): "OpenPose_25", ("mediapipe", 33): "MediaPipe_33"}
        return known.get((self.program, joints))


def of_file(content: bytes, file: str) -> Document:
    """The document in a file's bytes.

    Raises:
        FeintError: too large, not JSON, or nothing that looks like frames.
    """
    raw = _json(content, file)
    about = raw if isinstance(raw, dict) else {}
    for key in ("frames", "instance_info", "annotations"):
        if key in about:
            return _document(about[key], about, file)
    if about and all(isinstance(one, dict) and set(one) & {*PEOPLE} for one in about.values()):
        # AlphaPose's other forms: frames by the names of their images.
        return _document([{**one, "image_id": name} for name, one in about.items()], {}, file)
    if about and set(about) & {*PEOPLE, *WORLD, *IMAGE}:
        return _document([about], about, file)
    return _document(raw, about, file)


def of_folder(contents: Sequence[tuple[str, bytes]], folder: str) -> Document:
    """The document that files, one a frame, make together: names and bytes, in order."""
    frames = []
    for name, content in contents:
        raw = _json(content, f"{folder}/{name}")
        if not isinstance(raw, dict):
            raise FeintError(
                f"{folder}/{name} is not a frame of OpenPose's; {EXPECTED}", code="not-keypoints"
            )
        frames.append({**raw, "frame": _number(name, f"{folder}/{name}")})
    return _document(frames, {}, folder)


def _json(content: bytes, file: str) -> Any:
    if len(content) * SWELLS > free_memory() * SHARE:
        raise FeintError(
            f"{file} is too large for this machine's memory. Cut it into more files.",
            code="file-too-large",
        )
    try:
        return parse(content.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise FeintError(
            f"{file} is not JSON: {str(error)[:150]}. Expected keypoints.", code="not-json"
        ) from None


def _document(raw: Any, about: dict[str, Any], file: str) -> Document:
    if not isinstance(raw, list) or not raw:
        raise FeintError(f"{file} has no frames; {EXPECTED}", code="no-frames")
    check_size(file, len(raw), 1, 1)
    some = [one for one in raw if isinstance(one, dict)]
    keys = {key for one in some for key in one}
    if "keypoints" in keys and not keys & {*PEOPLE}:
        raw = _by_frame(raw, file)
        keys = {"people"}
    key = next((one for one in (*PEOPLE, *WORLD, *IMAGE) if one in keys), "")
    frames = [_frame(one, key, i, file) for i, one in enumerate(raw)]
    inner = {k for f in some[:1] for p in as_list(f.get(key)) if isinstance(p, dict) for k in p}
    world, shares = key in WORLD, key in IMAGE
    notes: tuple[str, ...] = ()
    if world:
        notes = (
            "MediaPipe's world landmarks are measured from each person's own hips: how far people "
            "are apart is not in them",
        )
    return Document(
        frames,
        *names(about, file),
        rate(about, file),
        image_size(about),
        shares,
        "m" if world else None,
        "mediapipe" if world or shares else "openpose" if "pose_keypoints_2d" in inner else "",
        notes,
    )


def _by_frame(raw: list[Any], file: str) -> list[Any]:
    """A list of people, each with the number of its frame (COCO, AlphaPose), as frames."""
    frames: dict[Any, dict[str, Any]] = {}
    for i, one in enumerate(raw):
        if one is None:
            continue
        if not isinstance(one, dict):
            raise _not_people(one, f"{file}, entry {i}")
        number = next((one[key] for key in NUMBERS if key in one), None)
        when = {key: one[key] for key in (*SECONDS, *MILLISECONDS) if key in one}
        mark = next(iter(when.values()), i) if number is None else _number(number, f"{file}, {i}")
        if isinstance(mark, list | dict):
            raise _not_people(one, f"{file}, entry {i}")
        frame = frames.setdefault(mark, {"people": [], **when})
        if number is not None:
            frame["frame"] = mark
        # In COCO `id` is the annotation's, not the person's.
        frame["people"].append({k: v for k, v in one.items() if k != "id" or "image_id" not in one})
    return list(frames.values())


def _frame(raw: Any, key: str, i: int, file: str) -> Frame:
    label = f"frame {i}"
    if raw is None:
        return Frame(label, [])
    people, number, seconds = raw, None, None
    if isinstance(raw, dict):
        number = next((raw[one] for one in NUMBERS if one in raw), None)
        number = None if number is None else _number(number, f"{file}, {label}")
        label = label if number is None else f"frame {number}"
        seconds = _seconds(raw, f"{file}, {label}")
        people = raw.get(key) if key else []
    if people is None:
        people = []
    if isinstance(people, dict):
        people = [people]
    if not isinstance(people, list):
        raise _not_people(people, f"{file}, {label}")
    if people and isinstance(people[0], dict) and ("x" in people[0] or "position" in people[0]):
        people = [people]  # one person's landmarks
    found = [_person(one) for one in people if one is not None]
    return Frame(label, found, number, seconds)


def _person(raw: Any) -> Person:
    if not isinstance(raw, dict):
        return Person(None, raw)
    key = next((key for key in (*POINTS_3D, *POINTS) if raw.get(key)), "")
    points = raw if not key and "landmark" in raw else raw.get(key)
    scores = next((raw[key] for key in SCORES if isinstance(raw.get(key), list)), None)
    return Person(_identity(raw), points, scores, key in POINTS_3D)


def _identity(raw: dict[str, Any]) -> str | None:
    """A person's id, or a list of one id; OpenPose's -1 means that it is unknown."""
    for key in IDS:
        value = raw.get(key)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value not in (None, -1, "") and isinstance(value, str | int | float):
            return str(value)[:LONGEST_NAME]
    return None


def _number(value: Any, where: str) -> int:
    """A frame's number: a whole number, or the last digits of a name such as "img_0012.jpg"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        digits = re.findall(r"\d{1,15}", value.rpartition(".")[0] or value)
        value = int(digits[-1]) if digits else value
    if type(value) is not int or abs(value) >= 10**15:
        raise FeintError(
            f"{where}: got {str(value)[:40]!r} as the frame's number; expected a whole number, or "
            'a name that ends with one, such as "img_0012.jpg".',
            code="bad-frame-number",
        )
    return value


def _seconds(raw: dict[str, Any], where: str) -> float | None:
    for keys, scale in ((MILLISECONDS, 1000.0), (SECONDS, 1.0)):
        for key in keys:
            value = raw.get(key)
            if value is None:
                continue
            if type(value) not in (int, float) or not abs(value) < 1e18:
                raise FeintError(
                    f"{where}: got {str(value)[:40]!r} as its time; expected a number.",
                    code="not-a-number",
                )
            return value / scale
    return None


def _not_people(got: Any, where: str) -> FeintError:
    return FeintError(
        f"{where}: got {str(got)[:40]!r}; expected a list of people.", code="not-keypoints"
    )
