"""Read SBU Kinect Interaction in its official layout, and split it by sets.

`<root>/<set>/<category>/<run>/skeleton_pos.txt`, or the official `<root>/<set>.zip` as they come,
or both (a set's folder is preferred to its zip). One line for each frame has 91 comma-separated
values: the frame number, then 15 joints (x, y, z) of one person and 15 of the other. Values stay in
the data's raw units; `skeleton.SBU_15` converts them to metres. Other files are ignored.
"""

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from feint.data.pairs import Interaction
from feint.data.sbu.constants import PAPER_TEST_SETS, label_of
from feint.data.sbu.files import PERSON, files, parse
from feint.errors import FeintError


def read(root: Path, sets: Sequence[str] | None = None) -> list[Interaction]:
    """Read interactions in raw units, sorted by key.

    Args:
        root: a folder of set folders and set zips, or one zip.
        sets: the sets to read, all of which must be present; None reads all that are.

    Raises:
        FeintError: a file is damaged (with its line), or a set is missing.
    """
    chosen = None if sets is None else _set_names(sets)
    found: dict[str, Interaction] = {}
    for file in files(root, chosen):
        values, damage = parse(file)
        if damage:
            raise FeintError(
                f"{damage[0]}. Repair or remove it, or fetch the set again "
                "(feint data download-sbu); feint data check-sbu lists all damage.",
                code="damaged-file",
            )
        found[file.key] = _interaction(file.key, values)
    missing = sorted((chosen or set()) - {one.set for one in found.values()})
    if missing or not found:
        raise FeintError(
            f"{root} has no sequence of {', '.join(missing) or 'any set'}; expected "
            "<set>/<category>/<run>/skeleton_pos.txt or <set>.zip in it. "
            "Name the folder that holds the sets, or fetch them with feint data download-sbu.",
            code="unknown-set",
        )
    return [found[key] for key in sorted(found)]


def split(
    interactions: Sequence[Interaction], test_sets: Sequence[str] = PAPER_TEST_SETS
) -> tuple[list[Interaction], list[Interaction]]:
    """(train, test): the interactions of `test_sets` are the test, by default the paper's fold 1.

    Raises:
        FeintError: a test set without an interaction, or nothing left on either side.
    """
    there = {one.set for one in interactions}
    chosen = _set_names(test_sets)
    if unknown := sorted(chosen - there):
        raise FeintError(
            f"split got test sets {', '.join(unknown)} without an interaction; the data has "
            f"{', '.join(sorted(there)) or 'no set'}. Read these sets too, or name others.",
            code="unknown-set",
        )
    if not chosen or chosen == there:
        raise FeintError(
            f"split got {len(chosen)} test sets out of {len(there)}, which leaves nothing to "
            f"{'test' if there and not chosen else 'train'}; expected some of the sets, not all.",
            code="nothing-to-train-on",
        )
    train = [one for one in interactions if one.set not in chosen]
    return train, [one for one in interactions if one.set in chosen]


def _interaction(key: str, values: Float[Tensor, "time 90"]) -> Interaction:
    name, category, _ = key.split("/")
    first, second = values[:, :PERSON].contiguous(), values[:, PERSON:].contiguous()
    return Interaction(key, name, label_of(category), first, second)


def _set_names(sets: Sequence[str]) -> set[str]:
    if isinstance(sets, str):
        raise FeintError(
            f"sets got the string {sets!r}; expected a list of names: [{sets!r}].",
            code="not-a-list",
        )
    return set(sets)
