"""Null answers: outputs that perform no chosen action, scored like attacked ones.

A criterion that a null answer meets does not measure the action.  Each null is a whole answer made
without an attack: the clean answer moved to where the target is, a held pose, the mean of all
targets.  Success rates are shown beside those of the nulls.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from feint.data.pairs import Pairs
from feint.sequences import Norm, Sequences, check_alike, distance, mean_over_time
from feint.skeleton import Skeleton

PREFIX = "null "
"""Begins the name of a null in the rows' column `attack`."""
TITLES = {
    "clean-on-path": "clean pose on the target's path",
    "clean-moved": "clean answer, moved once",
    "first-held": "first frame held",
    "mean-pose": "mean pose of the training set",
    "mean-target": "mean of all targets",
    "truth": "true answer",
    "other-target": "another target",
}
"""What each null is, for tables and charts."""


def null_answers(
    clean: Sequences,
    truth: Sequences,
    targets: Sequences,
    others: Mapping[str, Sequences],
    skeleton: Skeleton | None = None,
    mean_pose: Float[Tensor, "batch features"] | None = None,
) -> dict[str, Sequences]:
    """The null answers to one set of rows, by name (`TITLES`).

    Args:
        clean: the victim's answers without an attack, (batch, time, outputs).
        truth: the true answers.
        targets: the target of each row.
        others: the targets of the other classes or curves, each for all rows.
        skeleton: of the answers; without one pose and place cannot be separated, and the nulls that
            move a person move every output by its own mean difference instead.
        mean_pose: of `mean_poses`, one a row.

    Raises:
        FeintError: shapes or lengths differ.
    """
    for name, one in {"clean": clean, "truth": truth, **others}.items():
        check_alike(one, targets, f"null_answers ({name} and the targets)")
    gap = targets.values - clean.values
    path = gap if skeleton is None else skeleton.root_of(gap)
    each = [mean_over_time(one, targets.lengths) for one in path.unbind(dim=-1)]
    once = torch.stack(each, dim=-1)[:, None]
    found = {
        "clean-moved": clean.values + once,
        "first-held": truth.values[:, :1].expand_as(truth.values),
        "truth": truth.values,
    }
    if skeleton is not None:
        found["clean-on-path"] = clean.values + path
    if skeleton is not None and mean_pose is not None:
        first = skeleton.root_of(truth.values[:, :1])
        found["mean-pose"] = (mean_pose[:, None] + first).expand_as(truth.values)
    if others:
        every = torch.stack([targets.values, *(one.values for one in others.values())])
        found["mean-target"] = every.mean(dim=0)
        which, _ = nearest(targets, others)
        found["other-target"] = every[1:][which, torch.arange(len(which))]
    own = targets.mask[..., None]
    return {name: targets.with_values(found[name] * own) for name in TITLES if name in found}


def nearest(
    answers: Sequences, others: Mapping[str, Sequences], norm: Norm = "frame"
) -> tuple[Int[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Row by row the nearest of `others` by equation 7: its position and its distance."""
    apart = torch.stack([distance(answers, one, norm) for one in others.values()])
    least, which = apart.min(dim=0)
    return which, least


def mean_poses(train: Pairs, sides: Sequence[str]) -> Float[Tensor, "batch features"]:
    """The mean pose of the training reactions of each row's side, its root at 0, in data units.

    A side without reactions gets the mean of all.
    """
    frames = train.reactor.mask
    about = train.reactor.values - train.skeleton.root_of(train.reactor.values)
    by_side = {}
    for side in set(sides):
        rows = torch.tensor([one == side for one in train.sides])
        chosen = frames & rows[:, None] if bool(rows.any()) else frames
        by_side[side] = about[chosen].mean(dim=0)
    return torch.stack([by_side[side] for side in sides])
