"""Progress of long work, on stderr, so that stdout stays for results.

Every bar and every line of progress comes from here.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True, emoji=False)


_shown: list[Progress] = []
"""The bars on the screen: a bar within another becomes a line below it."""


class Bar:
    """One line of progress on the screen."""

    def __init__(self, progress: Progress, total: int | None, description: str) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total, status="")

    def advance(self, steps: int = 1) -> None:
        """Count `steps` more as done."""
        self._progress.advance(self._task, steps)

    def show(self, status: str) -> None:
        """Show a text at the end of the line."""
        self._progress.update(self._task, status=status)

    def total(self, steps: int) -> None:
        """Set the number of steps, once it is known."""
        self._progress.update(self._task, total=steps)

    def remove(self) -> None:
        """Remove the line."""
        self._progress.remove_task(self._task)


@contextmanager
def bar(total: int | None, description: str) -> Iterator[Bar]:
    """A progress bar for `total` steps.

    Where stderr is not a terminal, only the last state is printed. Inside another bar it is a line
    below that one, and disappears at its end.
    """
    if _shown:
        inner = Bar(_shown[-1], total, f"  {description}")
        try:
            yield inner
        finally:
            inner.remove()
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[status]}"),
        console=console,
    ) as progress:
        _shown.append(progress)
        try:
            yield Bar(progress, total, description)
        finally:
            _shown.pop()
