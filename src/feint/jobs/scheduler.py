"""The scheduler: does the missing jobs of a set, in any engine.

Jobs are made on the way, so memory holds only those that run and `LOOKAHEAD` more.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from feint.errors import FeintError
from feint.io.progress import Bar
from feint.jobs.engines import Engine, Session
from feint.jobs.job import Fetch, Job, Work
from feint.jobs.store import Store

LOOKAHEAD = 256
"""Jobs held in memory beyond those that run."""
MAX_FAILURES = 20
"""Failures after which no more jobs are started."""


@dataclass
class JobCounts:
    """How many jobs were done before, were done, failed, or were blocked by one that failed.

    Attributes:
        failures: of the first that failed, name and reason.
    """

    already_done: int = 0
    done: int = 0
    failed: int = 0
    blocked: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)

    def check(self) -> None:
        """Raise FeintError if anything failed."""
        if not self.failed:
            return
        name, reason = self.failures[0]
        message = f"{self.failed} of {self.already_done + self.done + self.failed} jobs failed"
        if self.blocked:
            message += f", and {self.blocked} that depend on them were not begun"
        raise FeintError(
            f"{message}; what was finished is kept. The first was {name}: {reason} Correct that "
            "and run the same command again; it does what is missing.",
            "jobs-failed",
        )


def complete(
    jobs: Iterable[Job],
    store: Store,
    engine: Engine,
    work: Work,
    fetch: Fetch,
    shown: AbstractContextManager[Bar] | None = None,
) -> JobCounts:
    """Do the jobs that are not done; keep each result as it comes.

    Args:
        jobs: each after those it needs; one named twice is done once.
        fetch: the content behind a key.
        shown: a progress bar over the jobs, opened if there is something to do.

    Raises:
        FeintError: a result cannot be kept (a full disk).
    """
    with ExitStack() as open_:
        return Scheduler(store, engine, work, fetch, shown, open_).run(jobs)


@dataclass
class Scheduler:
    """Does a set of jobs once; `complete` makes one and runs it."""

    store: Store
    engine: Engine
    work: Work
    fetch: Fetch
    shown: AbstractContextManager[Bar] | None
    open: ExitStack
    progress: Bar | None = None
    counts: JobCounts = field(default_factory=JobCounts)
    session: Session | None = None
    waiting: dict[str, Job] = field(default_factory=dict)
    running: dict[str, Job] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    passed: int = 0

    def run(self, jobs: Iterable[Job]) -> JobCounts:
        """See `complete`."""
        coming = iter(jobs)
        try:
            more = True
            while more or self.waiting or self.running:
                slots = self.session.slots if self.session else 1
                while more and len(self.waiting) + len(self.running) < LOOKAHEAD + slots:
                    more = self._look_at(next(coming, None))
                self._start()
                if self.running:
                    self._finish()
                if self.counts.failed >= MAX_FAILURES:
                    break
        finally:
            if self.session is not None:
                self.session.close()
        return self.counts

    def _look_at(self, job: Job | None) -> bool:
        if job is None:
            return False
        if job.key in self.waiting or job.key in self.running or job.key in self.lost:
            self._advance()
        elif self.store.has(job.key):
            self.counts.already_done += 1
            self._advance()
        else:
            self.waiting[job.key] = job
        return True

    def _start(self) -> None:
        """Start what is ready, as far as the engine takes it."""
        for job in list(self.waiting.values()):
            if any(key in self.lost for key in job.needs.values()):
                del self.waiting[job.key]
                self.lost.add(job.key)
                self.counts.blocked += 1
                self._advance()
                continue
            if self.session is not None and len(self.running) >= self.session.slots:
                continue
            if any(key in self.waiting or key in self.running for key in job.needs.values()):
                continue
            if self.session is None:
                self._begin()
            assert self.session is not None
            del self.waiting[job.key]
            self.running[job.key] = job
            self.session.start(job)

    def _begin(self) -> None:
        """There is something to do."""
        self.session = self.engine.begin(self.work, self.fetch)
        if self.shown is not None:
            self.progress = self.open.enter_context(self.shown)
            self.progress.advance(self.passed)

    def _finish(self) -> None:
        """Wait for one, and keep what came of it."""
        assert self.session is not None
        outcome = self.session.next()
        job = self.running.pop(outcome.job.key)
        if outcome.content is not None:
            self.store.put(job.key, outcome.content)
            self.counts.done += 1
        else:
            reason = outcome.failure or "it gave nothing back."
            self.store.fail(job, reason, outcome.detail)
            self.lost.add(job.key)
            self.counts.failed += 1
            if len(self.counts.failures) < MAX_FAILURES:
                self.counts.failures.append((job.name, reason))
        self._advance()
        if self.progress:
            self.progress.show(job.name)

    def _advance(self) -> None:
        self.passed += 1
        if self.progress:
            self.progress.advance()
