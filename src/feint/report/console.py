"""Prints tables of text in a terminal; every command that shows a table uses this file.

What a table holds is decided in tables.py (reports) and in survey/analysis/terminal.py (studies).
"""

import sys
from dataclasses import dataclass

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable
from rich.text import Text

PIPE_WIDTH = 120
"""Characters in a line where the output is a pipe, which has no width of its own."""


@dataclass(frozen=True)
class Table:
    """Column heads and rows of text; the first `names` columns are words, the rest numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1


def console() -> Console:
    """The console of stdout, wide enough for tables also in a pipe."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)


def print_table(out: Console, title: str, content: Table) -> None:
    """Print a title and a table; cells are text, never markup."""
    out.print(Text(title, style="bold"))
    table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for i, head in enumerate(content.heads):
        justify: JustifyMethod = "left" if i < content.names else "right"
        table.add_column(
            Text(head),
            justify=justify,
            overflow="fold",
            no_wrap=i >= content.names and " " not in head,
        )
    for row in content.rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)
