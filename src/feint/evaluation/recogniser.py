"""A recogniser of interactions: the class of a reaction, from the reactor's motion alone.

DeepGRU as published, a classifier (Maghoumi and LaViola 2019), sees one person's motion relative to
the root and turned to one direction (`data.facing`).  An output is *recognised* when
the recogniser assigns it to the target class.  Members with different seeds are averaged.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.attacks.targets import mirror
from feint.data.facing import egocentric_sequences, rotate_about_vertical
from feint.errors import FeintError
from feint.io.progress import bar
from feint.models.deepgru import DeepGRUClassifier
from feint.models.schedules import half_cosine
from feint.sequences import Sequences
from feint.skeleton import Skeleton


@dataclass(frozen=True)
class RecogniserConfig:
    """How a recogniser is trained.

    Attributes:
        widths, hidden: of its DeepGRU; the published ones are (512, 256, 128) and 256.
        epochs, learning_rate, batch_size: Adam, with a cosine towards 0.
        members: how many are averaged.
        turn: standard deviation of random turns about the vertical, in degrees.
        size: standard deviation of random scaling, as a share.
        jitter: largest standard deviation of random displacements of the joints, in metres; half
            of it is constant over a sequence.
        flip: mirror half of the sequences.
        seed: of the first member.
    """

    widths: tuple[int, int, int] = (128, 96, 64)
    hidden: int = 128
    epochs: int = 60
    learning_rate: float = 2e-3
    batch_size: int = 64
    members: int = 3
    turn: float = 15.0
    size: float = 0.1
    jitter: float = 0.05
    flip: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if (
            min(self.epochs, self.batch_size, self.members) < 1
            or not self.learning_rate > 0
            or min(self.turn, self.size, self.jitter, self.seed) < 0
        ):
            raise FeintError(
                f"RecogniserConfig got {self}; expected epochs, batch_size and members of at "
                "least 1, learning_rate > 0 and the rest at least 0.",
                code="bad-setting",
            )


@dataclass(frozen=True, eq=False)
class Recogniser:
    """Trained members and the labels that they assign, in the order of their outputs."""

    members: tuple[DeepGRUClassifier, ...]
    labels: tuple[str, ...]
    skeleton: Skeleton

    def probabilities(self, reactions: Sequences) -> Float[Tensor, "batch labels"]:
        """P(label | one person's motion), averaged over the members.

        Args:
            reactions: (batch, time, features) in the data's units.
        """
        seen = egocentric_sequences(reactions, self.skeleton)
        total = torch.zeros(len(seen), len(self.labels))
        with torch.no_grad():
            for rows in torch.arange(len(seen)).split(512):
                some = seen[rows]
                for member in self.members:
                    total[rows] += member(some.values, some.lengths).softmax(dim=1)
        return total / len(self.members)

    def predict(self, reactions: Sequences) -> list[str]:
        """The most probable label of each motion."""
        return [self.labels[i] for i in self.probabilities(reactions).argmax(dim=1).tolist()]

    def accuracy(self, reactions: Sequences, labels: Sequence[str]) -> float:
        """The share of motions whose most probable label is their own."""
        found = self.predict(reactions)
        return sum(a == b for a, b in zip(found, labels, strict=True)) / len(found)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Weights, and metadata as JSON; `restore` takes both."""
        tensors = {
            f"{i}.{name}": tensor
            for i, member in enumerate(self.members)
            for name, tensor in member.state_dict().items()
        }
        settings = self.members[0].settings
        metadata = {
            "settings": settings,
            "labels": self.labels,
            "skeleton": asdict(self.skeleton),
            "members": len(self.members),
        }
        return tensors, metadata


def restore(tensors: dict[str, Tensor], metadata: dict[str, Any]) -> Recogniser:
    """Build the recogniser that has this `state`."""
    members = []
    for i in range(metadata["members"]):
        member = DeepGRUClassifier(**metadata["settings"])
        begin = f"{i}."
        own = {k.removeprefix(begin): v for k, v in tensors.items() if k.startswith(begin)}
        member.load_state_dict(own)
        members.append(member.eval())
    return Recogniser(
        tuple(members), tuple(metadata["labels"]), Skeleton.from_dict(metadata["skeleton"])
    )


def train_recogniser(
    reactions: Sequences,
    labels: Sequence[str],
    skeleton: Skeleton,
    settings: RecogniserConfig | None = None,
) -> Recogniser:
    """Train a recogniser on reactions, real ones or a reactor's.

    Args:
        reactions: (batch, time, features) in the data's units.
        labels: the interaction each belongs to.

    Raises:
        FeintError: fewer than two labels, or not one a reaction.
    """
    settings = settings or RecogniserConfig()
    known = sorted(set(labels))
    if len(labels) != len(reactions) or len(known) < 2:
        raise FeintError(
            f"train_recogniser got {len(reactions)} reactions and {len(labels)} labels of "
            f"{len(known)} kinds; expected one label a reaction, and at least two kinds.",
            code="wrong-shape",
        )
    own = egocentric_sequences(reactions, skeleton)
    twins = egocentric_sequences(
        Sequences.pad([mirror(one, skeleton) for one in reactions]), skeleton
    )
    classes = torch.tensor([known.index(label) for label in labels])
    members = []
    with bar(settings.members * settings.epochs, "training the recogniser") as progress:
        for i in range(settings.members):
            seed = settings.seed + i
            members.append(_member(own, twins, classes, len(known), settings, seed, progress))
    return Recogniser(tuple(members), tuple(known), skeleton)


def _member(
    own: Sequences,
    twins: Sequences,
    classes: Tensor,
    n_classes: int,
    settings: RecogniserConfig,
    seed: int,
    progress: Any,
) -> DeepGRUClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = DeepGRUClassifier(own.values.shape[-1], n_classes, settings.widths, settings.hidden)
        optimizer = torch.optim.AdamW(model.parameters(), settings.learning_rate, weight_decay=1e-2)
        for epoch in range(settings.epochs):
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * half_cosine(epoch, settings.epochs)
            model.train()
            for rows in torch.randperm(len(own)).split(settings.batch_size):
                if len(rows) < 2:
                    continue  # nothing to normalise a batch by
                seen = _varied(own[rows], twins[rows], settings)
                loss = nn.functional.cross_entropy(
                    model(seen.values, seen.lengths), classes[rows], label_smoothing=0.05
                )
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
            progress.advance()
    return model.eval()


def _varied(own: Sequences, twins: Sequences, settings: RecogniserConfig) -> Sequences:
    """Augmented motions: mirrored, turned, scaled and displaced at random."""
    values = own.values
    if settings.flip:
        flipped = torch.rand(len(own), 1, 1) < 0.5
        values = torch.where(flipped, twins.values[:, : values.shape[1]], values)
    positions = values.unflatten(-1, (-1, 3))
    angle = torch.randn(len(own), 1, 1) * math.radians(settings.turn)
    positions = rotate_about_vertical(positions, angle)
    positions = positions * (1 + settings.size * torch.randn(len(own), 1, 1, 1))
    spread = settings.jitter * torch.rand(len(own), 1, 1, 1)
    held = torch.randn_like(positions[:, :1])
    positions = positions + spread * (held + torch.randn_like(positions)) / math.sqrt(2)
    return Sequences(positions.flatten(-2) * own.mask[..., None], own.lengths)
