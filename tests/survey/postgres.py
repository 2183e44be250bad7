"""A PostgreSQL server of one's own, in a temporary folder, reached by a socket in it."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import quote

USERS = ("postgres", "nobody")
"""Whom it runs as where tests run as root, which it refuses."""

INITIAL = ("-U", "feint", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")


def binaries() -> Path | None:
    """Where initdb and pg_ctl lie; Debian keeps them out of PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


@dataclass
class Cluster:
    """A running server."""

    folder: Path
    run: list[str]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def schema(self) -> str:
        """The URL of an empty schema, which is made a hundred times faster than a database."""
        name = f"s{next(self.numbers)}"
        self.sql(f"create schema {name}", "postgres")
        return f"{self._url('postgres')}&options=-csearch_path%3D{name}"

    def database(self, name: str) -> str:
        """The URL of a new database."""
        self.sql(f"create database {name}", "postgres")
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://feint@/{database}?host={quote(str(self.folder))}"

    def sql(self, text: str, database: str) -> str:
        words = [str(binaries() / "psql"), "-h", str(self.folder), "-U", "feint", "-d", database]
        done = subprocess.run(
            [*words, "-qAtX", "-c", text], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()


@contextmanager
def cluster(durable: bool = False) -> Iterator[Cluster]:
    """Start one, end it and remove it; `durable` if it waits for the disk, as others do."""
    where, folder = binaries(), Path(tempfile.mkdtemp(prefix="feint-pg-"))
    assert where is not None
    run: list[str] = []
    if os.geteuid() == 0:
        user = next(u for u in USERS if u in {one.pw_name for one in pwd.getpwall()})
        shutil.chown(folder, user)
        run = ["runuser", "-u", user, "--"]
    data, quiet = str(folder / "data"), {"stdout": subprocess.DEVNULL, "cwd": "/"}
    control = [*run, str(where / "pg_ctl"), "-D", data, "-w"]
    started = False
    try:
        subprocess.run(
            [*run, str(where / "initdb"), "-D", data, *INITIAL],
            check=True,
            **quiet,
        )
        settings = f"-k {folder} -c listen_addresses='' -c max_connections=50"
        settings += "" if durable else " -c fsync=off"
        log = str(folder / "log")
        subprocess.run([*control, "-l", log, "-o", settings, "start"], check=True, **quiet)
        started = True
        yield Cluster(folder, run)
    finally:
        if started:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, **quiet)
        shutil.rmtree(folder, ignore_errors=True)
