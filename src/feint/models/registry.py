"""The model families that feint trains: a family is one file in this package and one line here.

An experiment names a family by its `kind`.  Everything else is read from the class: the keys of
its [[model]] table and their defaults are the arguments of its constructor, and its own defaults of
`Training` are its attribute `training_defaults`.  docs/adding-a-model.md has the steps.
"""

import importlib
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from feint.errors import FeintError

if TYPE_CHECKING:
    from torch import nn

MODELS: dict[str, str] = {
    "TCN": "feint.models.tcn",
    "DeepGRU": "feint.models.deepgru",
    "GRU": "feint.models.gru",
    "LSTM": "feint.models.lstm",
    "Transformer": "feint.models.transformer",
    "SiMLPe": "feint.models.simlpe",
    "Ridge": "feint.models.linear",
    "DLinear": "feint.models.linear",
}
"""The module that holds each family; the class has the kind's name.  Imported when first used."""

CLASSIFIERS: dict[str, str] = {"DeepGRUClassifier": "feint.models.deepgru"}
"""Models that name interactions.  They are saved and loaded, and are not a [[model]]."""

FROM_DATA = ("inputs", "outputs", "first_pose", "scale", "links")
"""Arguments of a model that the data decides; they are not keys of [[model]]."""


def model_class(kind: str) -> "type[nn.Module]":
    """The class of a family or classifier.

    Raises:
        FeintError: there is no such kind.
    """
    module = {**MODELS, **CLASSIFIERS}.get(kind)
    if module is None:
        raise FeintError(
            f"There is no model of kind {kind!r}; expected one of {', '.join(MODELS)}.",
            code="unknown-model",
        )
    found: type[nn.Module] = getattr(importlib.import_module(module), kind)
    return found


def arguments(kind: str) -> Mapping[str, inspect.Parameter]:
    """The arguments that an experiment may set for a family, with their types and defaults."""
    parameters = inspect.signature(model_class(kind)).parameters
    return {name: one for name, one in parameters.items() if name not in FROM_DATA}


def training_defaults(kind: str) -> dict[str, Any]:
    """Values of `Training` that suit a family better than the general ones."""
    return dict(getattr(model_class(kind), "training_defaults", {}))
