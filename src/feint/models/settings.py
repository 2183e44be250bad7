"""What a model was built with: checked against its constructor's types, and kept as JSON values.

Every family's constructor calls `checked_settings`, so that its [[model]] keys are checked there.
"""

import inspect
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from torch import nn

from feint.errors import FeintError

Layers = Annotated[int, Field(ge=1, le=64)]


def checked_settings(model: type[nn.Module], values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a model's constructor as JSON values.

    Args:
        model: the class under construction.
        values: `locals()` of its `__init__`; names that are not its arguments are left out.

    Raises:
        FeintError: a value does not have the type, or is outside the range, that the constructor
            states (such as `Count` of feint.config).
    """
    settings = {}
    for name, adapter in _types(model).items():
        try:
            adapter.validate_python(values[name], strict=True)
        except ValidationError as error:
            raise FeintError(
                f"{model.__name__} got {name}={values[name]!r}: {error.errors()[0]['msg']}. "
                "Its docstring lists the arguments.",
                code="bad-setting",
            ) from error
        settings[name] = _as_json(values[name])
    return settings


def _types(model: Any) -> dict[str, Any]:
    parameters = inspect.signature(model).parameters.values()
    config = ConfigDict(arbitrary_types_allowed=True)
    return {one.name: TypeAdapter(one.annotation, config=config) for one in parameters}


def _as_json(value: Any) -> Any:
    return [_as_json(one) for one in value] if isinstance(value, list | tuple) else value
