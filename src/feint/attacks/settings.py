"""Settings of attacks: made from names and values, and checked.

Every attack's `__post_init__` is a few calls of the checks here.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar, get_args

from feint.errors import FeintError

T = TypeVar("T")


def from_settings(attack: type[T], settings: Mapping[str, Any], preset: str | None = None) -> T:
    """An attack with these fields, over those of one of its `PRESETS`.

    Raises:
        FeintError: an unknown preset or field, or a value that the attack refuses.
    """
    presets: Mapping[str, Mapping[str, Any]] = getattr(attack, "PRESETS", {})
    if preset is not None and preset not in presets:
        expected = f"one of {', '.join(presets)}" if presets else "no preset: it has none"
        raise FeintError(
            f"{attack.__name__} got preset {preset!r}; expected {expected}.", code="unknown-preset"
        )
    known = [field.name for field in fields(attack)]  # type: ignore[arg-type]
    if unknown := [key for key in settings if key not in known]:
        raise FeintError(
            f"{attack.__name__} got an unknown field {', '.join(map(repr, unknown))}; expected "
            f"some of {', '.join(known)}.",
            code="unknown-setting",
        )
    return attack(**{**presets.get(preset or "", {}), **settings})


def check_choices(attack: object, **allowed: Any) -> None:
    """Raise FeintError unless each named field is one of the values of its `Literal` type."""
    for name, literal in allowed.items():
        if getattr(attack, name) not in get_args(literal):
            raise _error(attack, name, f"one of {get_args(literal)}", "unknown-choice")


def check_integers(attack: object, **least: int | None) -> None:
    """Raise FeintError unless each named field is an int, and at least this if it is not None."""
    for name, smallest in least.items():
        value = getattr(attack, name)
        if type(value) is not int or (smallest is not None and value < smallest):
            bound = "" if smallest is None else f" from {smallest}"
            raise _error(attack, name, f"an integer{bound}", "bad-number")


def check_positive(attack: object, *names: str) -> None:
    """Raise FeintError unless each named field is a finite number above 0."""
    for name in names:
        if not _is_finite(getattr(attack, name)) or not getattr(attack, name) > 0:
            raise _error(attack, name, "a finite number above 0", "bad-number")


def check_not_negative(attack: object, *names: str) -> None:
    """Raise FeintError unless each named field is a finite number of at least 0."""
    for name in names:
        if not _is_finite(getattr(attack, name)) or not getattr(attack, name) >= 0:
            raise _error(attack, name, "a finite number of at least 0", "bad-number")


def _is_finite(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _error(attack: object, name: str, expected: str, code: str) -> FeintError:
    kind, value = type(attack).__name__, getattr(attack, name)
    return FeintError(f"{kind} got {name}={value!r}; expected {expected}.", code=code)
