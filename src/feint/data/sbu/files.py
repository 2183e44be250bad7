"""Find SBU's sequence files in folders and zips, and parse them; problems are returned, not raised.

One line for each frame has 91 comma-separated values: the frame number, then 15 joints (x, y, z) of
one person and 15 of the other. Windows line ends, blank lines at the end and one trailing comma in
each line are accepted; nothing else is.
"""

import lzma
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from feint.errors import FeintError
from feint.skeleton import SBU_15

PERSON = SBU_15.features
COLUMNS = 1 + 2 * PERSON
LARGEST_FILE = 16 * 2**20
LARGEST_LINE = 64 * 2**10
MOST_PROBLEMS = 20
LARGEST_VALUE = math.nextafter(2.0**128 - 2.0**103, 0.0)  # more does not fit into float32

SET = re.compile(r"s[0-9]{2}s[0-9]{2}")
RUN = re.compile(r"(?:^|/)(?:(s[0-9]{2}s[0-9]{2})/)?(0[1-9])/([0-9]{3})/skeleton_pos\.txt\Z")
BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # encrypted, or a compression unknown here
    LookupError,
    OverflowError,
)


@dataclass(frozen=True)
class Problem:
    """What is wrong in which file (`set.zip/member` in a zip) and line; None: in the whole file."""

    file: str
    line: int | None
    what: str

    def __str__(self) -> str:
        return f"{self.file}{'' if self.line is None else f', line {self.line}'}: {self.what}"


@dataclass(frozen=True)
class SequenceFile:
    """A sequence file: its key, its path, and its bytes or the problem of reading them."""

    key: str
    place: str
    content: bytes | Problem


def files_in_zip(
    path: Path, own: str | None, sets: set[str] | None = None
) -> Iterator[SequenceFile]:
    """The sequence files of one zip.

    Args:
        path: the zip.
        own: the only set in it, or None if its folders name the sets.
        sets: only these sets, unless None.
    """
    seen = set()
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                match = RUN.search(member.filename.replace("\\", "/"))
                if match is None:
                    continue
                name, place = match[1] or own, f"{path}/{member.filename}"
                if sets is not None and name is not None and name not in sets:
                    continue
                key = f"{name}/{match[2]}/{match[3]}"
                content: bytes | Problem
                if name is None:
                    what = "got a sequence of no set; expected a zip or folder named like s01s02"
                    content = Problem(place, None, what)
                elif own not in (None, name):
                    what = f"got a sequence of {name}; expected only {own} in this zip"
                    content = Problem(place, None, what)
                elif key in seen:
                    content = Problem(place, None, f"got {key} twice in one zip; expected it once")
                else:
                    content = _load_member(archive, member, place)
                seen.add(key)
                yield SequenceFile(key, place, content)
    except BROKEN_ZIP as error:
        what = f"not a readable zip file ({type(error).__name__}: {error})"
        yield SequenceFile(f"{own}//", str(path), Problem(str(path), None, what))


def files(root: Path, sets: set[str] | None) -> Iterator[SequenceFile]:
    """The sequence files under a folder or in a zip; only those of `sets`, unless None."""
    if root.is_file():
        own = root.stem if SET.fullmatch(root.stem) else None
        if own is None:
            yield from files_in_zip(root, None, sets)
        elif sets is None or own in sets:
            yield from files_in_zip(root, own)
        return
    if not root.is_dir():
        raise FeintError(
            f"{root} is not there; expected a folder of the SBU sets or one zip. "
            "Fetch the dataset with feint data download-sbu.",
            code="no-data-folder",
        )
    try:
        entries = sorted(root.iterdir())
    except OSError as error:
        raise FeintError(
            f"{root} cannot be listed ({error}); expected a readable folder.", code="no-data-folder"
        ) from None
    for entry in entries:
        name = entry.name.removesuffix(".zip")
        if not SET.fullmatch(name) or (sets is not None and name not in sets):
            continue
        if entry.is_dir():
            for path in sorted(entry.glob("*/*/skeleton_pos.txt")):
                if match := RUN.search(path.relative_to(entry).as_posix()):
                    yield SequenceFile(f"{name}/{match[2]}/{match[3]}", str(path), _load(path))
        elif entry.suffix == ".zip" and not (root / name).is_dir():
            yield from files_in_zip(entry, name)


def _load(path: Path) -> bytes | Problem:
    if not path.is_file():
        return Problem(str(path), None, "got something other than a file; expected a text file")
    try:
        with path.open("rb") as file:
            return _limited(file.read(LARGEST_FILE + 1), str(path))
    except OSError as error:
        return Problem(str(path), None, f"cannot be read ({error})")


def _load_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: str) -> bytes | Problem:
    try:
        with archive.open(member) as file:
            # Reading past the end makes zipfile compare the checksum.
            return _limited(file.read(LARGEST_FILE + 1), place)
    except BROKEN_ZIP as error:
        what = f"cannot be unpacked ({type(error).__name__}: {error})"
        return Problem(place, None, what)


def _limited(content: bytes, place: str) -> bytes | Problem:
    if len(content) > LARGEST_FILE:
        what = f"got more than {LARGEST_FILE} bytes; expected a sequence of some hundred frames"
        return Problem(place, None, what)
    return content


def parse(file: SequenceFile) -> tuple[Float[Tensor, "time 90"], list[Problem]]:
    """The values of a file, both people side by side, and its problems."""
    rows: list[list[float]] = []
    damage: list[Problem] = []
    if isinstance(file.content, Problem):
        return torch.empty(0, 2 * PERSON), [file.content]
    text = file.content.rstrip()
    if not text:
        damage.append(Problem(file.place, 1, "the file is empty; expected one line a frame"))
    frame = -1
    for number, line in enumerate(text.split(b"\n") if text else [], 1):
        try:
            frame, values = _parse_line(line, frame)
            rows.append(values)
        except FeintError as error:
            damage.append(Problem(file.place, number, str(error)))
        if len(damage) == MOST_PROBLEMS:
            damage.append(Problem(file.place, number, "too much damage, reading stopped here"))
            break
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 2 * PERSON), damage


def _parse_line(line: bytes, previous: int) -> tuple[int, list[float]]:
    """The frame number, greater than `previous`, and its 90 values."""
    if len(line) > LARGEST_LINE:
        raise FeintError(
            f"got a line of {len(line)} bytes; expected {COLUMNS} numbers", code="wrong-shape"
        )
    if not line.isascii():
        raise FeintError(
            f"got bytes that are not text ({line[:40]!r}); expected {COLUMNS} numbers",
            code="not-a-number",
        )
    fields = line.decode("ascii").strip().removesuffix(",").split(",")
    if len(fields) != COLUMNS:
        raise FeintError(
            f"got {len(fields)} comma-separated values; expected {COLUMNS} (the frame number, "
            f"then {len(SBU_15.joints)} joints x, y, z of two people)",
            code="wrong-shape",
        )
    number = fields[0].strip()
    if not number.isdecimal() or len(number) > 9:
        raise FeintError(
            f"got {number[:40]!r} as the frame number; expected a whole number", code="not-a-number"
        )
    if int(number) <= previous:
        raise FeintError(
            f"got frame {number} after frame {previous}; expected them to increase",
            code="time-not-rising",
        )
    return int(number), _numbers(fields[1:])


def _numbers(fields: list[str]) -> list[float]:
    """Finite float32 numbers; the error names the first column that is not one."""
    values = []
    for column, field in enumerate(fields, 2):
        try:
            # float() also accepts "1_0".
            value = math.nan if "_" in field else float(field)
        except ValueError:
            value = math.nan
        if not abs(value) <= LARGEST_VALUE:
            raise FeintError(
                f"got {field[:40]!r} in column {column}; expected a finite number",
                code="not-a-number",
            )
        values.append(value)
    return values
