"""`Sequences`, the one data type that walks through the house, and what is measured on it.

A padded batch of sequences of unequal length.  Everything that sums over time sums over a
sequence's own frames only; the padding is never read.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from feint.errors import FeintError

Reading = Literal["frame", "joint"]


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
                "Use Sequences.pad([...]) to build one from (time, features) tensors."
            )
        if lengths.dtype != torch.int64 or lengths.shape != values.shape[:1]:
            raise FeintError(
                f"Sequences got lengths of shape {tuple(lengths.shape)} and dtype {lengths.dtype} "
                f"for values of shape {tuple(values.shape)}; expected int64, one a sequence."
            )
        if 0 in values.shape:
            raise FeintError(
                f"Sequences got values of shape {tuple(values.shape)}: the set is empty; "
                "expected at least one sequence, one frame and one feature."
            )
        if bool(((lengths < 1) | (lengths > values.shape[1])).any()):
            raise FeintError(
                f"Sequences got lengths from {int(lengths.min())} to {int(lengths.max())}; "
                f"expected each in 1..{values.shape[1]}, the padded time."
            )
        bad = ~values.isfinite()
        if bool(bad.any()):
            row, time, feature = (int(i) for i in bad.nonzero()[0])
            raise FeintError(
                f"Sequences got {values[row, time, feature].item()} in sequence {row}, "
                f"frame {time}, feature {feature} ({int(bad.sum())} such values in all); expected "
                "finite numbers, in the padding too (Sequences.pad fills it with zeros). "
                "Repair or drop these sequences first."
            )

    @staticmethod
    def pad(sequences: Sequence[Tensor]) -> "Sequences":
        """Pad (time, features) tensors of unequal time with zeros into one batch.

        Raises:
            FeintError: an empty list, another shape, NaN or infinity.
        """
        if len(sequences) == 0:
            raise FeintError(
                "Sequences.pad got an empty list; expected at least one (time, features) tensor."
            )
        first = sequences[0]
        for i, sequence in enumerate(sequences):
            if sequence.ndim != 2 or sequence.shape[-1] != first.shape[-1] or len(sequence) == 0:
                raise FeintError(
                    f"Sequences.pad got shape {tuple(sequence.shape)} at position {i}; "
                    f"expected (time >= 1, features = {first.shape[-1]}) as in the first one."
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
                    "expected a slice, a list of one or more rows or a (rows,) tensor."
                )
        lengths = self.lengths[rows]
        longest = int(lengths.max()) if len(lengths) else 0
        return Sequences(self.values[rows][:, :longest], lengths)


def sum_over_time(
    per_frame: Float[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Sum over each sequence's own frames; what stands in the padding (even NaN) is not read."""
    own = torch.arange(per_frame.shape[1], device=per_frame.device) < lengths[:, None]
    return torch.where(own, per_frame, torch.zeros_like(per_frame)).sum(dim=1)


def frame_distance(
    difference: Float[Tensor, "batch time features"], reading: Reading = "frame"
) -> Float[Tensor, "batch time"]:
    """The norm inside equation 7, per frame, of a difference of two batches.

    "frame" reads it as printed: one L2 norm over all of a frame's coordinates.  "joint" takes the
    L2 norm of each joint's (x, y, z) and sums over joints: the reading under which the scale of
    the paper's Table 1 makes sense (docs/departures.md).  Gradients at 0 are 0, not NaN.
    """
    if reading == "frame":
        return torch.linalg.vector_norm(difference, dim=-1)
    if reading != "joint":
        raise FeintError(f"distance got reading={reading!r}; expected 'frame' or 'joint'.")
    if difference.shape[-1] % 3:
        raise FeintError(
            f"The joint reading got {difference.shape[-1]} features a frame; expected a multiple "
            "of 3 (x, y, z a joint). Use reading='frame' for sequences without joints."
        )
    joints = difference.unflatten(-1, (-1, 3))
    return torch.linalg.vector_norm(joints, dim=-1).sum(dim=-1)


def distance(a: Sequences, b: Sequences, reading: Reading = "frame") -> Float[Tensor, " batch"]:
    """Equation 7: the per-frame distance summed over a sequence's own frames.

    Args:
        a, b: two batches of the same shape and lengths, for example a prediction and its target.
        reading: "frame" (as printed) or "joint", see `frame_distance`.

    Returns:
        (batch,) distances in the data's units.

    Raises:
        FeintError: shapes or lengths differ.
    """
    check_alike(a, b, "distance")
    return sum_over_time(frame_distance(a.values - b.values, reading), a.lengths)


def check_alike(a: Sequences, b: Sequences, who: str) -> None:
    """Raise unless two batches have the same shape and lengths."""
    if a.values.shape != b.values.shape or not torch.equal(a.lengths, b.lengths):
        raise FeintError(
            f"{who} got two batches that differ: shapes {tuple(a.values.shape)} and "
            f"{tuple(b.values.shape)}, lengths {a.lengths.tolist()} and {b.lengths.tolist()}; "
            "expected the same sequences, frame for frame and feature for feature."
        )


def forward(model: nn.Module, x: Sequences) -> Tensor:
    """One forward pass, with `lengths` where the model's `forward` asks for them.

    Gradients flow.  Raises FeintError on a model that is none, or of another precision or device
    than x, and on an output that is not (batch, time, outputs).
    """
    if not isinstance(model, nn.Module):  # who calls need not check types
        raise FeintError(
            f"The model is a {type(model).__name__}; expected a torch.nn.Module. Wrap a plain "
            "function: feint.Function(f)."
        )
    first = next(model.parameters(), None)
    if first is not None and first.device != x.values.device:
        raise FeintError(
            f"The model's weights are on {first.device} and its input on {x.values.device}; "
            "expected the same. Move one of them, model.to(device) or x.to(device)"
            + (", and load weights: on meta there are none." if first.is_meta else ".")
        )
    other = first is not None and first.is_floating_point() and first.dtype != x.values.dtype
    if other and not any(getattr(part, "converts", False) for part in model.modules()):
        raise FeintError(
            f"The model's weights are {next(model.parameters()).dtype} and its input "
            f"{x.values.dtype}; expected the same. Convert one of them: model.double(), or the "
            "tensors given to Sequences.pad."
        )
    return call(model, x.values, x.lengths)


def call(
    model: nn.Module, values: Float[Tensor, "batch time features"], lengths: Int[Tensor, " batch"]
) -> Tensor:
    """`forward` without looking at the numbers, for loops that did and cannot wait for a device."""
    values = values.clone()  # a model that writes into its input does not change the caller's
    try:
        with _differentiable(model, values):
            output = ask(model, values, lengths)
    except (RuntimeError, TypeError, ValueError, LookupError, AssertionError) as error:
        if isinstance(error, FeintError | torch.OutOfMemoryError):
            raise
        raise FeintError(
            f"The model fails on an input (batch, time, features) of {tuple(values.shape)}: "
            f"{type(error).__name__}: {_short(error)}. Expected a model that takes such tensors, "
            "of any batch and time. Look at the features it expects, and at sizes it has fixed."
        ) from error
    if not isinstance(output, Tensor) or output.shape[:-1] != values.shape[:-1]:
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise FeintError(
            f"The model answered {got} to an input of shape {tuple(values.shape)}; expected a "
            "tensor (batch, time, outputs) with the input's batch and time. Wrap the model if it "
            "returns something else besides."
        )
    if output.dtype != values.dtype and not torch.is_autocast_enabled(values.device.type):
        raise FeintError(
            f"The model answered {output.dtype} to an input of {values.dtype}; expected the same. "
            "Convert it: model.float(), or answer.to(x.dtype) at its end."
        )
    return output


def ask(model: nn.Module, values: Tensor, lengths: Tensor) -> Any:
    """The model's answer, given `lengths` where its `forward` has an argument of that name.

    A traced model has no names: its second input, if it has one, gets them.
    """
    answers: Any = model.forward
    try:
        named = "lengths" in inspect.signature(answers).parameters
    except ValueError:
        return model(values, *[lengths][: len(answers.schema.arguments) - 2])
    return model(values, lengths=lengths) if named else model(values)


def _differentiable(model: nn.Module, values: Tensor) -> AbstractContextManager[None]:
    """On a GPU, recurrent layers in evaluation mode by PyTorch's own kernels.

    cuDNN, which would run them, refuses their backward pass in evaluation mode.  Nothing else
    changes: the same weights, the same mode, the same answers but for rounding.
    """
    if values.is_cuda and torch.is_grad_enabled() and _still_recurrent(model):
        return torch.backends.cudnn.flags(enabled=False)
    return nullcontext()


def _still_recurrent(model: nn.Module) -> bool:
    """Whether a part of the model is an RNN in evaluation mode."""
    return any(isinstance(part, nn.RNNBase) and not part.training for part in model.modules())


def _short(error: Exception) -> str:
    """The first lines of what an error says."""
    return " ".join(str(error).split())[:300]


def predict(model: nn.Module, x: Sequences) -> Sequences:
    """The model's answer to each sequence of x: (batch, time, outputs), in the data's units.

    No gradient flows; the padding is 0.

    Raises:
        FeintError: the model is in a training mode that changes its answer, draws random numbers,
            answers with a wrong shape, or answers NaN.
    """
    check_mode(model)
    before = _random_states(x.values)
    with torch.no_grad():
        output = forward(model, x).detach()
    if not all(map(torch.equal, before, _random_states(x.values))):
        raise FeintError(
            "The model draws random numbers while it answers (dropout that is on, noise, "
            "sampling), so no two answers need be alike. Call model.eval(); a model that is meant "
            "to be random is wrapped, feint.Sampled(model, samples=8), or has `samples` in its "
            "[[model]]."
        )
    own = x.mask[..., None]
    if not bool((output.isfinite() | ~own).all()):
        raise FeintError(
            "The model answered NaN or infinity to finite input. Check its weights and the units "
            "of its input: feint passes data through as it is."
        )
    return x.with_values(torch.where(own, output, torch.zeros_like(output)))


def _random_states(values: Tensor) -> list[Tensor]:
    """Of the generators that a model can draw from."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(values.device)] if values.is_cuda else states


def check_mode(model: nn.Module) -> None:
    """Raise if a part of the model answers differently because it is in training mode.

    Inside a `feint.Sampled` dropout may be on: it is meant.
    """
    meant: tuple[str, ...] = ()
    for name, part in getattr(model, "named_modules", list)():  # what is no module: see `forward`
        if getattr(part, "means_to_draw", False):
            meant = (*meant, f"{name}." if name else "")
        if isinstance(part, nn.modules.dropout._DropoutNd):
            differs = part.p > 0 and not name.startswith(meant)
        elif isinstance(part, nn.RNNBase | nn.MultiheadAttention):
            differs = part.dropout > 0 and not name.startswith(meant)
        else:
            differs = isinstance(part, nn.modules.batchnorm._NormBase) and part.track_running_stats
        if part.training and differs:
            raise FeintError(
                f"The model is in training mode, and its part {name or type(part).__name__!r} "
                f"({type(part).__name__}) answers differently there; expected evaluation mode. "
                "Call model.eval() first: feint never changes a model's mode."
            )
