"""An engine that is started once for several sets of jobs: starting Ray takes seconds."""

from dataclasses import dataclass

from feint.jobs.engines import Engine, Outcome, Session
from feint.jobs.job import Fetch, Job, Work


@dataclass
class SharedEngine:
    """Another engine, kept running until `end`.

    Work and fetch are those of the first set of jobs.
    """

    engine: Engine
    session: Session | None = None

    def begin(self, work: Work, fetch: Fetch) -> "_Borrowed":
        """See `Engine`."""
        if self.session is None:
            self.session = self.engine.begin(work, fetch)
        return _Borrowed(self, self.session)

    def end(self) -> None:
        """End the engine's session."""
        session, self.session = self.session, None
        if session is not None:
            session.close()


@dataclass
class _Borrowed:
    lasting: SharedEngine
    session: Session
    running: int = 0

    @property
    def slots(self) -> int:
        return self.session.slots

    def start(self, job: Job) -> None:
        self.running += 1
        self.session.start(job)

    def next(self) -> Outcome:
        outcome = self.session.next()
        self.running -= 1
        return outcome

    def close(self) -> None:
        """Keep the session for the next set of jobs, unless some of these still run."""
        if self.running:
            self.lasting.end()
