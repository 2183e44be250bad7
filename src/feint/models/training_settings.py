"""Settings of a training, and its history.  Needs no torch.

`training` of a [[model]] table has these fields; families have defaults of their own
(`training_defaults`).
"""

from dataclasses import dataclass, field
from typing import Literal

from feint.errors import FeintError


@dataclass(frozen=True)
class Training:
    """How to train.  The paper states the epochs (1,000), Adam and its rate; the rest is ours.

    Attributes:
        epochs: passes over the training rows.
        learning_rate: Adam's; with `schedule` "cosine" it falls to 0 over the epochs.
        batch_size: rows a step.
        bucketing: the rows of this many batches are sorted by length before they are split into
            batches: less padding, less time, the same work. 1 does not sort.
        validation: share of the groups held out to choose the epoch by.
        keep: the "best" epoch by validation error, or the "last" as in the paper.
        clip: largest norm of the gradient.
        checkpoint_every: epochs between checkpoints.
        seed: of the split, the shuffling and dropout.

    Raises:
        FeintError: a value of a wrong type, out of its range, or an unknown choice.
    """

    epochs: int = 100
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine"] = "constant"
    batch_size: int = 64
    bucketing: int = 1
    validation: float = 0.1
    keep: Literal["best", "last"] = "best"
    clip: float = 1.0
    checkpoint_every: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        counts = (self.epochs, self.batch_size, self.bucketing, self.checkpoint_every)
        if not all(type(value) is int for value in (*counts, self.seed)):
            raise FeintError(
                f"Training got {self}; expected whole numbers for epochs, batch_size, bucketing, "
                "checkpoint_every and seed.",
                code="bad-setting",
            )
        if self.schedule not in ("constant", "cosine") or self.keep not in ("best", "last"):
            raise FeintError(
                f"Training got schedule={self.schedule!r}, keep={self.keep!r}; expected 'constant' "
                "or 'cosine', and 'best' or 'last'.",
                code="bad-setting",
            )
        for name in ("learning_rate", "validation", "clip"):
            if type(getattr(self, name)) not in (int, float):
                raise FeintError(
                    f"Training got {name}={getattr(self, name)!r}; expected a number.",
                    code="bad-setting",
                )
        if (
            min(counts) < 1
            or not 0 <= self.validation < 1
            or not self.learning_rate > 0
            or not self.clip > 0
        ):
            raise FeintError(
                f"Training got {self}; expected epochs, batch_size, bucketing and checkpoint_every "
                "of at least 1, 0 <= validation < 1, learning_rate > 0 and clip > 0.",
                code="bad-setting",
            )
        if self.keep == "best" and self.validation == 0:
            raise FeintError(
                "Training got keep='best' and validation=0; expected validation rows to choose the "
                "epoch by. Use keep='last', or a validation share.",
                code="bad-setting",
            )


@dataclass(frozen=True)
class History:
    """What a training did, one entry an epoch.

    Attributes:
        loss: mean squared error on the training rows, in data units squared.
        validation: mean per-frame distance on the validation rows (empty without them).
        best_epoch: index of the epoch whose weights the model ends with.
    """

    loss: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best_epoch: int = 0
