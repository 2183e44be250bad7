"""Arrays as PYSKL has them: `keypoint` of (person, time, joint, 2 or 3) in an npz file, no pickle.

The header of each array is read first, and then only as many bytes as it needs.  The joints have
no names in the file.
"""

import io
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from feint.data.formats.recording import (
    MOST_VALUES,
    ReadOptions,
    Recording,
    check_size,
    without_zeros,
)
from feint.errors import FeintError
from feint.io.atomic import read_bytes

LARGEST_FILE = 512 * 2**20
LONGEST_HEADER = 4096
NUMBERS = "fiu"
"""Kinds of numpy types that are read."""
BROKEN = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError,
          NotImplementedError, SyntaxError, TypeError, MemoryError, LookupError, OverflowError,
          AttributeError)  # fmt: skip
"""What zipfile and numpy's reader of headers raise on damaged files."""


def read(path: Path, options: ReadOptions) -> Recording:
    """The people of an npz file: `keypoint`, and perhaps `keypoint_score` and `fps`.

    Raises:
        FeintError: no such file, not npz, larger than the limits, an array of another shape.
    """
    return parse_arrays(read_bytes(path, LARGEST_FILE), str(path), options.confidence)


def parse_arrays(content: bytes, file: str, confidence: float = 0.0) -> Recording:
    """The recording in a file's bytes; `file` is its name for errors."""
    found = _arrays(content, file)
    keypoint = found.get("keypoint")
    if keypoint is None or keypoint.ndim != 4 or keypoint.shape[3] not in (2, 3):
        got = "no array 'keypoint'" if keypoint is None else f"'keypoint' of {keypoint.shape}"
        raise FeintError(
            f"{file} has {got}; expected (person, time, joint, 2 or 3).", code="wrong-shape"
        )
    people, frames, joints, axes = keypoint.shape
    check_size(file, frames, people, joints, axes)
    values = keypoint.astype(np.float64)
    score = found.get("keypoint_score")
    notes: tuple[str, ...] = ()
    if score is not None and score.shape != keypoint.shape[:3]:
        raise FeintError(
            f"{file} has 'keypoint_score' of {score.shape} beside 'keypoint' of "
            f"{keypoint.shape}; expected {keypoint.shape[:3]}.",
            code="wrong-shape",
        )
    if score is not None:
        values[~(score >= confidence)] = np.nan
        values[(keypoint == 0).all(axis=(2, 3))] = np.nan  # PYSKL fills up with zeros
    else:
        each, zeros = zip(*(without_zeros(one) for one in values), strict=True)
        values = np.stack(each)
        if sum(zeros):
            notes = ("points at exactly 0 without a score were taken as missing",)
    fps = found.get("fps")
    if fps is not None and fps.size != 1:
        raise FeintError(f"{file} has 'fps' of {fps.shape}; expected one number.", code="bad-fps")
    seen = {str(i): values[i] for i in range(people) if not np.isnan(values[i]).all()}
    return Recording(file, seen, fps=None if fps is None else float(fps.item()), notes=notes)


def _arrays(content: bytes, file: str) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            there = {one.removesuffix(".npy") for one in archive.namelist()}
            return {
                name: _array(archive, name, file)
                for name in ("keypoint", "keypoint_score", "fps")
                if name in there
            }
    except FeintError:
        raise
    except BROKEN as error:
        raise FeintError(
            f"{file} is not an npz file, or damaged ({type(error).__name__}: {str(error)[:100]}). "
            "Expected one written by numpy.savez(path, keypoint=..., fps=...).",
            code="damaged-file",
        ) from None


def _array(archive: zipfile.ZipFile, name: str, file: str) -> np.ndarray:
    """One array, if its header says a size that may be read."""
    with archive.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read: Any = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ValueError(f"a header of version {version}")
        shape, fortran, kind = read(stream, max_header_size=LONGEST_HEADER)
        count = math.prod(shape)
        if kind.hasobject or kind.kind not in NUMBERS or kind.itemsize > 8:
            raise FeintError(
                f"{file} has {name!r} of {kind}; expected numbers, never objects.",
                code="wrong-type",
            )
        if not 0 < count <= MOST_VALUES or min(shape, default=1) < 1 or len(shape) > 4:
            raise FeintError(
                f"{file} says that {name!r} has the shape {shape}; expected at most four "
                f"dimensions, none empty, and {MOST_VALUES:,} numbers.",
                code="wrong-shape",
            )
        content = stream.read(count * kind.itemsize)
    array = np.frombuffer(content, dtype=kind, count=count)
    return array.reshape(shape, order="F" if fortran else "C")
