"""Which sets of recordings or segments are held out for testing.

People and series use the same rules: `test_sets`, `folds` with `fold`, or `test_share`.
"""

import random
from collections.abc import Sequence

from feint.errors import FeintError


def choose_test_sets(
    sets: Sequence[str], asked: Sequence[str] | None, share: float | None, seed: int
) -> set[str]:
    """Choose the sets to hold out.

    Args:
        sets: the set of each recording or segment.
        asked: the sets to hold out; None to draw them.
        share: the share of all sets to draw, at least one set.
        seed: of the draw.

    Raises:
        FeintError: a set is not in the data, or nothing is left to train on.
    """
    there = sorted(set(sets))
    if asked is not None:
        test = set(asked)
        if unknown := sorted(test - set(there)):
            raise FeintError(
                f"The test sets {', '.join(unknown)} are not in the data; it has "
                f"{', '.join(there[:50])}. Name some of these in data.test_sets or data.folds.",
                code="unknown-set",
            )
    else:
        count = max(1, round((share or 0) * len(there)))
        test = set(random.Random(seed).sample(there, min(count, len(there))))
    if len(test) == len(there):
        raise FeintError(
            f"All {len(there)} sets are held out, which leaves nothing to train on; the data has "
            f"{', '.join(there[:50])}. Hold out fewer of them in data.test_sets, or make more with "
            "data.n_segments.",
            code="nothing-to-train-on",
        )
    return test
