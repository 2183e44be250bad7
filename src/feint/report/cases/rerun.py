"""Write a case for the rerun viewer: people, displacements and distances, as in the player.

`feint rerun` calls it; the package rerun-sdk is an extra (`view`).
"""

from pathlib import Path
from typing import Any

import numpy as np

from feint.io.atomic import atomic_write
from feint.io.optional import need
from feint.report.cases.case import Case, Motion

COLOURS = {
    "clean/actor": (0, 114, 178),
    "clean/answer": (0, 158, 115),
    "attacked/actor": (0, 114, 178),
    "attacked/answer": (0, 158, 115),
    "target": (140, 146, 154),
    "attacked/displacement": (213, 94, 0),
}


def save(case: Case, path: Path) -> None:
    """Write a recording (.rrd) atomically.

    Raises:
        FeintError: rerun is not installed, or the file cannot be written.
    """
    recording = _recording()
    with atomic_write(path) as temporary:
        recording.save(temporary)
        _log(recording, case)
        recording.flush()
        recording.disconnect()


def show(case: Case) -> None:
    """Open the viewer with the case.

    Raises:
        FeintError: rerun is not installed.
    """
    recording = _recording()
    recording.spawn()
    _log(recording, case)
    recording.flush()


def _recording() -> Any:
    need("The rerun viewer", "rerun")
    import rerun

    return rerun.RecordingStream("feint")


def _log(recording: Any, case: Case) -> None:
    """People frame by frame, displacements as arrows, distances as curves in cm."""
    import rerun

    recording.log("/", rerun.ViewCoordinates.RIGHT_HAND_Y_UP, static=True)
    people = {
        "clean/actor": _turned(case, case.actor),
        "clean/answer": _turned(case, case.answer),
        "attacked/actor": _turned(case, case.actor_adv),
        "attacked/answer": _turned(case, case.answer_adv),
        "target": _turned(case, case.target),
    }
    bones = [tuple(map(case.skeleton.joint, ends)) for ends in case.skeleton.bones]
    for frame in range(len(case.actor)):
        recording.set_time("frame", sequence=frame)
        recording.set_time("time", duration=frame / case.skeleton.fps)
        for name, motion in people.items():
            strips = [motion[frame, list(ends)] for ends in bones]
            recording.log(name, rerun.LineStrips3D(strips, colors=COLOURS[name], radii=0.015))
        before, after = people["clean/actor"][frame], people["attacked/actor"][frame]
        recording.log(
            "attacked/displacement",
            rerun.Arrows3D(
                vectors=after - before, origins=before, colors=COLOURS["attacked/displacement"]
            ),
        )
        for name in ("clean", "attacked"):
            apart = np.linalg.norm(
                people[f"{name}/answer"][frame] - people["target"][frame], axis=1
            )
            recording.log(f"distance_cm/{name}", rerun.Scalars(100 * float(apart.mean())))


def _turned(case: Case, motion: Motion) -> np.ndarray:
    """In the player's axes: three of them, the first to the right, never mirrored."""
    values = motion.double().numpy()[..., :3]
    whole = np.zeros((*values.shape[:2], 3))
    whole[..., : values.shape[-1]] = values
    return whole * ([-1, 1, -1] if case.skeleton.scale[0] < 0 else [1, 1, 1])
