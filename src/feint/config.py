"""Base class and field types of every configuration table.

The tables are in `data/config.py`, `models/config.py`, `experiments/config.py` and
`experiments/attack_config.py`; only what they share belongs here.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


Count = Annotated[int, Field(ge=1)]


Fraction = Annotated[float, Field(ge=0, lt=1)]


Word = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200)]


Words = Annotated[tuple[Word, ...], Field(min_length=1)]


class ConfigTable(BaseModel):
    """A table of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
