"""Progress of long work, on stderr, so that stdout stays for results."""

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


class Bar:
    """One line of progress; `advance` moves it, `tell` changes the words at its end."""

    def __init__(self, progress: Progress, total: int | None, description: str) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total, told="")

    def advance(self, steps: int = 1) -> None:
        """That much more is done."""
        self._progress.advance(self._task, steps)

    def tell(self, words: str) -> None:
        """What to say beside the bar now."""
        self._progress.update(self._task, told=words)

    def total(self, steps: int) -> None:
        """How many steps there are, once that is known."""
        self._progress.update(self._task, total=steps)

    def remove(self) -> None:
        """Take the line away."""
        self._progress.remove_task(self._task)


@contextmanager
def bar(total: int | None, description: str) -> Iterator[Bar]:
    """A progress bar for `total` steps; silent where stderr is not a terminal but for its end.

    Inside another bar it is a line below that one, for as long as it lasts.
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
        TextColumn("{task.fields[told]}"),
        console=console,
    ) as progress:
        _shown.append(progress)
        try:
            yield Bar(progress, total, description)
        finally:
            _shown.pop()
