"""`Sequences`, the data type of every layer: a padded batch of sequences of unequal length.

The distance of equation 7 is here too, since attacks and evaluation must compute the same one.
Sums over time are over a sequence's own frames only; the padding is never read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from feint.errors import FeintError

Norm = Literal["frame", "joint"]
"""Of a frame in equation 7: L2 over all coordinates, or L2 by joint, summed over joints."""


@dataclass(frozen=True, eq=False)
class Sequences:
    """A padded batch of sequences.

    Attributes:
        values: (batch, time, features), floating point, finite, the padding included.
        lengths: (batch,), int64, each in 1..time: the number of own frames.

    Raises:
        FeintError: wrong shapes or dtypes, a length outside 1..time, NaN or infinity, an
            empty batch.
    """

    values: Float[Tensor, "batch time features"]
    lengths: Int[Tensor, " batch"]

    def __post_init__(self) -> None:
        values, lengths = self.values, self.lengths
        if values.ndim != 3 or not values.is_floating_point():
            raise FeintError(
                f"Sequences got values of shape {tuple(values.shape)} and dtype {values.dtype}; "
                "expected a floating-point tensor (batch, time, features). "
                "Use Sequences.pad([...]) to build one from (time, features) tensors.",
                code="wrong-shape",
            )
        if lengths.dtype != torch.int64 or lengths.shape != values.shape[:1]:
            raise FeintError(
                f"Sequences got lengths of shape {tuple(lengths.shape)} and dtype {lengths.dtype} "
                f"for values of shape {tuple(values.shape)}; expected int64, one a sequence.",
                code="wrong-shape",
            )
        if 0 in values.shape:
            raise FeintError(
                f"Sequences got values of shape {tuple(values.shape)}: the set is empty; "
                "expected at least one sequence, one frame and one feature.",
                code="empty-batch",
            )
        if bool(((lengths < 1) | (lengths > values.shape[1])).any()):
            raise FeintError(
                f"Sequences got lengths from {int(lengths.min())} to {int(lengths.max())}; "
                f"expected each in 1..{values.shape[1]}, the padded time.",
                code="bad-length",
            )
        bad = ~values.isfinite()
        if bool(bad.any()):
            row, time, feature = (int(i) for i in bad.nonzero()[0])
            raise FeintError(
                f"Sequences got {values[row, time, feature].item()} in sequence {row}, "
                f"frame {time}, feature {feature} ({int(bad.sum())} such values in all); expected "
                "finite numbers, in the padding too (Sequences.pad fills it with zeros). "
                "Repair or drop these sequences first.",
                code="not-finite",
            )

    @staticmethod
    def pad(sequences: Sequence[Tensor]) -> "Sequences":
        """Pad (time, features) tensors of unequal time with zeros into one batch.

        Raises:
            FeintError: an empty list, another shape, NaN or infinity.
        """
        if len(sequences) == 0:
            raise FeintError(
                "Sequences.pad got an empty list; expected at least one (time, features) tensor.",
                code="empty-batch",
            )
        first = sequences[0]
        for i, sequence in enumerate(sequences):
            if sequence.ndim != 2 or sequence.shape[-1] != first.shape[-1] or len(sequence) == 0:
                raise FeintError(
                    f"Sequences.pad got shape {tuple(sequence.shape)} at position {i}; "
                    f"expected (time >= 1, features = {first.shape[-1]}) as in the first one.",
                    code="wrong-shape",
                )
        lengths = torch.tensor([len(s) for s in sequences], device=first.device)
        values = nn.utils.rnn.pad_sequence(list(sequences), batch_first=True)
        return Sequences(values, lengths)

    def unpad(self) -> list[Tensor]:
        """The sequences alone: a list of (time, features) tensors, each of its own length."""
        return [v[:n] for v, n in zip(self.values, self.lengths.tolist(), strict=True)]

    @property
    def mask(self) -> Bool[Tensor, "batch time"]:
        """True on a sequence's own frames."""
        time = torch.arange(self.values.shape[1], device=self.values.device)
        return time < self.lengths[:, None]

    def with_values(self, values: Tensor) -> "Sequences":
        """The same lengths around other values (batch, time, any features)."""
        return replace(self, values=values)

    def with_rows(self, rows: Sequence[Tensor]) -> "Sequences":
        """The same lengths around these (own time, features) tensors, 0 in the padding."""
        values = nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
        missing = self.values.shape[1] - values.shape[1]
        return self.with_values(nn.functional.pad(values, (0, 0, 0, missing)))

    def to(self, device: torch.device | str) -> "Sequences":
        """The same batch on another device."""
        return Sequences(self.values.to(device), self.lengths.to(device))

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.unpad())

    def __getitem__(self, rows: Sequence[int] | slice | Tensor) -> "Sequences":
        """Some rows, in the order asked for, cut to the longest of them."""
        if not isinstance(rows, slice):
            rows = torch.as_tensor(rows, device=self.values.device)
            if rows.ndim != 1 or rows.is_floating_point():
                raise FeintError(
                    f"Sequences got an index of shape {tuple(rows.shape)} and dtype {rows.dtype}; "
                    "expected a slice, a list of one or more rows or a (rows,) tensor.",
                    code="wrong-shape",
                )
        lengths = self.lengths[rows]
        longest = int(lengths.max()) if len(lengths) else 0
        return Sequences(self.values[rows][:, :longest], lengths)


def sum_over_time(
    per_frame: Float[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Sum over each sequence's own frames; the padding, even NaN, is not read."""
    own = torch.arange(per_frame.shape[1], device=per_frame.device) < lengths[:, None]
    return torch.where(own, per_frame, torch.zeros_like(per_frame)).sum(dim=1)


def mean_over_time(
    per_frame: Float[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Mean over each sequence's own frames; the padding is not read."""
    return sum_over_time(per_frame, lengths) / lengths


def frame_distance(
    difference: Float[Tensor, "batch time features"], norm: Norm = "frame"
) -> Float[Tensor, "batch time"]:
    """The norm of each frame in equation 7, of a difference of two batches.

    "frame" is as printed: one L2 norm over all coordinates of a frame.  "joint" sums the L2 norms
    of the joints' (x, y, z), which is the scale of the paper's Table 1 (docs/departures.md).  The
    gradient at 0 is 0, not NaN.

    Raises:
        FeintError: an unknown norm; "joint" with features that are not triples.
    """
    if norm == "frame":
        return torch.linalg.vector_norm(difference, dim=-1)
    if norm != "joint":
        raise FeintError(
            f"distance got norm={norm!r}; expected 'frame' or 'joint'.", code="unknown-norm"
        )
    if difference.shape[-1] % 3:
        raise FeintError(
            f"The joint norm got {difference.shape[-1]} features a frame; expected a multiple "
            "of 3 (x, y, z a joint). Use norm='frame' for sequences without joints.",
            code="wrong-shape",
        )
    joints = difference.unflatten(-1, (-1, 3))
    return torch.linalg.vector_norm(joints, dim=-1).sum(dim=-1)


def distance(a: Sequences, b: Sequences, norm: Norm = "frame") -> Float[Tensor, " batch"]:
    """Equation 7: the per-frame distance summed over a sequence's own frames.

    Args:
        a, b: two batches of the same shape and lengths, for example a prediction and its target.
        norm: "frame" (as printed) or "joint", see `frame_distance`.

    Returns:
        (batch,) distances in the data's units.

    Raises:
        FeintError: shapes or lengths differ.
    """
    check_alike(a, b, "distance")
    return sum_over_time(frame_distance(a.values - b.values, norm), a.lengths)


def check_alike(a: Sequences, b: Sequences, who: str) -> None:
    """Raise unless two batches have the same shape and lengths."""
    if a.values.shape != b.values.shape or not torch.equal(a.lengths, b.lengths):
        raise FeintError(
            f"{who} got two batches that differ: shapes {tuple(a.values.shape)} and "
            f"{tuple(b.values.shape)}, lengths {a.lengths.tolist()} and {b.lengths.tolist()}; "
            "expected the same sequences, frame for frame and feature for feature.",
            code="shape-mismatch",
        )
