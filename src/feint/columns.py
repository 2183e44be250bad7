"""`Columns` and `FeatureSpec`: what the features of a sequence are.

Every sequence has a feature spec: a `Skeleton` (joints and axes of a person) or `Columns` (columns
of a table). Both know their features, names and units. Runs store the spec of their data as JSON;
`spec_from_dict` reads it back. This file may import only the other flat files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from feint.errors import FeintError
from feint.skeleton import Skeleton

NO_UNIT = "data units"


@dataclass(frozen=True)
class Columns:
    """The input columns of a time series and the output columns that a model predicts.

    Attributes:
        name: a short name.
        inputs, outputs: names of the columns, in the order of the features.
        input_units, output_units: one unit per column, "°C"; "" where it is unknown.
        scale: standard deviation of each input column in the training windows, in its own unit;
            0 for a column that never changes.
        resolution: the step of float32 at each input column's largest value.
        step: the name of one time step: "hour".
        horizon: how many steps later than the input the output is.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_units: tuple[str, ...]
    output_units: tuple[str, ...]
    scale: tuple[float, ...]
    resolution: tuple[float, ...] = ()
    step: str = "step"
    horizon: int = 0

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Columns":
        """The columns that `dataclasses.asdict` wrote, perhaps by way of JSON.

        Raises:
            FeintError: the values do not describe columns.
        """
        try:
            given: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
            }
            found = Columns(**given)
            found._check()
            return found
        except (KeyError, TypeError, ValueError) as error:
            raise FeintError(
                f"This does not describe columns ({error}): {dict(values)}. Expected "
                f"{', '.join(field.name for field in fields(Columns))}.",
                code="bad-feature-spec",
            ) from error

    def _check(self) -> None:
        """Raise ValueError unless names and numbers belong together."""
        words = (self.name, self.step, *self.inputs, *self.outputs)
        if not all(isinstance(one, str) for one in (*words, *self.input_units, *self.output_units)):
            raise ValueError("names and units must be strings")
        numbers = (*self.scale, *self.resolution)
        if not all(type(n) in (int, float) and 0 <= n < 1e30 for n in numbers):
            raise ValueError("scale and resolution must be numbers of 0 or more")
        if type(self.horizon) is not int or self.horizon < 0:
            raise ValueError("horizon must be a whole number of 0 or more")
        for names in (self.inputs, self.outputs):
            if not names or len(set(names)) != len(names):
                raise ValueError("a column is duplicated, or there are no columns")
        if not len(self.inputs) == len(self.input_units) == len(self.scale):
            raise ValueError("input_units and scale need one value per input column")
        if self.resolution and len(self.resolution) != len(self.inputs):
            raise ValueError("resolution needs one value per input column, or none")
        if len(self.outputs) != len(self.output_units):
            raise ValueError("output_units needs one value per output column")

    @property
    def features(self) -> int:
        """Numbers per input step."""
        return len(self.inputs)

    @property
    def output_unit(self) -> str:
        """The unit that all outputs share; "data units" if they share none."""
        return _shared(self.output_units)

    @property
    def input_unit(self) -> str:
        """The unit that all inputs share; "data units" if they share none."""
        return _shared(self.input_units)

    def index(self, name: str) -> int:
        """The position of an input column.  Raises FeintError if there is no such column."""
        if name not in self.inputs:
            raise FeintError(
                f"The data has no input column {name!r}; expected one of {', '.join(self.inputs)}.",
                code="unknown-column",
            )
        return self.inputs.index(name)

    def mask(self, names: Sequence[str]) -> Bool[Tensor, " features"]:
        """True at the features of these columns."""
        mask = torch.zeros(self.features, dtype=torch.bool)
        mask[[self.index(name) for name in names]] = True
        return mask

    def deviations(self) -> Float[Tensor, " features"]:
        """Each input column's standard deviation, in its own unit: a `Budget`'s unit."""
        return torch.tensor(self.scale)


FeatureSpec = Skeleton | Columns


def spec_from_dict(values: Mapping[str, Any]) -> FeatureSpec:
    """The skeleton or the columns of a stored feature spec.

    Raises:
        FeintError: the values describe neither.
    """
    return Columns.from_dict(values) if "inputs" in values else Skeleton.from_dict(values)


def first_pose_position(spec: FeatureSpec) -> bool | list[int]:
    """Where a model finds the first pose's root: [feature, axes]; True for the usual [6, 3]."""
    if isinstance(spec, Columns):
        return [0, 0]
    root, axes = spec.joint(spec.root) * len(spec.axes), len(spec.axes)
    return True if (root, axes) == (6, 3) else [root, axes]


def _shared(units: Sequence[str]) -> str:
    return units[0] if len(set(units)) == 1 and units[0] else NO_UNIT
