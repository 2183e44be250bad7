"""Files that are whole or not there: every write goes to a temporary name, is synced and renamed.

Tensors are safetensors, text is JSON; nothing is ever unpickled.  Both carry a seal, a checksum of
the file itself, so that a file cut off or altered anywhere is never read as if it were whole.
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
    """A temporary path beside `path`, synced and moved onto it if the block ends well.

    If the block does not end well it is removed, and what was at `path` stays.

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
            f"Could not write {path}: {error}. Nothing half-written was left behind; free some "
            "space or choose another folder, then run the same command again."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def safe_join(folder: Path, *names: str) -> Path:
    """The path of a file in `folder`, none of whose parts leads out of it.

    Raises:
        FeintError: a name goes up, or a folder on the way or the file is a link.
    """
    path = folder
    for name in names:
        if name in ("", ".", "..") or any(c in name for c in "/\\\0"):
            raise FeintError(
                f"{folder} names a file {'/'.join(names)!r}, which would lie outside of it; "
                "expected plain names. It was not written by feint: do not use it."
            )
        path = path / name
        if path.is_symlink():
            raise FeintError(
                f"{path} is a link; expected a file or folder of the run's own. feint follows no "
                "links inside a run. Put what it points to in its place, or remove it."
            )
    return path


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes, whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write text, whole or not at all."""
    write_bytes(path, text.encode())


def read_bytes(path: Path, limit: int | None = None, cut: bool = False) -> bytes:
    """A file's content.

    Args:
        limit: bytes it may have; if not given, a share of the memory that is free.
        cut: read at most so many, instead of refusing a larger file.

    Raises:
        FeintError: it is not there, no plain file, or larger than the limit.
    """
    most = int(free_memory() * SHARE) if limit is None else limit
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise OSError("it is not a plain file")
            if found.st_size <= most or cut:
                return file.read(min(most, found.st_size))  # room for no more than there is
    except OSError as error:
        raise FeintError(
            f"Could not read {path}: {error}. Expected a file written by feint; restore it, or "
            "remove it and run the step that writes it again."
        ) from error
    raise DamagedError(
        f"Could not read {path}: it has {found.st_size} bytes, expected at most {most}. It was not "
        "written by feint, or this machine has too little memory for it."
    )
