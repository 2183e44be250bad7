"""The differences between two JSON values, a line each: for `feint diff` and a changed run."""

from collections.abc import Iterator
from typing import Any


def changes(before: Any, after: Any, name: str = "") -> Iterator[str]:
    """What differs between two JSON values, a line each: `attack.eps: [1] -> [2]`."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from changes(before.get(key), after.get(key), f"{name}.{key}" if name else key)
    elif _alike(before, after):
        for i, (a, b) in enumerate(zip(before, after, strict=True)):
            yield from changes(a, b, f"{name}[{i}]")
    elif before != after:
        yield f"{name}: {before!r} -> {after!r}"


def _alike(before: Any, after: Any) -> bool:
    """Two lists of as many tables."""
    both = isinstance(before, list) and isinstance(after, list) and len(before) == len(after)
    return both and all(isinstance(one, dict) for one in (*before, *after))
