"""Where jobs are done.  Two engines: in this process, and on Ray (`feint.jobs.engines.ray`).

An engine never writes a run's folder: it gives back the content of results, and the caller keeps
them.  So a worker needs no disk in common with anybody.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from feint.jobs.job import Fetch, Job, Work


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a job.

    Attributes:
        content: of its result; None if it failed.
        failure: what went wrong, in a sentence; None if nothing did.
        detail: where, for whoever mends it (a traceback); "" if nothing went wrong.
    """

    job: Job
    content: bytes | None
    failure: str | None = None
    detail: str = ""


@runtime_checkable
class Session(Protocol):
    """An engine at work on one set of jobs."""

    @property
    def slots(self) -> int:
        """How many jobs to keep under way: more are of no use."""
        ...

    def start(self, job: Job) -> None:
        """Take a job.  Everything it needs is there."""
        ...

    def next(self) -> Outcome:
        """Wait for any job under way to end."""
        ...

    def close(self) -> None:
        """Give up what is under way, and everything held."""
        ...


@runtime_checkable
class Engine(Protocol):
    """A place where jobs are done."""

    def begin(self, work: Work, fetch: Fetch) -> Session:
        """Get ready.

        Args:
            work: does one job.
            fetch: the content behind any key a job needs; called in this process.
        """
        ...
