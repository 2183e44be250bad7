"""An LSTM, as most people would write one; bidirectional too, with packed sequences."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from feint.errors import FeintError
from feint.models.layers.normalization import Normalization
from feint.sequences import Sequences


class LSTM(nn.Module):
    """Actor sequences -> reactions, frame by frame.

    Args:
        inputs, outputs: features a frame.
        width: of the state, in each direction.
        layers: stacked.
        dropout: on the last layer's states, in training mode only.
        bidirectional: the answer to a frame depends on later ones too: not causal.  Sequences are
            then packed by their lengths, so that no padding is read.
        first_pose: see `Coordinates`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int = 128,
        layers: int = 1,
        dropout: float = 0.3,
        bidirectional: bool = False,
        first_pose: bool | Sequence[int] = False,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            "inputs": inputs,
            "outputs": outputs,
            "width": width,
            "layers": layers,
            "dropout": dropout,
            "bidirectional": bidirectional,
            "first_pose": first_pose,
        }
        if min(inputs, outputs, width, layers) < 1 or not 0 <= dropout < 1:
            raise FeintError(
                f"LSTM got {self.settings}; expected sizes of at least 1 and a dropout in [0, 1)."
            )
        self.coordinates = Normalization(inputs, outputs, first_pose)
        self.lstm = nn.LSTM(inputs, width, layers, batch_first=True, bidirectional=bidirectional)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width * (2 if bidirectional else 1), outputs)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch time outputs"]:
        """Data units in, data units out."""
        seen = self.coordinates.normalize(x)
        if self.lstm.bidirectional and lengths is not None:
            packed = pack_padded_sequence(
                seen, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            states, _ = pad_packed_sequence(
                self.lstm(packed)[0], batch_first=True, total_length=x.shape[1]
            )
        else:  # a state never sees the padding, which comes after the last own frame
            states, _ = self.lstm(seen)
        return self.coordinates.denormalize(self.head(self.dropout(states)), x)

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        """Normalise by this training data."""
        self.coordinates.fit(x, y)
