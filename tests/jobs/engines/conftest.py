"""Ray clusters on this machine that can be hurt: workers and nodes are killed, nodes added.

Everything is found through the session of Ray that is ours; other people's Ray is left alone.
"""

import contextlib
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NOT_WORKERS = ("ray::IDLE", "ray::DashboardAgent", "ray::RuntimeEnvAgent")


class Loopback:
    """A cluster on loopback: a head that does no jobs, and nodes that do.

    Attributes:
        address: for `RayEngine`.
        nodes: those alive, as far as we know.
    """

    def __init__(self, folder: str, nodes: int = 2, cpus: int = 1) -> None:
        from ray.cluster_utils import Cluster

        self.cpus = cpus
        self._folder = folder
        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "include_dashboard": False,
                # By itself Ray takes some 15 s to believe that a node is dead, and 10 s to look
                # for an object elsewhere.
                "_system_config": {
                    "health_check_initial_delay_ms": 0,
                    "health_check_period_ms": 300,
                    "health_check_timeout_ms": 10_000,  # a busy machine is not dead
                    "health_check_failure_threshold": 3,
                    "object_manager_pull_timeout_ms": 500,
                },
            },
        )
        self.address: str = self._cluster.address
        self.nodes: list[Any] = []
        for _ in range(nodes):
            self.add_node()

    def add_node(self) -> Any:
        """Start a node and wait until it is part of the cluster."""
        node = self._cluster.add_node(num_cpus=self.cpus)
        self.nodes.append(node)
        return node

    def settle(self, nodes: int = 2) -> None:
        """So many nodes are alive again."""
        for node in list(self.nodes):
            if node.all_processes["raylet"][0].process.poll() is not None:
                self.kill_raylet(node)
        while len(self.nodes) < nodes:
            self.add_node()

    def kill_raylet(self, node: Any) -> None:
        """SIGKILL the process that is a node, as if its machine were gone; its workers follow."""
        self.nodes.remove(node)
        self._cluster.worker_nodes.discard(node)
        process = node.all_processes["raylet"][0].process
        workers = [pid for pid, parent, _ in processes() if parent == process.pid]
        process.kill()
        process.wait()
        for pid in workers:
            kill(pid)

    def shutdown(self) -> None:
        self._cluster.shutdown()
        sweep(self._folder)


def processes() -> Iterator[tuple[int, int, str]]:
    """Every process: its id, its parent's, its command."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            stat = (entry / "stat").read_text()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except (OSError, UnicodeDecodeError):
            continue  # it has just ended
        yield int(entry.name), int(stat.rpartition(")")[2].split()[1]), command


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def users(folder: str) -> list[int]:
    """The processes, but this one, that have a file open in a folder: Ray's all have logs there."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # it has just ended
            opened = [str(link.readlink()) for link in (entry / "fd").iterdir()]
            if any(path.startswith(folder + "/") for path in opened):
                found.append(int(entry.name))
    return found


def sweep(folder: str) -> None:
    for pid in users(folder):
        kill(pid)
    shutil.rmtree(folder, ignore_errors=True)


def busy_workers() -> list[int]:
    """The workers of the Ray this process is connected to that do a job right now."""
    import ray

    session = ray._private.worker._global_node.get_session_dir_path()
    everything = list(processes())
    raylets = {pid for pid, _, told in everything if "/raylet/raylet " in told and session in told}
    return sorted(
        pid
        for pid, parent, told in everything
        if parent in raylets and told.startswith("ray::") and told not in NOT_WORKERS
    )


@pytest.fixture(scope="session")
def kill_a_worker() -> Callable[..., int]:
    """SIGKILL a worker that does a job of our session; which one is random's choice."""

    def kill_one(choice: random.Random | None = None, patience: float = 10.0) -> int:
        until = time.monotonic() + patience
        while not (workers := busy_workers()):
            if time.monotonic() > until:
                raise TimeoutError("no worker does a job")
            time.sleep(0.01)
        pid = (choice or random).choice(workers)
        kill(pid)
        return pid

    return kill_one


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A temporary folder whose name is short enough for the sockets of Ray."""
    folder = tempfile.mkdtemp(prefix="feint-", dir="/tmp")
    yield Path(folder)
    sweep(folder)


@pytest.fixture(scope="session")
def users_of() -> Callable[[Path], list[int]]:
    """The processes of every Ray that was started in a folder."""
    return lambda folder: users(str(folder))


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    """Two nodes of one CPU, and a head that does no jobs."""
    from ray._private.authentication.authentication_token_setup import (
        enable_token_auth_by_default,
        ensure_token_if_auth_enabled,
    )

    folder = tempfile.mkdtemp(prefix="feint-", dir="/tmp")
    with pytest.MonkeyPatch.context() as patch:
        # Where Ray notes which cluster `auto` is: not for everybody to see.
        patch.setenv("RAY_TMPDIR", folder)
        enable_token_auth_by_default()
        ensure_token_if_auth_enabled()
        cluster = Loopback(folder)
        try:
            yield cluster
        finally:
            cluster.shutdown()
