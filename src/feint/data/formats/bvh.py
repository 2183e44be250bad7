"""BVH: a tree of joints, and for every frame the rotations that place them.

Joint positions are computed here from offsets and rotations, in the file's own unit.  End sites
(tips without a channel) are not joints; they are kept as `tips`, because a body's height ends
there.  A file is checked before anything is allocated for it.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from feint.data.formats.bvh_hierarchy import Node, read_hierarchy
from feint.data.formats.recording import (
    LARGEST,
    Positions,
    ReadOptions,
    Recording,
    check_size,
)
from feint.errors import FeintError
from feint.io.atomic import read_bytes

LARGEST_FILE = 256 * 2**20
LONGEST_HEADER = 2**20


def read(path: Path, options: ReadOptions) -> Recording:
    """The people of a BVH file: one, named as the file is, or one a ROOT, named as its ROOT is.

    Raises:
        FeintError: no such file, not BVH, larger than the limits, with what is wrong.
    """
    return parse_bvh(read_bytes(path, LARGEST_FILE), str(path), path.stem, options.root_joint)


def parse_bvh(content: bytes, file: str, name: str, root_joint: str | None = None) -> Recording:
    """The recording in a file's bytes; `file` is its name for errors."""
    content = content.removeprefix(b"\xef\xbb\xbf")  # a byte-order mark
    begin = content.find(b"MOTION")
    if not 0 <= begin <= LONGEST_HEADER:
        raise FeintError(
            f"{file} has no MOTION in its first {LONGEST_HEADER} bytes; expected a BVH file: "
            "HIERARCHY, then MOTION.",
            code="not-bvh",
        )
    nodes = read_hierarchy(content[:begin], file)
    values, fps, notes = _motion(content[begin:], file, nodes)
    positions = _forward_kinematics(nodes, values)
    trees = _trees(nodes, file, root_joint)
    first = [k for k in trees[0] if not nodes[k].is_tip]
    prefix = _namespace([nodes[k].name for k in first]) if len(trees) > 1 else ""
    names = tuple(nodes[k].name.removeprefix(prefix) for k in first)
    bones = tuple(
        (nodes[nodes[k].parent].name.removeprefix(prefix), nodes[k].name.removeprefix(prefix))
        for k in first
        if nodes[k].parent >= 0
    )
    people, tips = {}, {}
    for tree in trees:
        person = nodes[tree[0]].name if len(trees) > 1 else name
        people[person] = positions[:, [k for k in tree if not nodes[k].is_tip]]
        tips[person] = positions[:, [k for k in tree if nodes[k].is_tip]]
    ends = tuple(nodes[nodes[k].parent].name for k in trees[0] if nodes[k].is_tip)
    return Recording(file, people, names, bones, fps, tips=tips, tip_joints=ends, notes=notes)


def _trees(nodes: list[Node], file: str, root_joint: str | None) -> list[list[int]]:
    """The nodes under each ROOT that is read; several only if their joints have the same names."""
    root_of: list[int] = []
    for k, node in enumerate(nodes):
        root_of.append(k if node.parent < 0 else root_of[node.parent])
    trees = [[k for k, r in enumerate(root_of) if r == root] for root in sorted(set(root_of))]
    names = [nodes[tree[0]].name for tree in trees]
    if root_joint is not None:
        trees = [tree for tree in trees if nodes[tree[0]].name == root_joint]
        if not trees:
            raise FeintError(
                f"{file} has no ROOT {root_joint!r}; it has {', '.join(names)}. Set "
                f'data.root_joint = "{names[0]}".',
                code="unknown-joint",
            )
    each = []
    for tree in trees:
        own = [nodes[k].name for k in tree if not nodes[k].is_tip]
        prefix = _namespace(own)
        each.append([one.removeprefix(prefix) for one in own])
    if any(own != each[0] for own in each) or len(set(names)) != len(names):
        raise FeintError(
            f"{file} has {len(trees)} ROOTs with different joints: {', '.join(names)}. Say which "
            f'one is the person: data.root_joint = "{names[0]}".',
            code="several-roots",
        )
    return trees


def _namespace(names: list[str]) -> str:
    """What all names begin with, up to a colon: "Anna:"."""
    prefix = names[0].rpartition(":")[0] + ":"
    return prefix if len(prefix) > 1 and all(name.startswith(prefix) for name in names) else ""


def _motion(
    content: bytes, file: str, nodes: list[Node]
) -> tuple[Float[np.ndarray, "frames channels"], float, tuple[str, ...]]:
    """The channels' values, the frames a second, and what was odd."""
    words = content[:400].split(None, 6)
    right = [*words[:2], *words[3:5]] == [b"MOTION", b"Frames:", b"Frame", b"Time:"]
    try:
        stated, seconds = int(words[2][:10]), float(words[5])
    except (IndexError, ValueError):
        right = False
    if not right or not 1e-4 <= seconds <= 10:
        raise FeintError(
            f"{file}: got {b' '.join(words[:6])[:80].decode('utf-8', 'replace')!r} where its "
            "motion begins; expected MOTION, Frames: a number, Frame Time: seconds from 0.0001 to "
            "10.",
            code="not-bvh",
        )
    width = sum(len(one.channels) for one in nodes)
    check_size(file, stated, 1, sum(not one.is_tip for one in nodes))
    if width == 0:
        raise FeintError(
            f"{file} has no channels; expected joints that move. Leave it out (data.leave_out).",
            code="not-bvh",
        )
    body = content.split(None, 6)[6].split() if len(words) > 6 else []
    frames, notes = stated, tuple[str, ...]()
    if len(body) in ((stated - 1) * width, (stated + 1) * width) and body:
        frames = len(body) // width
        notes = (f"{file} says {stated} frames and holds {frames}; all {frames} are used",)
    if len(body) != frames * width:
        raise FeintError(
            f"{file} has {len(body)} numbers of motion; expected {stated} frames x {width} "
            "channels. Is it cut off?",
            code="damaged-file",
        )
    try:
        values = np.array(body, dtype=np.float64).reshape(frames, width)
    except ValueError as error:
        raise FeintError(
            f"{file}: its motion holds something that is not a number ({error}).",
            code="not-a-number",
        ) from None
    if not bool((np.abs(values) < LARGEST).all()):
        raise FeintError(
            f"{file}: its motion holds a number that is infinite or above {LARGEST:g}.",
            code="not-finite",
        )
    return values, round(1 / seconds, 2), notes  # files give the seconds with few digits


def _forward_kinematics(
    nodes: list[Node], values: Float[np.ndarray, "frames channels"]
) -> Positions:
    """Where every node is, frame by frame."""
    frames, at = len(values), 0
    turned = np.empty((len(nodes), frames, 3, 3))
    positions = np.empty((frames, len(nodes), 3))
    for k, one in enumerate(nodes):
        own = np.broadcast_to(np.eye(3), (frames, 3, 3))
        offset = np.tile(np.array(one.offset), (frames, 1))
        for name in one.channels:
            axis, channel = "XYZ".index(name[0]), values[:, at]
            if name.endswith("position"):
                offset[:, axis] = channel  # in place of the offset, as in Blender and bvhio
            else:
                own = own @ _rotation(axis, np.deg2rad(channel))
            at += 1
        if one.parent < 0:
            turned[k], positions[:, k] = own, offset
        else:
            parent = turned[one.parent]
            turned[k] = parent @ own
            moved = (parent @ offset[:, :, None])[:, :, 0]
            positions[:, k] = positions[:, one.parent] + moved
    return positions


def _rotation(axis: int, angle: Float[np.ndarray, " frames"]) -> Float[np.ndarray, "frames 3 3"]:
    a, b = (axis + 1) % 3, (axis + 2) % 3
    made = np.zeros((len(angle), 3, 3))
    made[:, axis, axis] = 1.0
    made[:, a, a] = made[:, b, b] = np.cos(angle)
    made[:, b, a] = np.sin(angle)
    made[:, a, b] = -made[:, b, a]
    return made
