"""How well a distance separates actions: AUC of same-class against different-class reactions.

Each alignment gives the mean distance of a joint, in cm, between two real reactions of the same
length.  AUC 1 means that reactions of the same class are always nearer; 0.5 is chance.
"""

from collections.abc import Sequence

import polars as pl
import torch
from torch import Tensor

from feint.attacks.targets import fit_length
from feint.data.facing import egocentric_motion
from feint.data.pairs import Pairs
from feint.evaluation.psychometric import auc

FRAMES = 24
"""The mean length of SBU's sequences."""
ALIGNMENTS = {
    "raw": "as recorded",
    "place": "moved to one first root",
    "root": "root-relative in every frame",
    "facing": "moved to one first root, turned to one direction",
    "facing-root": "root-relative in every frame, turned to one direction",
}


def aligned_motion(pairs: Pairs, alignment: str) -> Tensor:
    """The reactors' motion in one of `ALIGNMENTS`: (rows, frames, joints, 3) in metres."""
    rows = []
    for reaction in pairs.reactor:
        same = fit_length(reaction, FRAMES, "resample")
        if alignment == "raw":
            rows.append(pairs.skeleton.to_metres(same))
        else:
            turn, travel = alignment.startswith("facing"), alignment in ("place", "facing")
            rows.append(egocentric_motion(same, pairs.skeleton, turn, travel))
    return torch.stack(rows)


def table(pairs: Pairs) -> pl.DataFrame:
    """AUC and median distances of each alignment.

    Returns:
        Columns alignment, description, roles ("mixed", or "apart" if pairs have the same role),
        sides ("one" if the reactors are on the same side, "both" for any), auc, same_cm and
        different_cm (medians).
    """
    interaction = codes(pairs.interactions)
    label, role, side = codes(pairs.labels), codes(pairs.roles), codes(pairs.sides)
    foreign = interaction[:, None] != interaction
    rows = []
    for alignment, description in ALIGNMENTS.items():
        motion = aligned_motion(pairs, alignment)
        distance = torch.stack([(motion - one).norm(dim=-1).mean(dim=(1, 2)) for one in motion])
        for roles in ("mixed", "apart"):
            same = label[:, None] == label
            if roles == "apart":
                same = same & (role[:, None] == role)
            different = label[:, None] != label
            for sides in ("one", "both"):
                where = foreign if sides == "both" else foreign & (side[:, None] == side)
                near, far = distance[same & where], distance[different & where]
                rows.append(
                    {
                        "alignment": alignment,
                        "description": description,
                        "roles": roles,
                        "sides": sides,
                        "auc": auc(near.numpy(), far.numpy()),
                        "same_cm": 100 * float(near.median()),
                        "different_cm": 100 * float(far.median()),
                    }
                )
    return pl.DataFrame(rows)


def codes(names: Sequence[str]) -> Tensor:
    """Names as integers: equal names have equal integers."""
    known = sorted(set(names))
    return torch.tensor([known.index(name) for name in names])
