"""From a user's own files, as [data] tells of them, to the pairs of both sides of a split."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from feint.data import listing
from feint.data.config import People
from feint.data.formats.bvh import read_bvh
from feint.data.formats.keypoints import read_keypoints
from feint.data.formats.npz import read_arrays
from feint.data.formats.ntu import read_ntu
from feint.data.formats.recording import Recording
from feint.data.formats.skeletons import by_count, named
from feint.data.listing import RecordingFiles
from feint.data.pairs import Interaction, Pairs, pair
from feint.data.preprocessing import TALLEST, PreprocessOptions, body_height, interactions, metres
from feint.data.split import choose_test_sets
from feint.errors import FeintError
from feint.io.memory import SHARE, free_memory
from feint.skeleton import Skeleton

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254}
SAMPLED = 50
"""Recordings that a scale is measured on."""

Split = tuple[Pairs, Pairs, list[str]]
"""Training and test pairs, and what there is to say of how they were read."""


def of_people(spec: People) -> Split:
    """Recordings of people, as pairs in metres.

    Raises:
        FeintError: no folder was given, a recording is not as expected, nothing is left on a side.
    """
    root = folder(spec.root, spec.source)
    entries = listing.entries(root, spec.source)
    first = _read(entries[0].files[0], spec)
    how = _handling(spec, first, entries)
    found: list[Interaction] = []
    size = 0
    for entry in entries:
        made = interactions(entry, [_read(path, spec) for path in entry.files], how)
        size += sum(one.first.numel() for one in made)
        if 64 * size > free_memory() * SHARE:
            raise FeintError(
                f"{root} is too large for this machine's memory. Use fewer recordings."
            )
        found += made
    if not found:
        raise FeintError(
            f"No recording in {root} has {how.least + how.ahead} frames; "
            "set a smaller data.min_frames."
        )
    _plausible(found, how)
    test = choose_test_sets(
        [one.set for one in found], spec.chosen_sets, spec.test_share, spec.seed
    )
    reactor_role = "responder" if spec.horizon else spec.reactor_role
    learnt, tested = (
        pair([one for one in found if (one.set in test) == side], how.skeleton, reactor_role)
        for side in (False, True)
    )
    notes = [f"{count} {what}" for what, count in how.counts.items() if count]
    return learnt, tested, notes


def _read(path: Path, spec: People) -> Recording:
    if spec.source == "bvh":
        return read_bvh(path)
    if spec.source == "ntu":
        return read_ntu(path)
    if spec.source == "arrays":
        return read_arrays(path, spec.confidence)
    return read_keypoints(path, spec.confidence, depth=spec.axes is not None and "z" in spec.axes)


def _handling(
    spec: People, first: Recording, entries: Sequence[RecordingFiles]
) -> PreprocessOptions:
    """What is done with every recording; the first one tells what the settings leave open."""
    usual = {"keypoints": "-y", "ntu": "kinect"}.get(spec.source, "y")
    turn = usual if spec.up is None or (spec.source == "ntu" and spec.up == "y") else spec.up
    skeleton, scale = _skeleton(spec, first)
    scale = 1.0 if spec.source == "ntu" else scale
    who = spec.people if isinstance(spec.people, tuple) else ()
    how = PreprocessOptions(
        skeleton,
        scale or 1.0,
        turn,
        who,
        spec.people if isinstance(spec.people, str) else "two",
        spec.fps is not None,
        spec.max_gap,
        spec.on_long_gap == "split",
        spec.min_frames,
        spec.max_frames,
        spec.horizon,
    )
    if spec.height is not None:
        step = -(-len(entries) // SAMPLED)
        some = [
            person
            for entry in entries[::step]
            for path in entry.files
            for person in metres(_read(path, spec), skeleton, 1.0, turn).values()
        ]
        measured = body_height(some, skeleton)
        if not measured > 0:
            raise FeintError("data.height needs people whose joints are seen; none were.")
        how.scale = spec.height / measured
        how.counts[f"unit is {how.scale:.4g} m, taken from people being {spec.height:g} m tall"] = 1
    elif scale is None:
        raise FeintError(
            f"The positions in {first.place} are in a unit that nobody told. Set data.unit "
            '("m", "cm", "mm", "inch"), or data.height, how tall the people are in metres.'
        )
    return how


def _skeleton(spec: People, first: Recording) -> tuple[Skeleton, float | None]:
    """The skeleton in metres, and metres of one of the files' units where that is told."""
    scale = None if spec.unit is None else UNITS[spec.unit]
    _, count, width = next(iter(first.people.values())).shape
    axes = spec.axes or ("x", "y", "z")[:width]
    if spec.skeleton is not None:
        told = named(spec.skeleton)
        scales = {abs(one) for one in told.scale}
        if scale is None and scales != {1.0} and len(scales) == 1:
            scale = scales.pop()
    else:
        known = by_count(count)
        if not first.bones and known is None:
            raise FeintError(
                f"{first.place} has joints without names; set data.skeleton: one of feint's own, "
                "or a TOML file (docs/data.md)."
            )
        bones = first.bones or (known.bones if known else ())
        joints = first.joints or (known.joints if known else ())
        root = known.root if known and known.root in joints else joints[0]
        told = Skeleton(spec.source, joints, bones, root, axes, (1.0,), (0.0,), first.fps or 30.0)
    if first.fps is None and spec.fps is None:
        raise FeintError(f"{first.place} does not say how many frames a second; set data.fps.")
    fps = spec.fps or first.fps or told.fps
    one, none = (1.0,) * len(axes), (0.0,) * len(axes)
    return replace(told, axes=axes, scale=one, offset=none, fps=fps), scale


def _plausible(found: Sequence[Interaction], how: PreprocessOptions) -> None:
    """Raise FeintError if people are no people's size: the unit is wrong then."""
    if "y" not in how.skeleton.axes:
        return
    some = [how.skeleton.split(one.first).double().numpy() for one in found[:SAMPLED]]
    height = body_height(some, how.skeleton)
    if not TALLEST[0] <= height <= TALLEST[1]:
        raise FeintError(
            f"People would be {height:.3g} m tall, from the lowest joint to the highest; expected "
            f"{TALLEST[0]:g} to {TALLEST[1]:g}. Set data.unit to the files' own, data.up to the "
            "axis that points up, or data.height."
        )


def folder(root: Path | None, source: str) -> Path:
    """The folder given.  Raises FeintError if there is none."""
    if root is None:
        raise FeintError(
            f'The experiment\'s data is "{source}", and no folder was given. Pass --data DIR, or '
            "set data.root."
        )
    return root
