"""Recordings that are not used: left out by name, or because they cannot be used.

Real data sets have a few bad recordings among thousands (NTU RGB+D lists 302).  All of them are
named at once, with the line that leaves them out.
"""

from collections.abc import Sequence
from pathlib import Path

from feint.data.listing import RecordingFiles
from feint.errors import FeintError
from feint.io.atomic import read_bytes

LARGEST_FILE = 2**20
MOST_NAMED = 20
"""Names that a message lists."""


def without(
    every: Sequence[RecordingFiles], leave_out: Sequence[str] | str
) -> tuple[list[RecordingFiles], list[str]]:
    """The recordings that are used, and the names of those left out.

    Args:
        every: all recordings of the folder.
        leave_out: names, or a text file of names, one a line.

    Raises:
        FeintError: no such file, none of the names is in the folder, or nothing is left.
    """
    names = set(_read_names(Path(leave_out)) if isinstance(leave_out, str) else leave_out)
    kept = [one for one in every if not names & {one.key, one.name, one.files[0].name}]
    if names and len(kept) == len(every):
        raise FeintError(
            f"data.leave_out names {listed(sorted(names))}, which the folder does not have; "
            f"expected names of recordings, such as {every[0].name!r}.",
            code="unknown-recording",
        )
    if not kept:
        raise FeintError("data.leave_out leaves no recording. Name fewer.", code="empty-split")
    used = {one.key for one in kept}
    return kept, [one.name for one in every if one.key not in used]


def all_unusable(bad: Sequence[tuple[str, FeintError]], count: int) -> FeintError:
    """One error for all recordings that cannot be used, with the lines that leave them out."""
    if len(bad) == 1 and count == 1:
        return bad[0][1]
    names = ", ".join(f'"{name}"' for name, _ in bad)
    advice = f'data.on_bad_recording = "leave-out", or data.leave_out = [{names}]'
    codes = {error.code for _, error in bad}
    code = codes.pop() if len(codes) == 1 else "bad-recordings"
    if len(bad) == 1:
        return FeintError(f"{bad[0][1]} Or leave it out: {advice}.", code=code)
    lines = "\n".join(f"  {error}" for _, error in bad[:3])
    return FeintError(
        f"{len(bad)} of {count} recordings cannot be used; the first:\n{lines}\nCorrect them, or "
        f"leave them out: {advice}.",
        code=code,
    )


def listed(names: Sequence[str]) -> str:
    """The first names, and whether there are more."""
    return ", ".join(names[:MOST_NAMED]) + (" ..." if len(names) > MOST_NAMED else "")


def _read_names(path: Path) -> list[str]:
    text = read_bytes(path, LARGEST_FILE).decode("utf-8-sig", "replace")
    return [line.strip() for line in text.splitlines() if line.strip()]
