"""Errors and warnings for the user: each has a message and a stable code.

A message says what came, what was expected and what to do.  The same kind of fault has the same
code in every package; CONTRIBUTING.md has the rules.  This file imports nothing of feint.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class FeintError(ValueError):
    """Any error feint raises on purpose; its message is for the user.

    Attributes:
        code: what kind of fault it is, in kebab case, such as "unknown-joint". Codes are stable;
            programs and tests match the code, never the message.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type["FeintError"], tuple[str, str]]:
        return type(self), (str(self), self.code)


class FeintWarning(UserWarning):
    """Something that a user must know about a result that is nevertheless returned.

    Attributes:
        code: see `FeintError`.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class DamagedError(FeintError):
    """A file that is cut off, altered, foreign, or written by a newer feint."""

    def __init__(self, message: str, code: str = "damaged-file") -> None:
        super().__init__(message, code)


def first_of(error: "ValidationError") -> str:
    """The first thing that pydantic finds wrong: where, and what."""
    one = error.errors()[0]
    return f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
