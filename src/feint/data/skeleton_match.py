"""Which joints of a file are the joints of the skeleton.

An explicit skeleton (data.skeleton) decides; next the names that the file itself has; next the
order that the format fixes; a guess by the number of joints comes last, and a note says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from feint.data.formats.recording import Recording
from feint.data.formats.skeletons import KNOWN, candidates
from feint.errors import FeintError
from feint.skeleton import Skeleton

SEPARATORS = ":_|.- "
"""What may stand between a character's name and a joint's."""
SHOWN = 40


def own_names(recording: Recording) -> tuple[str, ...]:
    """The names that a file has for its joints, without what all of them begin with: "Anna:"."""
    names = recording.joints
    if len(names) < 2:
        return names
    shared = names[0]
    for name in names:
        while not name.startswith(shared):
            shared = shared[:-1]
    end = max((shared.rfind(mark) for mark in SEPARATORS), default=-1) + 1
    return tuple(name[end:] for name in names) if all(name[end:] for name in names) else names


def skeleton_for(
    recording: Recording, asked: Skeleton | None, source: str
) -> tuple[Skeleton, list[str]]:
    """The skeleton of an experiment's data, from its first recording, and what was assumed.

    Args:
        recording: the first one.
        asked: the skeleton that data.skeleton names.
        source: a short name for a skeleton that comes from the file.

    Raises:
        FeintError: nothing says what the joints are, or what the bones between them are.
    """
    if asked is not None:
        return asked, []
    _, width = _shape(recording)
    names = own_names(recording)
    if names:
        short = dict(zip(recording.joints, names, strict=True))
        bones = tuple((short[a], short[b]) for a, b in recording.bones)
        known = next((one for one in KNOWN.values() if set(one.joints) == set(names)), None)
        bones = bones or (known.bones if known else ())
        if not bones:
            raise FeintError(
                f"{recording.file} names its joints ({_listed(names)}), but no bones between "
                'them. Set data.skeleton = "mine.toml" with joints, bones and root.',
                code="no-bones",
            )
        ends = {child for _, child in bones}
        root = known.root if known else next((a for a, _ in bones if a not in ends), names[0])
        axes, one, none = ("x", "y", "z")[:width], (1.0,) * width, (0.0,) * width
        return Skeleton(source, names, bones, root, axes, one, none, recording.fps or 30.0), []
    found, notes = _by_order(recording)
    return replace(found, fps=recording.fps or found.fps), notes


def joint_order(
    recording: Recording, skeleton: Skeleton, aliases: Mapping[str, str]
) -> tuple[list[int], list[str]]:
    """The place of each of the skeleton's joints in a recording, and what was assumed.

    Args:
        aliases: other names that files have for a joint of the skeleton (data.joint_aliases).

    Raises:
        FeintError: a joint is not in the file, or the numbers of joints differ.
    """
    count, _ = _shape(recording)
    whole = list(range(count))
    if recording.joints:
        names = [aliases.get(one, one) for one in own_names(recording)]
        full = [aliases.get(one, one) for one in recording.joints]
        names = full if set(skeleton.joints) <= set(full) else names
        missing = [name for name in skeleton.joints if name not in names]
        if len(missing) == len(skeleton.joints) == count:
            return whole, [
                f"the {count} joints have the names of the skeleton {skeleton.name}, in the order "
                f"of the files, which name them {_listed(names, 5)}"
            ]
        if missing:
            raise FeintError(
                f"{recording.file} has no joint {_listed(missing, 5)} of the skeleton "
                f"{skeleton.name}; it names its joints {_listed(names)}. Say what it calls them: "
                f'data.joint_aliases = {{ "{_other(names, skeleton)}" = "{missing[0]}" }}, or '
                'write a skeleton of joints that all files have: data.skeleton = "mine.toml".',
                code="unknown-joint",
            )
        return [names.index(name) for name in skeleton.joints], []
    if count == len(skeleton.joints):
        return whole, []
    options = _options(recording)
    for one in options:
        if set(skeleton.joints) <= set(one.joints):
            assumed = [] if recording.convention else [_assumed(one)]
            return [one.joints.index(name) for name in skeleton.joints], assumed
    raise FeintError(
        f"{recording.file} has {count} joints without names, and the skeleton {skeleton.name} has "
        f"{len(skeleton.joints)}. Write one with {count} joints, in the order of the file: "
        'data.skeleton = "mine.toml"'
        + "".join(f"; or one with some of the joints of {one.name}" for one in options)
        + ".",
        code="wrong-shape",
    )


def _by_order(recording: Recording) -> tuple[Skeleton, list[str]]:
    """The skeleton of a file without names: by its format's order, or by its number of joints."""
    count, width = _shape(recording)
    options = _options(recording)
    if len(options) != 1:
        these = " or ".join(one.name for one in options)
        raise FeintError(
            f"{recording.file} has {count} joints of {width} coordinates without names; "
            + (f"they may be those of {these}. " if these else "feint knows no such order. ")
            + f'Set data.skeleton = "{options[0].name if options else "mine.toml"}"'
            + (", or a TOML file (docs/data.md)." if these else " (docs/data.md)."),
            code="unknown-joints",
        )
    return options[0], [] if recording.convention else [_assumed(options[0])]


def _options(recording: Recording) -> list[Skeleton]:
    if recording.convention is not None:
        return [KNOWN[recording.convention]]
    return candidates(*_shape(recording))


def _assumed(one: Skeleton) -> str:
    return (
        f"the files do not name their {len(one.joints)} joints; they were taken as {one.name}'s "
        f'by their number. If that is right, set data.skeleton = "{one.name}"'
    )


def _shape(recording: Recording) -> tuple[int, int]:
    _, count, width = next(iter(recording.people.values())).shape
    return count, width


def _other(names: Sequence[str], skeleton: Skeleton) -> str:
    return next((name for name in names if name not in skeleton.joints), names[0])


def _listed(names: Sequence[str], most: int = SHOWN) -> str:
    return ", ".join(names[:most]) + (" ..." if len(names) > most else "")
