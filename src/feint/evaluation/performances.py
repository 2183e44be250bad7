"""How differently people perform the same action: the spread behind natural tolerances and limits.

`natural_tolerance` asks it of the distance of equation 7, `natural_limits` of pose and of place.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from feint.attacks.targets import Role
from feint.data.pairs import Pairs
from feint.sequences import Sequences


@dataclass(frozen=True)
class Spread:
    """The spread of one class, in the unit of the distance that it was measured with.

    Attributes:
        value: the median distance between two performances of the class.
        among_others: the share of other classes' performances that are nearer: near 1 means that
            the value separates nothing.
        between_same: how many ordered pairs of performances it was measured on.
    """

    value: float
    among_others: float
    between_same: int


def spread_by_class(
    train: Pairs,
    role: Role,
    all_pairs: Callable[[Sequences], Float[Tensor, "batch batch"]],
) -> dict[str, Spread]:
    """Medians over pairs of different interactions of one class, the reactors on one side.

    Args:
        role: only reactions in this role are compared.
        all_pairs: the distance of every reaction (column), aligned, to every other (row).

    Returns:
        by class; one without two performances on a side in this role is left out.
    """
    nothing = torch.empty(0)
    classes = sorted(set(train.labels))
    same, other = ({label: [nothing] for label in classes} for _ in range(2))
    for side in ("left", "right"):
        rows = [
            i
            for i in range(len(train))
            if train.sides[i] == side and role in ("any", train.roles[i])
        ]
        if not rows:
            continue
        apart = all_pairs(train.reactor[rows])
        labels = [train.labels[i] for i in rows]
        interactions = [train.interactions[i] for i in rows]
        foreign = torch.tensor([[a != b for b in interactions] for a in interactions])
        for label in classes:
            own = torch.tensor([one == label for one in labels])
            same[label].append(apart[own][:, own][foreign[own][:, own]])
            other[label].append(apart[own][:, ~own].flatten())
    return {
        label: _spread(torch.cat(same[label]), torch.cat(other[label]))
        for label in classes
        if sum(map(len, same[label]))
    }


def _spread(same: Tensor, other: Tensor) -> Spread:
    value = float(same.median())
    among = float((other < value).float().mean()) if len(other) else 0.0
    return Spread(value, among, len(same))
