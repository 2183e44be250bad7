"""Where a folder's recordings are, and what they are called: `pairs.csv`, or folders by label.

    ROOT/<label>/<recording>.json          one file a recording (keypoints, ntu, arrays)
    ROOT/<label>/<recording>/<person>.bvh  a file a person (bvh)
    ROOT/<label>/<recording>.bvh           one person alone

`ROOT/pairs.csv` goes before that.  Its columns: `file`, or `first` and `second` (a file a person);
`label`; and perhaps `set` (what a split keeps together), `people` (two names in the file, with a
semicolon between them) and `initiator` ("first" or "second").
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from feint.data.formats.ntu import NAME
from feint.errors import FeintError
from feint.io.atomic import read_bytes

LARGEST_FILE = 16 * 2**20
MOST = 100_000
"""Recordings of a folder."""
COLUMNS = ("file", "first", "second", "label", "set", "people", "initiator")
SUFFIXES = {"bvh": ".bvh", "keypoints": ".json", "ntu": ".skeleton", "arrays": ".npz"}
Initiator = Literal["first", "second", "unknown"]


@dataclass(frozen=True)
class RecordingFiles:
    """One recording: its key "<set>/<label>/<name>", its files, and what is known of it.

    Attributes:
        files: one, or one a person.
        people: names in the file, where they are told.
    """

    key: str
    set: str
    label: str
    files: tuple[Path, ...]
    people: tuple[str, ...] = ()
    initiator: Initiator = "unknown"


def entries(root: Path, source: str) -> list[RecordingFiles]:
    """The recordings of a folder, sorted by key.

    Raises:
        FeintError: there is none, or `pairs.csv` has a wrong line.
    """
    table = root / "pairs.csv"
    try:
        found = _told(root, table) if table.exists() else _found(root, SUFFIXES[source])
    except OSError as error:
        raise FeintError(
            f"{root} cannot be listed ({error}); expected a readable folder."
        ) from None
    if not 0 < len(found) <= MOST:
        raise FeintError(
            f"{root} holds {len(found)} recordings; expected 1 to {MOST}: "
            f"<label>/<recording>{SUFFIXES[source]}, or for BVH of two people "
            "<label>/<recording>/<person>.bvh, or a pairs.csv (docs/data.md)."
        )
    keys = [one.key for one in found]
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise FeintError(f"{root} has two recordings {twice!r}; expected each once.")
    return sorted(found, key=lambda one: one.key)


def _found(root: Path, suffix: str) -> list[RecordingFiles]:
    found = []
    if not root.is_dir():
        raise FeintError(f"{root} is not there; expected a folder of recordings.")
    for path in sorted(root.glob(f"*{suffix}")):  # NTU's own names tell the label
        if (told := NAME.search(path.name)) and suffix == ".skeleton":
            found.append(
                RecordingFiles(f"{told[1]}/{told[2]}/{path.stem}", told[1], told[2], (path,))
            )
    for label in sorted(p for p in root.iterdir() if p.is_dir()):
        for path in sorted(label.iterdir()):
            files: Sequence[Path] = [path]
            if path.is_dir():
                files = sorted(p for p in path.iterdir() if p.suffix.lower() == suffix)
            elif path.suffix.lower() != suffix:
                continue
            if len(files) > 2 or (not files and suffix == ".bvh"):
                raise FeintError(
                    f"{path} holds {len(files)} {suffix} files; expected two, a file a person. "
                    "Name the two that belong together in a pairs.csv (docs/data.md)."
                )
            if files:
                name = path.stem if path.is_file() else path.name
                key = f"{name}/{label.name}/{name}"
                found.append(RecordingFiles(key, name, label.name, tuple(files)))
            if len(found) > MOST:
                return found
    return found


def _told(root: Path, table: Path) -> list[RecordingFiles]:
    content = read_bytes(table, LARGEST_FILE)
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FeintError(f"{table} is no CSV file: {error}.") from None
    heads = [head.strip() for head in rows[0]] if rows else []
    named = "file" in heads or {"first", "second"} <= set(heads)
    if not named or "label" not in heads or not set(heads) <= set(COLUMNS):
        raise FeintError(
            f"{table} has the columns {', '.join(heads)[:200] or 'none'}; expected label, and file "
            f"or first and second, and perhaps some of {', '.join(COLUMNS[4:])}."
        )
    found = []
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(heads):
            raise FeintError(
                f"{table}, line {number}: got {len(row)} cells; expected {len(heads)}."
            )
        cells = {head: cell.strip() for head, cell in zip(heads, row, strict=True)}
        found.append(_entry(root, cells, f"{table}, line {number}"))
    return found


def _entry(root: Path, cells: dict[str, str], place: str) -> RecordingFiles:
    names = [cells[name] for name in ("file", "first", "second") if cells.get(name)]
    files = tuple(root / name for name in names)
    for name, path in zip(names, files, strict=True):
        if Path(name).is_absolute() or ".." in Path(name).parts or not path.is_file():
            raise FeintError(f"{place}: {name[:100]!r} is no file below {root}.")
    label, initiator = cells["label"], cells.get("initiator") or "unknown"
    if not 1 <= len(files) <= 2 or not label or not label.isprintable() or "/" in label:
        raise FeintError(f"{place}: expected a label (no '/'), and file or first and second.")
    if initiator not in ("first", "second", "unknown"):
        raise FeintError(f"{place}: the initiator is {initiator[:40]!r}; expected first or second.")
    name = Path(names[0]).with_suffix("").as_posix().replace("/", "-")
    belongs = cells.get("set") or name
    if not belongs.isprintable() or "/" in belongs or not name.isprintable():
        raise FeintError(f"{place}: the set is {belongs[:40]!r}; expected a word without '/'.")
    people = tuple(one.strip() for one in cells.get("people", "").split(";") if one.strip())
    known: Initiator = initiator  # type: ignore[assignment]
    return RecordingFiles(f"{belongs}/{label}/{name}", belongs, label, files, people, known)
