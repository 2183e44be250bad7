"""Skeletons that files come with by convention, and those that a TOML file tells."""

import tomllib
from dataclasses import fields
from pathlib import Path

from feint.errors import FeintError
from feint.io.atomic import read_bytes
from feint.skeleton import SBU_15, Skeleton

LARGEST_FILE = 2**20
MOST_JOINTS = 256
_SIDES = ("left", "right")


def _metric(name: str, joints: str, bones: str, root: str, fps: float) -> Skeleton:
    """A skeleton in metres; joints by commas, bones as `parent-child` by commas."""
    pairs = []
    for bone in bones.split(", "):
        a, b = bone.split("-")
        # A bone without sides stands for one on each.
        for side in _SIDES if "*" in bone else ("",):
            pairs.append((a.replace("*", side), b.replace("*", side)))
    names = tuple(joints.split(", "))
    one, none = (1.0,) * 3, (0.0,) * 3
    return Skeleton(name, names, tuple(pairs), root, ("x", "y", "z"), one, none, fps)


COCO_17 = _metric(
    "COCO_17",
    "nose, left eye, right eye, left ear, right ear, left shoulder, right shoulder, left elbow, "
    "right elbow, left wrist, right wrist, left hip, right hip, left knee, right knee, "
    "left ankle, right ankle",
    "nose-* eye, * eye-* ear, nose-* shoulder, * shoulder-* elbow, * elbow-* wrist, "
    "* shoulder-* hip, * hip-* knee, * knee-* ankle",
    "left hip",
    30.0,
)
"""The 17 keypoints of COCO, in its order."""

MEDIAPIPE_33 = _metric(
    "MediaPipe_33",
    "nose, left eye inner, left eye, left eye outer, right eye inner, right eye, right eye outer, "
    "left ear, right ear, mouth left, mouth right, left shoulder, right shoulder, left elbow, "
    "right elbow, left wrist, right wrist, left pinky, right pinky, left index, right index, "
    "left thumb, right thumb, left hip, right hip, left knee, right knee, left ankle, "
    "right ankle, left heel, right heel, left foot index, right foot index",
    "nose-* eye inner, * eye inner-* eye, * eye-* eye outer, * eye outer-* ear, nose-mouth left, "
    "nose-mouth right, nose-* shoulder, * shoulder-* elbow, * elbow-* wrist, * wrist-* pinky, "
    "* wrist-* index, * wrist-* thumb, * shoulder-* hip, * hip-* knee, * knee-* ankle, "
    "* ankle-* heel, * heel-* foot index",
    "left hip",
    30.0,
)
"""The 33 landmarks of MediaPipe Pose, in its order."""

NTU_25 = _metric(
    "NTU_25",
    "base of spine, middle of spine, neck, head, left shoulder, left elbow, left wrist, "
    "left hand, right shoulder, right elbow, right wrist, right hand, left hip, left knee, "
    "left ankle, left foot, right hip, right knee, right ankle, right foot, spine, left hand tip, "
    "left thumb, right hand tip, right thumb",
    "base of spine-middle of spine, middle of spine-spine, spine-neck, neck-head, "
    "spine-* shoulder, * shoulder-* elbow, * elbow-* wrist, * wrist-* hand, * hand-* hand tip, "
    "* wrist-* thumb, base of spine-* hip, * hip-* knee, * knee-* ankle, * ankle-* foot",
    "base of spine",
    30.0,
)
"""The 25 joints of Kinect v2, as NTU RGB+D has them, in its order."""

KNOWN = {one.name: one for one in (SBU_15, COCO_17, MEDIAPIPE_33, NTU_25)}


def by_count(joints: int) -> Skeleton | None:
    """The skeleton of feint's own that has so many joints."""
    return next((one for one in KNOWN.values() if len(one.joints) == joints), None)


def named(name: str) -> Skeleton:
    """A skeleton of feint's own, or one that a TOML file tells.

    Raises:
        FeintError: neither.
    """
    if name in KNOWN:
        return KNOWN[name]
    if not name.endswith(".toml"):
        raise FeintError(
            f"There is no skeleton {name!r}; expected one of {', '.join(KNOWN)}, or a TOML file "
            "(docs/data.md)."
        )
    return read_skeleton(Path(name))


def read_skeleton(path: Path) -> Skeleton:
    """A skeleton from a TOML file: `joints`, `bones`, `root`, and the rest where it is not usual.

    `name` is the file's if not given, `axes` x, y, z, `scale` 1, `offset` 0, `fps` 30.

    Raises:
        FeintError: no such file, no TOML, or it tells no skeleton.
    """
    content = read_bytes(path, LARGEST_FILE)
    try:
        told = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise FeintError(f"{path} is not TOML: {error}. Mend the line it names.") from None
    usual = {"name": path.stem, "axes": ["x", "y", "z"], "fps": 30.0}
    axes = told.get("axes", usual["axes"])
    count = len(axes) if isinstance(axes, list) else 3
    full = {**usual, "scale": [1.0] * count, "offset": [0.0] * count, **told}
    unknown = set(full) - {field.name for field in fields(Skeleton)}
    lacks = {"joints", "bones", "root"} - set(full)
    if unknown or lacks:
        raise FeintError(
            f"{path} tells no skeleton: {', '.join(sorted(unknown)) or 'nothing'} is unknown, "
            f"{', '.join(sorted(lacks)) or 'nothing'} is missing. Expected joints, bones and root, "
            "and perhaps name, axes, scale, offset, fps."
        )
    try:
        found = Skeleton.of(full)
        right = 0 < len(found.joints) <= MOST_JOINTS and len(set(found.joints)) == len(found.joints)
    except RecursionError:
        right = False
    if not right:
        raise FeintError(
            f"{path} tells {len(full['joints'])} joints, perhaps one twice; expected 1 to "
            f"{MOST_JOINTS}, each once."
        )
    return found
