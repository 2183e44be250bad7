"""Coordinates as a person has them: metres, from where it stands, turned to where it faces.

Raw coordinates mix what somebody does with where the camera stands.  `Placed` stands in the place
of `Coordinates`: the same two ways, in and out, of the same data units.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.errors import FeintError
from feint.sequences import Sequences
from feint.skeleton import SBU_15

Links = Sequence[Sequence[int]]
"""Pairs of joints, left and right, that tell where a person faces."""
SBU_LINKS = ((3, 6), (9, 12))
"""Shoulders and hips of `SBU_15`."""


class EgocentricNormalization(nn.Module):
    """Data units -> metres from a person's root, turned until it faces +x; and back.

    The person is the reactor in its first pose, or, where that is not seen, the actor in the first
    frame: known in every frame, so a causal network stays causal.

    Args:
        inputs, outputs: features a frame: joints of (x, y, z), y upright.
        first_pose: the last `outputs` inputs are the reactor's first pose, and answers are told as
            changes of it.  True, or [feature the root begins at, 3].
        scale: metres in a data unit, an axis.
        links: see `Links`.

    Raises:
        FeintError: the features are no such joints.
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
                f"Coordinates turned to where a person faces got {inputs} inputs and {outputs} "
                f"outputs, the root from feature {root} on, links {list(links)}; expected joints "
                "of (x, y, z) that hold them. Set facing = false for data that has not got them."
            )
        if first_pose and inputs <= outputs:
            raise FeintError(
                f"A reactor that knows its first pose got {inputs} inputs for {outputs} outputs; "
                "expected the actor's features and then the first pose's. "
                "Build its input with feint.with_first_pose."
            )
        self.first_pose, self.outputs, self.root = bool(first_pose), outputs, root
        self.left, self.right = ([link[side] for link in links] for side in (0, 1))
        self.register_buffer("metres", torch.tensor(list(scale)), persistent=False)
        self.register_buffer("input_mean", torch.zeros(inputs))
        self.register_buffer("input_scale", torch.ones(inputs))
        self.register_buffer("output_mean", torch.zeros(outputs))
        self.register_buffer("output_scale", torch.ones(outputs))

    def normalize(
        self, x: Float[Tensor, "batch time inputs"]
    ) -> Float[Tensor, "batch time inputs"]:
        """What the network sees of x."""
        return (self._seen(x) - self.input_mean) / self.input_scale

    def denormalize(
        self, y: Float[Tensor, "batch time outputs"], x: Float[Tensor, "batch time inputs"]
    ) -> Float[Tensor, "batch time outputs"]:
        """The network's answer to x, in the data's units."""
        person = self._person(x)
        y = y * self.output_scale + self.output_mean
        away = self._turned(y.unflatten(-1, (-1, 3)), person, back=True) / self.metres
        return (away + self._from(x, person)).flatten(2)

    def fit(self, x: Sequences, y: Sequences) -> None:
        """Set the buffers from training data: mean and standard deviation over own frames."""
        person = self._person(x.values)
        away = y.values.unflatten(-1, (-1, 3)) - self._from(x.values, person)
        wanted = self._turned(away * self.metres, person).flatten(2)
        for name, values in (("input", self._seen(x.values)), ("output", wanted)):
            own = values[x.mask]
            scale = own.std(dim=0)
            getattr(self, f"{name}_mean").copy_(own.mean(dim=0))
            getattr(self, f"{name}_scale").copy_(torch.where(scale > 1e-6, scale, 1.0))

    def _person(self, x: Tensor) -> Float[Tensor, "batch 1 joints 3"]:
        """Who is asked where it stands and faces, in data units."""
        pose = x[:, :1, -self.outputs :] if self.first_pose else x[:, :1, : self.outputs]
        return pose.unflatten(-1, (-1, 3))

    def _place(self, person: Tensor) -> Float[Tensor, "batch 1 1 3"]:
        return person.flatten(2)[..., None, self.root : self.root + 3]

    def _from(self, x: Tensor, person: Tensor) -> Tensor:
        """What answers are told from: the first pose, or where the person stands."""
        return person if self.first_pose else self._place(person)

    def _seen(self, x: Tensor) -> Tensor:
        person = self._person(x)
        about = (x.unflatten(-1, (-1, 3)) - self._place(person)) * self.metres
        return self._turned(about, person).flatten(2)

    def _turned(self, positions: Tensor, person: Tensor, back: bool = False) -> Tensor:
        """Turned about the vertical until the person faces +x (`facing.heading`), or back."""
        across = (person[..., self.right, :] - person[..., self.left, :]).mean(dim=2) * self.metres
        forward_x, forward_z = across[..., 2, None], -across[..., 0, None]
        size = (forward_x**2 + forward_z**2 + 1e-12).rsqrt()  # somebody flat faces nowhere: no NaN
        cos, sin = forward_x * size, forward_z * size * (1 if back else -1)
        x, y, z = positions.unbind(dim=-1)
        return torch.stack([cos * x - sin * z, y, sin * x + cos * z], dim=-1)
