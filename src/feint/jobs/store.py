"""The store of a run: the result of every finished job, one file with a checksum each.

    jobs/<2 digits>/<key>.safetensors   results
    failed/<key>.json                   why a job failed, until it is done
    damaged/                            quarantined files, never read again

Keys are hashes of all that a result depends on (`feint.jobs.job`), so a file under a key is the
result, and a changed setting never finds an old one.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from feint.errors import DamagedError, FeintError
from feint.io.atomic import read_bytes, safe_join, write_bytes
from feint.io.hashing import KEY_LENGTH
from feint.io.memory import SHARE, free_memory
from feint.io.progress import console
from feint.io.schema import check_schema
from feint.io.sealed import (
    HEADER_LIMIT,
    has_checksum,
    pack,
    read_json,
    read_metadata,
    unpack,
    write_json,
)
from feint.jobs.job import Job

SCHEMA = 1
KEY = re.compile(f"[0-9a-f]{{{KEY_LENGTH}}}")
CHECKED_AT_ONCE = 2**30
"""Bytes of results whose checksums are checked whenever work on a run begins."""

Tensors = dict[str, Tensor]


def result(job: Job, tensors: Tensors, metadata: dict[str, Any]) -> bytes:
    """The content of a job's result: tensors, and metadata as JSON values."""
    return pack(tensors, {"schema": SCHEMA, **job.describe(), **metadata})


class Store:
    """Results by their keys.

    Attributes:
        folder: the run's.
        n_quarantined: how many damaged files this object has moved to damaged/.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_quarantined = 0

    def path(self, key: str) -> Path:
        """Where a result lies.  Raises FeintError if the key is not valid."""
        if not KEY.fullmatch(key):
            raise FeintError(
                f"{self.folder} names a job {key!r}; expected {KEY_LENGTH} hexadecimal digits. "
                "It was not written by feint: do not use it.",
                "bad-job-key",
            )
        return safe_join(self.folder, "jobs", key[:2], f"{key}.safetensors")

    def has(self, key: str) -> bool:
        """Whether a job is finished."""
        return os.path.exists(f"{self.folder}/jobs/{key[:2]}/{key}.safetensors")  # noqa: PTH110

    def put(self, key: str, content: bytes) -> None:
        """Keep a result; an earlier failure of the job is forgotten."""
        write_bytes(self.path(key), content)
        self._failure(key).unlink(missing_ok=True)

    def get(self, key: str) -> bytes:
        """A result's content, found whole.

        Raises:
            DamagedError: the file is damaged; it was set aside, and the job can be done again.
            FeintError: the job is not finished.
        """
        return self._whole(key)[0]

    def read(self, key: str) -> tuple[Tensors, dict[str, Any]]:
        """A result's tensors and metadata.  Raises as `get` does."""
        _, tensors, about = self._whole(key)
        return tensors, about

    def about(self, key: str) -> dict[str, Any]:
        """A result's metadata, without its tensors; the checksum is not checked."""
        about: dict[str, Any] = read_metadata(self.path(key))
        return about

    def _whole(self, key: str) -> tuple[bytes, Tensors, dict[str, Any]]:
        path = self.path(key)
        if not path.exists():
            raise FeintError(
                f"{path} is not there: that job is not finished, or its result was removed. Run "
                "`feint run` on the experiment again; it does what is missing.",
                "not-finished",
            )
        try:
            content = read_bytes(path)
            tensors, about = unpack(content, path)
            check(about, key, path)
        except DamagedError as error:
            self.quarantine(path, str(error))
            raise
        return content, tensors, about

    def quarantine(self, path: Path, why: str) -> None:
        """Move a damaged file to damaged/, with the reason beside it, and say so on stderr."""
        self.n_quarantined += 1
        place = safe_join(self.folder, "damaged") / path.name
        number = 1
        while place.exists() or place.is_symlink():
            place = place.with_name(f"{path.name}.{number}")
            number += 1
        try:
            place.parent.mkdir(exist_ok=True)
            path.replace(place)
            write_json(place.with_name(f"{place.name}.json"), {"schema": SCHEMA, "why": why})
        except OSError as error:
            raise FeintError(
                f"{why} It could not be moved to damaged/ either ({error}): remove it yourself.",
                "not-writable",
            ) from error
        console.print(f"Damaged, moved to {place}: {why}", markup=False, style="yellow")

    def __iter__(self) -> Iterator[str]:
        """The keys of all results, of this experiment and of others, in no order."""
        for file in self._files():
            key = _key(file.path)
            if key is not None:
                yield key

    def check(self, most: int | None = CHECKED_AT_ONCE) -> bool:
        """Check the checksums, and quarantine what is damaged.

        Args:
            most: bytes to read; None reads all.

        Returns:
            whether all were checked.
        """
        left = float("inf") if most is None else most
        limit = int(free_memory() * SHARE)
        for file in self._files():
            if file.name.endswith(".part"):
                Path(file.path).unlink(missing_ok=True)  # of a process killed while it wrote
            elif (key := _key(file.path)) is None:
                self.quarantine(Path(file.path), f"{file.path} is not named like a job's result.")
            else:
                size = file.stat(follow_symlinks=False).st_size
                left -= size
                if left < 0:
                    return False
                if size > limit or not _looks_intact(file.path, key):
                    with contextlib.suppress(DamagedError):
                        self._whole(key)
        return True

    def _files(self) -> Iterator[os.DirEntry[str]]:
        jobs = safe_join(self.folder, "jobs")
        if not jobs.is_dir():
            return
        with os.scandir(jobs) as folders:
            for one in folders:
                if one.is_dir(follow_symlinks=False):
                    with os.scandir(one.path) as files:
                        for file in files:
                            if file.is_file(follow_symlinks=False):
                                yield file

    # -- failures ---------------------------------------------------------------------------

    def fail(self, job: Job, failure: str, detail: str) -> None:
        """Write down why a job failed."""
        record = {"schema": SCHEMA, "key": job.key, "name": job.name, "failure": failure}
        write_json(self._failure(job.key), {**record, "detail": detail})

    def failure(self, key: str) -> str | None:
        """Why a job failed; None if it did not."""
        path = self._failure(key)
        return str(read_json(path).get("failure")) if path.exists() else None

    def _failure(self, key: str) -> Path:
        return safe_join(self.folder, "failed", f"{key}.json")


def _key(path: str) -> str | None:
    """The key of a job's result by its path; None for any other file."""
    *_, folder, name = path.rsplit("/", 2)
    key = name.removesuffix(".safetensors")
    fine = KEY.fullmatch(key) and len(name) > len(key) and folder == key[:2]
    return key if fine else None


def _looks_intact(path: str, key: str) -> bool:
    """A quick check, for a hundred thousand files: checksum, job and schema."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123  (a Path takes longer to make)
        content = file.readall()
    header = content[: 8 + HEADER_LIMIT]
    mine = f'\\"schema\\": {SCHEMA},', f'\\"key\\": \\"{key}\\"'
    return all(one.encode() in header for one in mine) and has_checksum(content)


def check(about: Any, key: str, path: Path | str) -> None:
    """Raise DamagedError unless `about` is that of the job `key`, in a schema this feint reads."""
    if not isinstance(about, dict) or not isinstance(about.get("schema"), int):
        raise DamagedError(f"{path} is not the result of a job. It was not written by feint.")
    check_schema(
        about["schema"],
        SCHEMA,
        path,
        "Use the feint that wrote it, or let this one do the job again.",
        DamagedError,
    )
    if about.get("key") != key:
        raise DamagedError(
            f"{path} is the result of the job {about.get('key')!r}; expected that of {key!r}."
        )
    kinds = {"kind": str, "settings": dict, "needs": dict, "group": str, "name": str}
    wrong = [name for name, kind in kinds.items() if not isinstance(about.get(name), kind)]
    if wrong or not all(isinstance(need, str) for need in about["needs"].values()):
        raise DamagedError(
            f"{path} does not contain the {(wrong or ['needs'])[0]} of its job. It was not "
            "written by feint."
        )
