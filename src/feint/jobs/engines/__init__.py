"""Engines: where jobs are done.  In this process (`local`), or on Ray (`ray`).

An engine never writes a run's folder: it returns the content of results, and the caller stores
them.  So workers need no shared disk.  A new engine implements `Engine` and `Session`.
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
        detail: a traceback; "" if nothing went wrong.
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
        """How many jobs to keep started: more are of no use."""
        ...

    def start(self, job: Job) -> None:
        """Start a job.  Everything it needs is finished."""
        ...

    def next(self) -> Outcome:
        """Wait until any started job ends."""
        ...

    def close(self) -> None:
        """Stop all started jobs, and free everything held."""
        ...


@runtime_checkable
class Engine(Protocol):
    """Does jobs, somewhere."""

    def begin(self, work: Work, fetch: Fetch) -> Session:
        """Begin a session.

        Args:
            work: does one job.
            fetch: the content behind any key a job needs; called in this process.
        """
        ...
