"""One person's keypoints in one frame, in any of the ways that programs write them.

A point is [x, y], [x, y, score], [x, y, z, score] or an object {"x", "y", "z", "visibility"}; the
points may be one flat list, as in COCO, and their scores may lie beside them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from feint.data.formats.recording import LARGEST
from feint.errors import FeintError

SCORE_KEYS = ("visibility", "score", "confidence", "presence")
MOST_POINTS = 1024


@dataclass(frozen=True, eq=False)
class Person:
    """One person of a frame, as a document has it: not checked yet.

    Attributes:
        name: the id; None where the document gives none.
        points: the keypoints.
        scores: a list beside them; None where each point holds its own.
        depth: the document calls them points in 3-D.
    """

    name: str | None
    points: Any
    scores: Any = None
    depth: bool = False


@dataclass(frozen=True, eq=False)
class Points:
    """One person's points; NaN where the score is too low or the point is null.

    Attributes:
        scored: the document has a score for every point.
        names: the points' names, where each says its own.
    """

    values: Float[np.ndarray, "joints axes"]
    scored: bool
    names: tuple[str, ...] = ()


def read_points(person: Person, confidence: float, depth: bool, where: str) -> Points:
    """The points of a person.

    Args:
        confidence: a point whose score is below it is missing.
        depth: three numbers are x, y, z; otherwise x, y and a score.
        where: the file and the frame, for errors.

    Raises:
        FeintError: these are not points, or not as many scores as points.
    """
    raw, depth = person.points, depth or person.depth
    if isinstance(raw, dict):  # MediaPipe's {"landmark": [...]}
        raw = raw.get("landmark", raw.get("landmarks"))
    if not isinstance(raw, list) or not 0 < len(raw) <= 4 * MOST_POINTS:
        raise _wrong(person.points, where)
    scores = person.scores
    if all(type(n) in (int, float) for n in raw):
        raw = _cut(raw, scores, person.depth, where)
    if scores is not None and (not isinstance(scores, list) or len(scores) != len(raw)):
        raise FeintError(
            f"{where}: got {str(scores)[:40]!r} as the scores of {len(raw)} keypoints; expected "
            "as many numbers.",
            code="wrong-shape",
        )
    each = [_point(one, depth, scores is not None) for one in raw]
    width = next((len(values) for values, _ in each if values), 0)
    rows = []
    for i, (values, own) in enumerate(each):
        score = own if scores is None else scores[i]
        if values is None:
            rows.append([np.nan] * width)
            continue
        numbers = [*values, 1.0 if score is None else score]
        fits = len(values) in (2, 3) and len(values) == width
        if not fits or not all(type(n) in (int, float) and abs(n) < LARGEST for n in numbers):
            raise _wrong(raw[i], where)
        rows.append([float(n) if numbers[-1] >= confidence else np.nan for n in values])
    if not width:
        raise _wrong(person.points, where)
    scored = scores is not None or all(own is not None for values, own in each if values)
    return Points(np.array(rows), scored, _names(raw))


def _cut(flat: list[Any], scores: Any, depth: bool, where: str) -> list[Any]:
    """A flat list as points: as many as there are scores; (x, y, score) or, in 3-D, with z."""
    count = len(scores) if isinstance(scores, list) else len(flat) / (4 if depth else 3)
    width = len(flat) / count if count else 0
    if width not in ((2, 3) if isinstance(scores, list) else (3, 4)) or count != int(count):
        raise _wrong(flat, where)
    return [flat[i : i + int(width)] for i in range(0, len(flat), int(width))]


def _point(one: Any, depth: bool, scored_apart: bool) -> tuple[list[Any] | None, Any]:
    """One keypoint's coordinates, None where it is null, and its own score, None without one."""
    if isinstance(one, dict):
        score = next((one[key] for key in SCORE_KEYS if key in one), None)
        place = one.get("position", one)
        values = [place[axis] for axis in "xyz" if axis in place] if isinstance(place, dict) else []
        return (None if values and None in values else values), score
    if one is None:
        return None, None
    if not isinstance(one, list):
        return [], None
    if one and all(n is None for n in one[:2]):
        return None, None
    if len(one) == 4:
        return one[:3], one[3]
    if len(one) == 3 and not depth and not scored_apart:
        return one[:2], one[2]
    return one, None


def _names(raw: list[Any]) -> tuple[str, ...]:
    named = [one.get("name", one.get("part")) if isinstance(one, dict) else None for one in raw]
    names = tuple(name for name in named if isinstance(name, str) and 0 < len(name) <= 100)
    return names if len(set(names)) == len(raw) else ()


def _wrong(got: Any, where: str) -> FeintError:
    return FeintError(
        f"{where}: got keypoints {str(got)[:60]!r}; expected a list of [x, y, score], "
        '[x, y, z, score] or {"x": ..., "y": ...}, with finite numbers.',
        code="not-keypoints",
    )
