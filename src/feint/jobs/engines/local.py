"""The default engine: one job at a time, in this process.

`attempt` turns an error of a job into a failure; the Ray workers use it as well.
"""

import traceback
from collections import deque
from dataclasses import dataclass, field

from feint.errors import FeintError
from feint.jobs.engines import Outcome
from feint.jobs.job import Fetch, Job, Work


@dataclass(frozen=True)
class LocalEngine:
    """Jobs are done one after another in this process, on all its threads."""

    def begin(self, work: Work, fetch: Fetch) -> "_Session":
        """See `Engine`."""
        return _Session(work, fetch)


@dataclass
class _Session:
    work: Work
    fetch: Fetch
    slots: int = 1
    _waiting: deque[Job] = field(default_factory=deque)

    def start(self, job: Job) -> None:
        self._waiting.append(job)

    def next(self) -> Outcome:
        job = self._waiting.popleft()
        return attempt(self.work, job, self.fetch)

    def close(self) -> None:
        self._waiting.clear()


def attempt(work: Work, job: Job, fetch: Fetch) -> Outcome:
    """Do a job; an error becomes its failure, so that other jobs go on."""
    try:
        return Outcome(job, work(job, fetch))
    except FeintError as error:
        return Outcome(job, None, str(error), traceback.format_exc())
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
        return Outcome(job, None, failure, traceback.format_exc())
