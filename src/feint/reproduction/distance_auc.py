"""Does a distance tell actions apart?  Same-class against different-class reactions, by its form.

Every form takes two real reactions, brought to one length, to the mean distance of a joint in cm.
AUC 1: two of one class are always nearer than two of different classes; 0.5: it tells nothing.
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
FORMS = {
    "raw": "as recorded",
    "place": "moved to one first root",
    "root": "root-relative in every frame",
    "facing": "moved to one first root, turned to one direction",
    "facing-root": "root-relative in every frame, turned to one direction",
}


def told(pairs: Pairs, form: str) -> Tensor:
    """(rows, frames, joints, 3) in metres, in one of `FORMS`."""
    rows = []
    for reaction in pairs.reactor:
        same = fit_length(reaction, FRAMES, "resample")
        if form == "raw":
            rows.append(pairs.skeleton.to_metres(same))
        else:
            turn, travel = form.startswith("facing"), form in ("place", "facing")
            rows.append(egocentric_motion(same, pairs.skeleton, turn, travel))
    return torch.stack(rows)


def table(pairs: Pairs) -> pl.DataFrame:
    """Of every form: with roles mixed and told apart, on one side and on both, AUC and medians.

    Returns:
        form, what, roles, sides, auc, same_cm and different_cm (medians).
    """
    interaction = codes(pairs.interactions)
    label, role, side = codes(pairs.labels), codes(pairs.roles), codes(pairs.sides)
    foreign = interaction[:, None] != interaction
    rows = []
    for form, what in FORMS.items():
        motion = told(pairs, form)
        apart = torch.stack([(motion - one).norm(dim=-1).mean(dim=(1, 2)) for one in motion])
        for roles in ("mixed", "apart"):
            same = label[:, None] == label
            if roles == "apart":
                same = same & (role[:, None] == role)
            different = label[:, None] != label
            for sides in ("one", "both"):
                where = foreign if sides == "both" else foreign & (side[:, None] == side)
                near, far = apart[same & where], apart[different & where]
                rows.append(
                    {
                        "form": form,
                        "what": what,
                        "roles": roles,
                        "sides": sides,
                        "auc": auc(near.numpy(), far.numpy()),
                        "same_cm": 100 * float(near.median()),
                        "different_cm": 100 * float(far.median()),
                    }
                )
    return pl.DataFrame(rows)


def codes(names: Sequence[str]) -> Tensor:
    """Names as integers, alike where they are alike."""
    known = sorted(set(names))
    return torch.tensor([known.index(name) for name in names])
