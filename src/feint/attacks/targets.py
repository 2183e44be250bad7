"""Targets of people: the reactions that the attacker wants, aligned to each test sequence.

The paper samples a target "from the original dataset" and says no more.  Here one exemplar per
class and side is taken from the training reactions, fitted to the length of the test sequence, and
moved to the place of the reactor: otherwise the place would dominate the distance.
Every step is a field of `Targets`, the paper's raw form (`anchor="raw"`) among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from feint.data.interpolation import sample_linearly
from feint.data.pairs import Pairs
from feint.errors import FeintError
from feint.sequences import Sequences, frame_distance
from feint.skeleton import Skeleton

LengthMode = Literal["resample", "hold", "crop"]
Anchor = Literal["reactor", "prediction", "root", "raw"]
Exemplar = Literal["medoid", "nearest", "any"]
Role = Literal["initiator", "responder", "any"]


@dataclass(frozen=True)
class Targets:
    """How target reactions are chosen and aligned.

    Attributes:
        exemplar: per class and side, the "medoid" of the training reactions (the smallest sum of
            distances to the others, aligned), for each sequence the one "nearest" to the true
            reaction, or "any" (seeded).
        role: only reactions of an "initiator" or a "responder", where the data has roles.
        length_mode: "resample" to the sequence's length (linear); "hold" and "crop" keep the tempo:
            the last frame is held where the target is too short, and the beginning ("hold") or
            the end ("crop") is kept where it is too long.
        anchor: move the first frame's root to the true "reactor"'s first root or to the clean
            "prediction"'s, let the "root" follow the clean prediction's in every frame, or leave
            the target where it was recorded ("raw", as in the paper).
        seed: of "any".

    Raises:
        FeintError: an unknown choice.
    """

    exemplar: Exemplar = "medoid"
    role: Role = "any"
    length_mode: LengthMode = "resample"
    anchor: Anchor = "reactor"
    seed: int = 0

    def __post_init__(self) -> None:
        choices = {"exemplar": Exemplar, "role": Role, "length_mode": LengthMode, "anchor": Anchor}
        for name, allowed in choices.items():
            if getattr(self, name) not in get_args(allowed):
                raise FeintError(
                    f"Targets got {name}={getattr(self, name)!r}; "
                    f"expected one of {get_args(allowed)}.",
                    code="unknown-choice",
                )

    def candidates(self, label: str, train: Pairs) -> list[int]:
        """The rows of `train` whose reaction is `label` in the role of these settings.

        Raises:
            FeintError: there are no such rows.
        """
        rows = [
            i
            for i in range(len(train))
            if train.labels[i] == label and self.role in ("any", train.roles[i])
        ]
        if not rows:
            raise FeintError(
                f"No target: the training set has no reaction {label!r} with role {self.role!r}; "
                f"it has {', '.join(sorted(set(train.labels)))} with roles "
                f"{', '.join(sorted(set(train.roles)))}. Choose one of these.",
                code="unknown-label",
            )
        return rows

    def labels(self, train: Pairs) -> list[str]:
        """The labels of which `train` has a reaction in the role asked for, sorted."""
        return sorted(
            {
                label
                for label, role in zip(train.labels, train.roles, strict=True)
                if self.role in ("any", role)
            }
        )

    def choose(self, label: str, train: Pairs, test: Pairs) -> tuple[list[str], list[Tensor]]:
        """For each row of `test`, the key and the raw reaction of its exemplar of `label`.

        A side without such a reaction in `train` takes one of the other side, mirrored.

        Raises:
            FeintError: the training set has no such reaction.
        """
        rows = self.candidates(label, train)
        reactions = train.reactor.unpad()
        chosen: dict[str, int] = {}
        keys, targets = [], []
        for t, side in enumerate(test.sides):
            same = [i for i in rows if train.sides[i] == side] or rows
            facing = [
                reactions[i] if train.sides[i] == side else mirror(reactions[i], train.skeleton)
                for i in same
            ]
            if self.exemplar == "nearest":
                one = test.reactor[[t]].values[0]
                best = int(to_one(facing, one, train.skeleton, self.length_mode).argmin())
            else:
                if side not in chosen:
                    chosen[side] = self._representative(same, train)
                best = chosen[side]
            keys.append(train.keys[same[best]])
            targets.append(facing[best])
        return keys, targets

    def align(
        self,
        targets: Sequence[Tensor],
        reactor: Sequences,
        prediction: Sequences,
        skeleton: Skeleton,
    ) -> Sequences:
        """Fit raw reactions to the lengths and places of the test sequences.

        Args:
            targets: one (time, features) reaction a row.
            reactor: the true reactions, for their lengths and first roots.
            prediction: the model's clean answers.
            skeleton: of all of them; its root is what is moved.
        """
        lengths = reactor.lengths.tolist()
        placed = reactor.with_rows(
            [fit_length(t, n, self.length_mode) for t, n in zip(targets, lengths, strict=True)]
        ).values
        shift = torch.zeros_like(placed)
        if self.anchor == "root":
            shift = skeleton.root_of(prediction.values) - skeleton.root_of(placed)
        elif self.anchor != "raw":
            reference = reactor if self.anchor == "reactor" else prediction
            shift = skeleton.root_of(reference.values[:, :1]) - skeleton.root_of(placed[:, :1])
        return reactor.with_values((placed + shift) * reactor.mask[..., None])

    def _representative(self, rows: list[int], train: Pairs) -> int:
        if self.exemplar == "any":
            generator = torch.Generator().manual_seed(self.seed)
            return int(torch.randint(len(rows), (), generator=generator))
        return int(
            between(train.reactor[rows], train.skeleton, self.length_mode).sum(dim=0).argmin()
        )


def between(
    reactions: Sequences,
    skeleton: Skeleton,
    length_mode: LengthMode = "resample",
    anchor: Anchor = "reactor",
) -> Float[Tensor, "batch batch"]:
    """Mean per-frame distance of every reaction (column), aligned, to every other (row)."""
    each = reactions.unpad()
    return torch.stack([to_one(each, one, skeleton, length_mode, anchor) for one in each])


def to_one(
    reactions: Sequence[Tensor],
    one: Float[Tensor, "time features"],
    skeleton: Skeleton,
    length_mode: LengthMode = "resample",
    anchor: Anchor = "reactor",
) -> Float[Tensor, " reactions"]:
    """Mean per-frame distance of each reaction, aligned to `one` in time and place, to `one`."""
    placed = torch.stack([fit_length(r, len(one), length_mode) for r in reactions])
    if anchor == "root":
        placed = placed + skeleton.root_of(one) - skeleton.root_of(placed)
    elif anchor != "raw":
        placed = placed + skeleton.root_of(one[:1]) - skeleton.root_of(placed[:, :1])
    return frame_distance(placed - one).mean(dim=1)


def fit_length(
    sequence: Float[Tensor, "time features"], frames: int, length_mode: LengthMode
) -> Float[Tensor, "frames features"]:
    """A sequence brought to another length; see `Targets.length_mode`."""
    have = len(sequence)
    if length_mode == "resample":
        at = torch.linspace(0, have - 1, frames, dtype=torch.float64, device=sequence.device)
        return sample_linearly(sequence, at)
    if have > frames:
        return sequence[:frames] if length_mode == "hold" else sequence[have - frames :]
    return torch.cat([sequence, sequence[-1:].expand(frames - have, -1)])


def mirror(
    sequence: Float[Tensor, "time features"], skeleton: Skeleton
) -> Float[Tensor, "time features"]:
    """A person mirrored left to right about their own first root: left limbs become right ones."""
    positions = skeleton.split(sequence).clone()
    root = skeleton.joint(skeleton.root)
    place = positions[0, root, 0]
    positions[..., 0] = 2 * place - positions[..., 0]
    order = [skeleton.joint(skeleton.twin(name)) for name in skeleton.joints]
    return positions[..., order, :].flatten(-2)
