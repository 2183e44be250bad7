"""Compare an SBU folder with what the dataset should contain: `feint data check-sbu`.

`constants.py` says what it should contain; `files.py` finds and parses what is there.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from feint.data.sbu.constants import ACTIONS, SETS, label_of
from feint.data.sbu.files import MOST_PROBLEMS, Problem, SequenceFile, files, parse
from feint.skeleton import SBU_15

EXPECTED = dict(zip(ACTIONS, (42, 43, 40, 41, 18, 21, 39, 38), strict=True))


EXPECTED_FRAMES = 6822


# In raw units, with room around the dataset (x -0.122..1.111, y 0.238..1.360, z 0.777..2.464).
USUAL = {"x": (-0.5, 1.5), "y": (-0.5, 2.0), "z": (0.3, 4.0)}


@dataclass(frozen=True)
class CheckReport:
    """What a folder contains, beside what it should contain.

    Attributes:
        root: the folder.
        found: readable sequences of each category.
        frames: their frames.
        missing_sets: official sets without any sequence file.
        damage: problems that make a file unreadable or its values meaningless.
        warnings: values outside the usual range; `ok` does not depend on them.
    """

    root: Path
    found: dict[str, int]
    frames: int
    missing_sets: tuple[str, ...]
    damage: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @property
    def sequences(self) -> int:
        """The number of readable sequences."""
        return sum(self.found.values())

    @property
    def rows(self) -> list[tuple[str, str, int, int]]:
        """One row for each category: category, label, sequences found, sequences expected."""
        return [
            (category, label_of(category), self.found.get(category, 0), EXPECTED.get(category, 0))
            for category in sorted(EXPECTED.keys() | self.found.keys())
        ]

    @property
    def ok(self) -> bool:
        """The dataset is complete, and no file is damaged."""
        complete = self.found == EXPECTED and self.frames == EXPECTED_FRAMES
        return complete and not self.missing_sets and not self.damage


def check(root: Path) -> CheckReport:
    """Read all sequences under `root` and report every problem.

    Raises:
        FeintError: the folder is missing or cannot be listed.
    """
    found: Counter[str] = Counter()
    seen: set[str] = set()
    frames = 0
    damage: list[Problem] = []
    warnings: list[Problem] = []
    for file in files(root, None):
        seen.add(file.key.split("/")[0])
        values, problems = parse(file)
        problems = problems or _lost_joints(file, values)
        damage += problems
        if not problems:
            found[file.key.split("/")[1]] += 1
            frames += len(values)
            warnings += _unusual(file, values)
    missing = tuple(name for name in SETS if name not in seen)
    return CheckReport(root, dict(found), frames, missing, tuple(damage), tuple(warnings))


def _lost_joints(file: SequenceFile, values: Float[Tensor, "time 90"]) -> list[Problem]:
    """Joints at exactly (0, 0, 0), which the Kinect writes for a joint that it has lost."""
    lost = (values.reshape(-1, 2, len(SBU_15.joints), 3) == 0).all(dim=-1)
    problems = []
    for frame, person, joint in lost.nonzero().tolist()[:MOST_PROBLEMS]:
        what = f"got {SBU_15.joints[joint]} of person {'AB'[person]} at (0, 0, 0): a lost joint"
        problems.append(Problem(file.place, frame + 1, what))
    return problems


def _unusual(file: SequenceFile, values: Float[Tensor, "time 90"]) -> list[Problem]:
    """The first value of each axis outside the usual range."""
    problems = []
    for i, (axis, (low, high)) in enumerate(USUAL.items()):
        outside = (values[:, i::3] < low) | (values[:, i::3] > high)
        for frame, column in outside.nonzero().tolist()[:1]:
            value = values[frame, i + 3 * column].item()
            what = f"{axis} = {value:.4g} is unusual (usually {low}..{high}); are these raw units?"
            problems.append(Problem(file.place, frame + 1, what))
    return problems
