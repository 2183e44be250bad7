"""A body whose bones keep their length: from goals for hands, feet and trunk to 15 joints.

World axes are SBU's in metres (x to the image's left, y up, z away from the camera: right-handed).
A person's own axes are forward, up and left.  Everything is float64; lengths are metres, angles
radians.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from feint.data.synthetic.gait import _smooth, steps
from feint.errors import FeintError

_STRAIGHT = 0.995  # a limb never stretches beyond this share of its length


@dataclass(frozen=True)
class Body:
    """Bone lengths in metres; left and right are alike."""

    head: float
    spine: float
    shoulder: float
    upper_arm: float
    forearm: float
    hip: float
    thigh: float
    shin: float

    @staticmethod
    def of(height: float, arms: float = 1.0, legs: float = 1.0, width: float = 1.0) -> "Body":
        """A body by factors: 1 is the median bone measured in SBU Kinect (head joint at 1.49 m)."""
        return Body(
            head=0.211 * height,
            spine=0.216 * height,
            shoulder=0.152 * height * width,
            upper_arm=0.288 * height * arms,
            forearm=0.282 * height * arms,
            hip=0.238 * height,
            thigh=0.429 * height * legs,
            shin=0.413 * height * legs,
        )

    @property
    def arm(self) -> float:
        """Shoulder to hand, stretched."""
        return self.upper_arm + self.forearm

    @property
    def leg(self) -> float:
        """Hip to foot, stretched."""
        return self.thigh + self.shin

    @property
    def hip_aside(self) -> float:
        """From the middle of the pelvis to a hip, sideways."""
        return 0.42 * self.hip

    @property
    def hip_below(self) -> float:
        """From the torso joint down to the middle of the hips."""
        return float(np.sqrt(self.hip**2 - self.hip_aside**2))

    @property
    def shoulder_height(self) -> float:
        """Height of the shoulders above the floor, standing straight."""
        return self.leg + self.hip_below + self.spine


@dataclass(frozen=True)
class Participant:
    """A person who acts.

    Attributes:
        body: the bones.
        left_handed: which side punches, kicks and waves.
        tempo: time taken, against the usual.
        size: how large the gestures are, against the usual.
        posture: how the trunk is held, lean forward in radians.
    """

    body: Body
    left_handed: bool
    tempo: float
    size: float
    posture: float


@dataclass(frozen=True, eq=False)
class Motion:
    """What a body is to do, frame by frame.

    Attributes:
        path: where the middle of the pelvis is, (x, z) in metres.
        heading: the direction the body faces, an angle from x towards z.
        lean, aside, twist: the trunk's tilt forward, its tilt to the left, and its turn to the
            left against the pelvis.
        nod: the head's tilt forward against the trunk.
        crouch: how far the pelvis is lowered, metres.
        hands: goals of the left and right hand from their shoulder, (forward, up, outward) in arm
            lengths.
        meet, reach: a point in the world, and how far (0..1) each hand goes to it instead.
        foot, kick: goal of the free foot from its hip, (forward, up, outward) in leg lengths, and
            how far (0..1) it goes there instead of standing.
        kicks_left: whether the free foot is the left one.
        swing: how much the arms swing with the steps, 0..1.
        width, stagger: how far the left foot stands to the left of and before the body's middle
            (the right foot: to the right and behind), metres.
    """

    path: Float[np.ndarray, "time 2"]
    heading: Float[np.ndarray, " time"]
    lean: Float[np.ndarray, " time"]
    aside: Float[np.ndarray, " time"]
    twist: Float[np.ndarray, " time"]
    nod: Float[np.ndarray, " time"]
    crouch: Float[np.ndarray, " time"]
    hands: Float[np.ndarray, "time 2 3"]
    meet: Float[np.ndarray, "time 2 3"]
    reach: Float[np.ndarray, "time 2"]
    foot: Float[np.ndarray, "time 3"]
    kick: Float[np.ndarray, " time"]
    kicks_left: bool
    swing: float
    width: float
    stagger: float


Vectors = Float[np.ndarray, "time 3"]


def limb(
    start: Vectors, goal: Vectors, first: float, second: float, towards: Vectors
) -> tuple[Vectors, Vectors]:
    """Two bones from `start` to `goal`, the joint between them bent `towards` a direction.

    A goal out of reach is approached as far as the limb is long.

    Returns:
        The middle joint and the end: exactly `first` and `second` metres from one another.
    """
    way = goal - start
    far = np.linalg.norm(way, axis=1, keepdims=True)
    unit = way / np.maximum(far, 1e-9)
    far = np.clip(far, 1.05 * abs(first - second) + 0.12, _STRAIGHT * (first + second))
    along = (first**2 - second**2 + far**2) / (2 * far)
    out = np.sqrt(np.maximum(first**2 - along**2, 0.0))
    normal = towards - (towards * unit).sum(1, keepdims=True) * unit
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    return start + along * unit + out * normal, start + far * unit


def axes(heading: Float[np.ndarray, " time"]) -> tuple[Vectors, Vectors, Vectors]:
    """Forward, up and left of an upright person, in the world."""
    zero = np.zeros_like(heading)
    forward = np.stack([np.cos(heading), zero, np.sin(heading)], axis=1)
    up = np.stack([zero, zero + 1, zero], axis=1)
    return forward, up, np.cross(up, forward)


def tilt(
    forward: Vectors,
    up: Vectors,
    left: Vectors,
    lean: Float[np.ndarray, " time"],
    aside: Float[np.ndarray, " time"],
) -> tuple[Vectors, Vectors]:
    """Up and left of a trunk that leans forward and then to its left."""
    tall = np.cos(lean)[:, None] * up + np.sin(lean)[:, None] * forward
    c, s = np.cos(aside)[:, None], np.sin(aside)[:, None]
    return c * tall + s * left, c * left - s * tall


def pose(body: Body, motion: Motion, fps: float) -> Float[np.ndarray, "time 15 3"]:
    """The joints of a moving body in metres, in the order of `SBU_15`."""
    time = len(motion.path)
    if time < 2:
        raise FeintError(
            f"pose got a motion of {time} frames; expected at least 2.", code="too-short"
        )
    forward, up, left = axes(motion.heading)
    feet = steps(motion.path, motion.heading, motion.width, motion.stagger, motion.kicks_left, fps)
    free = 0 if motion.kicks_left else 1

    # The pelvis is as high as the standing legs allow.
    hips_flat = (
        motion.path[:, None]
        + np.stack([left[:, [0, 2]], -left[:, [0, 2]]], axis=1) * body.hip_aside
    )
    apart = np.linalg.norm(feet[:, :, [0, 2]] - hips_flat, axis=2)
    reach = 0.99 * body.leg
    high = feet[:, :, 1] + np.sqrt(np.maximum(reach**2 - apart**2, (0.5 * reach) ** 2))
    high[motion.kick > 0, free] = np.inf
    height = _smooth(high.min(axis=1)) - motion.crouch
    middle = np.stack([motion.path[:, 0], height, motion.path[:, 1]], axis=1)

    # Trunk: the pelvis takes a part of the chest's lean and twist.
    p_forward, _, p_left = axes(motion.heading - 0.3 * motion.twist)
    p_up, p_left = tilt(p_forward, up, p_left, 0.4 * motion.lean, 0.3 * motion.aside)
    torso = middle + body.hip_below * p_up
    c_forward, _, c_left = axes(motion.heading - motion.twist)
    c_up, girdle = tilt(c_forward, up, c_left, motion.lean, motion.aside)
    neck = torso + body.spine * c_up
    h_up, _ = tilt(c_forward, up, c_left, 0.5 * motion.lean + motion.nod, 0.6 * motion.aside)
    joints = [neck + body.head * h_up, neck, torso]

    ahead = ((feet - middle[:, None]) * forward[:, None]).sum(axis=2) / body.leg
    for i, sign in enumerate((1.0, -1.0)):  # left, right
        shoulder = neck + sign * body.shoulder * girdle
        goal = motion.hands[:, i].copy()
        goal[:, 0] += 0.7 * motion.swing * ahead[:, 1 - i]
        hand = shoulder + body.arm * (
            goal[:, :1] * c_forward + goal[:, 1:2] * up + sign * goal[:, 2:] * c_left
        )
        hand = hand + motion.reach[:, i, None] * (motion.meet[:, i] - hand)
        towards = -up - 0.35 * c_forward + sign * 0.35 * c_left
        joints += [shoulder, *limb(shoulder, hand, body.upper_arm, body.forearm, towards)]
    for i, sign in enumerate((1.0, -1.0)):
        hip = torso - body.hip_below * p_up + sign * body.hip_aside * p_left
        goal = feet[:, i]
        if i == free:
            kicked = hip + body.leg * (
                motion.foot[:, :1] * forward
                + motion.foot[:, 1:2] * up
                + sign * motion.foot[:, 2:] * left
            )
            goal = goal + motion.kick[:, None] * (kicked - goal)
        joints += [hip, *limb(hip, goal, body.thigh, body.shin, forward + 0.1 * sign * left)]
    return np.stack(joints, axis=1)
