"""One Ray on this machine, started once, hurt often."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from tests.errors import refused

import feint
from feint.errors import FeintError
from feint.jobs.engines import Outcome, Session
from feint.jobs.engines.local import LocalEngine
from feint.jobs.engines.ray import RayEngine, _death
from feint.jobs.engines.ray_cluster import _room
from feint.jobs.engines.ray_inputs import _Inputs
from feint.jobs.job import Common, Fetch, Job

ray = pytest.importorskip("ray")

COMMON = Common(scale=3)
FETCHED: Counter[str] = Counter()


def fetch(key: str) -> bytes:
    FETCHED[key] += 1
    if key == "gone":
        raise FileNotFoundError("no file holds it")
    return key.encode() * 1000


def do(job: Job, fetch: Fetch) -> bytes:
    """Leaves a line in a file, then does what its kind says."""
    if "trace" in job.own:
        with Path(job.own["trace"]).open("a") as file:
            file.write(f"{os.getpid()}\n")
    match job.kind:
        case "read":
            read = b"".join(fetch(key) for key in job.needs.values())
            return f"{job.own['number'] * job.common.settings['scale']} ".encode() + read
        case "raise":
            raise ValueError("no good")
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "wait":  # until there is a file, with lines enough
            while lines(job.own["file"]) < job.own.get("lines", 0):
                time.sleep(0.01)
        case "large":
            return bytes(job.own["size"])
        case "environment":
            return os.environ[job.own["name"]].encode()
    return b"".join(fetch(key) for key in job.needs.values())


def lines(path: str | Path) -> int:
    """How many there are; -1 without a file."""
    return len(Path(path).read_text().splitlines()) if Path(path).exists() else -1


def job(kind: str, needs: Mapping[str, str] | None = None, **own: object) -> Job:
    return Job(kind, COMMON, own, needs or {})


def run(session: Session, jobs: list[Job]) -> list[Outcome]:
    """In whatever order they end."""
    waiting, under_way, ended = list(jobs), 0, []
    while len(ended) < len(jobs):
        while waiting and under_way < session.slots:
            session.start(waiting.pop())
            under_way += 1
        ended.append(session.next())
        under_way -= 1
    return ended


@pytest.fixture(scope="module")
def connection() -> Iterator[None]:
    """The Ray of this file: the sessions of its tests use it while it is there."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    session = RayEngine().begin(do, fetch)
    yield
    session.close()
    assert not ray.is_initialized()


@pytest.fixture
def begin(connection: None) -> Iterator[Callable[[RayEngine], Session]]:
    begun = []

    def begin(engine: RayEngine) -> Session:
        begun.append(engine.begin(do, fetch))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()
    assert ray.is_initialized()


@pytest.fixture
def session(begin: Callable[[RayEngine], Session]) -> Session:
    return begin(RayEngine())


def test_results_are_those_of_this_process(session: Session):
    jobs = [job("read", {"a": f"key{n % 3}", "b": "key"}, number=n) for n in range(20)]
    jobs += [job("raise"), job("read", {"a": "gone"}, number=0)]
    here = run(LocalEngine().begin(do, fetch), jobs)
    there = run(session, jobs)
    assert {id(outcome.job) for outcome in there} == {id(job) for job in jobs}
    assert {o.job.key: (o.content, o.failure) for o in there} == {
        o.job.key: (o.content, o.failure) for o in here
    }


def test_what_many_jobs_need_is_fetched_once(session: Session):
    FETCHED.clear()
    run(session, [job("read", {"a": f"many{n % 2}"}, number=n) for n in range(20)])
    assert FETCHED == {"many0": 1, "many1": 1}


def test_inputs_leave_when_there_are_many_but_not_while_a_job_needs_them(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("feint.jobs.engines.ray_inputs.INPUTS_KEPT", 2)
    FETCHED.clear()
    inputs = _Inputs(fetch, lambda content: content)
    inputs.take(["a", "b", "c"])
    inputs.take(["c"])
    assert set(inputs.take(["d"])) == {"d"}
    inputs.release(["a", "b", "c"])
    assert inputs.take(["c"]) == {"c": b"c" * 1000}
    inputs.take(["a"])
    assert FETCHED == {"a": 2, "b": 1, "c": 1, "d": 1}


def test_a_job_that_raises_has_failed_and_is_not_tried_again(session: Session, tmp_path: Path):
    (outcome,) = run(session, [job("raise", trace=str(tmp_path / "trace"))])
    assert (outcome.content, outcome.failure) == (None, "ValueError: no good")
    assert 'raise ValueError("no good")' in outcome.detail
    assert lines(tmp_path / "trace") == 1


def test_a_job_whose_worker_is_killed_is_tried_again(
    session: Session, tmp_path: Path, kill_a_worker: Callable[..., int]
):
    trace, go = tmp_path / "trace", tmp_path / "go"
    session.start(job("wait", {"a": "key"}, trace=str(trace), file=str(go)))
    wait_for(lambda: lines(trace) == 1)
    killed = kill_a_worker(random.Random(0))
    wait_for(lambda: lines(trace) == 2)
    go.touch()
    outcome = session.next()
    assert (outcome.content, outcome.failure) == (fetch("key"), None)
    assert trace.read_text().splitlines()[0] == str(killed)


@pytest.mark.parametrize("retries", [0, 1])
def test_a_job_that_kills_its_worker_each_time_has_failed(
    begin: Callable[[RayEngine], Session], tmp_path: Path, retries: int
):
    trace = tmp_path / "trace"
    deadly = job("kill", trace=str(trace))
    ended = run(begin(RayEngine(retries=retries)), [deadly, job("read", number=1)])
    told = {outcome.job.kind: outcome.failure for outcome in ended}
    assert told["read"] is None
    assert "worker died" in told["kill"]
    assert f"tried {('once', '2 times')[retries]}" in told["kill"]
    assert lines(trace) == 1 + retries


def test_every_death_is_told_apart():
    from ray import exceptions

    lost = exceptions.ObjectLostError("0" * 56, None, "")
    for error, what in [
        (exceptions.OutOfMemoryError("full"), "memory"),
        (exceptions.WorkerCrashedError(), "worker died"),
        (exceptions.NodeDiedError("gone"), "node died"),
        (lost, "result was lost"),
        (exceptions.RaySystemError("broken"), "RaySystemError: "),
    ]:
        told = _death(exceptions, error, RayEngine())
        assert what in told
        assert "tried 4 times" in told


class Holder:
    """Puts something into Ray; when it is killed, that is lost."""

    def put(self, content: bytes) -> list[object]:
        return [ray.put(content)]


def put_and_lose(content: bytes) -> object:
    holder = ray.remote(Holder).remote()
    (ref,) = ray.get(holder.put.remote(content))
    ray.kill(holder)
    wait_for(lambda: is_lost(ref))
    return ref


def is_lost(ref: object) -> bool:
    try:
        ray.get(ref)
    except ray.exceptions.ObjectLostError:
        return True
    return False


def test_what_ray_loses_is_put_there_again(session: Session, tmp_path: Path):
    FETCHED.clear()
    trace = tmp_path / "trace"
    put = session._inputs._put
    session._inputs._put = put_and_lose
    session.start(job("read", {"a": "lost"}, number=1, trace=str(trace)))
    session._inputs._put = put
    outcome = session.next()
    assert (outcome.content, outcome.failure) == (b"3 " + b"lost" * 1000, None)
    assert FETCHED == {"lost": 2}
    assert lines(trace) == 2


def test_what_ray_loses_each_time_is_a_failure(begin: Callable[[RayEngine], Session]):
    session = begin(RayEngine(retries=1))
    session._inputs._put = put_and_lose
    session.start(job("read", {"a": "lost"}, number=1))
    failure = session.next().failure
    assert failure is not None
    assert "lost what the job reads, lost, each of the 2 times" in failure


def test_fractions_of_a_cpu_are_shared(begin: Callable[[RayEngine], Session], tmp_path: Path):
    at_once = 4
    session = begin(RayEngine(cpus=ray.cluster_resources()["CPU"] / at_once))
    assert session.slots == 2 * at_once
    # None of them ends before all of them have begun.
    trace = str(tmp_path / "trace")
    jobs = [job("wait", trace=trace, file=trace, lines=at_once, n=n) for n in range(at_once)]
    assert {outcome.failure for outcome in run(session, jobs)} == {None}


def test_libraries_get_as_many_threads_as_cpus_and_no_gpu(begin: Callable[[RayEngine], Session]):
    threads = job("environment", name="OMP_NUM_THREADS")
    for cpus in (0.5, min(2.0, ray.cluster_resources()["CPU"])):
        (outcome,) = run(begin(RayEngine(cpus=cpus)), [threads])
        assert outcome.content == str(max(1, int(cpus))).encode()
    (outcome,) = run(begin(RayEngine()), [job("environment", name="CUDA_VISIBLE_DEVICES")])
    assert outcome.content == b""


def test_this_process_keeps_no_results(session: Session):
    jobs = [job("large", size=5_000_000, n=n) for n in range(200)]
    for one in jobs[:4]:
        session.start(one)
    before, most, seen = own_memory(), 0, 0
    for one in [*jobs[4:], None, None, None, None]:
        content = session.next().content
        assert content is not None
        seen += len(content)
        del content
        most = max(most, own_memory())
        if one is not None:
            session.start(one)
    assert seen == 1_000_000_000
    assert most - before < 100_000_000


def test_a_worker_with_another_feint_is_refused(session: Session, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feint, "__version__", "0.0.7")
    (outcome,) = run(session, [job("read", number=1)])
    assert outcome.failure is not None
    assert "another feint (feint: 0.0.7 here" in outcome.failure


def test_work_that_a_worker_cannot_import_is_a_failure(
    session: Session, monkeypatch: pytest.MonkeyPatch
):
    nowhere = ModuleType("only_in_this_process")
    exec("def do(job, fetch): return b''", nowhere.__dict__)
    monkeypatch.setitem(sys.modules, nowhere.__name__, nowhere)
    other = RayEngine().begin(nowhere.do, fetch)
    (outcome,) = run(other, [job("read", number=1)])
    other.close()
    assert outcome.failure is not None
    assert "could not begin" in outcome.failure
    assert "only_in_this_process" in outcome.failure


def test_jobs_given_up_do_not_go_on(session: Session, tmp_path: Path):
    trace = tmp_path / "trace"
    session.start(job("wait", trace=str(trace), file=str(tmp_path / "never")))
    wait_for(lambda: lines(trace) == 1)
    session.close()
    pid = int(trace.read_text())
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
    session.close()  # again is fine


def test_nothing_under_way_is_not_waited_for(session: Session):
    with pytest.raises(IndexError, match="no job is under way"):
        session.next()


@pytest.mark.parametrize(
    "asked", [RayEngine(gpus=1e3), RayEngine(cpus=1e3), RayEngine(cpus=0.0, gpus=1e3)]
)
def test_more_than_there_is_is_refused(begin: Callable[[RayEngine], Session], asked: RayEngine):
    with refused("no-such-resources", names=("cpus=", "gpus=", "CPU")):
        begin(asked)


def test_another_cluster_than_that_of_this_process_is_refused(
    begin: Callable[[RayEngine], Session],
):
    with refused("other-ray-cluster", names=("10.0.0.1:6379",)):
        begin(RayEngine("10.0.0.1:6379"))
    (outcome,) = run(begin(RayEngine("auto")), [job("read", number=1)])
    assert outcome.content == b"3 "


@pytest.mark.parametrize(
    "settings",
    [{"cpus": 0.0}, {"cpus": -1.0}, {"gpus": -1.0}, {"gpus": 1.5}, {"retries": -1}],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float]):
    with pytest.raises(FeintError, match="Expected"):
        RayEngine(**settings)


@pytest.mark.parametrize(
    ("resources", "cpus", "gpus", "room"),
    [
        ({"CPU": 2.0}, 1, 0, 2),
        ({"CPU": 2.0}, 0.1, 0, 20),
        ({"CPU": 3.0}, 2, 0, 1),
        ({}, 1, 0, 0),
        ({"CPU": 8.0, "GPU": 2.0}, 1, 0.4, 4),
        ({"CPU": 3.0, "GPU": 2.0}, 1, 0.25, 3),
        ({"CPU": 8.0, "GPU": 4.0}, 0, 2, 2),
    ],
)
def test_room_on_a_node(resources: dict[str, float], cpus: float, gpus: float, room: int):
    assert _room(resources, float(cpus), float(gpus)) == room


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with refused("not-installed", names=("pip install 'feint[ray]'",)):
        RayEngine().begin(do, fetch)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["close", "SIGINT", "SIGTERM", "SIGKILL"])
def test_nothing_is_left_and_nothing_is_said(
    how: str, short_path: Path, users_of: Callable[[Path], list[int]]
):
    script = """
        import sys, time
        from feint.jobs.engines.ray import RayEngine
        from feint.jobs.job import Common, Job

        def do(job, fetch):
            time.sleep(job.own["seconds"])
            return b"done"

        session = RayEngine().begin(do, lambda key: b"")
        session.start(Job("sleep", Common(), {"seconds": 0}))
        assert session.next().content == b"done"
        session.start(Job("sleep", Common(), {"seconds": 600}))
        print("ready", flush=True)
        try:
            if sys.argv[1] == "close":
                sys.stdin.readline()
            else:
                session.next()
        except (KeyboardInterrupt, SystemExit) as error:
            print(type(error).__name__, flush=True)
        finally:
            session.close()
        """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), how],
        env={**os.environ, "RAY_TMPDIR": str(short_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.5)  # let it wait
        assert len(users_of(short_path)) > 5
        match how:
            case "SIGINT":  # the terminal sends it to everybody
                os.killpg(child.pid, signal.SIGINT)
            case "SIGTERM" | "SIGKILL":
                child.send_signal(signal.Signals[how])
        out, err = child.communicate("go on\n", timeout=30)
    assert out == {"SIGINT": "KeyboardInterrupt\n", "SIGTERM": "SystemExit\n"}.get(how, "")
    assert err == ""
    assert child.returncode == (-9 if how == "SIGKILL" else 0)
    if how == "SIGKILL":
        wait_for(lambda: not users_of(short_path) and not list(short_path.iterdir()))
    assert users_of(short_path) == []
    assert list(short_path.iterdir()) == []


def wait_for(there: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def own_memory() -> int:
    """Without what is shared with others, such as Ray's store."""
    told = Path("/proc/self/status").read_text()
    return int(told.split("RssAnon:")[1].split()[0]) * 1024
