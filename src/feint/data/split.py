"""Which recordings are held out for testing."""

import random
from collections.abc import Sequence

from feint.errors import FeintError


def held(
    sets: Sequence[str], asked: Sequence[str] | None, share: float | None, seed: int
) -> set[str]:
    """The sets held out: those asked for, or a share of all drawn by the seed, at least one.

    Raises:
        FeintError: a set that is not there, or nothing left on either side.
    """
    there = sorted(set(sets))
    if asked is not None:
        test = set(asked)
        if unknown := sorted(test - set(there)):
            raise FeintError(
                f"The test sets {', '.join(unknown)} are not in the data; it has "
                f"{', '.join(there[:50])}. Name some of these."
            )
    else:
        count = max(1, round((share or 0) * len(there)))
        test = set(random.Random(seed).sample(there, min(count, len(there))))
    if len(test) == len(there):
        raise FeintError(
            f"All {len(there)} sets are held out, which leaves nothing to train on; the data has "
            f"{', '.join(there[:50])}. Hold out some of them, or make more (data.parts)."
        )
    return test
