"""Atomic file I/O: every write goes to a temporary name, is synced and then renamed.

A file is therefore complete or absent, also after a crash. `sealed.py` adds checksums and formats.
Everything that feint writes goes through this file, and reads are limited in size.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feint.errors import DamagedError, FeintError
from feint.io.memory import SHARE, free_memory


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it replaces `path` if the block ends without an error.

    After an error the temporary file is removed, and the old file stays.

    Raises:
        FeintError: the folder cannot be written (full, read-only, not a folder).
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o644)
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise FeintError(
            f"Could not write {path}: {error}. No incomplete file was left behind; free some "
            "space or choose another folder, then run the same command again.",
            code="cannot-write",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def safe_join(folder: Path, *names: str) -> Path:
    """Join names to a folder so that the path cannot lead out of it.

    Raises:
        FeintError: a name is not plain (such as ".." or "a/b"), or a part of the path is a link.
    """
    path = folder
    for name in names:
        if name in ("", ".", "..") or any(c in name for c in "/\\\0"):
            raise FeintError(
                f"{folder} names a file {'/'.join(names)!r}, which would lie outside the folder; "
                "expected plain names. The folder was not written by feint: do not use it.",
                code="outside-folder",
            )
        path = path / name
        if path.is_symlink():
            raise FeintError(
                f"{path} is a link; expected a file or folder. feint follows no links inside a "
                "run. Replace the link by its target, or remove it.",
                code="is-a-link",
            )
    return path


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, atomically."""
    write_bytes(path, text.encode())


def read_bytes(path: Path, limit: int | None = None, cut: bool = False) -> bytes:
    """A file's content.

    Args:
        limit: the most bytes it may have; by default `SHARE` of the free memory.
        cut: read only the first `limit` bytes of a larger file, instead of refusing it.

    Raises:
        FeintError: the file is missing, not a regular file, or larger than the limit.
    """
    most = int(free_memory() * SHARE) if limit is None else limit
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise OSError("it is not a regular file")
            if found.st_size <= most or cut:
                return file.read(min(most, found.st_size))  # allocates no more than the file has
    except OSError as error:
        raise FeintError(
            f"Could not read {path}: {error}. If feint wrote it, restore it, or run the step that "
            "writes it again.",
            code="unreadable-file",
        ) from error
    raise DamagedError(
        f"Could not read {path}: it has {found.st_size} bytes, expected at most {most}. It was not "
        "written by feint, or this machine has too little memory for it.",
        code="file-too-large",
    )
