"""The embedded data: two people's interactions, generated, in SBU Kinect's joints, units and sets.

Seven participants meet in SBU's own 21 pairs and act its eight interactions, plus *remaining*.
Positions, the initiator, the speed and size of gestures and the delay of the response are drawn
from a seed.  No recorded motion is in it: the bodies are kinematic (`body`; only
their median bone lengths and usual distances follow SBU's), what they do is written down
(`choreography`), and `performance` brings both together.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float

from feint.data.pairs import Interaction
from feint.data.sbu.constants import SETS
from feint.data.synthetic.body import Body, Participant
from feint.data.synthetic.choreography import SCENES
from feint.data.synthetic.performance import perform
from feint.errors import FeintError
from feint.skeleton import SBU_15

PARTICIPANTS = (
    Participant(Body.of(1.04, arms=1.02, legs=1.02, width=1.08), False, 0.95, 1.05, 0.00),
    Participant(Body.of(0.97, arms=0.98, legs=1.00, width=0.95), False, 1.05, 0.95, 0.03),
    Participant(Body.of(1.00, arms=1.00, legs=0.98, width=1.00), False, 1.00, 1.00, 0.02),
    Participant(Body.of(0.94, arms=1.01, legs=0.97, width=0.94), True, 0.92, 1.08, 0.01),
    Participant(Body.of(1.07, arms=0.99, legs=1.03, width=1.05), False, 1.12, 0.93, 0.04),
    Participant(Body.of(0.99, arms=1.03, legs=1.01, width=1.02), False, 0.90, 1.02, -0.01),
    Participant(Body.of(1.02, arms=0.97, legs=0.99, width=0.98), True, 1.08, 0.97, 0.05),
)
"""Who s01 to s07 are: the same in every set and for every seed."""


def generate(
    seed: int = 0, repetitions: int = 2, noise: float = 0.004, sets: Sequence[str] | None = None
) -> list[Interaction]:
    """Generate interactions: sets x 9 categories x repetitions, in that order.

    An interaction depends on the seed, its set, category and run alone: asking for other sets or
    more repetitions changes none of it.

    Args:
        seed: 0 or more.
        repetitions: performances of each category in each set.
        noise: standard deviation of the sensor's noise on the trunk's joints, in metres; hands,
            feet and depth are noisier.  0 gives exact bones.
        sets: some of `SETS`; all by default.

    Returns:
        Interactions with (time, 45) float32 sequences in SBU's raw units at 15 frames a second.

    Raises:
        FeintError: a set that does not exist, a negative seed or noise, no repetition.
    """
    chosen = SETS if sets is None else tuple(sets)
    unknown = [name for name in chosen if name not in SETS]
    if unknown or not chosen:
        raise FeintError(
            f"generate got sets={list(chosen)}; expected some of SBU's 21: {', '.join(SETS)}.",
            code="unknown-set",
        )
    if seed < 0 or repetitions < 1 or not 0 <= noise < float("inf"):
        raise FeintError(
            f"generate got seed={seed}, repetitions={repetitions}, noise={noise}; expected "
            "seed >= 0, repetitions >= 1 and a finite noise >= 0 in metres.",
            code="bad-argument",
        )
    return [
        _interaction(seed, name, label, run, noise)
        for name in chosen
        for label in SCENES
        for run in range(1, repetitions + 1)
    ]


def _interaction(seed: int, name: str, label: str, run: int, noise: float) -> Interaction:
    scene = SCENES[label]
    numbers = int(name[1:3]), int(name[4:6])
    of = [seed, *numbers, scene.category, run]
    rng, sensor = np.random.default_rng([*of, 0]), np.random.default_rng([*of, 1])
    first_begins = bool(rng.random() < 0.5)
    people = [PARTICIPANTS[n - 1] for n in numbers]
    cast = people if first_begins else people[::-1]
    joints = [_observed(p, noise, sensor) for p in perform(scene, cast[0], cast[1], rng)]
    raw = [SBU_15.from_metres(torch.from_numpy(p)).float() for p in joints]
    first, second = raw if first_begins else raw[::-1]
    initiator: Literal["first", "second"] = "first" if first_begins else "second"
    key = f"{name}/{scene.category:02d}/{run:03d}"
    return Interaction(key, name, label, first, second, initiator)


# How much noisier than the trunk a joint is, by the last word of its name, and its depth.
_NOISY = {"hand": 1.8, "foot": 1.8, "elbow": 1.3, "knee": 1.3}
_NOISY_DEPTH = 1.5
_KEPT = 0.5  # share of a frame's noise that is still there in the next


def _observed(
    joints: Float[np.ndarray, "time 15 3"], noise: float, rng: np.random.Generator
) -> Float[np.ndarray, "time 15 3"]:
    """Joints as a depth camera's tracker sees them: with noise that fades over a few frames."""
    part = np.array([_NOISY.get(name.split()[-1], 1.0) for name in SBU_15.joints])
    size = noise * part[:, None] * np.array([1.0, 1.0, _NOISY_DEPTH])
    fresh = rng.standard_normal(joints.shape)
    fresh[1:] *= np.sqrt(1 - _KEPT**2)
    for frame in range(1, len(fresh)):
        fresh[frame] += _KEPT * fresh[frame - 1]
    seen: Float[np.ndarray, "time 15 3"] = joints + size * fresh
    return seen
