"""Arrays as PYSKL has them: `keypoint` of (person, time, joint, xyz) in an npz file, no pickle.

What the file says of its arrays is read first, and only so many bytes as that needs after it.
"""

import io
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from feint.data.formats.recording import MOST_VALUES, Recording, check_size
from feint.data.formats.skeletons import by_count
from feint.errors import FeintError
from feint.io.atomic import read_bytes

LARGEST_FILE = 512 * 2**20
LONGEST_HEADER = 4096
KINDS = "fiu"
BROKEN = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError,
          NotImplementedError, SyntaxError, TypeError, MemoryError, LookupError, OverflowError,
          AttributeError)  # fmt: skip
"""What zipfile and numpy's reader of headers raise on files that are not sound."""


def read_arrays(path: Path, least_score: float = 0.0) -> Recording:
    """The people of an npz file: `keypoint`, and beside it perhaps `keypoint_score` and `fps`.

    Raises:
        FeintError: no such file, not npz, larger than the limits, an array of another shape.
    """
    return parse_arrays(read_bytes(path, LARGEST_FILE), str(path), least_score)


def parse_arrays(content: bytes, place: str, least_score: float = 0.0) -> Recording:
    """The same from bytes; `place` stands for them in errors."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            there = {one.removesuffix(".npy") for one in archive.namelist()}
            found = {
                name: _array(archive, name, place)
                for name in ("keypoint", "keypoint_score", "fps")
                if name in there
            }
    except BROKEN as error:
        if isinstance(error, FeintError):
            raise
        raise FeintError(
            f"{place} is no sound npz file ({type(error).__name__}: {str(error)[:100]}). Expected "
            "one written by numpy.savez(path, keypoint=..., fps=...)."
        ) from None
    keypoint = found.get("keypoint")
    if keypoint is None or keypoint.ndim != 4 or keypoint.shape[3] not in (2, 3):
        got = "no array 'keypoint'" if keypoint is None else f"'keypoint' of {keypoint.shape}"
        raise FeintError(f"{place} has {got}; expected (person, time, joint, 2 or 3).")
    people, frames, joints, axes = keypoint.shape
    check_size(place, frames, people, joints, axes)
    values = keypoint.astype(np.float64)
    score = found.get("keypoint_score")
    if score is not None:
        if score.shape != keypoint.shape[:3]:
            raise FeintError(
                f"{place} has 'keypoint_score' of {score.shape} beside 'keypoint' of "
                f"{keypoint.shape}; expected {keypoint.shape[:3]}."
            )
        values[score < least_score] = np.nan
    # PYSKL fills up with zeros: a person that is 0 throughout a frame is not there.
    values[(values == 0).all(axis=(2, 3))] = np.nan
    fps = found.get("fps")
    if fps is not None and fps.size != 1:
        raise FeintError(f"{place} has 'fps' of {fps.shape}; expected one number.")
    known = by_count(joints)
    names = known.joints if known else ()
    each = {str(i): values[i] for i in range(people) if not np.isnan(values[i]).all()}
    return Recording(
        place, each, names, known.bones if known else (), None if fps is None else float(fps.item())
    )


def _array(archive: zipfile.ZipFile, name: str, place: str) -> np.ndarray:
    """One array, if what it says of itself is of a size to read."""
    with archive.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        read: Any = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ValueError(f"a header of version {version}")
        shape, fortran, kind = read(file, max_header_size=LONGEST_HEADER)
        count = math.prod(shape)
        if kind.hasobject or kind.kind not in KINDS or kind.itemsize > 8:
            raise FeintError(f"{place} has {name!r} of {kind}; expected numbers, never objects.")
        if not 0 < count <= MOST_VALUES or min(shape, default=1) < 1 or len(shape) > 4:
            raise FeintError(
                f"{place} says that {name!r} has the shape {shape}; expected at most four "
                f"dimensions, none empty, and {MOST_VALUES:,} numbers."
            )
        content = file.read(count * kind.itemsize)
    array = np.frombuffer(content, dtype=kind, count=count)
    return array.reshape(shape, order="F" if fortran else "C")
