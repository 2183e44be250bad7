"""SBU Kinect Interaction (Yun et al., CVPRW 2012), in its official layout: read, write, check.

`<root>/<set>/<category>/<run>/skeleton_pos.txt`, or the official `<root>/<set>.zip` as they come,
or some of each (a set's folder goes before its zip).  One line a frame, 91 comma-separated values:
the frame number, then 15 joints (x, y, z) of the one person and 15 of the other.  Values stay in
the data's raw units; `skeleton.SBU_15` converts to metres.  Anything else in there is ignored.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from feint.data.interactions import Interaction
from feint.data.sbu_files import (
    MOST_PROBLEMS,
    PERSON,
    RUN,
    SET,
    Finding,
    SequenceFile,
    files,
    parse,
)
from feint.errors import FeintError
from feint.skeleton import SBU_15

ACTIONS = {
    "01": "approaching",
    "02": "departing",
    "03": "kicking",
    "04": "pushing",
    "05": "handshaking",
    "06": "hugging",
    "07": "exchanging",
    "08": "punching",
}
"""Category -> label, as the dataset numbers them."""

OTHER = ("09", "remaining")
"""Ours, not the dataset's: the category (and its label when read) of any other label written."""

FOLDS = (
    ("s01s02", "s03s04", "s05s02", "s06s04"),
    ("s02s03", "s02s07", "s03s05", "s05s03"),
    ("s01s03", "s01s07", "s07s01", "s07s03"),
    ("s02s01", "s02s06", "s03s02", "s03s06"),
    ("s04s02", "s04s03", "s04s06", "s06s02", "s06s03"),
)
"""The test sets of the dataset's five folds.  They are not disjoint in people."""

PAPER_TEST_SETS = FOLDS[0]
SETS = tuple(sorted(chain(*FOLDS)))

EXPECTED = dict(zip(ACTIONS, (42, 43, 40, 41, 18, 21, 39, 38), strict=True))
EXPECTED_FRAMES = 6822

# Raw units, far outside the dataset (x -0.122..1.111, y 0.238..1.360, z 0.777..2.464).
USUAL = {"x": (-0.5, 1.5), "y": (-0.5, 2.0), "z": (0.3, 4.0)}


def read(root: Path, sets: Sequence[str] | None = None) -> list[Interaction]:
    """Read interactions in raw units, sorted by key.

    Args:
        root: a folder of set folders and set zips, or one zip.
        sets: the sets to read, all of which must be there; None reads whatever is there.

    Raises:
        FeintError: the first damage found, with its file and line; a set that is not there.
    """
    wanted = None if sets is None else _set_names(sets)
    found: dict[str, Interaction] = {}
    for file in files(root, wanted):
        values, damage = parse(file)
        if damage:
            raise FeintError(
                f"{damage[0]}. Mend or remove it, or fetch the set again (feint data sbu); "
                "feint data check lists all damage."
            )
        found[file.key] = _interaction(file.key, values)
    missing = sorted((wanted or set()) - {one.set for one in found.values()})
    if missing or not found:
        raise FeintError(
            f"{root} has no sequence of {', '.join(missing) or 'any set'}; expected "
            "<set>/<category>/<run>/skeleton_pos.txt or <set>.zip in it. "
            "Name the folder that holds the sets, or fetch them with feint data sbu."
        )
    return [found[key] for key in sorted(found)]


def write(
    interactions: Sequence[Interaction],
    root: Path,
    first_frame: int = 1,
    overwrite: bool = False,
) -> None:
    """Write interactions in the official layout, as float32 that reads back exactly.

    An interaction goes where its key says, if that is "<set>/<category>/<run>"; otherwise it gets
    the next free run of its set and label.  A label outside the dataset's eight gets category 09
    and reads back as "remaining".  Each file appears whole or not at all.

    Args:
        interactions: what to write.
        root: the folder of the sets; made if it is not there.
        first_frame: the frame number of each sequence's first line.
        overwrite: replace files that are there with other content.

    Raises:
        FeintError: a set not named like "s01s02", a person without 45 features a frame, NaN, a key
            that contradicts the set or label, two interactions in one place, a file with other
            content in the way, a folder that cannot be written.
    """
    if not 0 <= first_frame < 10**8:
        raise FeintError(f"write got first_frame={first_frame}; expected 0 or more, below 10**8.")
    contents: dict[Path, str] = {}
    # Keys that name their place first: the others get the runs that are left.
    for one in sorted(interactions, key=lambda one: not _named(one)):
        path = _place(one, root, contents)
        if path in contents:
            raise FeintError(f"write got two interactions for {path}; expected unique keys.")
        contents[path] = _format(one, first_frame)
    try:
        for path, text in contents.items():
            if path.exists() and not overwrite and path.read_bytes() != text.encode():
                raise FeintError(
                    f"{path} is there already with other content; expected an empty place. "
                    "Write to another folder, or pass overwrite=True."
                )
        for path, text in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(path.name + ".unfinished")
            try:
                unfinished.write_bytes(text.encode())
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise FeintError(f"write could not write below {root}: {error}.") from error


def split(
    interactions: Sequence[Interaction], test_sets: Sequence[str] = PAPER_TEST_SETS
) -> tuple[list[Interaction], list[Interaction]]:
    """(train, test): the interactions of `test_sets` are the test, by default the paper's fold 1.

    Raises:
        FeintError: a test set without an interaction, or nothing left on either side.
    """
    there = {one.set for one in interactions}
    wanted = _set_names(test_sets)
    if unknown := sorted(wanted - there):
        raise FeintError(
            f"split got test sets {', '.join(unknown)} without an interaction; the data has "
            f"{', '.join(sorted(there)) or 'no set'}. Read these sets too, or name others."
        )
    if not wanted or wanted == there:
        raise FeintError(
            f"split got {len(wanted)} test sets out of {len(there)}, which leaves nothing to "
            f"{'test' if there and not wanted else 'train'}; expected some of the sets, not all."
        )
    train = [one for one in interactions if one.set not in wanted]
    return train, [one for one in interactions if one.set in wanted]


@dataclass(frozen=True)
class CheckReport:
    """What is there against what should be.

    Attributes:
        found: sound sequences per category.
        frames: their frames.
        missing_sets: official sets without any sequence file.
        damage: what makes a file unreadable or its values meaningless.
        warnings: values outside the usual range; they do not spoil `ok`.
    """

    root: Path
    found: dict[str, int]
    frames: int
    missing_sets: tuple[str, ...]
    damage: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @property
    def sequences(self) -> int:
        """Sound sequences in all."""
        return sum(self.found.values())

    @property
    def rows(self) -> list[tuple[str, str, int, int]]:
        """(category, label, sequences found, sequences expected), one row a category."""
        return [
            (category, _label(category), self.found.get(category, 0), EXPECTED.get(category, 0))
            for category in sorted(EXPECTED.keys() | self.found.keys())
        ]

    @property
    def ok(self) -> bool:
        """Everything is there, and nothing is damaged."""
        complete = self.found == EXPECTED and self.frames == EXPECTED_FRAMES
        return complete and not self.missing_sets and not self.damage


def check(root: Path) -> CheckReport:
    """Read everything under `root` and tell all that is wrong; raises only on a missing root."""
    found: Counter[str] = Counter()
    seen: set[str] = set()
    frames = 0
    damage: list[Finding] = []
    warnings: list[Finding] = []
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


def _lost_joints(file: SequenceFile, values: Float[Tensor, "time 90"]) -> list[Finding]:
    """Joints at exactly (0, 0, 0): what the Kinect writes when it has lost one."""
    lost = (values.reshape(-1, 2, len(SBU_15.joints), 3) == 0).all(dim=-1)
    findings = []
    for frame, person, joint in lost.nonzero().tolist()[:MOST_PROBLEMS]:
        what = f"got {SBU_15.joints[joint]} of person {'AB'[person]} at (0, 0, 0): a lost joint"
        findings.append(Finding(file.place, frame + 1, what))
    return findings


def _unusual(file: SequenceFile, values: Float[Tensor, "time 90"]) -> list[Finding]:
    """Per axis, the first value outside the usual range."""
    findings = []
    for i, (axis, (low, high)) in enumerate(USUAL.items()):
        outside = (values[:, i::3] < low) | (values[:, i::3] > high)
        for frame, column in outside.nonzero().tolist()[:1]:
            value = values[frame, i + 3 * column].item()
            what = f"{axis} = {value:.4g} is unusual (usually {low}..{high}); are these raw units?"
            findings.append(Finding(file.place, frame + 1, what))
    return findings


def _label(category: str) -> str:
    return OTHER[1] if category == OTHER[0] else ACTIONS[category]


def _interaction(key: str, values: Float[Tensor, "time 90"]) -> Interaction:
    name, category, _ = key.split("/")
    first, second = values[:, :PERSON].contiguous(), values[:, PERSON:].contiguous()
    return Interaction(key, name, _label(category), first, second)


def _set_names(sets: Sequence[str]) -> set[str]:
    if isinstance(sets, str):
        raise FeintError(f"sets got the string {sets!r}; expected a list of names: [{sets!r}].")
    return set(sets)


def _named(one: Interaction) -> bool:
    """Whether an interaction's key is a place in the layout."""
    return RUN.fullmatch(f"{one.key}/skeleton_pos.txt") is not None and one.key.count("/") == 2


def _place(one: Interaction, root: Path, taken: dict[Path, str]) -> Path:
    """Where an interaction is written."""
    if not SET.fullmatch(one.set):
        raise FeintError(
            f"write got {one.key} of set {one.set!r}; expected a set named like s01s02."
        )
    categories = {label: category for category, label in ACTIONS.items()}
    folder = f"{one.set}/{categories.get(one.label, OTHER[0])}"
    if _named(one):
        if not one.key.startswith(f"{folder}/"):
            raise FeintError(
                f"write got the key {one.key} for set {one.set} and label {one.label!r}; "
                f"expected {folder}/<run>, or a key that is no path."
            )
        return root / one.key / "skeleton_pos.txt"
    for run in range(1, 1000):
        path = root / folder / f"{run:03d}" / "skeleton_pos.txt"
        if path not in taken:
            return path
    raise FeintError(f"write got more than 999 interactions for {folder}; expected fewer.")


def _format(one: Interaction, first_frame: int) -> str:
    """The text of a sequence file; numpy writes the fewest digits that give the same float32."""
    shapes = [tuple(person.shape) for person in (one.first, one.second)]
    if shapes[0] != shapes[1] or shapes[0][1:] != (PERSON,) or shapes[0][0] == 0:
        raise FeintError(
            f"write got {one.key} with people of shape {shapes[0]} and {shapes[1]}; expected both "
            f"(time >= 1, {PERSON}), the {len(SBU_15.joints)} joints of SBU_15."
        )
    values = torch.cat([one.first, one.second], dim=1).detach().to("cpu", torch.float32)
    if not bool(values.isfinite().all()):
        raise FeintError(f"write got NaN or infinity in {one.key}; expected finite float32.")
    lines = (
        ",".join([str(first_frame + i), *(str(value) for value in row)])
        for i, row in enumerate(values.numpy())
    )
    return "\n".join(lines) + "\n"
