"""What a file of keypoints says about all its frames: joints, bones, the rate, the image's size.

`keypoints.py` calls it; a key that another program uses for the same thing is added here.
"""

from typing import Any

from feint.errors import FeintError


def rate(about: dict[str, Any], file: str) -> float | None:
    """Frames a second; None where the file does not say."""
    fps = next((about[key] for key in ("fps", "frame_rate", "framerate") if key in about), None)
    if fps is None:
        return None
    if type(fps) not in (int, float) or not abs(fps) < 1e9:
        raise FeintError(f"{file} has fps = {str(fps)[:40]!r}; expected a number.", code="bad-fps")
    return float(fps)


def image_size(about: dict[str, Any]) -> tuple[int, int] | None:
    """The width and height of the images; None where the file does not say."""
    first = as_list(about.get("images"))[:1]
    for one in (about, *(image for image in first if isinstance(image, dict))):
        for keys in (("width", "height"), ("image_width", "image_height")):
            found: list[Any] = [one.get(key) for key in keys]
            if all(type(n) in (int, float) and 0 < n < 10**6 for n in found):
                return (int(found[0]), int(found[1]))
    pair = about.get("image_size")
    if isinstance(pair, list) and len(pair) == 2 and all(type(n) is int and n > 0 for n in pair):
        return (pair[0], pair[1])
    return None


def names(about: dict[str, Any], file: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Joints and bones, where the file has them: ours, MMPose's or COCO's."""
    meta, first = about.get("meta_info"), 0
    joints, links = about.get("joints"), about.get("bones")
    if isinstance(meta, dict):
        joints, links = meta.get("keypoint_id2name"), meta.get("skeleton_links")
        joints = list(joints.values()) if isinstance(joints, dict) else joints
    elif "annotations" in about and (kinds := as_list(about.get("categories"))):
        kind = kinds[0] if isinstance(kinds[0], dict) else {}
        joints, links, first = kind.get("keypoints"), kind.get("skeleton"), 1
    joints = as_list(joints)
    if not all(isinstance(name, str) and 0 < len(name) <= 100 for name in joints):
        joints = []
    if len(set(joints)) != len(joints):
        raise FeintError(
            f"{file} names a joint twice; expected each name once.", code="duplicate-name"
        )
    bones = []
    for link in as_list(links):
        if not isinstance(link, list) or len(link) != 2:
            continue
        ends = [
            joints[end - first] if type(end) is int and 0 <= end - first < len(joints) else end
            for end in link
        ]
        if ends[0] in joints and ends[1] in joints:
            bones.append((ends[0], ends[1]))
    return tuple(joints), tuple(bones)


def as_list(value: Any) -> list[Any]:
    """The list, or an empty one in place of anything else."""
    return value if isinstance(value, list) else []
