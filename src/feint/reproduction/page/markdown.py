"""Pieces of Markdown: tables, shares, intervals, images."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from feint.io.atomic import write_bytes

IMAGES = Path("images") / "reproduction"


def table(heads: list[str], lines: list[list[str]]) -> Iterator[str]:
    """A table, line by line."""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for line in lines:
        yield "| " + " | ".join(line) + " |"


def share(value: Any) -> str:
    """A share in per cent; a dash where there is none."""
    if value is None or value != value:
        return "–"
    return f"{value:.0%}".replace("-0%", "0%").replace("%", " %")


def interval(one: dict[str, Any], low: str, high: str) -> str:
    """An interval in per cent; a dash where there is none."""
    if one[low] is None or one[low] != one[low]:
        return "–"
    return f"{one[low]:.0%}-{one[high]:.0%}".replace("%-", "-").replace("%", " %")


def number(value: Any, decimals: int = 1) -> str:
    """A number to some decimals; "none" where there is none."""
    return "none" if value is None or value != value else f"{value:.{decimals}f}"


def image(folder: Path, name: str, content: bytes | None, words: str) -> Iterator[str]:
    """Write an image and show it; without content, show the one that is there, if it is.

    Figures of recorded motion are not drawn anew where only the tables are at hand.
    """
    path = folder / IMAGES / f"{name.replace(' ', '-')}.png"
    if content is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content)
    if content is not None or path.exists():
        yield from (f"![{words}]({path.relative_to(folder).as_posix()})", "")


def one_row(table: pl.DataFrame, **at: Any) -> dict[str, Any]:
    """The only row with these values."""
    found = table.filter(*(pl.col(name) == value for name, value in at.items()))
    return found.row(0, named=True)
