"""Egocentric coordinates: metres, relative to a person's root, rotated to where the person faces.

Raw coordinates mix a person's motion with the camera's position.  `EgocentricNormalization` has the
same interface as `Normalization`: `normalize` on the way in, `denormalize` on the way out.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.errors import FeintError
from feint.models.layers.normalization import (
    check_first_pose,
    fit_statistics,
    register_statistics,
)
from feint.sequences import Sequences
from feint.skeleton import LEFT_RIGHT, SBU_15, forward_direction, rotate_horizontally

Links = Sequence[Sequence[int]]
"""Pairs of joints, left and right; the person faces perpendicular to the line between them."""
SBU_LINKS = tuple((SBU_15.joint(left), SBU_15.joint(right)) for left, right in LEFT_RIGHT)
"""Shoulders and hips of `SBU_15`."""


class EgocentricNormalization(nn.Module):
    """Data units -> metres from a person's root, rotated until the person faces +x; and back.

    The person is the reactor in its first pose or, without `first_pose`, the actor in the first
    frame.  Both are known in every frame, so a causal network stays causal.

    Args:
        inputs, outputs: features a frame: joints of (x, y, z), y upright.
        first_pose: the last `outputs` inputs are the reactor's first pose, and answers are changes
            of it.  True, or [feature at which the root begins, 3].
        scale: metres in a data unit, for each axis.
        links: see `Links`.

    Raises:
        FeintError: the features are not such joints.
    """

    input_mean: Tensor
    input_scale: Tensor
    output_mean: Tensor
    output_scale: Tensor
    metres: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        first_pose: bool | Sequence[int] = False,
        scale: Sequence[float] = SBU_15.scale,
        links: Links = SBU_LINKS,
    ) -> None:
        super().__init__()
        root, axes = (6, 3) if isinstance(first_pose, bool) else first_pose
        ends = [joint for link in links for joint in link]
        fits = axes == 3 and len(scale) == 3 and not inputs % 3 and not outputs % 3 and ends
        if not fits or 3 * max(ends) + 3 > outputs or root + 3 > outputs:
            raise FeintError(
                f"Egocentric normalisation got {inputs} inputs and {outputs} outputs, the root "
                f"from feature {root} on, links {list(links)}; expected joints of (x, y, z) that "
                "contain them. Set facing = false for other data.",
                code="wrong-features",
            )
        if first_pose:
            check_first_pose(inputs, outputs)
        self.first_pose, self.outputs, self.root = bool(first_pose), outputs, root
        self.left, self.right = ([link[side] for link in links] for side in (0, 1))
        self.register_buffer("metres", torch.tensor(list(scale)), persistent=False)
        register_statistics(self, inputs, outputs)

    def normalize(
        self, x: Float[Tensor, "batch time inputs"]
    ) -> Float[Tensor, "batch time inputs"]:
        """X in the network's units."""
        return (self._egocentric(x) - self.input_mean) / self.input_scale

    def denormalize(
        self, y: Float[Tensor, "batch time outputs"], x: Float[Tensor, "batch time inputs"]
    ) -> Float[Tensor, "batch time outputs"]:
        """The network's answer to x, in the data's units."""
        person = self._person(x)
        y = y * self.output_scale + self.output_mean
        away = self._rotated(y.unflatten(-1, (-1, 3)), person, back=True) / self.metres
        return (away + self._origin(x, person)).flatten(2)

    def fit(self, x: Sequences, y: Sequences) -> None:
        """Set the buffers from training data: mean and standard deviation over own frames."""
        person = self._person(x.values)
        away = y.values.unflatten(-1, (-1, 3)) - self._origin(x.values, person)
        changes = self._rotated(away * self.metres, person).flatten(2)
        fit_statistics(self, self._egocentric(x.values)[x.mask], changes[x.mask])

    def _person(self, x: Tensor) -> Float[Tensor, "batch 1 joints 3"]:
        """The pose that gives the origin and the heading, in data units."""
        pose = x[:, :1, -self.outputs :] if self.first_pose else x[:, :1, : self.outputs]
        return pose.unflatten(-1, (-1, 3))

    def _root_of(self, person: Tensor) -> Float[Tensor, "batch 1 1 3"]:
        return person.flatten(2)[..., None, self.root : self.root + 3]

    def _origin(self, x: Tensor, person: Tensor) -> Tensor:
        """What answers are relative to: the first pose, or the person's root."""
        return person if self.first_pose else self._root_of(person)

    def _egocentric(self, x: Tensor) -> Tensor:
        person = self._person(x)
        about = (x.unflatten(-1, (-1, 3)) - self._root_of(person)) * self.metres
        return self._rotated(about, person).flatten(2)

    def _rotated(self, positions: Tensor, person: Tensor, back: bool = False) -> Tensor:
        """Positions rotated about the vertical until the person faces +x, or back."""
        across = (person[..., self.right, :] - person[..., self.left, :]).mean(dim=2) * self.metres
        x, z = (one[..., None] for one in forward_direction(across))
        size = (x**2 + z**2 + 1e-12).rsqrt()  # a flat pose faces nowhere; 1e-12 avoids NaN
        return rotate_horizontally(positions, x * size, z * size * (1 if back else -1))
