"""Interactions written as each kind of file that feint reads, to be read again."""

import json
from pathlib import Path

import numpy as np
from torch import Tensor

from feint.data.formats.skeletons import NTU_25
from feint.data.pairs import Interaction
from feint.skeleton import SBU_15, Skeleton

# SBU's metres have x to the left and z away from the camera: half a turn about y.
TURN = np.array([-1.0, 1.0, -1.0])


def metres(person: Tensor) -> np.ndarray:
    """(time, 15, 3): x right, y up, z towards the camera."""
    return SBU_15.to_metres(person.double()).numpy() * TURN


def bvh(positions: np.ndarray, skeleton: Skeleton, fps: float) -> str:
    """A BVH file in centimetres whose joints have position channels alone."""
    parents = {b: a for a, b in skeleton.bones}
    order: list[str] = []

    def tree(name: str, depth: int) -> list[str]:
        order.append(name)
        pad = "  " * depth
        head = f"{pad}{'JOINT' if depth else 'ROOT'} {name.replace(' ', '_')}"
        lines = [head, f"{pad}{{", f"{pad}  OFFSET 0 0 0"]
        lines.append(f"{pad}  CHANNELS 3 Xposition Yposition Zposition")
        inside = [child for child, parent in parents.items() if parent == name]
        for child in inside:
            lines += tree(child, depth + 1)
        if not inside:
            lines += [f"{pad}  End Site", f"{pad}  {{", f"{pad}    OFFSET 0 1 0", f"{pad}  }}"]
        return [*lines, f"{pad}}}"]

    root = next(a for a, _ in skeleton.bones if a not in parents)
    header = ["HIERARCHY", *tree(root, 0), "MOTION", f"Frames: {len(positions)}"]
    columns = []
    for name in order:
        own = positions[:, skeleton.joint(name)]
        if name in parents:
            own = own - positions[:, skeleton.joint(parents[name])]
        columns.append(100 * own)
    rows = np.concatenate(columns, axis=1)
    body = [" ".join(f"{n:.5f}" for n in row) for row in rows]
    return "\n".join([*header, f"Frame Time: {1 / fps:.6f}", *body]) + "\n"


def keypoints(people: list[np.ndarray], fps: float, depth: bool) -> str:
    """JSON with y down, as images have it, and without depth in pixels of 4 mm."""
    scale = np.array([1, -1, -1.0]) if depth else np.array([250, -250.0])
    frames = []
    for t in range(len(people[0])):
        each = [
            {
                "id": "ab"[i],
                "keypoints": [
                    [*point, 1.0] for point in (one[t][:, : len(scale)] * scale).tolist()
                ],
            }
            for i, one in enumerate(people)
        ]
        frames.append({"people": each})
    return json.dumps({"fps": fps, "frames": frames})


NTU_PLACES = [
    NTU_25.joint({"torso": "base of spine"}.get(name, name.replace("foot", "ankle")))
    for name in SBU_15.joints
]
"""Where Kinect v2 has SBU's joints."""


def ntu(people: list[np.ndarray]) -> str:
    """A `.skeleton` file: the 15 joints at their places of 25, the others on the first."""
    lines = [str(len(people[0]))]
    for t in range(len(people[0])):
        lines.append(str(len(people)))
        for i, one in enumerate(people):
            lines += [f"7205759403792796{i} 0 1 1 0 0 0 0.1 -0.2 2", "25"]
            for k in range(len(NTU_25.joints)):
                x, y, z = one[t, NTU_PLACES.index(k) if k in NTU_PLACES else 0] * TURN
                lines.append(f"{x:.6f} {y:.6f} {z:.6f} 1 1 1 1 0 0 0 0 2")
    return "\n".join(lines) + "\n"


def write(one: Interaction, root: Path, source: str, fps: float = 15.0) -> None:
    """One interaction in the folders that `feint.data.listing` describes."""
    folder, name = root / one.label, one.key.replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    people = [metres(one.first), metres(one.second)]
    if source == "bvh":
        (folder / name).mkdir()
        for who, person in zip(("a", "b"), people, strict=True):
            (folder / name / f"{who}.bvh").write_text(bvh(person, SBU_15, fps))
    elif source == "ntu":
        (folder / f"{name}.skeleton").write_text(ntu(people))
    elif source == "arrays":
        np.savez_compressed(folder / f"{name}.npz", keypoint=np.stack(people), fps=fps)
    else:
        (folder / f"{name}.json").write_text(keypoints(people, fps, source == "keypoints"))
