"""A recording as a file has it: who was seen where, frame by frame, with gaps and all."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from feint.errors import FeintError

MOST_FRAMES = 200_000
MOST_JOINTS = 256
MOST_PEOPLE = 64
MOST_VALUES = 50_000_000
"""Frames x people x joints x axes of one recording."""
LARGEST = 1e9
"""A coordinate is smaller than this, whatever its unit."""

Joints = Float[np.ndarray, "frames joints axes"]


@dataclass(frozen=True, eq=False)
class Recording:
    """One recording.

    Attributes:
        place: the file, for errors.
        people: by name, positions in the file's own unit; NaN where nothing was seen.
        joints: their names; () where the file has none, and only their order tells.
        bones: pairs of joints, parent first; () where the file has none.
        fps: frames a second; None where the file does not say.
    """

    place: str
    people: Mapping[str, Joints]
    joints: tuple[str, ...] = ()
    bones: tuple[tuple[str, str], ...] = ()
    fps: float | None = None

    def __post_init__(self) -> None:
        if not self.people:
            raise FeintError(f"{self.place} shows nobody; expected at least one person.")
        for values in self.people.values():
            if not bool((np.isnan(values) | (np.abs(values) < LARGEST)).all()):
                raise FeintError(
                    f"{self.place} holds a coordinate that is infinite or above {LARGEST:g}; "
                    "expected positions."
                )
        if self.fps is not None and not 0.1 <= self.fps <= 10_000:
            raise FeintError(
                f"{self.place} says {self.fps:g} frames a second; expected 0.1 to 10000."
            )


def check_size(place: str, frames: int, people: int, joints: int, axes: int = 3) -> None:
    """Raise FeintError if a recording of this size is no recording, or too large to read."""
    fits = frames * people * joints * axes <= MOST_VALUES
    small = frames <= MOST_FRAMES and people <= MOST_PEOPLE and joints <= MOST_JOINTS
    if min(frames, people, joints) < 1 or not fits or not small:
        raise FeintError(
            f"{place} says {frames} frames of {people} people with {joints} joints; expected at "
            f"least one of each, at most {MOST_FRAMES} frames, {MOST_PEOPLE} people, "
            f"{MOST_JOINTS} joints and {MOST_VALUES:,} numbers. Cut it into shorter files."
        )
