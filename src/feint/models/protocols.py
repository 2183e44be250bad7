"""What a model must have so that feint can train it and save it.

An attack needs none of this: it takes any `nn.Module`.  docs/adding-a-model.md explains.
"""

from typing import Any, Protocol, runtime_checkable

from feint.sequences import Sequences


@runtime_checkable
class Normalizing(Protocol):
    """A model that keeps the normalisation of its input and output inside it."""

    def fit_normalization(self, x: Sequences, y: Sequences) -> None:
        """Set the model's normalisation by its training data."""


@runtime_checkable
class Trainable(Normalizing, Protocol):
    """A model of a registered family, beside being an `nn.Module`.

    Its constructor takes `(inputs, outputs, ..., first_pose)`; `forward(x)`, or `forward(x,
    lengths)`, maps (batch, time, inputs) to (batch, time, outputs), both in the data's units.

    Attributes:
        settings: the constructor's arguments as JSON values; they build the model again.
    """

    settings: dict[str, Any]


@runtime_checkable
class Solvable(Protocol):
    """A model whose training has a closed form; gradient descent is then not used."""

    def solve(self, x: Sequences, y: Sequences) -> None:
        """Set the weights to the optimum on this training data."""
