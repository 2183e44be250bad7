"""Known orders of joints, by the programs that write them, and skeletons from TOML files.

Files of keypoints rarely name their joints.  `named` finds the skeleton that an experiment asks
for; `guess` finds the one known skeleton with a number of joints, and never decides between two.
"""

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

OPENPOSE_25 = _metric(
    "OpenPose_25",
    "nose, neck, right shoulder, right elbow, right wrist, left shoulder, left elbow, left wrist, "
    "middle hip, right hip, right knee, right ankle, left hip, left knee, left ankle, right eye, "
    "left eye, right ear, left ear, left big toe, left small toe, left heel, right big toe, "
    "right small toe, right heel",
    "middle hip-neck, neck-nose, nose-* eye, * eye-* ear, neck-* shoulder, * shoulder-* elbow, "
    "* elbow-* wrist, middle hip-* hip, * hip-* knee, * knee-* ankle, * ankle-* heel, "
    "* ankle-* big toe, * big toe-* small toe",
    "middle hip",
    30.0,
)
"""OpenPose's BODY_25, in its order."""

HALPE_26 = _metric(
    "Halpe_26",
    ", ".join(COCO_17.joints) + ", head, neck, hip, left big toe, right big toe, left small toe, "
    "right small toe, left heel, right heel",
    "hip-neck, neck-head, neck-nose, nose-* eye, * eye-* ear, neck-* shoulder, "
    "* shoulder-* elbow, * elbow-* wrist, hip-* hip, * hip-* knee, * knee-* ankle, "
    "* ankle-* heel, * ankle-* big toe, * big toe-* small toe",
    "hip",
    30.0,
)
"""AlphaPose's 26 keypoints (Halpe), in its order."""

H36M_17 = _metric(
    "H36M_17",
    "hip, right hip, right knee, right ankle, left hip, left knee, left ankle, spine, neck, nose, "
    "head, left shoulder, left elbow, left wrist, right shoulder, right elbow, right wrist",
    "hip-spine, spine-neck, neck-nose, nose-head, neck-* shoulder, * shoulder-* elbow, "
    "* elbow-* wrist, hip-* hip, * hip-* knee, * knee-* ankle",
    "hip",
    50.0,
)
"""The 17 joints of Human3.6M that lifters to 3-D write, in their order."""

KNOWN = {
    one.name: one for one in (SBU_15, COCO_17, MEDIAPIPE_33, NTU_25, OPENPOSE_25, HALPE_26, H36M_17)
}
_ONLY_2D = (OPENPOSE_25.name,)
_ONLY_3D = (H36M_17.name,)


def candidates(joints: int, axes: int) -> list[Skeleton]:
    """The known skeletons with so many joints that files with so many axes may have."""
    other = _ONLY_2D if axes == 3 else _ONLY_3D
    return [one for one in KNOWN.values() if len(one.joints) == joints and one.name not in other]


def named(name: str) -> Skeleton:
    """A known skeleton by its name, or the one that a TOML file describes.

    Raises:
        FeintError: neither.
    """
    if name in KNOWN:
        return KNOWN[name]
    if not name.endswith(".toml"):
        raise FeintError(
            f"There is no skeleton {name!r}; expected one of {', '.join(KNOWN)}, or a TOML file "
            '(docs/data.md). Set data.skeleton = "mine.toml".',
            code="unknown-skeleton",
        )
    return read_skeleton(Path(name))


def read_skeleton(path: Path) -> Skeleton:
    """A skeleton from a TOML file: `joints`, `bones`, `root`, and the rest where it is not usual.

    `name` is the file's if not given, `axes` x, y, z, `scale` 1, `offset` 0, `fps` 30.

    Raises:
        FeintError: no such file, not TOML, or keys or values that do not describe a skeleton.
    """
    content = read_bytes(path, LARGEST_FILE)
    try:
        given = tomllib.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise FeintError(
            f"{path} is not TOML: {error}. Correct the line it names.", code="not-toml"
        ) from None
    usual = {"name": path.stem, "axes": ["x", "y", "z"], "fps": 30.0}
    axes = given.get("axes", usual["axes"])
    count = len(axes) if isinstance(axes, list) else 3
    full = {**usual, "scale": [1.0] * count, "offset": [0.0] * count, **given}
    unknown = set(full) - {field.name for field in fields(Skeleton)}
    missing = {"joints", "bones", "root"} - set(full)
    if unknown or missing:
        raise FeintError(
            f"{path} does not describe a skeleton: unknown keys: "
            f"{', '.join(sorted(unknown)) or 'none'}; missing keys: "
            f"{', '.join(sorted(missing)) or 'none'}. Expected joints, bones and root, "
            "and perhaps name, axes, scale, offset, fps.",
            code="unknown-key" if unknown else "missing-key",
        )
    try:
        found = Skeleton.from_dict(full)
        right = 0 < len(found.joints) <= MOST_JOINTS and len(set(found.joints)) == len(found.joints)
        right &= set(found.axes) <= set("xyz") and len(set(found.axes)) == len(found.axes)
    except RecursionError:
        right = False
    if not right:
        raise FeintError(
            f"{path} has {len(full['joints'])} joints and the axes {full['axes']}; expected 1 to "
            f"{MOST_JOINTS} joints, each once, and axes among x, y, z, each once.",
            code="duplicate-name",
        )
    return found
