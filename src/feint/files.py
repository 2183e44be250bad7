"""Files that are whole or not there: every write goes to a temporary name and is renamed.

Tensors are safetensors, text is JSON; nothing is ever unpickled.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from feint.errors import FeintError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved onto it if the block ends well, removed if not.

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
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise FeintError(
            f"Could not write {path}: {error}. Nothing half-written was left behind; free some "
            "space or choose another folder, then run the same command again."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON; FeintError names a missing or damaged file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FeintError(
            f"Could not read {path}: {error}. Expected a JSON file written by feint; "
            "restore it, or remove it and run the step that writes it again."
        ) from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: object) -> None:
    """Write tensors to safetensors with `about`, a JSON value, in the header."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        safetensors.torch.save_file(
            contiguous, temporary, metadata={"about": json.dumps(about, allow_nan=False)}
        )


def read_tensors(path: Path) -> tuple[dict[str, Tensor], Any]:
    """Read what `write_tensors` wrote: the tensors, and `about`."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["about"])
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
    except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise FeintError(
            f"Could not read {path}: {type(error).__name__}: {error}. Expected a safetensors file "
            "written by feint; remove it and run the step that writes it again."
        ) from error
