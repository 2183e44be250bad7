"""`Series`: what the features of a sequence are when they are no joints but columns of a table.

A sequence's form is a `Skeleton` or a `Series`; both know their features, and whoever reads a run
gets the one it was made with from `form_of`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from feint.errors import FeintError
from feint.skeleton import Skeleton


@dataclass(frozen=True)
class Series:
    """Columns that are seen, and columns that are answered.

    Attributes:
        name: a short name.
        inputs, outputs: names of the columns, in the order of the features.
        input_units, output_units: a word each, "°C"; "" where nobody told.
        scale: standard deviation of each input column in the training windows, in its own unit.
        step: what one step of time is, in words: "hour".
        ahead: how many steps later than the input the answer is.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_units: tuple[str, ...]
    output_units: tuple[str, ...]
    scale: tuple[float, ...]
    step: str = "step"
    ahead: int = 0

    @staticmethod
    def of(told: Mapping[str, Any]) -> "Series":
        """The series that JSON tells (`dataclasses.asdict`); FeintError if it tells none."""
        try:
            values: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in told.items()
            }
            found = Series(**values)
            found._check()
            return found
        except (KeyError, TypeError, ValueError) as error:
            raise FeintError(
                f"This describes no series ({error}): {dict(told)}. Expected "
                f"{', '.join(field.name for field in fields(Series))}."
            ) from error

    def _check(self) -> None:
        """Raise ValueError unless names and numbers belong together."""
        words = (self.name, self.step, *self.inputs, *self.outputs)
        if not all(isinstance(one, str) for one in (*words, *self.input_units, *self.output_units)):
            raise ValueError("its names and units are no words")
        if not all(type(n) in (int, float) and 0 < n < 1e30 for n in self.scale):
            raise ValueError("its scale is no numbers above 0")
        if type(self.ahead) is not int or self.ahead < 0:
            raise ValueError("ahead is no whole number")
        for names in (self.inputs, self.outputs):
            if not names or len(set(names)) != len(names):
                raise ValueError("a column stands twice, or there is none")
        if not len(self.inputs) == len(self.input_units) == len(self.scale):
            raise ValueError("its units and scale are not one a column seen")
        if len(self.outputs) != len(self.output_units):
            raise ValueError("its units are not one a column answered")

    @property
    def features(self) -> int:
        """Numbers a step that are seen."""
        return len(self.inputs)

    @property
    def unit(self) -> str:
        """Of the answer: the outputs' unit where they share one."""
        units = set(self.output_units)
        return units.pop() if len(units) == 1 and "" not in units else "data units"

    @property
    def units_seen(self) -> str:
        """Of what is seen: the inputs' unit where they share one."""
        units = set(self.input_units)
        return units.pop() if len(units) == 1 and "" not in units else "data units"

    def column(self, name: str) -> int:
        """The position of a column that is seen."""
        if name not in self.inputs:
            raise FeintError(
                f"The data has no input column {name!r}; expected one of {', '.join(self.inputs)}."
            )
        return self.inputs.index(name)

    def columns(self, names: Sequence[str]) -> Bool[Tensor, " features"]:
        """Which features are these columns: True there."""
        wanted = torch.zeros(self.features, dtype=torch.bool)
        wanted[[self.column(name) for name in names]] = True
        return wanted

    def deviations(self) -> Float[Tensor, " features"]:
        """Each input column's standard deviation, in its own unit: a `Budget`'s unit."""
        return torch.tensor(self.scale)


Form = Skeleton | Series


def form_of(told: Mapping[str, Any]) -> Form:
    """The skeleton or the series that JSON tells.  Raises FeintError if it tells neither."""
    return Series.of(told) if "inputs" in told else Skeleton.of(told)


def place_of(form: Form) -> bool | list[int]:
    """What `Coordinates` must know of a first pose of this form: where its root is."""
    if isinstance(form, Series):
        return [0, 0]
    root, axes = form.joint(form.root) * len(form.axes), len(form.axes)
    return True if (root, axes) == (6, 3) else [root, axes]
