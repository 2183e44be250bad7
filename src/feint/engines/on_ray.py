"""Jobs as tasks on Ray: on this machine, or on a cluster of many.

Contents travel through Ray, both ways, so that workers need no disk in common with anybody.  What
a job raises is its failure, as it is in this process.  What happens to a worker or a node is not:
Ray tries the job again, elsewhere if it must.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import feint
from feint.engines import Outcome
from feint.engines.in_process import attempt
from feint.errors import FeintError
from feint.jobs import VERSIONS, Fetch, Job, Work

INPUTS_KEPT = 64
"""How many contents that jobs need stay in Ray although no job under way needs them."""
REACH_SECONDS = 15.0
"""How long a cluster may take to answer."""
GLANCE_SECONDS = 2.0
"""How often a session looks at the cluster's nodes."""
_PROBE = """
import sys, ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
"""
_CARETAKER = """
read told
if [ "$told" != ended ]; then
  kill -9 $(find /proc/[0-9]*/fd -lname "$1/*" | cut -d/ -f3 | sort -u)
fi
rm -rf "$1"
"""
"""Waits until the session or this process ends.  If it is the process, some of Ray would go on for
a minute: all its processes have logs open in the session's folder, which tells them apart."""
_TOKEN_ADVICE = (
    "The cluster wants a token. Expected: RAY_AUTH_MODE=token in this process's environment, and "
    "the cluster's token in ~/.ray/auth_token or RAY_AUTH_TOKEN"
)


@dataclass(frozen=True)
class OnRay:
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
                "Expected: none below 0, and one above it"
            )
        if self.gpus > 1 and self.gpus != int(self.gpus):
            raise FeintError(
                f"A job on ray was given gpus={self.gpus:g}. "
                "Expected: a fraction below 1, or a whole number"
            )
        if self.retries < 0:
            raise FeintError(f"Got retries={self.retries}. Expected: 0 or more")

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


@dataclass(frozen=True)
class _Started:
    """A job under way."""

    job: Job
    tries: int
    """How often it was begun anew because Ray lost what it reads."""


class _Session:
    def __init__(self, ray: ModuleType, engine: OnRay, work: Work, fetch: Fetch) -> None:
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
            raise FeintError(f"{self._asked()}. {_have(ray.nodes())}. Ask for less")

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
        # Failing to read what a job needs is a failure of the job, as in `InProcess`.
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
                lost.told,
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
                "what was kept is not done again"
            )

    def _asked(self) -> str:
        return f"A job wants cpus={self._engine.cpus:g}, gpus={self._engine.gpus:g} of one node"


class _Inputs:
    """What jobs read, put into Ray once; those that no job needs any more leave in turn."""

    def __init__(self, fetch: Fetch, put: Callable[[bytes], Any]) -> None:
        self.fetch = fetch
        self._put = put
        self._refs: OrderedDict[str, Any] = OrderedDict()
        self._users: Counter[str] = Counter()

    def take(self, keys: Iterable[str]) -> dict[str, Any]:
        wanted = set(keys)
        for key in wanted:
            if key not in self._refs:
                self._refs[key] = self._put(self.fetch(key))
            self._refs.move_to_end(key)
        self._users.update(wanted)
        self._trim()
        return {key: self._refs[key] for key in wanted}

    def release(self, keys: Iterable[str]) -> None:
        self._users -= Counter(set(keys))
        self._trim()

    def forget(self, key: str) -> None:
        self._refs.pop(key, None)

    def clear(self) -> None:
        self._refs.clear()
        self._users.clear()

    def _trim(self) -> None:
        for key in list(self._refs)[: max(0, len(self._refs) - INPUTS_KEPT)]:
            if not self._users[key]:
                del self._refs[key]


class _InputLostError(Exception):
    """Ray has lost what a job reads: no fault of the job's."""

    def __init__(self, key: str, told: str) -> None:
        super().__init__(key, told)
        self.key = key
        self.told = told


def _do(
    asked: Mapping[str, Any], packed: bytes, refs: Mapping[str, Any], threads: int, sees_gpu: bool
) -> tuple[bytes | None, str | None, str]:
    """Do a job, on a worker.  Nothing is unpacked before the versions are known to be alike."""
    ray = _import_ray()
    here = _versions()
    if here != asked:
        told = "; ".join(
            f"{name}: {asked.get(name)} here, {here.get(name)} there"
            for name in asked.keys() | here.keys()
            if asked.get(name) != here.get(name)
        )
        return None, f"A worker has another feint ({told}). Expected: the same on every node", ""
    # Libraries look at the environment when they are first imported, which is about to happen.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    if not sees_gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        work, job = ray.cloudpickle.loads(packed)
    except Exception as error:
        return None, _cannot_begin(error), ""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)

    lost: list[_InputLostError] = []

    def fetch(key: str) -> bytes:
        try:
            return ray.get(refs[key])
        except ray.exceptions.RayError as error:
            lost.append(_InputLostError(key, str(error)))
            raise

    outcome = attempt(work, job, fetch)
    if outcome.failure is not None and lost:
        raise lost[0]
    return outcome.content, outcome.failure, outcome.detail


def _versions() -> dict[str, Any]:
    return {"feint": feint.__version__, **VERSIONS}


def _import_ray() -> ModuleType:
    """Ray, told beforehand what it only asks the environment, and only when it is imported."""
    # Not the messages about every death: they go to standard output.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    # Under `uv run`, Ray would send the whole working directory to every node.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise FeintError(
            "The engine ray needs ray, which is not installed. Expected: pip install 'feint[ray]'"
        ) from None
    return ray


def _limit_oom_retries(retries: int, undo: contextlib.ExitStack) -> None:
    """Limit the retries after running out of memory: by itself Ray goes on for ever."""
    name = "RAY_task_oom_retries"
    if name not in os.environ:
        os.environ[name] = str(retries)
        undo.callback(os.environ.pop, name, None)


@contextlib.contextmanager
def _own_sigterm(undo: contextlib.ExitStack) -> Iterator[None]:
    """Keep the handler of SIGTERM, which Ray replaces by one that prints pages.

    Where there was none, SIGTERM raises SystemExit until the session ends, so that it can end.
    """
    before = signal.getsignal(signal.SIGTERM)
    ours = before is not None and threading.current_thread() is threading.main_thread()
    if ours:
        undo.callback(signal.signal, signal.SIGTERM, before)
    yield
    if ours:
        end = lambda *_: sys.exit(128 + signal.SIGTERM)  # noqa: E731
        signal.signal(signal.SIGTERM, end if before is signal.SIG_DFL else before)


def _start(ray: ModuleType, undo: contextlib.ExitStack) -> None:
    """Start Ray on this machine, in a folder of its own."""
    # Not $TMPDIR, which may be long: the paths of sockets have room for about a hundred characters.
    base = os.environ.get("RAY_TMPDIR", "/tmp")
    try:
        folder = tempfile.mkdtemp(prefix="feint-", dir=base)
    except OSError as error:
        raise FeintError(
            f"Ray could not be started on this machine: no folder can be made in {base} ({error}). "
            "Expected: RAY_TMPDIR, with a short name, that can be written"
        ) from error
    caretaker = subprocess.Popen(
        ["/bin/sh", "-c", _CARETAKER, "sh", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not for it
    )
    undo.callback(caretaker.communicate, b"ended\n")
    undo.callback(ray.shutdown, wait_for_processes=True)
    try:
        ray.init(
            address="local",
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            _temp_dir=folder,
        )
    except Exception as error:
        raise FeintError(
            f"Ray could not be started on this machine: {error}. What is wrong is often said in "
            f"its logs; to keep them, run `ray start --head` and use the address auto"
        ) from error


def _reach(address: str) -> None:
    """See, from a process that can be ended, whether a cluster lets us join.

    Ray itself may take minutes over an address where nothing answers, deaf to Ctrl-C.
    """
    advice = (
        "Expected: auto, HOST:PORT or ray://HOST:PORT of a cluster that runs; on its head, "
        "`ray status` tells whether it does"
    )
    if address != "auto":
        host, _, port = address.removeprefix("ray://").rpartition(":")
        if not host or not port.isdecimal():
            raise FeintError(f"Ray's address {address!r} has no host and port. {advice}")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except (OSError, OverflowError) as error:
            raise FeintError(f"No Ray cluster answers at {address}: {error}. {advice}") from None
    try:
        found = subprocess.run(
            [sys.executable, "-c", _PROBE, address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=REACH_SECONDS,
        )
        told = found.stderr if found.returncode else None
    except subprocess.TimeoutExpired as error:
        told = error.stderr or b"no answer in time (nor is one given to who lacks its token)"
    if told is None:
        return
    text = told.decode(errors="replace").strip()
    if "InvalidAuthToken" in text or "AuthenticationError" in text:
        advice = _TOKEN_ADVICE
    last = text.splitlines()[-1] if text else "no reason given"
    last = re.sub(r"^\[.*?\] \S+:\d+: ", "", last).rstrip(".")
    raise FeintError(f"No Ray cluster could be joined at {address}: {last}. {advice}")


def _join(ray: ModuleType, address: str, undo: contextlib.ExitStack) -> None:
    undo.callback(ray.shutdown)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:
        raise FeintError(f"No Ray cluster could be joined at {address}: {error}") from error


def _check_joined(ray: ModuleType, address: str | None) -> None:
    """Refuse a connection this process already has, if it is to another cluster."""
    if address in (None, "auto", "local"):
        return
    there = ray.get_runtime_context().gcs_address
    if address != there:
        raise FeintError(
            f"This process is already connected to Ray at {there}, and was to join {address}. "
            "Expected: no address, to use that connection, or ray.shutdown() before"
        )


def _room(resources: Mapping[str, float], cpus: float, gpus: float) -> int:
    """How many jobs a node can do at once."""
    room = []
    if cpus:
        room.append(int(resources.get("CPU", 0) / cpus + 1e-9))
    if gpus:
        # A job does not get parts of two GPUs.
        have = int(resources.get("GPU", 0))
        room.append(have * int(1 / gpus + 1e-9) if gpus < 1 else int(have / gpus))
    return min(room)


def _have(nodes: Iterable[Mapping[str, Any]]) -> str:
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    each = Counter(f"CPU {r.get('CPU', 0):g}, GPU {r.get('GPU', 0):g}" for r in alive)
    told = "; ".join(f"{have} ({count} of them)" for have, count in each.items())
    return f"The nodes alive have {told}" if alive else "No node is alive"


def _death(errors: Any, error: Exception, engine: OnRay) -> str:
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


def _cannot_begin(error: BaseException | None) -> str:
    told = f"{type(error).__name__}: {_first_line(error)}"
    return (
        f"A worker could not begin the job: {told}. Expected: feint {feint.__version__}, "
        "and the module that the work is from, on every node"
    )


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else ""
