"""Which people of a recording are used, and whether two tracks are one person.

Sensors lose a body and find it again under another name, and see bodies that are not there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from feint.data.formats.recording import AnyPositions, Positions
from feint.errors import FeintError

NEAR = 0.6
"""How far a body may be from where it was lost, in sizes of the body."""
MOST_LOST = 1.0
"""Seconds between losing a body and finding it under another name."""
MOST_NAMED = 20


@dataclass(frozen=True)
class Choice:
    """How people are chosen.

    Attributes:
        count: how many: two, or one for a forecast of its own motion.
        names: the people asked for; () if none are.
        top_motion: of more people than needed, those with most motion are used.
    """

    count: int
    names: tuple[str, ...] = ()
    top_motion: bool = False


def choose(
    people: Mapping[str, AnyPositions],
    choice: Choice,
    fps: float,
    file: str,
    counts: "Counter[str]",
) -> list[AnyPositions]:
    """The people that are used, in the order of the file or of their names.

    Raises:
        FeintError: a name is not there, or too few or too many people are.
    """
    shown = ", ".join(list(people)[:MOST_NAMED])
    if choice.names:
        if missing := [name for name in choice.names if name not in people]:
            raise FeintError(
                f"{file} does not show {', '.join(missing)}; it shows {shown}. Name some of these "
                "in data.people, or in the column people of pairs.csv.",
                code="unknown-person",
            )
        chosen = {name: people[name] for name in choice.names}
    else:
        chosen = dict(people)
        if len(chosen) > choice.count:
            chosen, joined = join_tracks(people, fps)
            counts["bodies that got another name in the middle of a recording, joined"] += joined
        if choice.top_motion and len(chosen) > choice.count:
            ranked = sorted(chosen, key=lambda name: -motion(chosen[name]))[: choice.count]
            chosen = {name: one for name, one in chosen.items() if name in ranked}
            counts["recordings of which the people with most motion were taken"] += 1
    if len(chosen) != choice.count:
        advice = (
            "For a forecast of one person from what that person did, set data.horizon = 5."
            if len(chosen) == 1
            else 'Name them (data.people = ["a", "b"], or the column people in pairs.csv), or set '
            'data.people = "top-2-motion".'
        )
        raise FeintError(
            f"{file} shows {len(people)} people ({shown}); expected {choice.count}"
            f"{' (data.horizon is set)' if choice.count == 1 else ''}. {advice} Or leave it out "
            "(data.leave_out).",
            code="wrong-number-of-people",
        )
    return list(chosen.values())


def motion(values: Positions) -> float:
    """How much a person moves: the variance of the joints' positions, for the time it is seen.

    Jitter adds up in the length of a path, and hardly in the variance: a still body is still.
    """
    seen = ~np.isnan(values).all(axis=(1, 2))
    if not seen.any():
        return 0.0
    with np.errstate(all="ignore"):
        variance = np.nanvar(values[seen], axis=0)
    return float(np.nansum(variance) * seen.mean())


def join_tracks(
    people: Mapping[str, AnyPositions], fps: float
) -> tuple[dict[str, AnyPositions], int]:
    """People of whom one begins where and when another ends, as one person; how many were joined.

    The person keeps the earlier name.
    """
    tracks = dict(people)
    joined = 0
    spans = {name: np.flatnonzero(~np.isnan(v).all(axis=(1, 2))) for name, v in tracks.items()}
    begins = sorted((name for name in tracks if len(spans[name])), key=lambda n: spans[n][0])
    for later in begins:
        first = int(spans[later][0])
        fits = [
            (apart, earlier)
            for earlier in tracks
            if earlier != later
            and len(spans[earlier])
            and tracks[earlier].shape == tracks[later].shape
            and 0 < first - int(spans[earlier][-1]) <= max(1.0, MOST_LOST * fps) + 1
            and (apart := _apart(tracks[earlier][spans[earlier][-1]], tracks[later][first])) <= NEAR
        ]
        if not fits:
            continue
        _, earlier = min(fits)
        tracks[earlier] = np.where(np.isnan(tracks[later]), tracks[earlier], tracks[later])
        spans[earlier] = np.concatenate([spans[earlier], spans[later]])
        del tracks[later]
        joined += 1
    return tracks, joined


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """How far two poses (joints, axes) are apart on average, in sizes of the body."""
    both = ~np.isnan(a).any(axis=1) & ~np.isnan(b).any(axis=1)
    if not both.any():
        return float("inf")
    size = max(float(np.ptp(a[both], axis=0).max()), float(np.ptp(b[both], axis=0).max()))
    far = float(np.linalg.norm(a[both] - b[both], axis=1).mean())
    return far / size if size > 0 else float("inf")


def trim(people: Sequence[AnyPositions], file: str, counts: "Counter[str]") -> list[AnyPositions]:
    """The frames that all people have.

    Raises:
        FeintError: one person's file is much longer than the other's.
    """
    lengths = [len(one) for one in people]
    if max(lengths) - min(lengths) > max(2, UNEQUAL * max(lengths)):
        raise FeintError(
            f"{file} and the file of the other person have {lengths[0]} and {lengths[-1]} frames; "
            "expected the same time of both. Cut them to the same time, or leave the recording "
            "out (data.leave_out).",
            code="unequal-lengths",
        )
    if len(set(lengths)) > 1:
        counts["recordings cut to the shorter of the two people"] += 1
    return [one[: min(lengths)] for one in people]


UNEQUAL = 0.1
"""How much longer one person's file may be than the other's."""
