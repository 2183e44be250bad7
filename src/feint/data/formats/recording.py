"""What every reader returns: one recording of people, frame by frame, with its gaps.

A reader turns one file into a `Recording` and checks its size before it allocates anything.  What
is made of a recording (units, axes, rate, gaps) is decided later, in `feint.data.preprocessing`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

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

Positions = Float[np.ndarray, "frames joints axes"]
AnyPositions = Float[np.ndarray, "_ _ _"]
"""The same of people whose numbers of frames and joints may differ."""


@dataclass(frozen=True)
class ReadOptions:
    """What an experiment's [data] says to a reader.

    Attributes:
        confidence: a point whose score is below it is missing.
        depth: three numbers are x, y, z; otherwise x, y and a score.
        image_size: width and height of the images in pixels, for points given as shares of them.
        root_joint: which tree is read of a file that has several.
        has_unit: the experiment gives the unit of length that the coordinates are in.
    """

    confidence: float = 0.3
    depth: bool = False
    image_size: tuple[int, int] | None = None
    root_joint: str | None = None
    has_unit: bool = False


@dataclass(frozen=True, eq=False)
class Recording:
    """One recording.

    Attributes:
        file: its path, for errors.
        people: by name, positions in the file's own unit; NaN where nothing was seen.
        joints: their names as the file has them; () where the file has none.
        bones: pairs of joints, parent first; () where the file has none.
        fps: frames a second; None where the file does not say.
        convention: the skeleton of `formats.skeletons` whose order of joints the format fixes,
            where it does.
        frame_step: by how much frame numbers rise from one row to the next; `fps` counts frames.
        times: seconds of each row, where they are uneven; None where rows are even.
        tips: by name of a person, points beyond the last joints (a BVH file's end sites), which
            belong to the body's height.
        tip_joints: the joint that each tip ends.
        unit: of the positions, where the file fixes it: a key of `scale.UNITS`.
        notes: what the reader did or assumed, in sentences.
    """

    file: str
    people: Mapping[str, Positions]
    joints: tuple[str, ...] = ()
    bones: tuple[tuple[str, str], ...] = ()
    fps: float | None = None
    convention: str | None = None
    frame_step: int = 1
    times: Float[np.ndarray, " frames"] | None = None
    tips: Mapping[str, Float[np.ndarray, "frames tips axes"]] = field(default_factory=dict)
    tip_joints: tuple[str, ...] = ()
    unit: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.people:
            raise FeintError(
                f"{self.file} shows no person; expected at least one. Leave it out "
                "(data.leave_out).",
                code="no-people",
            )
        for values in self.people.values():
            if not bool((np.isnan(values) | (np.abs(values) < LARGEST)).all()):
                raise FeintError(
                    f"{self.file} holds a coordinate that is infinite or above {LARGEST:g}; "
                    "expected positions.",
                    code="not-finite",
                )
        if self.fps is not None and not 0.1 <= self.fps <= 10_000:
            raise FeintError(
                f"{self.file} has {self.fps:g} frames a second; expected 0.1 to 10000.",
                code="bad-fps",
            )


def check_size(file: str, frames: int, people: int, joints: int, axes: int = 3) -> None:
    """Raise FeintError if a recording of this size is empty, or too large to read."""
    if min(frames, people, joints) < 1:
        raise FeintError(
            f"{file} has {frames} frames of {people} people with {joints} joints; expected at "
            "least one of each. Leave it out (data.leave_out).",
            code="no-people" if frames > 0 and people < 1 else "empty-file",
        )
    fits = frames * people * joints * axes <= MOST_VALUES
    if not (fits and frames <= MOST_FRAMES and people <= MOST_PEOPLE and joints <= MOST_JOINTS):
        raise FeintError(
            f"{file} has {frames} frames of {people} people with {joints} joints; expected at most "
            f"{MOST_FRAMES} frames, {MOST_PEOPLE} people, {MOST_JOINTS} joints and "
            f"{MOST_VALUES:,} numbers. Cut it into shorter files, or leave it out "
            "(data.leave_out).",
            code="file-too-large",
        )


def without_zeros(values: Positions) -> tuple[Positions, int]:
    """Points at exactly 0 as missing, and how many of seen people they were.

    Trackers write (0, 0) where they saw nothing, and fill up with zeros where a person is not
    there.  A joint that is 0 in every frame is kept if other coordinates are negative: it is the
    origin that the others are measured from.
    """
    zero = (values == 0).all(axis=-1)
    absent = zero.all(axis=1)
    centred = bool((values < 0).any())
    origin = centred & (zero | absent[:, None]).all(axis=0)
    lost = zero & ~origin & ~absent[:, None]
    return np.where((lost | absent[:, None])[..., None], np.nan, values), int(lost.sum())
