"""Natural tolerances: how far apart two real performances of the same reaction are.

A job measures one on the training data (experiments/tasks); `evaluation.tolerance = "natural"` is
the default of an experiment.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from feint.attacks.targets import Anchor, LengthMode, Role, between
from feint.data.pairs import Pairs
from feint.errors import FeintError
from feint.evaluation.performances import spread_by_class
from feint.evaluation.tolerance import Tolerance


def of_series(train: Pairs, labels: Sequence[str], seed: int = 0) -> Tolerance:
    """The natural tolerance of a series, the same for every target.

    The median, over the training windows, of the mean distance between a window's true outcome
    and the outcome of the window that begins where it ends.

    Args:
        labels: the targets; without any, the value is for every class, as an untargeted attack
            needs it.

    Raises:
        FeintError: no training window begins where another ends.
    """
    lengths = set(train.reactor.lengths.tolist())
    steps = max(lengths)
    places = {}
    for i, key in enumerate(train.keys):
        name, _, begin = key.rpartition("/")
        places[name.partition("/")[0], int(begin)] = i
    follows = [
        (i, places[name, begin + steps])
        for (name, begin), i in places.items()
        if (name, begin + steps) in places
    ]
    if not follows or len(lengths) != 1:
        raise FeintError(
            "The natural tolerance of a series is measured on windows that follow one another, "
            f"{steps} steps apart, and no two of the {len(train)} training windows do. Make "
            "data.input_size a multiple of data.train_stride, or give evaluation.tolerance as a "
            "number.",
            code="no-following-windows",
        )
    first, second = (list(side) for side in zip(*follows, strict=True))
    each = train.reactor.values

    def apart(a: list[int], b: list[int]) -> Tensor:
        return torch.linalg.vector_norm(each[a] - each[b], dim=-1).mean(dim=1)

    value = float(apart(first, second).median())
    generator = torch.Generator().manual_seed(seed)
    others = torch.randint(len(train), (len(first),), generator=generator).tolist()
    passing = float((apart(first, others) < value).float().mean())
    return Tolerance(
        dict.fromkeys(labels, value),
        None if labels else value,
        per_frame=True,
        source="natural: the median distance between the outcomes of one window and of the next",
        among_others=dict.fromkeys(labels, passing),
        between_same=dict.fromkeys(labels, len(first)),
    )


def natural(
    train: Pairs,
    length_mode: LengthMode = "resample",
    anchor: Anchor = "reactor",
    role: Role = "any",
) -> Tolerance:
    """The natural tolerance of every class in the training set.

    The median, over pairs of different interactions of one class with the reactor on one side (and
    in one role, where `role` asks for it), of the mean per-frame distance after aligning one to
    the other in time and place.

    Raises:
        FeintError: a class has no two performances on the same side.
    """
    found = spread_by_class(
        train, role, lambda some: between(some, train.skeleton, length_mode, anchor)
    )
    if missing := sorted(set(train.labels) - set(found)):
        raise FeintError(
            f"The natural tolerance of {missing[0]!r} needs two performances on the same side and "
            f"with role {role!r}, and found none in the training set. Bring more data, or give "
            "a tolerance file.",
            code="too-few-performances",
        )
    return Tolerance(
        {label: one.value for label, one in found.items()},
        per_frame=True,
        source="natural: the median distance between two performances of the same reaction",
        among_others={label: one.among_others for label, one in found.items()},
        between_same={label: one.between_same for label, one in found.items()},
    )
