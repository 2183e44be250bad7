"""Write interactions in SBU's own format, so that `dataset.py` reads them back exactly."""

from collections.abc import Sequence
from pathlib import Path

import torch

from feint.data.pairs import Interaction
from feint.data.sbu.constants import ACTIONS, OTHER
from feint.data.sbu.files import PERSON, RUN, SET
from feint.errors import FeintError
from feint.skeleton import SBU_15


def write(
    interactions: Sequence[Interaction],
    root: Path,
    first_frame: int = 1,
    overwrite: bool = False,
) -> None:
    """Write interactions in the official layout, as float32 that reads back exactly.

    The key "<set>/<category>/<run>" is an interaction's place; with any other key it gets the next
    free run of its set and label. A label outside the dataset's eight gets category 09 and reads
    back as "remaining". Each file is written atomically.

    Args:
        interactions: what to write.
        root: the folder of the sets; it is created if it is missing.
        first_frame: the frame number of each sequence's first line.
        overwrite: replace existing files that have other content.

    Raises:
        FeintError: a set is not named like "s01s02", a person has not 45 features, a value is not
            finite, a key contradicts the set or label, two interactions have one place, a file
            with other content exists, the folder cannot be written.
    """
    if not 0 <= first_frame < 10**8:
        raise FeintError(
            f"write got first_frame={first_frame}; expected 0 or more, below 10**8.",
            code="bad-frame",
        )
    contents: dict[Path, str] = {}
    # Keys that name their place come first: the others get the runs that are left.
    for one in sorted(interactions, key=lambda one: not _named(one)):
        path = _place(one, root, contents)
        if path in contents:
            raise FeintError(
                f"write got two interactions for {path}; expected unique keys.",
                code="duplicate-name",
            )
        contents[path] = _format(one, first_frame)
    try:
        for path, text in contents.items():
            if path.exists() and not overwrite and path.read_bytes() != text.encode():
                raise FeintError(
                    f"{path} already exists with other content; expected no file there. "
                    "Write to another folder, or pass overwrite=True.",
                    code="file-exists",
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
        raise FeintError(
            f"write could not write below {root}: {error}.", code="cannot-write"
        ) from error


def _named(one: Interaction) -> bool:
    """Whether an interaction's key is a place in the layout."""
    return RUN.fullmatch(f"{one.key}/skeleton_pos.txt") is not None and one.key.count("/") == 2


def _place(one: Interaction, root: Path, taken: dict[Path, str]) -> Path:
    """Where an interaction is written."""
    if not SET.fullmatch(one.set):
        raise FeintError(
            f"write got {one.key} of set {one.set!r}; expected a set named like s01s02.",
            code="unknown-set",
        )
    categories = {label: category for category, label in ACTIONS.items()}
    folder = f"{one.set}/{categories.get(one.label, OTHER[0])}"
    if _named(one):
        if not one.key.startswith(f"{folder}/"):
            raise FeintError(
                f"write got the key {one.key} for set {one.set} and label {one.label!r}; "
                f"expected {folder}/<run>, or a key without a path.",
                code="bad-key",
            )
        return root / one.key / "skeleton_pos.txt"
    for run in range(1, 1000):
        path = root / folder / f"{run:03d}" / "skeleton_pos.txt"
        if path not in taken:
            return path
    raise FeintError(
        f"write got more than 999 interactions for {folder}; expected fewer.", code="too-many-files"
    )


def _format(one: Interaction, first_frame: int) -> str:
    """The text of a sequence file; numpy writes the fewest digits that give the same float32."""
    shapes = [tuple(person.shape) for person in (one.first, one.second)]
    if shapes[0] != shapes[1] or shapes[0][1:] != (PERSON,) or shapes[0][0] == 0:
        raise FeintError(
            f"write got {one.key} with people of shape {shapes[0]} and {shapes[1]}; expected both "
            f"(time >= 1, {PERSON}), the {len(SBU_15.joints)} joints of SBU_15.",
            code="wrong-shape",
        )
    values = torch.cat([one.first, one.second], dim=1).detach().to("cpu", torch.float32)
    if not bool(values.isfinite().all()):
        raise FeintError(
            f"write got NaN or infinity in {one.key}; expected finite float32.", code="not-finite"
        )
    lines = (
        ",".join([str(first_frame + i), *(str(value) for value in row)])
        for i, row in enumerate(values.numpy())
    )
    return "\n".join(lines) + "\n"
