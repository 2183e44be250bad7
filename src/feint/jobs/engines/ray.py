"""The Ray engine: jobs as Ray tasks, on this machine or on a cluster.

Inputs and results travel through Ray, so workers need no shared disk.  An error that a job raises
is its failure, as in the local engine.  The death of a worker or a node is not: Ray tries the job
again, elsewhere if it must.
"""

import contextlib
import time
from collections import deque
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from feint.errors import FeintError
from feint.jobs.engines import Outcome
from feint.jobs.engines.local import attempt
from feint.jobs.engines.ray_cluster import (
    _check_joined,
    _first_line,
    _have,
    _import_ray,
    _join,
    _limit_oom_retries,
    _own_sigterm,
    _reach,
    _room,
    _start,
    _Started,
    _versions,
)
from feint.jobs.engines.ray_inputs import _InputLostError, _Inputs
from feint.jobs.engines.ray_worker import _cannot_begin, _do
from feint.jobs.job import Fetch, Job, Work

GLANCE_SECONDS = 2.0
"""How often a session looks at the cluster's nodes."""


@dataclass(frozen=True)
class RayEngine:
    """Jobs are done by workers that Ray starts, as many at once as the resources allow.

    Without an address, Ray is started on this machine for this session only, on loopback, with a
    token of its own, and ends with it.  (It also ends if this process is killed.  On Linux it ends
    with the *thread* that began the session, too, so begin in one that lasts.)

    To use a cluster, give its address.  Every node needs the same Python, Ray and feint, and
    whatever module the work is from.  Ray 2.60 has clusters with and without a token, and asks
    for it like this:

    * Once: `ray get-auth-token --generate`, and copy ~/.ray/auth_token to every machine (mode 600).
    * Every node: `RAY_AUTH_MODE=token ray start --head`, then
      `RAY_AUTH_MODE=token ray start --address=HOST:6379`.
    * Where feint runs: `RAY_AUTH_MODE=token`, too.  A process with a token may join either kind of
      cluster; without it, none that has one.  (`auto` finds the token by itself; an explicit
      address never does.  `disabled` turns tokens off, everywhere alike.)
    * `HOST:6379` and `auto` need a node of the cluster on this machine; `ray://HOST:10001` does
      not, and needs `pip install 'ray[client]'`.
    * `ray stop` ends every Ray on the machine, whoever started it.

    If this process is already connected to Ray, that connection is used and left as it is.

    Ray keeps its state in one process at the head.  When that dies, so does the session, and after
    a minute this process, too: run again, and what was kept is not done again.

    Attributes:
        address: None: start Ray here.  "auto": the cluster that this machine is part of.
            "HOST:PORT" or "ray://HOST:PORT": that cluster.
        cpus: of a worker, for one job; a fraction is fine.  Libraries get that many threads,
            at least one.
        gpus: of a worker, for one job; a fraction shares a GPU.  Without, jobs see no GPU.
        retries: how often a job is tried again after its worker or node died, or ran out of
            memory.  A job that raises is never tried again.
        patience: seconds without any node that could do a job after which the session gives up.
    """

    address: str | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    retries: int = 3
    patience: float = 60.0

    def __post_init__(self) -> None:
        if self.cpus < 0 or self.gpus < 0 or self.cpus + self.gpus == 0:
            raise FeintError(
                f"A job on ray was given cpus={self.cpus:g}, gpus={self.gpus:g}. "
                "Expected: none below 0, and one above it",
                "bad-resources",
            )
        if self.gpus > 1 and self.gpus != int(self.gpus):
            raise FeintError(
                f"A job on ray was given gpus={self.gpus:g}. "
                "Expected: a fraction below 1, or a whole number",
                "bad-resources",
            )
        if self.retries < 0:
            raise FeintError(f"Got retries={self.retries}. Expected: 0 or more", "bad-retries")

    def begin(self, work: Work, fetch: Fetch) -> "_Session":
        """Start or join Ray.

        Args:
            work: an importable function, or a `functools.partial` of one; it travels with every
                job, so it should be small.
            fetch: called here, once for a key that many jobs need.
        """
        ray = _import_ray()
        with contextlib.ExitStack() as undo:
            _limit_oom_retries(self.retries, undo)
            if ray.is_initialized():
                _check_joined(ray, self.address)
            elif self.address in (None, "local"):
                with _own_sigterm(undo):
                    _start(ray, undo)
            else:
                assert self.address is not None
                _reach(self.address)
                with _own_sigterm(undo):
                    _join(ray, self.address, undo)
            session = _Session(ray, self, work, fetch)
            session.undo = undo.pop_all()
        return session


class _Session:
    def __init__(self, ray: ModuleType, engine: RayEngine, work: Work, fetch: Fetch) -> None:
        self.undo = contextlib.ExitStack()
        self._ray = ray
        self._engine = engine
        self._work = work
        self._inputs = _Inputs(fetch, ray.put)
        as_task = ray.remote(
            num_cpus=engine.cpus,
            num_gpus=engine.gpus,
            max_retries=engine.retries,
            retry_exceptions=False,
        )
        self._do = as_task(_do)
        self._under_way: dict[Any, _Started] = {}
        self._failed: deque[Outcome] = deque()
        self._seen_room = time.monotonic()
        self._glanced = -GLANCE_SECONDS
        self.slots = 2
        if self._glance() == 0:
            raise FeintError(
                f"{self._asked()}. {_have(ray.nodes())}. Ask for less", "no-such-resources"
            )

    def start(self, job: Job) -> None:
        self._start(_Started(job, 1))

    def next(self) -> Outcome:
        while True:
            if self._failed:
                return self._failed.popleft()
            if not self._under_way:
                raise IndexError("no job is under way")
            self._glance()
            done, _ = self._ray.wait(list(self._under_way), num_returns=1, timeout=GLANCE_SECONDS)
            if not done:
                self._check_room()
                continue
            outcome = self._end(done[0])
            if outcome is not None:
                return outcome

    def close(self) -> None:
        under_way, self._under_way = list(self._under_way), {}
        with self.undo:
            for ref in under_way:
                # A cluster that is gone has nothing to cancel.
                with contextlib.suppress(Exception):
                    self._ray.cancel(ref, force=True)
            self._failed.clear()
            self._inputs.clear()

    def _start(self, started: _Started) -> None:
        # Failing to read what a job needs is a failure of the job, as in `LocalEngine`.
        refs: dict[str, Any] = {}
        read = attempt(lambda job, _: self._take(job, refs), started.job, self._inputs.fetch)
        if read.failure is not None:
            self._failed.append(read)
            return
        job = started.job
        packed = self._ray.cloudpickle.dumps((self._work, job))
        # In a dictionary, so that a worker reads what it asks for, when it asks for it.
        ref = self._do.options(name=job.name or job.kind).remote(
            _versions(), packed, refs, max(1, int(self._engine.cpus)), self._engine.gpus > 0
        )
        self._under_way[ref] = started

    def _take(self, job: Job, refs: dict[str, Any]) -> bytes:
        refs.update(self._inputs.take(job.needs.values()))
        return b""

    def _end(self, ref: Any) -> Outcome | None:
        """What became of it; None if it was begun anew."""
        started = self._under_way.pop(ref)
        self._inputs.release(started.job.needs.values())
        errors = self._ray.exceptions
        try:
            content, failure, detail = self._ray.get(ref)
        except errors.RayTaskError as error:
            lost = error.cause
            if not isinstance(lost, _InputLostError):
                return Outcome(started.job, None, _cannot_begin(error.cause), str(error))
            self._inputs.forget(lost.key)
            if started.tries <= self._engine.retries:
                self._start(_Started(started.job, started.tries + 1))
                return None
            return Outcome(
                started.job,
                None,
                f"Ray lost what the job reads, {lost.key}, each of the {started.tries} times it "
                "was begun. Is the disk or the memory of the cluster's head full?",
                lost.reason,
            )
        except errors.RayError as error:
            return Outcome(started.job, None, _death(errors, error, self._engine), str(error))
        return Outcome(started.job, content, failure, detail)

    def _glance(self) -> int | None:
        """How many jobs the cluster can do at once; None if it was looked at a moment ago."""
        now = time.monotonic()
        if now - self._glanced < GLANCE_SECONDS:
            return None
        self._glanced = now
        room = sum(
            _room(node["Resources"], self._engine.cpus, self._engine.gpus)
            for node in self._ray.nodes()
            if node["Alive"]
        )
        self.slots = max(2, 2 * room)
        if room:
            self._seen_room = now
        return room

    def _check_room(self) -> None:
        alone = time.monotonic() - self._seen_room
        if alone > self._engine.patience:
            raise FeintError(
                f"{self._asked()}, and for {alone:.0f} s none had that. "
                f"{_have(self._ray.nodes())}. Start a node, and run again: "
                "what was kept is not done again",
                "no-such-resources",
            )

    def _asked(self) -> str:
        return f"A job wants cpus={self._engine.cpus:g}, gpus={self._engine.gpus:g} of one node"


def _death(errors: Any, error: Exception, engine: RayEngine) -> str:
    """What befell a job that Ray does not try again, and what to do about it."""
    tried = "once" if engine.retries == 0 else f"{engine.retries + 1} times"
    if isinstance(error, errors.OutOfMemoryError):
        what = "Its node ran out of memory, and Ray ended its worker"
        todo = "Ask for more cpus a job, so that fewer are done at once"
    elif isinstance(error, errors.WorkerCrashedError):
        what = "Its worker died (killed from outside, or crashed)"
        todo = "If it happens to this job alone, do it in this process to see why"
    elif isinstance(error, (errors.NodeDiedError, errors.LocalRayletDiedError)):
        what = "Its node died"
        todo = "Run again when the cluster is well"
    elif isinstance(error, errors.ObjectLostError):
        what = "Its result was lost with the node that held it"
        todo = "Run again when the cluster is well"
    else:
        what = f"Ray could not do it ({type(error).__name__}: {_first_line(error)})"
        todo = "Run again when the cluster is well"
    return f"{what}; it was tried {tried}. {todo}"
