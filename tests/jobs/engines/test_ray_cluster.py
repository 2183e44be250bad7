"""Two nodes on loopback: they die, others come, and everything still arrives."""

import os
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.errors import refused

from feint.errors import FeintError
from feint.jobs.engines import Session
from feint.jobs.engines.ray import RayEngine
from feint.jobs.job import Common, Fetch, Job

ray = pytest.importorskip("ray")

COMMON = Common()


def fetch(key: str) -> bytes:
    return key.encode() * 100_000


def do(job: Job, fetch: Fetch) -> bytes:
    if "trace" in job.own:
        Path(job.own["trace"]).write_text(str(os.getpid()))
    time.sleep(job.own["seconds"])
    return str(job.own["number"]).encode() + b"".join(fetch(key) for key in job.needs.values())


def job(number: int, seconds: float, **own: object) -> Job:
    return Job("sleep", COMMON, {"number": number, "seconds": seconds, **own}, {"a": "key"})


def run(session: Session, count: int, events: dict[int, Callable[[], Any]]) -> list[bytes | None]:
    """Jobs of a tenth of a second; something happens after so many of them."""
    started, ended = 0, []
    while len(ended) < count:
        while started < count and started - len(ended) < session.slots:
            session.start(job(started, 0.1))
            started += 1
        if len(ended) in events:
            events.pop(len(ended))()
        outcome = session.next()
        assert outcome.failure is None, outcome.detail
        ended.append(outcome.content)
    return ended


def expected(count: int) -> list[bytes]:
    return sorted(str(number).encode() + fetch("key") for number in range(count))


@pytest.fixture
def begin(loopback: Any) -> Iterator[Callable[..., Session]]:
    """Sessions on the cluster, which has two nodes again when each test begins."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    while len(loopback.nodes) < 2:
        loopback.add_node()
    begun = []

    def begin(**settings: Any) -> Session:
        begun.append(RayEngine(loopback.address, **settings).begin(do, fetch))
        return begun[-1]

    yield begin
    for session in begun:
        session.close()
    assert not ray.is_initialized()


def test_everything_arrives_although_a_node_and_workers_die(
    loopback: Any, begin: Callable[..., Session], kill_a_worker: Callable[..., int]
):
    session = begin()
    assert session.slots == 4
    choice = random.Random(0)
    contents = run(
        session,
        40,
        {
            5: lambda: kill_a_worker(choice),
            10: lambda: loopback.kill_raylet(choice.choice(loopback.nodes)),
            20: lambda: kill_a_worker(choice),
        },
    )
    assert sorted(contents) == expected(40)


def test_a_node_that_comes_is_used(loopback: Any, begin: Callable[..., Session]):
    loopback.kill_raylet(loopback.nodes[0])
    session = begin()
    run(session, 1, {})
    loopback.add_node()
    loopback.add_node()
    time.sleep(2.1)  # until the session looks again
    run(session, 1, {})
    assert session.slots == 6
    loopback.kill_raylet(loopback.nodes[0])


def test_without_a_node_for_long_it_gives_up(loopback: Any, begin: Callable[..., Session]):
    session = begin(patience=3.0)
    session.start(job(0, 30))
    while loopback.nodes:
        loopback.kill_raylet(loopback.nodes[0])
    began = time.monotonic()
    with refused("no-such-resources", names=("cpus=1, gpus=0",)):
        session.next()
    assert 2 < time.monotonic() - began < 15
    session.close()


def test_without_a_node_for_a_while_it_waits(loopback: Any, begin: Callable[..., Session]):
    session = begin()
    session.start(job(0, 0.1))
    while loopback.nodes:
        loopback.kill_raylet(loopback.nodes[0])
    loopback.add_node()
    assert session.next().failure is None


def test_the_cluster_goes_on_and_the_jobs_do_not(begin: Callable[..., Session], tmp_path: Path):
    session = begin()
    trace = tmp_path / "trace"
    session.start(job(0, 600, trace=str(trace)))
    while not (trace.exists() and trace.read_text()):
        time.sleep(0.01)
    session.close()
    until = time.monotonic() + 10
    while Path(f"/proc/{trace.read_text()}").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert sorted(run(begin(), 4, {})) == expected(4)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("somewhere", "has no host and port"),
        ("host:port", "has no host and port"),
        ("127.0.0.1:1", "No Ray cluster answers at 127.0.0.1:1: .*refused"),
        ("ray://127.0.0.1:1", "No Ray cluster answers at ray://127.0.0.1:1: .*refused"),
        ("nowhere.invalid:6379", "No Ray cluster answers at nowhere.invalid:6379"),
    ],
)
def test_an_address_without_a_cluster_is_refused_at_once(address: str, told: str):
    began = time.monotonic()
    with pytest.raises(FeintError, match=told + ".*Expected: auto, HOST:PORT or ray://HOST:PORT"):
        RayEngine(address).begin(do, fetch)
    assert time.monotonic() - began < 7


def test_a_machine_without_a_cluster_is_refused(monkeypatch: pytest.MonkeyPatch, short_path: Path):
    monkeypatch.setenv("RAY_TMPDIR", str(short_path))
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr("feint.jobs.engines.ray_cluster.REACH_SECONDS", 3.0)
    with refused("no-ray-cluster", names=("auto",)):
        RayEngine("auto").begin(do, fetch)


def test_a_folder_that_ray_cannot_use_is_refused(monkeypatch: pytest.MonkeyPatch, short_path: Path):
    monkeypatch.setenv("RAY_TMPDIR", str(short_path / "absent"))
    with refused("ray-not-started", names=("RAY_TMPDIR",)):
        RayEngine().begin(do, fetch)
    long = short_path / ("long" * 25)
    long.mkdir()
    monkeypatch.setenv("RAY_TMPDIR", str(long))
    with refused("ray-not-started", names=("AF_UNIX",)):
        RayEngine().begin(do, fetch)
    assert list(long.iterdir()) == []


def test_something_that_is_no_cluster_is_refused_in_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("feint.jobs.engines.ray_cluster.REACH_SECONDS", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        began = time.monotonic()
        with refused("no-ray-cluster", names=("127",)):
            RayEngine(f"127.0.0.1:{mute.getsockname()[1]}").begin(do, fetch)
        assert time.monotonic() - began < 5


def test_who_lacks_the_token_is_told_so(
    begin: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("feint.jobs.engines.ray_cluster.REACH_SECONDS", 5.0)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with refused("no-ray-cluster", names=("RAY_AUTH_MODE=token",)):
        begin()
