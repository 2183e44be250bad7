"""A plain LSTM, causal or bidirectional: PyTorch's own layer, with normalisation around it.

Its settings are the arguments of its constructor; `registry.py` lists it as a family.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from feint.config import Count, Fraction
from feint.models.layers.normalization import Normalization
from feint.models.settings import Layers, checked_settings
from feint.sequences import Sequences


class LSTM(nn.Module):
    """The reaction to an actor's motion, frame by frame.

    Args:
        inputs, outputs: features of a frame.
        width: size of the state in each direction.
        layers: number of stacked layers.
        dropout: on the last layer's states, in training mode only.
        bidirectional: the answer to a frame also depends on later frames, so the model is not
            causal.  Sequences are packed by their lengths, so that no padding is read.
        first_pose: see `Normalization`.
    """

    training_defaults: ClassVar[dict[str, Any]] = {"learning_rate": 2e-3, "schedule": "cosine"}

    def __init__(
        self,
        inputs: Count,
        outputs: Count,
        width: Count = 128,
        layers: Layers = 1,
        dropout: Fraction = 0.3,
        bidirectional: bool = False,
        first_pose: bool | Sequence[int] = False,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = checked_settings(LSTM, locals())
        self.coordinates = Normalization(inputs, outputs, first_pose)
        self.lstm = nn.LSTM(inputs, width, layers, batch_first=True, bidirectional=bidirectional)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width * (2 if bidirectional else 1), outputs)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch time outputs"]:
        """The answer, in data units."""
        seen = self.coordinates.normalize(x)
        if self.lstm.bidirectional and lengths is not None:
            packed = pack_padded_sequence(
                seen, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            states, _ = pad_packed_sequence(
                self.lstm(packed)[0], batch_first=True, total_length=x.shape[1]
            )
        else:  # no state reads the padding, which follows the last own frame
            states, _ = self.lstm(seen)
        return self.coordinates.denormalize(self.head(self.dropout(states)), x)

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        """Set the normalisation by this training data."""
        self.coordinates.fit(x, y)
