"""Rows at which a model is not finite: they stop, the others continue, and a warning names them.

The gradient attacks and `evaluation/crafting.py` use it, so that one bad sequence never ends a
batch.
"""

import warnings
from collections.abc import Callable
from collections.abc import Sequence as Listed

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from feint.errors import FeintError, FeintWarning
from feint.sequences import Sequences

WHERE_TO_LOOK = "Look for sqrt or norms at 0, divisions by a variance, or overflow in the model."


class NotFiniteWarning(FeintWarning):
    """Some rows met NaN or infinity; `rows` are their places in the attacked batch."""

    def __init__(self, rows: Listed[int], names: Listed[str] = ()) -> None:
        shown = ", ".join((names or [str(row) for row in rows])[:8])
        more = f" and {len(rows) - 8} more" if len(rows) > 8 else ""
        super().__init__(
            "The model's output or its gradient is not finite near the input of sequence "
            f"{shown}{more}. The attack stopped there and returned the best input before; other "
            f"sequences are not affected. {WHERE_TO_LOOK}",
            code="nan-gradient",
        )
        self.rows = tuple(rows)


def report(finite: Bool[Tensor, " batch"], names: Listed[str] = ()) -> None:
    """Warn of the rows that are not finite.

    Raises:
        FeintError: none is finite.
    """
    broken = (~finite).nonzero()[:, 0].tolist()
    if broken and len(broken) == len(finite):
        raise FeintError(
            "The attack met NaN: the model's output or its gradient is not finite near the input. "
            + WHERE_TO_LOOK,
            code="nan-gradient",
        )
    if broken:
        of = [names[row] for row in broken] if names else ()
        warnings.warn(NotFiniteWarning(broken, of), stacklevel=3)


class BrokenRows:
    """Rows that were not finite over many calls of an attack, each of some of the rows."""

    def __init__(self) -> None:
        self.rows: set[int] = set()

    def run(
        self, attack: Callable[[], Sequences], start: Sequences, rows: Int[Tensor, " rows"]
    ) -> Sequences:
        """Call an attack of these rows; if none is finite, return `start`."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = attack()
            except FeintError as error:
                if error.code != "nan-gradient":
                    raise
                self.rows |= set(rows.tolist())
                found = start
        for one in caught:
            if isinstance(one.message, NotFiniteWarning):
                self.rows |= {int(rows[row]) for row in one.message.rows}
            else:
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        return found

    def report(self, count: int, names: Listed[str] = ()) -> None:
        """Warn of the broken rows among `count`, by their names if there are any.

        Raises:
            FeintError: all of them are broken.
        """
        finite = torch.ones(count, dtype=torch.bool)
        finite[sorted(self.rows)] = False
        report(finite, names)


def all_finite(values: Tensor) -> Bool[Tensor, " batch"]:
    """Which rows are finite everywhere."""
    found: Tensor = values.isfinite()
    return found if found.ndim == 1 else torch.all(found.flatten(1), dim=1)
