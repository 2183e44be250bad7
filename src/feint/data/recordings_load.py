"""From a folder of recordings, as [data] describes it, to the pairs of both sides of a split.

The steps: list the recordings (`listing`), read each (`formats`), decide from the first what the
joints and units are (`skeleton_match`, `scale`), make interactions of each (`preprocessing`),
check that they look like people (`plausibility`), pair and split them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from feint.data.config import PeopleData
from feint.data.formats import FORMATS
from feint.data.formats.recording import AnyPositions, ReadOptions, Recording
from feint.data.formats.skeletons import named
from feint.data.leave_out import all_unusable, listed, without
from feint.data.listing import RecordingFiles, recordings
from feint.data.pairs import Interaction, Pairs, pair
from feint.data.people import Choice
from feint.data.plausibility import (
    body_height,
    bone_warnings,
    check_height,
    check_origin,
    check_upright,
    head_points,
)
from feint.data.preprocessing import PreprocessOptions, interactions
from feint.data.scale import ONES, UP, ZEROS, Scale, convert, factors_of, up_axis
from feint.data.skeleton_match import joint_order, skeleton_for
from feint.data.split import choose_test_sets
from feint.errors import FeintError
from feint.io.memory import SHARE, free_memory
from feint.skeleton import Skeleton

SAMPLED = 50
"""Recordings that a height is measured on, and that are checked."""
MOST_TRIED = 50
"""If the first so many recordings cannot be used, a setting is wrong and not a recording."""

Split = tuple[Pairs, Pairs, list[str]]
"""Training and test pairs, and notes on how they were read."""


def load_people(spec: PeopleData) -> Split:
    """Recordings of people, as pairs in metres.

    Raises:
        FeintError: no folder was given, recordings are not as expected, or nothing is left on a
            side of the split.
    """
    root = folder(spec.root, spec.source)
    every = recordings(root, spec.source)
    files, left_out = without(every, spec.leave_out)
    first = _first(files, spec)
    options, notes = _options(spec, first, files)
    found, bad = _interactions(files, spec, options, root)
    if bad:
        names = [one for one, _ in bad]
        reasons = sorted({error.code for _, error in bad})
        notes.append(
            f"{len(bad)} recordings cannot be used and were left out "
            f"({', '.join(reasons)}): {listed(names)}"
        )
    if left_out:
        notes.append(f"{len(left_out)} recordings left out by name: {listed(left_out)}")
    if not found:
        raise FeintError(
            f"No recording in {root} has {options.min_frames + options.horizon} frames; set a "
            f"smaller data.min_frames (now {options.min_frames}).",
            code="too-short",
        )
    skeleton = options.scale.skeleton
    some = _people_of(found[:SAMPLED], skeleton)
    check_origin(some)
    check_height(some, skeleton)
    if spec.up is None:
        check_upright(some, skeleton, up_axis(options.scale.axes))
    notes += bone_warnings(some, skeleton)
    test = choose_test_sets(
        [one.set for one in found], spec.chosen_sets, spec.test_share, spec.seed
    )
    reactor_role = "responder" if spec.horizon else spec.reactor_role
    train_pairs, test_pairs = (
        pair([one for one in found if (one.set in test) == side], skeleton, reactor_role)
        for side in (False, True)
    )
    for sentence, count in options.assumed.items():
        notes.append(sentence if count == len(files) else f"{sentence} (in {count} recordings)")
    notes += [f"{count} {what}" for what, count in options.counts.items() if count]
    return train_pairs, test_pairs, notes


def folder(root: Path | None, source: str) -> Path:
    """The folder of the data.  Raises FeintError if none was given."""
    if root is None:
        raise FeintError(
            f'The experiment\'s data is "{source}", and no folder was given. Pass --data DIR, or '
            "set data.root.",
            code="no-data-folder",
        )
    return root


def _read(path: Path, spec: PeopleData) -> Recording:
    options = ReadOptions(
        spec.confidence,
        spec.axes is not None and "z" in spec.axes,
        spec.image_size,
        spec.root_joint,
        spec.unit is not None,
    )
    return FORMATS[spec.source].reader()(path, options)


def _first(files: Sequence[RecordingFiles], spec: PeopleData) -> Recording:
    """The first recording that can be read: it says what the settings leave open."""
    error: FeintError | None = None
    for one in files[:MOST_TRIED]:
        try:
            return _read(one.files[0], spec)
        except FeintError as reason:
            error = error or reason
    assert error is not None  # there is at least one recording
    raise error


def _options(
    spec: PeopleData, first: Recording, files: Sequence[RecordingFiles]
) -> tuple[PreprocessOptions, list[str]]:
    """What is done with every recording; the first one says what the settings leave open."""
    kind = FORMATS[spec.source]
    turned = spec.up is not None and up_axis(kind.axes) != spec.up
    axes = UP[spec.up] if turned and spec.up else kind.axes
    asked = None if spec.skeleton is None else named(spec.skeleton)
    skeleton, notes = skeleton_for(first, asked, spec.source)
    width = next(iter(first.people.values())).shape[-1]
    names = spec.axes or ("x", "y", "z")[:width]
    given = first.fps if first.fps is None else first.fps / first.frame_step
    fps = spec.fps or given
    if fps is None:
        raise FeintError(
            f"{first.file} does not say how many frames a second it has. Set data.fps = 30.",
            code="no-frame-rate",
        )
    ones, zeros = (1.0,) * len(names), (0.0,) * len(names)
    metric = replace(skeleton, axes=names, scale=ones, offset=zeros, fps=fps)
    found = factors_of(spec.unit, spec.height, asked, first.unit or kind.unit, first.file)
    factors, offsets = found or (ONES, ZEROS)
    scale = Scale(metric, axes, factors, offsets, dict(spec.joint_aliases))
    if spec.height is not None:
        factor = _measured(spec, files, scale)
        scale = replace(scale, factors=(factor,) * 3, offsets=ZEROS)
        notes.append(
            f"the files' unit is {factor:.4g} m, taken from people being {spec.height:g} m tall"
        )
    elif found is None:
        raise FeintError(
            f'The unit of the positions in {first.file} is unknown. Set data.unit = "m", "cm", '
            '"mm" or "inch", one per axis (data.unit = ["mm", "mm", "m"]), or data.height = 1.7: '
            "how tall the people are in metres.",
            code="no-unit",
        )
    people = spec.people if isinstance(spec.people, tuple) else ()
    choice = Choice(1 if spec.horizon else 2, people, spec.people == "top-2-motion")
    options = PreprocessOptions(
        scale,
        choice,
        spec.fps is not None,
        spec.fps,
        spec.max_gap,
        spec.on_long_gap == "split",
        spec.min_frames,
        spec.max_frames,
        spec.horizon,
        Counter(),
    )
    return options, notes


def _measured(spec: PeopleData, files: Sequence[RecordingFiles], scale: Scale) -> float:
    """Metres in the files' unit, from how tall the people in them are."""
    some: list[AnyPositions] = []
    top: list[int] = []
    plain = replace(scale, factors=ONES, offsets=ZEROS)
    for one in files[:: -(-len(files) // SAMPLED)]:
        for path in one.files:
            try:
                recording = _read(path, spec)
                order, _ = joint_order(recording, plain.skeleton, plain.aliases)
            except FeintError:
                continue  # reported when it is its turn
            names = [*plain.skeleton.joints, *recording.tip_joints]
            top = head_points(names)
            for name, values in recording.people.items():
                tips = recording.tips.get(name, values[:, :0])
                points = np.concatenate([values[:, order], tips], axis=1)
                some.append(convert(points, plain, recording.file))
    if not some or "y" not in plain.skeleton.axes:
        raise FeintError(
            "data.height needs people whose joints are seen, with the axis y; none are.",
            code="no-people",
        )
    up = plain.skeleton.axes.index("y")
    if spec.up is None:
        joints = [one[:, : len(plain.skeleton.joints)] for one in some]
        check_upright(joints, plain.skeleton, up_axis(plain.axes))
    measured = body_height(some, up, top)
    if not measured > 0:
        raise FeintError(
            "data.height needs people whose joints are seen; none are. Lower data.confidence.",
            code="no-people",
        )
    return (spec.height or 0) / measured


def _interactions(
    files: Sequence[RecordingFiles], spec: PeopleData, options: PreprocessOptions, root: Path
) -> tuple[list[Interaction], list[tuple[str, FeintError]]]:
    """The interactions of all recordings, and the recordings that cannot be used."""
    found: list[Interaction] = []
    bad: list[tuple[str, FeintError]] = []
    size = 0
    for one in files:
        try:
            made = interactions(one, [_read(path, spec) for path in one.files], options)
        except FeintError as error:
            bad.append((one.name, error))
            if len(bad) == MOST_TRIED and not found:
                break  # nothing can be used: a setting is wrong, not a file
            continue
        size += sum(each.first.numel() for each in made)
        if 64 * size > free_memory() * SHARE:
            raise FeintError(
                f"{root} is too large for this machine's memory. Use fewer recordings.",
                code="file-too-large",
            )
        found += made
    if bad and (spec.on_bad_recording == "error" or not found):
        raise all_unusable(bad, len(files))
    return found, bad


def _people_of(found: Sequence[Interaction], skeleton: Skeleton) -> list[AnyPositions]:
    sequences = [one for each in found for one in (each.first, each.second)]
    return [skeleton.split(one).double().numpy() for one in sequences]
