"""A GRU on egocentric coordinates: metres, relative to the reactor, in its own heading.

The coordinates are in `layers/egocentric.py`, the fast recurrence in `layers/gru_cell.py`.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from feint.config import Count, Fraction
from feint.models.layers.egocentric import SBU_LINKS, EgocentricNormalization, Links
from feint.models.layers.gru_cell import gru
from feint.models.layers.normalization import Normalization
from feint.models.layers.weight_cache import to_autocast_dtype
from feint.models.settings import Layers, checked_settings
from feint.sequences import Sequences
from feint.skeleton import SBU_15


class GRU(nn.Module):
    """The reaction to an actor's motion, frame by frame and causal.

    Args:
        inputs, outputs: features of a frame.
        width: size of the state.
        layers: number of stacked layers.
        dropout: on the last layer's states, in training mode only.
        facing: normalise by `EgocentricNormalization`; otherwise by `Normalization`.
        first_pose: see `Normalization`.
        scale, links: of the skeleton, see `EgocentricNormalization`; by default SBU's.
    """

    training_defaults: ClassVar[dict[str, Any]] = {"learning_rate": 2e-3, "schedule": "cosine"}

    def __init__(
        self,
        inputs: Count,
        outputs: Count,
        width: Count = 128,
        layers: Layers = 1,
        dropout: Fraction = 0.3,
        facing: bool = True,
        first_pose: bool | Sequence[int] = False,
        scale: Sequence[float] = SBU_15.scale,
        links: Links = SBU_LINKS,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = checked_settings(GRU, locals())
        self.coordinates: Normalization | EgocentricNormalization
        if facing:
            self.coordinates = EgocentricNormalization(inputs, outputs, first_pose, scale, links)
        else:
            self.coordinates = Normalization(inputs, outputs, first_pose)
        self.gru = nn.GRU(inputs, width, layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time outputs"]:
        """The answer, in data units; outputs up to t depend on inputs up to t alone."""
        seen = to_autocast_dtype(self.coordinates.normalize(x)).transpose(0, 1).contiguous()
        states = self.dropout(gru(self.gru, seen))
        return self.coordinates.denormalize(self.head(states).transpose(0, 1), x)

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        """Set the normalisation by this training data."""
        self.coordinates.fit(x, y)
