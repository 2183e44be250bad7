"""Which recordings a folder holds, and what they are called: `pairs.csv`, or folders by label.

    ROOT/<label>/<recording>.json          one file a recording
    ROOT/<label>/<recording>/<person>.bvh  a file a person
    ROOT/<label>/<recording>/*.json        a file a frame, where the format has that (OpenPose)
    ROOT/<label>/<recording>.bvh           one person alone

`ROOT/pairs.csv` goes before that.  Its columns: `file`, or `first` and `second` (a file a person);
`label`; and perhaps `set` (what a split keeps together), `people` (two names in the file, with a
semicolon between them) and `initiator` ("first" or "second").  Nothing is read here but names.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from feint.data.formats import FORMATS, Format
from feint.errors import FeintError
from feint.io.csv_reader import read_rows

LARGEST_FILE = 16 * 2**20
MOST = 100_000
"""Recordings of a folder."""
COLUMNS = ("file", "first", "second", "label", "set", "people", "initiator")
FRAME_FILE = re.compile(r"_keypoints\.json$|^\d+\.", re.IGNORECASE)
"""Names of files of one frame; a folder of more than two files needs no such names."""
Initiator = Literal["first", "second", "unknown"]


@dataclass(frozen=True)
class RecordingFiles:
    """One recording: its key "<set>/<label>/<name>", its files, and what is known of it.

    Attributes:
        files: one, or one per person; a folder where a file is one frame.
        people: names in the file, where `pairs.csv` gives them.
    """

    key: str
    set: str
    label: str
    files: tuple[Path, ...]
    people: tuple[str, ...] = ()
    initiator: Initiator = "unknown"

    @property
    def name(self) -> str:
        """What it is called in `data.leave_out`."""
        return self.key.rpartition("/")[2]


def recordings(root: Path, source: str) -> list[RecordingFiles]:
    """The recordings of a folder, sorted by key.

    Raises:
        FeintError: there is none, or `pairs.csv` has a wrong line.
    """
    table, kind = root / "pairs.csv", FORMATS[source]
    try:
        found = _from_table(root, table, kind) if table.exists() else _from_folders(root, kind)
    except OSError as error:
        raise FeintError(
            f"{root} cannot be listed ({error}); expected a readable folder.", code="no-data-folder"
        ) from None
    if not 0 < len(found) <= MOST:
        raise FeintError(
            f"{root} holds {len(found)} recordings; expected 1 to {MOST}: "
            f"<label>/<recording>{kind.suffix}, <label>/<recording>/<person>{kind.suffix}, or a "
            "pairs.csv (docs/data.md).",
            code="no-recordings" if not found else "file-too-large",
        )
    keys = [one.key for one in found]
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise FeintError(
            f"{root} has two recordings {twice!r}; expected each key once. Rename one, or give "
            "them different sets in pairs.csv.",
            code="duplicate-name",
        )
    return sorted(found, key=lambda one: one.key)


def _from_folders(root: Path, kind: Format) -> list[RecordingFiles]:
    found = []
    if not root.is_dir():
        raise FeintError(
            f"{root} is not there; expected a folder of recordings. Pass --data DIR, or set "
            "data.root.",
            code="no-data-folder",
        )
    if kind.name_pattern is not None:
        for path in sorted(root.glob(f"*{kind.suffix}")):
            if named := re.search(kind.name_pattern, path.name):
                set_, label = named["set"], named["label"]
                found.append(RecordingFiles(f"{set_}/{label}/{path.stem}", set_, label, (path,)))
    for label_folder in sorted(p for p in root.iterdir() if p.is_dir()):
        for path in sorted(label_folder.iterdir()):
            if files := _files(path, kind):
                name, label = path.stem if path.is_file() else path.name, label_folder.name
                found.append(RecordingFiles(f"{name}/{label}/{name}", name, label, files))
            if len(found) > MOST:
                return found
    return found


def _files(path: Path, kind: Format) -> tuple[Path, ...]:
    """The files of the recording at a path: () if there is no recording."""
    if not path.is_dir():
        return (path,) if path.suffix.lower() == kind.suffix else ()
    files = sorted(p for p in path.iterdir() if p.suffix.lower() == kind.suffix)
    are_frames = len(files) > 2 or all(FRAME_FILE.search(one.name) for one in files)
    if kind.frame_folders and files and are_frames:
        return (path,)
    if len(files) > 2 or (not files and kind.person_per_file):
        raise FeintError(
            f"{path} holds {len(files)} {kind.suffix} files; expected two, a file a person. "
            "Name the two that belong together in a pairs.csv (docs/data.md).",
            code="wrong-number-of-files",
        )
    return tuple(files)


def _from_table(root: Path, table: Path, kind: Format) -> list[RecordingFiles]:
    rows = read_rows(table, LARGEST_FILE)
    heads = rows[0][1] if rows else []
    named = "file" in heads or {"first", "second"} <= set(heads)
    if not named or "label" not in heads or not set(heads) <= set(COLUMNS):
        raise FeintError(
            f"{table} has the columns {', '.join(heads)[:200] or 'none'}; expected label, and file "
            f"or first and second, and perhaps some of {', '.join(COLUMNS[4:])}.",
            code="unknown-column",
        )
    found = []
    for number, row in rows[1:]:
        if len(row) != len(heads):
            raise FeintError(
                f"{table}, line {number}: got {len(row)} cells; expected {len(heads)}.",
                code="wrong-shape",
            )
        cells = dict(zip(heads, row, strict=True))
        found.append(_row(root, cells, f"{table}, line {number}", kind))
    return found


def _row(root: Path, cells: dict[str, str], where: str, kind: Format) -> RecordingFiles:
    names = [cells[name] for name in ("file", "first", "second") if cells.get(name)]
    files = tuple(root / name for name in names)
    for name, path in zip(names, files, strict=True):
        there = path.is_file() or (kind.frame_folders and path.is_dir())
        if Path(name).is_absolute() or ".." in Path(name).parts or not there:
            raise FeintError(
                f"{where}: there is no file {name[:100]!r} below {root}.", code="no-such-file"
            )
    label, initiator = cells["label"], cells.get("initiator") or "unknown"
    if not 1 <= len(files) <= 2 or not _is_word(label):
        raise FeintError(
            f"{where}: expected a label (without '/'), and file or first and second.",
            code="missing-value",
        )
    if initiator not in ("first", "second", "unknown"):
        raise FeintError(
            f"{where}: the initiator is {initiator[:40]!r}; expected first or second.",
            code="unknown-value",
        )
    name = Path(names[0]).with_suffix("").as_posix().replace("/", "-")
    set_ = cells.get("set") or name
    if not _is_word(set_) or not name.isprintable():
        raise FeintError(
            f"{where}: the set is {set_[:40]!r}; expected a word without '/'.", code="unknown-value"
        )
    people = tuple(one.strip() for one in cells.get("people", "").split(";") if one.strip())
    known: Initiator = initiator  # type: ignore[assignment]
    return RecordingFiles(f"{set_}/{label}/{name}", set_, label, files, people, known)


def _is_word(text: str) -> bool:
    return bool(text) and text.isprintable() and "/" not in text
