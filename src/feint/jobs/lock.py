"""One process works on a run at a time; a dead one holds nothing."""

import json
import os
import socket
import sys
import time
from pathlib import Path

if sys.platform != "win32":
    import fcntl

from feint.errors import FeintError
from feint.io.atomic import safe_join
from feint.io.progress import console
from feint.io.sealed import parse

POLL = 0.2
"""Seconds between two looks at a lock that is waited for."""
LOOK = 0.05
"""Seconds after which who only looked (`holder`) has let go of it for certain."""


class Lock:
    """The lock of a run's folder: the system drops it when its process ends, however that ends.

    It can be taken again by who holds it.  `with Lock(folder): ...`

    Args:
        folder: the run's; created.
        wait: wait for another process to finish, instead of refusing.

    Raises:
        FeintError: another process holds it; the folder cannot be written.
    """

    def __init__(self, folder: Path, wait: bool = False) -> None:
        self.folder, self.wait = folder, wait
        self._handle: int | None = None
        self._depth = 0

    def __enter__(self) -> "Lock":
        if self._depth == 0:
            self._take()
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0 and self._handle is not None:
            os.close(self._handle)  # and with it the lock
            self._handle = None

    def _take(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(safe_join(self.folder, "lock"), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise FeintError(
                f"Could not write into {self.folder}: {error}. Choose another folder with --out, "
                "or make room in this one."
            ) from error
        try:
            told = False
            if not _locked(handle):
                time.sleep(LOOK)
            while not _locked(handle):
                holder = _holder(handle)
                if not self.wait:
                    raise FeintError(
                        f"{self.folder} is being worked on by {holder}. Wait for it (--wait does), "
                        "or give another folder with --out."
                    )
                if not told:
                    console.print(f"Waiting for {holder} to finish.", markup=False)
                    told = True
                time.sleep(POLL)
            _sign(handle)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle


def holder(folder: Path) -> str | None:
    """Who works on a run; None if nobody does."""
    try:
        handle = os.open(safe_join(folder, "lock"), os.O_RDWR)
    except OSError:
        return None
    try:
        return None if _locked(handle) else _holder(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    if sys.platform != "win32":  # there is no such lock there: do not start two
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _sign(handle: int) -> None:
    """Say who holds it; for people to read, nothing depends on it."""
    me = {"process": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(me).encode(), 0)
    except OSError:
        pass  # a full disk is told by whoever has something to write


def _holder(handle: int) -> str:
    try:
        told = parse(os.pread(handle, 4096, 0))
        return f"process {told['process']} on {told['host']}, since {told['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
