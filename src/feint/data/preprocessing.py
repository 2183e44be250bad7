"""From recordings as they come to interactions: who, how often a second, and what was missing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch

from feint.data.formats.recording import Joints, Recording
from feint.data.interpolation import interpolate_gaps, run_lengths
from feint.data.listing import RecordingFiles
from feint.data.pairs import Interaction
from feint.errors import FeintError
from feint.skeleton import Skeleton

ALIKE = 0.01
"""How much two frame rates may differ and still be one."""
UNEQUAL = 0.1
"""How much longer one person's file may be than the other's."""
TALLEST = (0.3, 3.0)
"""Metres that a person may measure, from the lowest joint to the highest."""
TURNS = {
    "y": ((0, 1.0), (1, 1.0), (2, 1.0)),
    "-y": ((0, 1.0), (1, -1.0), (2, -1.0)),
    "z": ((0, 1.0), (2, 1.0), (1, -1.0)),
    "kinect": ((0, -1.0), (1, 1.0), (2, -1.0)),
}
"""To x right, y up, z towards whoever looks: which of a file's axes, and its sign."""


@dataclass
class PreprocessOptions:
    """What is done with recordings, and what was done.

    Attributes:
        skeleton: joints, bones, root and axes of what comes out, in metres; its fps is theirs.
        scale: metres of one of the files' units.
        turn: a key of `TURNS`.
        named: who, by name: two, or one.
        people: "two", or "top-2-motion".
        resample: to the skeleton's fps; otherwise another rate is an error.
        gap: seconds of missing frames that are interpolated.
        split: cut where longer ones are, in place of an error.
        least, most: frames of a piece.
        ahead: frames from what one person does to what is asked of the same.
        counts: what was done, for the notes.
    """

    skeleton: Skeleton
    scale: float
    turn: str
    named: tuple[str, ...] = ()
    people: Literal["two", "top-2-motion"] = "two"
    resample: bool = False
    gap: float = 0.2
    split: bool = False
    least: int = 8
    most: int | None = None
    ahead: int = 0
    counts: "Counter[str]" = field(default_factory=Counter)


def interactions(
    entry: RecordingFiles, clips: Sequence[Recording], how: PreprocessOptions
) -> list[Interaction]:
    """The interactions of one recording: one, or one a piece, none if all pieces are too short.

    Raises:
        FeintError: not the people, rate or joints expected, or a gap that is too long.
    """
    rate = how.skeleton.fps
    people: dict[str, np.ndarray] = {}
    for i, clip in enumerate(clips):
        fps = _rate(clip, how)
        for name, values in clip.people.items():
            own = f"{i}-{name}" if name in people else name
            people[own] = _evened(_told(values, clip, how), fps, rate, how)
    chosen = _chosen(people, entry, how)
    both = _trimmed([people[name] for name in chosen], entry, how)
    found = []
    for k, piece in enumerate(_pieces(both, entry, how)):
        first, second = piece[0], piece[-1]
        if how.ahead:
            first, second = first[: -how.ahead], second[how.ahead :]
        set_, label, name = entry.key.split("/")
        key = f"{set_}/{label}/{name}" + (f".{k}" if k else "")
        flat = [torch.tensor(one, dtype=torch.float32).flatten(1) for one in (first, second)]
        who = "first" if len(chosen) == 1 else entry.initiator
        found.append(Interaction(key, entry.set, entry.label, flat[0], flat[1], who))
    if not found:
        how.counts["recordings too short and left out"] += 1
    return found


def metres(
    clip: Recording, skeleton: Skeleton, scale: float, turn: str
) -> Mapping[str, np.ndarray]:
    """A recording's people with the skeleton's joints and axes, in metres.

    Raises:
        FeintError: a joint or an axis is not there.
    """
    order = _order(clip, skeleton)
    found = {}
    for name, values in clip.people.items():
        wanted = ["xyz".index(axis) for axis in skeleton.axes]
        turned = TURNS[turn]
        if any(turned[axis][0] >= values.shape[-1] for axis in wanted):
            raise FeintError(
                f"{clip.place} has {values.shape[-1]} coordinates a joint, and "
                f"{', '.join(skeleton.axes)} are asked for (up = {turn!r}). Set data.axes = "
                '["x", "y"] and data.up = "y" or "-y".'
            )
        columns = [values[:, order, turned[axis][0]] * turned[axis][1] for axis in wanted]
        found[name] = scale * np.stack(columns, axis=-1)
    return found


def body_height(people: Sequence[np.ndarray], skeleton: Skeleton) -> float:
    """How tall people are: the median over them of the 95th percentile, lowest to highest joint."""
    up = skeleton.axes.index("y")
    each = []
    for one in people:
        with np.errstate(all="ignore"):
            seen = ~np.isnan(one[..., up]).all(axis=1)
        spread = [np.nanmax(frame) - np.nanmin(frame) for frame in one[seen][..., up]]
        each += [np.percentile(spread, 95)] if spread else []
    return float(np.median(each)) if each else float("nan")


def _order(clip: Recording, skeleton: Skeleton) -> list[int]:
    """Where the skeleton's joints are in a recording."""
    some = next(iter(clip.people.values()))
    if not clip.joints:
        if some.shape[1] == len(skeleton.joints):
            return list(range(some.shape[1]))
        raise FeintError(
            f"{clip.place} has {some.shape[1]} joints without names, and the skeleton "
            f"{skeleton.name} has {len(skeleton.joints)}; expected as many. Set data.skeleton."
        )
    if lacks := [name for name in skeleton.joints if name not in clip.joints]:
        raise FeintError(
            f"{clip.place} has no joint {', '.join(lacks[:5])} of the skeleton {skeleton.name}; it "
            f"has {', '.join(clip.joints[:40])}. Write a skeleton of joints that all files have "
            "(data.skeleton, a TOML file)."
        )
    return [clip.joints.index(name) for name in skeleton.joints]


def _told(values: Joints, clip: Recording, how: PreprocessOptions) -> np.ndarray:
    one = replace(clip, people={"": values})
    return metres(one, how.skeleton, how.scale, how.turn)[""]


def _rate(clip: Recording, how: PreprocessOptions) -> float:
    """A recording's frames a second."""
    wanted = how.skeleton.fps
    if clip.fps is None and not how.resample:
        raise FeintError(
            f"{clip.place} does not say how many frames a second, and others do. Set data.fps: the "
            "rate of files that do not say, to which the others are resampled."
        )
    if clip.fps is None or abs(clip.fps / wanted - 1) <= ALIKE:
        return wanted
    if not how.resample:
        raise FeintError(
            f"{clip.place} has {clip.fps:g} frames a second, and others {wanted:g}. Set data.fps, "
            "and all are resampled to it."
        )
    how.counts[f"files resampled from {clip.fps:.4g} to {wanted:g} frames a second"] += 1
    return clip.fps


def _evened(values: Joints, fps: float, rate: float, how: PreprocessOptions) -> np.ndarray:
    """Short gaps interpolated, and resampled (linearly) where the rate is another."""
    flat = values.reshape(len(values), -1)
    out, there = interpolate_gaps(flat, round(how.gap * fps))
    how.counts["values interpolated in short gaps"] += int((there & np.isnan(flat)).sum())
    if fps != rate:
        at = np.arange(0, len(out) - 1 + 1e-9, fps / rate)
        before = np.minimum(at.astype(int), max(len(out) - 2, 0))
        share = (at - before)[:, None]
        after = np.minimum(before + 1, len(out) - 1)
        mixed = (1 - share) * out[before] + share * out[after]
        out = np.where(share == 0, out[before], mixed)
    return out.reshape(len(out), *values.shape[1:])


def _chosen(
    people: Mapping[str, np.ndarray], entry: RecordingFiles, how: PreprocessOptions
) -> list[str]:
    """Who of the people seen is meant: two, or with a forecast one."""
    told = ", ".join(list(people)[:20])
    place, named = entry.files[0], entry.people or how.named
    if named:
        if lacks := [name for name in named if name not in people]:
            raise FeintError(f"{place} does not show {', '.join(lacks)}; it shows {told}.")
        chosen = list(named)
    elif how.people == "top-2-motion" and len(people) > (1 if how.ahead else 2):
        chosen = sorted(people, key=lambda name: -_way(people[name]))[: 1 if how.ahead else 2]
        chosen.sort(key=list(people).index)
        how.counts["recordings of which those who move most were taken"] += 1
    else:
        chosen = list(people)
    wanted = 1 if how.ahead else 2
    if len(chosen) != wanted:
        advice = (
            "For a forecast of one person from what that person did, set data.horizon."
            if len(chosen) == 1
            else "Name them (data.people, or the column people in pairs.csv), or set data.people = "
            '"top-2-motion".'
        )
        raise FeintError(
            f"{place} shows {len(people)} people ({told}); expected {wanted}"
            f"{' (data.horizon is set)' if how.ahead else ''}. {advice}"
        )
    return chosen


def _way(values: Joints) -> float:
    """How far somebody's joints went, gaps left out."""
    return float(np.nansum(np.linalg.norm(np.diff(values, axis=0), axis=-1)))


def _trimmed(
    people: list[np.ndarray], entry: RecordingFiles, how: PreprocessOptions
) -> list[np.ndarray]:
    """The frames that all have."""
    lengths = [len(one) for one in people]
    if max(lengths) - min(lengths) > max(2, UNEQUAL * max(lengths)):
        raise FeintError(
            f"{entry.files[0]} and its other person have {lengths[0]} and {lengths[-1]} frames; "
            "expected the same time of both. Cut them alike."
        )
    if len(set(lengths)) > 1:
        how.counts["recordings cut to the shorter of the two people"] += 1
    return [one[: min(lengths)] for one in people]


def _pieces(
    people: list[np.ndarray], entry: RecordingFiles, how: PreprocessOptions
) -> list[list[np.ndarray]]:
    """The stretches without a gap, cut to the length that is allowed."""
    flat = np.concatenate([one.reshape(len(one), -1) for one in people], axis=1)
    missing = np.isnan(flat)
    if missing.all(axis=0).any():
        k = int(missing.all(axis=0).argmax()) // len(how.skeleton.axes) % len(how.skeleton.joints)
        raise FeintError(
            f"{entry.files[0]} never shows {how.skeleton.joints[k]!r} of one person. Write a "
            "skeleton without it (data.skeleton, a TOML file), lower data.confidence, or leave the "
            "file out."
        )
    gone = missing.any(axis=1)
    there = np.flatnonzero(~gone)
    begin, end = (int(there[0]), int(there[-1]) + 1) if len(there) else (0, 0)
    inside = gone[begin:end]
    if inside.any() and not how.split:
        longest = int(run_lengths(inside)[inside].max())
        raise FeintError(
            f"{entry.files[0]} has a gap of {longest / how.skeleton.fps:.2f} s (frame "
            f"{begin + int(inside.argmax())} of {len(gone)} on), longer than data.max_gap = "
            f'{how.gap:g} s. Set data.on_long_gap = "split" to cut it there, or a larger '
            "data.max_gap."
        )
    how.counts["frames left out at the ends or in long gaps"] += int(gone.sum())
    edges = np.flatnonzero(np.diff(np.concatenate([[True], gone, [True]])))
    pieces = []
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        parts = -(-(b - a) // how.most) if how.most else 1
        ends = [a + (b - a) * i // parts for i in range(parts + 1)]
        pieces += [(s, e) for s, e in zip(ends[:-1], ends[1:], strict=True)]  # noqa: RUF007
    least = how.least + how.ahead
    kept = [(s, e) for s, e in pieces if e - s >= least]
    if len(kept) < len(pieces):
        how.counts["pieces too short and left out"] += len(pieces) - len(kept)
    return [[one[s:e] for one in people] for s, e in kept]
