"""From a scene and two participants to the motion of both: one performance, drawn from a seed.

The scene says what is done (`choreography.py`), a `Style` how this person does it this time, and
`body.py` turns goals into joints.  Change how much performances differ here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from feint.data.synthetic.body import Motion, Participant, pose
from feint.data.synthetic.choreography import REST, Keyframes, Keys, Places, Scene
from feint.data.synthetic.gait import FLOOR, ease, walk
from feint.skeleton import SBU_15

_BEAT = 2.4  # swings a second of shaking hands, at the usual tempo
_WAVE = 1.9  # and of a waving hand
_HANDS = 0.10  # metres from the meeting point to each hand that carries something

Channel = Float[np.ndarray, " time"]
Joints = Float[np.ndarray, "time 15 3"]


@dataclass(frozen=True)
class Style:
    """How a person performs the keyframes this time.

    Attributes:
        lead: frames since the motion began when the sequence starts; negative is a delay.
        size: how large the gestures are; 1 as written.
        ready: which share of the first gesture is in the posture from the start.
        shift: small changes of the keys' times, shares of the interaction.
    """

    lead: float
    size: float
    ready: float
    shift: tuple[float, ...]


def perform(
    scene: Scene, initiator: Participant, responder: Participant, rng: np.random.Generator
) -> tuple[Joints, Joints]:
    """Joints of the initiator and of the responder in metres.

    Both have the same number of frames.  The responder is 2 to 5 frames late.
    """
    tempo = (initiator.tempo + responder.tempo) / 2 * rng.uniform(0.88, 1.14)
    frames = int(np.clip(round(scene.frames * tempo), 18, 42))
    apart = rng.uniform(*scene.apart)
    centre = np.array([rng.normal(0.0, 0.08), rng.normal(2.15, 0.08)])
    facing = rng.normal(0.0, 0.12) + (np.pi if rng.random() < 0.5 else 0.0)
    lead = rng.uniform(1.0, 3.0)
    late = lead - rng.uniform(2.0, 5.0)
    motions = []
    for i, (part, person) in enumerate(
        ((scene.initiator, initiator), (scene.responder, responder))
    ):
        own = _motion(part, person, scene, frames, late if i else lead, apart, rng)
        heading = facing + np.pi * i
        ahead = np.array([np.cos(heading), np.sin(heading)])
        aside = np.array([np.sin(heading), -np.cos(heading)])  # the left
        path = centre - ahead * apart / 2 + own.path @ np.stack([ahead, aside])
        motions.append(replace(own, path=path, heading=own.heading + heading))
    height = (initiator.body.shoulder_height + responder.body.shoulder_height) / 2 * scene.meet
    swings = np.sin(2 * np.pi * _BEAT / tempo * (np.arange(frames) + late) / SBU_15.fps)
    between = (motions[0].path + motions[1].path) / 2
    point = np.stack([between[:, 0], FLOOR + height + scene.beat * swings, between[:, 1]], axis=1)
    first, second = (
        pose(person.body, replace(motion, meet=_hands_at(point, motion)), SBU_15.fps)
        for motion, person in zip(motions, (initiator, responder), strict=True)
    )
    return first, second


def _hands_at(point: Float[np.ndarray, "time 3"], motion: Motion) -> Float[np.ndarray, "time 2 3"]:
    """Where a person's two hands go at the meeting point; a single hand goes to its middle."""
    angle = motion.heading
    left = np.stack([np.sin(angle), np.zeros_like(angle), -np.cos(angle)], axis=1)
    off = left * np.where(motion.reach.min(axis=1, keepdims=True) > 0, _HANDS, 0.0)
    hands: Float[np.ndarray, "time 2 3"] = np.stack([point + off, point - off], axis=1)
    return hands


@dataclass(frozen=True)
class _Draw:
    """One person's channels: what is written down, and what chance adds to it."""

    frames: int
    style: Style
    rng: np.random.Generator

    def sway(self, size: float) -> Channel:
        hertz, phase = self.rng.uniform(0.25, 0.6), self.rng.uniform(0, 2 * np.pi)
        turns = 2 * np.pi * hertz * np.arange(self.frames) / SBU_15.fps
        slow: Channel = size * np.sin(turns + phase)
        return slow

    def number(self, keys: Keys, how: Style, moves: float = 0.0) -> Channel:
        played = play(keys, 0.0, how, self.frames)[:, 0]
        return played + (self.sway(moves) if moves else 0.0)

    def hand(self, places: Places) -> Float[np.ndarray, "time 3"]:
        rest = np.asarray(REST) + self.rng.normal(0.0, 1.0, 3) * np.array([0.06, 0.015, 0.04])
        moves: Float[np.ndarray, "time 3"] = np.stack(
            [self.sway(size) for size in (0.05, 0.015, 0.05)], axis=1
        )
        moves += play(places, rest, self.style, self.frames, self.rng.normal(0.0, 0.06, 3))
        return moves


def _motion(
    part: Keyframes,
    person: Participant,
    scene: Scene,
    frames: int,
    lead: float,
    apart: float,
    rng: np.random.Generator,
) -> Motion:
    """One person's motion in their own axes, (forward, left) from where they start."""
    shift = tuple(float(s) for s in rng.normal(0.0, 0.02, 5))
    exact = Style(lead=lead, size=1.0, ready=0.0, shift=shift)
    style = replace(
        exact,
        size=float(person.size * rng.uniform(0.70, 1.15)),
        ready=float(rng.uniform(0.0, 0.12)),
    )
    left_strong = person.left_handed and not scene.right
    mirror = -1.0 if left_strong else 1.0

    draw = _Draw(frames, style, rng)
    strong, weak = draw.hand(part.strong), draw.hand(part.weak)
    raised = np.clip(strong[:, 1] - REST[1], 0, 1)
    to_and_fro = np.sin(2 * np.pi * _WAVE / person.tempo * np.arange(frames) / SBU_15.fps)
    strong[:, 2] += part.wave * raised * to_and_fro
    both = draw.number(part.both_reach, exact)
    reach = [both + draw.number(part.reach, exact), both]
    order = slice(None, None, 1 if left_strong else -1)  # strong, weak -> left, right
    gap = apart - scene.contact
    close = play(part.close, 0.0, exact, frames, way=walk)[:, 0]
    back = play(part.back, 0.0, replace(exact, size=style.size), frames, way=walk)[:, 0]
    forward = close * gap - back + draw.sway(0.006)
    start = rng.normal(0.0, 0.05)
    return Motion(
        path=np.stack([forward, draw.sway(0.006)], axis=1),
        heading=start - mirror * draw.number(part.turn, exact),
        lean=draw.number(part.lean, style, 0.015) + person.posture,
        aside=mirror * draw.number(part.aside, style, 0.015),
        twist=mirror * draw.number(part.twist, style, 0.02),
        nod=draw.number(part.nod, style, 0.03),
        crouch=draw.number(part.crouch, exact),
        hands=np.stack([strong, weak][order], axis=1),
        meet=np.zeros((frames, 2, 3)),
        reach=np.stack(reach[order], axis=1),
        foot=play(part.foot, np.array([0.1, -0.95, 0.0]), exact, frames),
        kick=draw.number(part.kick, exact),
        kicks_left=left_strong,
        swing=part.swing,
        width=person.body.hip_aside + float(rng.uniform(-0.02, 0.05)),
        stagger=float(rng.normal(0.0, 0.05)),
    )


def play(
    keys: Places | Keys,
    rest: float | Float[np.ndarray, " values"],
    style: Style,
    frames: int,
    near: float | Float[np.ndarray, " values"] = 0.0,
    way: Callable[[Channel], Channel] = ease,
) -> Float[np.ndarray, "time values"]:
    """A channel frame by frame, from key to key with minimum jerk: one column a value.

    Args:
        keys: when (share of the interaction) which value is reached.
        rest: the value without keys, and what a hand's `REST` in the keys stands for.
        style: lead, size and timing.
        frames: how many.
        near: what is added to every other key's value.
        way: how the time between two keys is spent.
    """
    start = np.atleast_1d(np.asarray(rest, dtype=np.float64))
    goals = []
    for _, value in keys:
        written = np.atleast_1d(np.asarray(value, dtype=np.float64))
        gesture = start + style.size * (written - start) + near
        goals.append(start if value == REST else gesture)
    old = start + style.ready * (goals[0] - start) if goals else start
    played = np.repeat(old[None], frames, axis=0)
    now, before = np.arange(frames) + style.lead, 0.0
    for i, ((when, _), goal) in enumerate(zip(keys, goals, strict=True)):
        at = max((when + style.shift[i % len(style.shift)]) * frames, before + 1.0)
        played += way((now - before) / (at - before))[:, None] * (goal - old)
        old, before = goal, at
    return played
