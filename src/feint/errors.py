"""What goes wrong, in words: what came, what was expected, what to do."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class FeintError(ValueError):
    """Any error feint raises on purpose; its message is for the user."""


class DamagedError(FeintError):
    """A file that is not what feint wrote: cut off, altered, somebody else's, or of the future."""


def first_of(error: "ValidationError") -> str:
    """The first thing that pydantic finds wrong: where, and what."""
    one = error.errors()[0]
    return f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
