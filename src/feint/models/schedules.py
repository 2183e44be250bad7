"""The schedule of a step size or learning rate, shared by trainings and attacks.

Another schedule is another function here.
"""

import math


def half_cosine(step: int, steps: int) -> float:
    """The factor at `step` of `steps`: 1 at step 0, falling along half a cosine to 0 at the end."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))
