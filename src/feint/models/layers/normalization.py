"""What a reactor needs to work in its own units, kept inside it, so attacks speak the data's.

Normalisation is a pair of buffers on either side.  A reactor that knows where it stands gets its
own first pose as extra input features behind the actor's, constant in time (`with_first_pose`);
it then sees the actor from its own place and answers with its change of pose.
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
        first_pose: the last `outputs` inputs are the reactor's first pose.  What is seen is then
            told relative to its root.  True: joints of three coordinates, the root's from feature
            6 on (SBU's); [root, axes] of another skeleton; [0, 0] where there are no joints.
    """

    input_mean: Tensor
    input_scale: Tensor
    output_mean: Tensor
    output_scale: Tensor

    def __init__(self, inputs: int, outputs: int, first_pose: bool | Sequence[int] = False) -> None:
        super().__init__()
        root, axes = (6, 3) if isinstance(first_pose, bool) else first_pose
        if first_pose and inputs <= outputs:
            raise FeintError(
                f"A reactor that knows its first pose got {inputs} inputs for {outputs} outputs; "
                "expected the actor's features and then the first pose's. "
                "Build its input with feint.with_first_pose."
            )
        if first_pose and axes and (inputs % axes or outputs % axes or root + axes > outputs):
            raise FeintError(
                f"A reactor that knows its first pose got {inputs} inputs and {outputs} outputs; "
                f"expected joints of {axes} coordinates each, with the root's from feature {root} "
                "of the pose on."
            )
        self.first_pose, self.outputs = bool(first_pose), outputs
        self.root, self.axes = root, axes
        self.register_buffer("input_mean", torch.zeros(inputs))
        self.register_buffer("input_scale", torch.ones(inputs))
        self.register_buffer("output_mean", torch.zeros(outputs))
        self.register_buffer("output_scale", torch.ones(outputs))

    def normalize(
        self, x: Float[Tensor, "batch time inputs"]
    ) -> Float[Tensor, "batch time inputs"]:
        """What the network sees of x."""
        return (self._place(x) - self.input_mean) / self.input_scale

    def denormalize(
        self, y: Float[Tensor, "batch time outputs"], x: Float[Tensor, "batch time inputs"]
    ) -> Float[Tensor, "batch time outputs"]:
        """The network's answer to x, in the data's units."""
        y = y * self.output_scale + self.output_mean
        return y + x[..., -self.outputs :] if self.first_pose else y

    def _place(self, x: Tensor) -> Tensor:
        if not self.first_pose or not self.axes:
            return x
        begin = x.shape[-1] - self.outputs + self.root
        place = x[..., begin : begin + self.axes]
        return x - place.repeat(1, 1, x.shape[-1] // self.axes)

    def fit(self, x: Sequences, y: Sequences) -> None:
        """Set the buffers from training data: mean and standard deviation over own frames."""
        seen, wanted = self._place(x.values)[x.mask], y.values[y.mask]
        if self.first_pose:
            wanted = wanted - x.values[..., -self.outputs :][x.mask]
        for name, values in (("input", seen), ("output", wanted)):
            scale = values.std(dim=0)
            getattr(self, f"{name}_mean").copy_(values.mean(dim=0))
            # A coordinate that never changes carries nothing: leave its scale alone.
            getattr(self, f"{name}_scale").copy_(torch.where(scale > 1e-6, scale, 1.0))
