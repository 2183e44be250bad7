"""Rows at which a model is not finite: they stop, the others go on, and a warning names them."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from feint.errors import FeintError, FeintWarning

WHERE_TO_LOOK = "Look for sqrt or norms at 0, divisions by a variance, or overflow in the model."


class NotFiniteWarning(FeintWarning):
    """Some rows met NaN or infinity; `rows` are their places in the attacked batch."""

    def __init__(self, rows: Sequence[int], names: Sequence[str] = ()) -> None:
        shown = ", ".join((names or [str(row) for row in rows])[:8])
        more = f" and {len(rows) - 8} more" if len(rows) > 8 else ""
        super().__init__(
            "The model's output or its gradient is not finite near the input of sequence "
            f"{shown}{more}. The attack stopped there and returned the best input before; other "
            f"sequences are not affected. {WHERE_TO_LOOK}",
            code="not-finite",
        )
        self.rows = tuple(rows)


def report(finite: Bool[Tensor, " batch"]) -> None:
    """Warn of the rows that are not finite.

    Raises:
        FeintError: none is finite.
    """
    broken = (~finite).nonzero()[:, 0].tolist()
    if broken and len(broken) == len(finite):
        raise FeintError(
            "The attack met NaN: the model's output or its gradient is not finite near the input. "
            + WHERE_TO_LOOK,
            code="not-finite",
        )
    if broken:
        warnings.warn(NotFiniteWarning(broken), stacklevel=3)


@contextmanager
def named(rows: Int[Tensor, " rows"], names: Sequence[str] = ()) -> Iterator[None]:
    """Let warnings from inside name rows as the caller knows them.

    Args:
        rows: the caller's rows, in the order of the attacked batch.
        names: of all the caller's rows; their numbers if not given.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    broken: set[int] = set()
    for one in caught:
        if isinstance(one.message, NotFiniteWarning):
            broken |= {int(rows[row]) for row in one.message.rows}
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    if broken:
        which = sorted(broken)
        of = [names[row] for row in which] if names else ()
        warnings.warn(NotFiniteWarning(which, of), stacklevel=3)


def all_finite(values: Tensor) -> Bool[Tensor, " batch"]:
    """Which rows are finite everywhere."""
    found: Tensor = values.isfinite()
    return found if found.ndim == 1 else torch.all(found.flatten(1), dim=1)
