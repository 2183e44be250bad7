"""The lock of a run's folder: one process works on a run at a time.

The system releases the lock when its process ends, however it ends.  Beside it lies lock.json,
which names the holder: for people to read, nothing depends on it.
"""

import contextlib
import json
import os
import socket
import time
from pathlib import Path

from filelock import FileLock, Timeout

from feint.errors import FeintError
from feint.io.atomic import safe_join
from feint.io.progress import console

GRACE = 0.2
"""Seconds to try for a lock: `holder` takes it for a moment, too."""
LONGEST_NOTE = 4096


class Lock:
    """The lock of a run's folder; the same object can be entered again.  `with Lock(folder): ...`

    Args:
        folder: the run's; created.
        wait: wait for another process to finish, instead of refusing.

    Raises:
        FeintError: another process holds it; the folder cannot be written.
    """

    def __init__(self, folder: Path, wait: bool = False) -> None:
        self.folder, self.wait = folder, wait
        self._lock = FileLock(folder / "lock", thread_local=False)
        self._depth = 0

    def __enter__(self) -> "Lock":
        if self._depth == 0:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                safe_join(self.folder, "lock")
                note = safe_join(self.folder, "lock.json")
                self._acquire()
            except OSError as error:
                raise FeintError(
                    f"Could not write into {self.folder}: {error}. Choose another folder with "
                    "--out, or make room in this one.",
                    "not-writable",
                ) from error
            me = {"process": os.getpid(), "host": socket.gethostname()}
            with contextlib.suppress(OSError):  # whoever has something to write says what is wrong
                if note.is_file() or not note.exists():  # a pipe would wait for a reader
                    note.write_text(json.dumps({**me, "since": time.strftime("%F %T")}))
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            with contextlib.suppress(OSError):
                (self.folder / "lock.json").unlink(missing_ok=True)
            self._lock.release()

    def _acquire(self) -> None:
        announced = False
        while True:
            try:
                self._lock.acquire(timeout=GRACE)
                return
            except Timeout:
                who = _read_note(self.folder)
            if not self.wait:
                raise FeintError(
                    f"{self.folder} is being worked on by {who}. Wait for it (--wait does), or "
                    "give another folder with --out.",
                    "run-in-use",
                )
            if not announced:
                console.print(f"Waiting for {who} to finish.", markup=False)
                announced = True


def holder(folder: Path) -> str | None:
    """The process that works on a run, in words; None if there is none."""
    path = safe_join(folder, "lock")
    if not path.exists():
        return None
    try:
        with FileLock(path, timeout=0):
            return None
    except Timeout:
        return _read_note(folder)
    except OSError:
        return None


def _read_note(folder: Path) -> str:
    path = safe_join(folder, "lock.json")
    if not path.is_file():
        return "another process"
    try:
        with path.open("rb") as file:
            note = json.loads(file.read(LONGEST_NOTE))
        return f"process {note['process']} on {note['host']}, since {note['since']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"
