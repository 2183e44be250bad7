"""The file formats that recordings of people are read from, one line each.

To add one, write a module here with `read(path, options) -> Recording` and add a line to
`FORMATS`; docs/adding-a-format.md has an example.  Nothing outside this package knows a format by
its name.  Tables of columns (`tables`) are not recordings of people and are read elsewhere.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from feint.data.formats.recording import ReadOptions, Recording

Reader = Callable[[Path, ReadOptions], Recording]


@dataclass(frozen=True)
class Format:
    """What the rest of feint must know of a format, beside its reader.

    Attributes:
        title: for reports, "motion capture (BVH)".
        suffix: of its files, ".bvh".
        read: the reader, or "module:function" of one, imported when the first file is read.
        axes: which of a file's axes point right, up and towards the viewer, with signs.
        unit: of the positions, where the format fixes it: a key of `scale.UNITS`.
        person_per_file: a file holds one person, so a recording of two is a folder of two files.
        frame_folders: a folder of files, one a frame, may stand for a recording.
        name_pattern: a regular expression on file names with the groups `set` and `label`; files
            that match may lie in the root folder.
    """

    title: str
    suffix: str
    read: Reader | str
    axes: str = "x y z"
    unit: str | None = None
    person_per_file: bool = False
    frame_folders: bool = False
    name_pattern: str | None = None

    def reader(self) -> Reader:
        """The function that reads a file."""
        if not isinstance(self.read, str):
            return self.read
        module, _, name = self.read.partition(":")
        found: Reader = getattr(importlib.import_module(module), name)
        return found


_NTU_NAME = r"S\d{3}C\d{3}(?P<set>P\d{3})R\d{3}(?P<label>A\d{3})"
FORMATS: dict[str, Format] = {
    "bvh": Format(
        "motion capture (BVH)", ".bvh", "feint.data.formats.bvh:read", person_per_file=True
    ),
    "keypoints": Format(
        "keypoints (JSON)",
        ".json",
        "feint.data.formats.keypoints:read",
        axes="x -y -z",
        frame_folders=True,
    ),
    "ntu": Format(
        "Kinect v2 (NTU RGB+D)",
        ".skeleton",
        "feint.data.formats.ntu:read",
        axes="-x y -z",
        unit="m",
        name_pattern=_NTU_NAME,
    ),
    "arrays": Format("arrays (npz)", ".npz", "feint.data.formats.npz:read"),
}
"""The formats by the word that `data.source` names them with."""
