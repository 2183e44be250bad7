"""Two-person interactions, and the (actor, reactor) pairs a model learns from.

Every source of people (`sbu`, `synthetic`, `recordings_load`) gives a list of `Interaction`;
`pair` makes `Pairs` of them, which all later packages take.  Windows of a table are `Pairs`, too.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from feint.columns import FeatureSpec
from feint.errors import FeintError
from feint.sequences import Sequences
from feint.skeleton import SBU_15, Skeleton

Side = Literal["left", "right"]
Role = Literal["initiator", "responder"]


@dataclass(frozen=True, eq=False)
class Interaction:
    """One recorded interaction of two people.

    Attributes:
        key: a unique name, "<set>/<category>/<run>" in SBU.
        set: the recording set, "s01s02": what the folds are made of.
        label: the interaction's name, "handshaking".
        first, second: (time, features) of the two people, in the data's units.
        initiator: the person who begins it, where the source knows it.
    """

    key: str
    set: str
    label: str
    first: Float[Tensor, "time features"]
    second: Float[Tensor, "time features"]
    initiator: Literal["first", "second", "unknown"] = "unknown"


@dataclass(frozen=True, eq=False)
class Pairs:
    """Actor sequences beside the reactions that belong to them, row by row.

    Attributes:
        actor, reactor: the person that a model sees, and the reaction to it; same lengths.
        keys: "<interaction key>/<AB or BA>", unique; in AB the first person is the actor.
        labels: the interaction's name.
        sets: the recording set.
        sides: the side the reactor stands on, as the camera sees it.
        roles: whether the reactor initiates the interaction or responds to it; where the source
            does not say, it is guessed (see `guess_initiator`).
        feature_spec: joints and units of both people, or columns.
    """

    actor: Sequences
    reactor: Sequences
    keys: tuple[str, ...]
    labels: tuple[str, ...]
    sets: tuple[str, ...]
    sides: tuple[Side, ...]
    roles: tuple[Role, ...]
    feature_spec: FeatureSpec

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, rows: Sequence[int]) -> "Pairs":
        """Some rows, in the order asked for."""
        return Pairs(
            actor=self.actor[rows],
            reactor=self.reactor[rows],
            keys=tuple(self.keys[i] for i in rows),
            labels=tuple(self.labels[i] for i in rows),
            sets=tuple(self.sets[i] for i in rows),
            sides=tuple(self.sides[i] for i in rows),
            roles=tuple(self.roles[i] for i in rows),
            feature_spec=self.feature_spec,
        )

    def where(self, keep: Callable[[int], bool], what: str) -> "Pairs":
        """The rows a predicate keeps; `what` names them in the error when none is left."""
        rows = [i for i in range(len(self)) if keep(i)]
        if not rows:
            raise FeintError(
                f"No pair is left among {len(self)}: expected some {what}.", code="empty-split"
            )
        return self[rows]

    @property
    def skeleton(self) -> Skeleton:
        """The joints and units of both people.  Raises FeintError for columns."""
        if isinstance(self.feature_spec, Skeleton):
            return self.feature_spec
        raise FeintError(
            f"{self.feature_spec.name} has columns and no skeleton; expected recordings of people. "
            "Give the targets of columns as target.curves.",
            code="no-skeleton",
        )

    @property
    def interactions(self) -> tuple[str, ...]:
        """The interaction each row comes from: what a split must keep together."""
        return tuple(key.rpartition("/")[0] for key in self.keys)

    def fingerprint(self) -> str:
        """A hash of all values and names: two runs with the same one saw the same data."""
        digest = hashlib.sha256()
        for sequences in (self.actor, self.reactor):
            for sequence in sequences:
                digest.update(repr(tuple(sequence.shape)).encode())
                digest.update(sequence.cpu().contiguous().numpy().tobytes())
        names = (self.keys, self.labels, self.sets, self.sides, self.roles)
        digest.update(json.dumps([names, asdict(self.feature_spec)]).encode())
        return digest.hexdigest()


def pair(
    interactions: Sequence[Interaction],
    skeleton: Skeleton = SBU_15,
    reactor_role: Literal["any", "responder"] = "any",
) -> Pairs:
    """(actor, reactor) pairs of interactions.

    Raises:
        FeintError: no interaction, or two people of different shapes.

    Args:
        reactor_role: "any" uses each interaction twice, each person once as the actor (section 6.1
            of the paper); "responder" keeps only the pairs whose reactor did not begin.
    """
    rows = []
    for one in interactions:
        if one.first.shape != one.second.shape:
            raise FeintError(
                f"pair got {one.key} with people of shapes {tuple(one.first.shape)} and "
                f"{tuple(one.second.shape)}; expected the same shape of both.",
                code="wrong-shape",
            )
        initiator = one.initiator
        if initiator == "unknown":
            initiator = guess_initiator(one.first, one.second, skeleton)
        both = (("AB", one.first, one.second, "first"), ("BA", one.second, one.first, "second"))
        for direction, actor, reactor, name in both:
            role: Role = "responder" if initiator == name else "initiator"
            if reactor_role == "any" or role == "responder":
                rows.append((f"{one.key}/{direction}", one, actor, reactor, role))
    if not rows:
        raise FeintError("pair got no interaction; expected at least one.", code="empty-split")
    keys, sources, actors, reactors, roles = zip(*rows, strict=True)
    return Pairs(
        actor=Sequences.pad(actors),
        reactor=Sequences.pad(reactors),
        keys=keys,
        labels=tuple(one.label for one in sources),
        sets=tuple(one.set for one in sources),
        sides=tuple(reactor_side(a, r, skeleton) for a, r in zip(actors, reactors, strict=True)),
        roles=roles,
        feature_spec=skeleton,
    )


def reactor_side(
    actor: Float[Tensor, "time features"],
    reactor: Float[Tensor, "time features"],
    skeleton: Skeleton = SBU_15,
) -> Side:
    """The side of the reactor: left if the mean raw x of its root is smaller than the actor's."""
    x = skeleton.joint(skeleton.root) * len(skeleton.axes)
    apart = reactor[:, x].mean() - actor[:, x].mean()
    return "left" if bool(torch.lt(apart, 0)) else "right"


def guess_initiator(
    first: Float[Tensor, "time features"],
    second: Float[Tensor, "time features"],
    skeleton: Skeleton = SBU_15,
) -> Literal["first", "second"]:
    """A guess at the initiator: the person whose joints move farther about the root.

    It is right for 82 % of the generated interactions (`feint.data.synthetic`).  On SBU, where the
    truth is unknown, roles guessed in this way raise the same-class/different-class AUC of the
    aligned distance from 0.59 to 0.71 (docs/departures.md).
    """

    def path(values: Tensor) -> float:
        positions = skeleton.to_metres(values)
        about_root = positions - positions[:, [skeleton.joint(skeleton.root)]]
        return float(about_root.diff(dim=0).norm(dim=-1).sum())

    return "first" if path(first) >= path(second) else "second"


def with_first_pose(actor: Sequences, reactor: Sequences) -> Sequences:
    """The actor's features, then the reactor's first pose: (batch, time, actor + reactor).

    A budget on it needs `False` for the pose's features: the attacker cannot change where the
    reactor stands.
    """
    pose = reactor.values[:, :1].expand(-1, actor.values.shape[1], -1) * actor.mask[..., None]
    return actor.with_values(torch.cat([actor.values, pose], dim=-1))
