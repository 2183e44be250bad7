"""Walking: where the feet of a generated body stand and swing.

`performance.py` calls `walk` for every person; change the length or height of steps here.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

FLOOR = -1.25
"""Height of a standing foot's joint (the ankle), in metres, as the camera sees it."""


_STRIDE = 0.34  # metres of the body's way a step


_TURN = 0.25  # metres of way that a turn by one radian costs in steps


_LIFT = 0.07  # height of a foot in the middle of a step


def ease(share: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time"]:
    """The minimum-jerk way from 0 to 1 (Flash & Hogan 1985), held outside."""
    s = np.clip(share, 0.0, 1.0)
    eased: Float[np.ndarray, " time"] = s**3 * (10 - 15 * s + 6 * s**2)
    return eased


def walk(share: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time"]:
    """From 0 to 1 at an even pace but for the start and the stop, held outside."""
    u = 2 * np.clip(share, 0.0, 1.0) - 1
    walked: Float[np.ndarray, " time"] = 0.5 + 0.625 * (u - u**5 / 5)
    return walked


def steps(
    path: Float[np.ndarray, "time 2"],
    heading: Float[np.ndarray, " time"],
    width: float,
    stagger: float,
    left_first: bool,
    fps: float,
) -> Float[np.ndarray, "time 2 3"]:
    """Where the left and right foot stand or swing while the body goes its way.

    The feet stand still while the body moves less than a hand's breadth; on a longer way they
    step in turn, and stand under the body again at its end.
    """
    time = len(path)
    ahead = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    left = np.stack([np.sin(heading), -np.cos(heading)], axis=1)
    aside = width * left + stagger * ahead
    under = np.stack([path + aside, path - aside], axis=1)  # (time, foot, xz)
    moved = np.linalg.norm(np.diff(path, axis=0), axis=1) + _TURN * np.abs(np.diff(heading))
    feet = np.zeros((time, 2, 3))
    feet[:, :, [0, 2]] = under[0]
    foot = 0 if left_first else 1
    for begin, end in _stretches(moved > 0.06 / fps):
        way = np.concatenate([[0.0], np.cumsum(moved[begin:end])])
        if way[-1] < 0.09:
            continue
        count = max(2, round(way[-1] / _STRIDE))
        place = way / way[-1] * count  # in steps
        for k in range(count):
            at = begin + int(np.argmin(np.abs(place - (k + 1.5)))) if k < count - 2 else end
            landing = under[at, foot]
            share = np.clip(place - k, 0, 1)
            share = share**2 * (3 - 2 * share)
            old = feet[begin, foot, [0, 2]] if k < 2 else feet[end, foot, [0, 2]]
            now = begin + np.arange(len(place))
            active = place > k
            far = min(1.0, float(np.linalg.norm(landing - old)) / 0.3)
            went = old + share[:, None] * (landing - old)
            feet[now[active], foot, 0] = went[active, 0]
            feet[now[active], foot, 2] = went[active, 1]
            feet[now, foot, 1] += _LIFT * far * np.sin(np.pi * np.clip(place - k, 0, 1)) ** 2
            feet[end:, foot, 0] = landing[0]
            feet[end:, foot, 2] = landing[1]
            foot = 1 - foot
    feet[:, :, 1] += FLOOR
    return feet


def _stretches(moving: Bool[np.ndarray, " time"]) -> list[tuple[int, int]]:
    """The runs of True, as (first, one past the last)."""
    edges: Int[np.ndarray, " edges"] = np.flatnonzero(
        np.diff(np.concatenate([[0], moving.astype(np.int64), [0]]))
    )
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _smooth(values: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time"]:
    """A (1, 2, 1)/4 average, never above the value itself."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    averaged: Float[np.ndarray, " time"] = np.minimum(
        values, (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    )
    return averaged
