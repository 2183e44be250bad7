"""Normalisation inside a model, so that its input and output, and attacks, use the data's units.

A model owns one `Normalization` (or `EgocentricNormalization`) as its attribute `coordinates`, a
name that is part of stored weights.  With `first_pose` the reactor's first pose follows the
actor's features as constant inputs (`with_first_pose`); the model then sees the actor relative to
that pose's root and answers with changes of that pose.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.errors import FeintError
from feint.sequences import Sequences


class Normalization(nn.Module):
    """Data units -> the network's units, and back.

    Args:
        inputs, outputs: features a frame, in the data.
        first_pose: the last `outputs` inputs are the reactor's first pose, and positions are
            relative to its root.  True: joints of three coordinates, the root's from feature 6 on
            (SBU's); [root, axes] of another skeleton; [0, 0] without joints.

    Raises:
        FeintError: the features do not hold such a first pose.
    """

    input_mean: Tensor
    input_scale: Tensor
    output_mean: Tensor
    output_scale: Tensor

    def __init__(self, inputs: int, outputs: int, first_pose: bool | Sequence[int] = False) -> None:
        super().__init__()
        root, axes = (6, 3) if isinstance(first_pose, bool) else first_pose
        if first_pose:
            check_first_pose(inputs, outputs)
        if first_pose and axes and (inputs % axes or outputs % axes or root + axes > outputs):
            raise FeintError(
                f"A model with first_pose got {inputs} inputs and {outputs} outputs; expected "
                f"joints of {axes} coordinates each, the root's from feature {root} of the pose "
                "on.",
                code="wrong-features",
            )
        self.first_pose, self.outputs = bool(first_pose), outputs
        self.root, self.axes = root, axes
        register_statistics(self, inputs, outputs)

    def normalize(
        self, x: Float[Tensor, "batch time inputs"]
    ) -> Float[Tensor, "batch time inputs"]:
        """X in the network's units."""
        return (self._relative(x) - self.input_mean) / self.input_scale

    def denormalize(
        self, y: Float[Tensor, "batch time outputs"], x: Float[Tensor, "batch time inputs"]
    ) -> Float[Tensor, "batch time outputs"]:
        """The network's answer to x, in the data's units."""
        y = y * self.output_scale + self.output_mean
        return y + x[..., -self.outputs :] if self.first_pose else y

    def _relative(self, x: Tensor) -> Tensor:
        if not self.first_pose or not self.axes:
            return x
        begin = x.shape[-1] - self.outputs + self.root
        root = x[..., begin : begin + self.axes]
        return x - root.repeat(1, 1, x.shape[-1] // self.axes)

    def fit(self, x: Sequences, y: Sequences) -> None:
        """Set the buffers from training data: mean and standard deviation over own frames."""
        seen, changes = self._relative(x.values)[x.mask], y.values[y.mask]
        if self.first_pose:
            changes = changes - x.values[..., -self.outputs :][x.mask]
        fit_statistics(self, seen, changes)


def check_first_pose(inputs: int, outputs: int) -> None:
    """Raise FeintError unless there is room for a first pose behind the actor's features."""
    if inputs <= outputs:
        raise FeintError(
            f"A model with first_pose got {inputs} inputs for {outputs} outputs; expected the "
            "actor's features followed by the first pose's. Build its input with "
            "feint.with_first_pose.",
            code="wrong-features",
        )


def register_statistics(module: nn.Module, inputs: int, outputs: int) -> None:
    """Give a module the buffers of `fit_statistics`: means of 0 and scales of 1."""
    for name, features in (("input", inputs), ("output", outputs)):
        module.register_buffer(f"{name}_mean", torch.zeros(features))
        module.register_buffer(f"{name}_scale", torch.ones(features))


def fit_statistics(
    module: nn.Module,
    seen: Float[Tensor, "frames inputs"],
    answers: Float[Tensor, "frames outputs"],
) -> None:
    """Set the buffers from all own frames: mean and standard deviation, feature by feature."""
    for name, values in (("input", seen), ("output", answers)):
        scale = values.std(dim=0)
        getattr(module, f"{name}_mean").copy_(values.mean(dim=0))
        # A constant feature has deviation 0; its scale stays 1.
        getattr(module, f"{name}_scale").copy_(torch.where(scale > 1e-6, scale, 1.0))
