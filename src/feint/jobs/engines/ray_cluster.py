"""Starting, reaching and joining a Ray cluster.

`ray.py` gives it jobs.  What depends on Ray's version or on the machine belongs here.
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
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import feint
from feint.errors import FeintError
from feint.jobs.job import VERSIONS, Job

REACH_SECONDS = 15.0
"""How long a cluster may take to answer."""


_PROBE = """
import sys, ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
"""


_CARETAKER = """
read line
if [ "$line" != ended ]; then
  kill -9 $(find /proc/[0-9]*/fd -lname "$1/*" | cut -d/ -f3 | sort -u)
fi
rm -rf "$1"
"""
"""Waits until the session or this process ends.  If it is the process, some of Ray would run for
another minute: all its processes have logs open in the session's folder, so they can be found."""


_TOKEN_ADVICE = (
    "The cluster wants a token. Expected: RAY_AUTH_MODE=token in this process's environment, and "
    "the cluster's token in ~/.ray/auth_token or RAY_AUTH_TOKEN"
)


@dataclass(frozen=True)
class _Started:
    """A job that runs."""

    job: Job
    tries: int
    """How often it was started again because Ray lost an input."""


def _versions() -> dict[str, Any]:
    return {"feint": feint.__version__, **VERSIONS}


def _import_ray() -> ModuleType:
    """Import Ray, with the settings that it reads from the environment on import."""
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
            "The engine ray needs ray, which is not installed. Expected: pip install 'feint[ray]'",
            "not-installed",
        ) from None
    return ray


def _limit_oom_retries(retries: int, undo: contextlib.ExitStack) -> None:
    """Limit the retries after running out of memory: by default Ray retries for ever."""
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
            "Expected: RAY_TMPDIR, with a short name, that can be written",
            "ray-not-started",
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
            f"its logs; to keep them, run `ray start --head` and use the address auto",
            "ray-not-started",
        ) from error


def _reach(address: str) -> None:
    """See, from a process that can be ended, whether a cluster lets us join.

    Ray itself may take minutes over an address where nothing answers, deaf to Ctrl-C.
    """
    advice = (
        "Expected: auto, HOST:PORT or ray://HOST:PORT of a cluster that runs; on its head, "
        "`ray status` says whether it does"
    )
    if address != "auto":
        host, _, port = address.removeprefix("ray://").rpartition(":")
        if not host or not port.isdecimal():
            raise FeintError(
                f"Ray's address {address!r} has no host and port. {advice}", "bad-address"
            )
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except (OSError, OverflowError) as error:
            raise FeintError(
                f"No Ray cluster answers at {address}: {error}. {advice}", "no-ray-cluster"
            ) from None
    try:
        found = subprocess.run(
            [sys.executable, "-c", _PROBE, address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=REACH_SECONDS,
        )
        said = found.stderr if found.returncode else None
    except subprocess.TimeoutExpired as error:
        said = error.stderr or b"no answer in time (without its token, a cluster may not answer)"
    if said is None:
        return
    text = said.decode(errors="replace").strip()
    if "InvalidAuthToken" in text or "AuthenticationError" in text:
        advice = _TOKEN_ADVICE
    last = text.splitlines()[-1] if text else "no reason given"
    last = re.sub(r"^\[.*?\] \S+:\d+: ", "", last).rstrip(".")
    raise FeintError(
        f"No Ray cluster could be joined at {address}: {last}. {advice}", "no-ray-cluster"
    )


def _join(ray: ModuleType, address: str, undo: contextlib.ExitStack) -> None:
    undo.callback(ray.shutdown)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:
        raise FeintError(
            f"No Ray cluster could be joined at {address}: {error}", "no-ray-cluster"
        ) from error


def _check_joined(ray: ModuleType, address: str | None) -> None:
    """Refuse a connection this process already has, if it is to another cluster."""
    if address in (None, "auto", "local"):
        return
    there = ray.get_runtime_context().gcs_address
    if address != there:
        raise FeintError(
            f"This process is already connected to Ray at {there}, and was to join {address}. "
            "Expected: no address, to use that connection, or ray.shutdown() before",
            "other-ray-cluster",
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
    each_node = "; ".join(f"{have} ({count} of them)" for have, count in each.items())
    return f"The nodes alive have {each_node}" if alive else "No node is alive"


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else ""
