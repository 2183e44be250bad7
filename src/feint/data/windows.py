"""Windows of time series: columns that are seen, columns that are answered, step by step.

A file is one series.  It is cut into consecutive parts of equal size, the *sets* that a split keeps
together; windows never cross from one part into the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from feint.columns import Columns
from feint.data.formats.tables import read_table
from feint.data.interpolation import interpolate_gaps
from feint.data.pairs import Pairs, Role, Side
from feint.errors import FeintError
from feint.io.memory import SHARE, free_memory
from feint.sequences import Sequences

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq")
MOST_FILES = 10_000
NEAR = 1e-3
"""How far, in steps, a time may be from where its step is."""
STRETCH = 4
"""How many times as many steps as rows a file with missing rows may have."""

Values = Float[np.ndarray, "steps columns"]


@dataclass(frozen=True)
class Part:
    """A consecutive part of a file: its name, where it begins there, and its values."""

    name: str
    begin: int
    values: Values


@dataclass(frozen=True)
class Cut:
    """How parts become windows.

    Attributes:
        length: steps of a window; ahead: how much later its answer is.
        stride: steps from one window to the next.
        gap: missing values in a row that are interpolated.
    """

    length: int
    ahead: int
    stride: int
    gap: int


def read_parts(
    root: Path, names: Sequence[str], time: str | None, parts: int
) -> tuple[list[Part], list[str]]:
    """Every file's parts, and what there is to say of how they were read.

    Args:
        root: a file, or a folder of them.
        names: the columns, those seen and then those answered.
        time: the column of time, if there is one.
        parts: how many consecutive parts a file is cut into.

    Raises:
        FeintError: no file, or one that cannot be read, with its name and row.
    """
    found, notes = [], []
    for path in _files(root):
        values, times = read_table(path, names, time)
        if times is not None:
            values, missing = _even(path, values, times)
            if missing:
                notes.append(f"{path.name}: {missing} steps were missing and count as gaps")
        if len(values) < parts:
            raise FeintError(
                f"{path} has {len(values)} rows; expected at least data.parts = {parts}."
            )
        ends = [len(values) * i // parts for i in range(parts + 1)]
        for i, (begin, end) in enumerate(pairwise(ends), 1):
            name = path.stem.replace("/", "_") + (f"-{i}" if parts > 1 else "")
            found.append(Part(name, begin, values[begin:end]))
    if len({part.name for part in found}) != len(found):
        raise FeintError(f"{root} has two files of one name (but for the suffix); rename one.")
    return found, notes


def scales(parts: Sequence[Part], inputs: int) -> tuple[float, ...]:
    """Standard deviation of each input column over these parts; 1 where it never changes."""
    every = np.concatenate([part.values[:, :inputs] for part in parts])
    with np.errstate(all="ignore"):
        spread = np.nanstd(every, axis=0) if len(every) else np.ones(inputs)
    return tuple(float(s) if np.isfinite(s) and s > 1e-12 else 1.0 for s in spread)


def windows(parts: Sequence[Part], cut: Cut, columns: Columns) -> tuple[Pairs, int]:
    """The parts' windows as pairs, keys "<set>/<block>/<first row>", and how many had gaps.

    A block is a window's length of rows: what an interval resamples together.

    Raises:
        FeintError: no window is left, or they do not fit into memory.
    """
    span, seen = cut.length + cut.ahead, len(columns.inputs)
    count = sum(max(0, (len(part.values) - span) // cut.stride + 1) for part in parts)
    size = 4 * count * cut.length * (seen + len(columns.outputs))
    if 4 * size > free_memory() * SHARE:
        raise FeintError(
            f"{count:,} windows of {cut.length} steps do not fit into memory; use a larger "
            "data.stride or data.train_stride, or a shorter data.length."
        )
    actors, reactors, keys, sets, gaps = [], [], [], [], 0
    for part in parts:
        values, whole = interpolate_gaps(part.values, cut.gap)
        for begin in range(0, len(values) - span + 1, cut.stride):
            window = slice(begin, begin + cut.length)
            later = slice(begin + cut.ahead, begin + span)
            if not (whole[window, :seen].all() and whole[later, seen:].all()):
                gaps += 1
                continue
            actors.append(torch.tensor(values[window, :seen], dtype=torch.float32))
            reactors.append(torch.tensor(values[later, seen:], dtype=torch.float32))
            row = part.begin + begin
            keys.append(f"{part.name}/{row // cut.length:06d}/{row}")
            sets.append(part.name)
    if not keys:
        raise FeintError(
            f"No window of {cut.length} steps (with {cut.ahead} ahead) is left in "
            f"{', '.join(part.name for part in parts)[:200]}: parts have "
            f"{min((len(part.values) for part in parts), default=0)} rows or more, and {gaps} "
            "windows had gaps. Use a shorter data.length, fewer data.parts, or a larger data.gap."
        )
    rows = len(keys)
    side: Side = "right"  # there are no sides and no roles: the same for all
    role: Role = "responder"
    made = Pairs(
        actor=Sequences.pad(actors),
        reactor=Sequences.pad(reactors),
        keys=tuple(keys),
        labels=tuple(sets),
        sets=tuple(sets),
        sides=(side,) * rows,
        roles=(role,) * rows,
        feature_spec=columns,
    )
    return made, gaps


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    try:
        found = sorted(p for p in root.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    except OSError as error:
        raise FeintError(
            f"{root} cannot be read ({error}); expected a CSV or Parquet file, or a folder of them."
        ) from None
    if not 0 < len(found) <= MOST_FILES:
        raise FeintError(
            f"{root} holds {len(found)} tables; expected 1 to {MOST_FILES} files that end in "
            f"{', '.join(SUFFIXES)}."
        )
    return found


def _even(path: Path, values: Values, times: Float[np.ndarray, " rows"]) -> tuple[np.ndarray, int]:
    """The values at even steps of time, NaN where a step is missing, and how many were."""
    if len(values) < 2:
        return values, 0
    apart = np.diff(times)
    if not bool((apart > 0).all()):
        row = int((apart <= 0).argmax()) + 2
        raise FeintError(
            f"{path}, row {row}: the time does not rise ({times[row - 2]:g}, then "
            f"{times[row - 1]:g}). Sort the rows, and leave one of each time."
        )
    step = float(np.median(apart))
    places = (times - times[0]) / step
    if not float(places[-1]) < STRETCH * len(values):
        raise FeintError(
            f"{path}: its times span {places[-1]:.4g} steps of {step:g} with {len(values)} rows; "
            "expected few missing. Cut the file where it pauses."
        )
    at = places.round().astype(np.int64)
    off = np.abs(places - at)
    # Clocks drift: a place is compared with the last one, not with the beginning.
    uneven = np.abs(apart / step - (apart / step).round()) > NEAR
    if bool(uneven.any()) or bool((off > 0.5 - NEAR).any()):
        row = int(uneven.argmax()) + 2
        raise FeintError(
            f"{path}, row {row}: {apart[row - 2]:g} after the row before, where the usual step is "
            f"{step:g}. feint does not resample series: bring them to even steps first."
        )
    even = np.full((int(at[-1]) + 1, values.shape[1]), np.nan)
    even[at] = values
    return even, len(even) - len(values)
