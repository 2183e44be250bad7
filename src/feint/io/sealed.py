"""JSON and safetensors files with a checksum of their own content.

Text is JSON and tensors are safetensors; nothing is ever unpickled. The checksum is in the file,
so that a file cut off or altered anywhere is never read as if it were complete. It protects against
accidents, not against forgery: every value that is read is checked by its reader.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from feint.errors import DamagedError, FeintError
from feint.io.atomic import read_bytes, write_bytes

CHECKSUM_PREFIX = "feint-sha256:"


BLANK_CHECKSUM = CHECKSUM_PREFIX + "0" * 64
"""The place of the checksum, which is computed with these zeros in its place."""


HEADER_LIMIT = 4 * 2**20
"""Most bytes of a safetensors header; those that feint writes are far smaller."""


TEXT_LIMIT = 8 * 2**20
"""Most bytes of a JSON file; in memory it takes many times as much."""


DEPTH = 32
"""How deep JSON may be nested."""


def add_checksum(content: bytes) -> bytes:
    """Put the checksum into content that holds `BLANK_CHECKSUM` once."""
    if content.count(BLANK_CHECKSUM.encode()) != 1:
        raise ValueError(f"expected {BLANK_CHECKSUM!r} once in the content")
    digest = hashlib.sha256(content).hexdigest()
    return content.replace(BLANK_CHECKSUM.encode(), (CHECKSUM_PREFIX + digest).encode())


def has_checksum(content: bytes) -> bool:
    """Whether content has a checksum that is right for all the rest of it."""
    for mark in islice(re.finditer(CHECKSUM_PREFIX.encode() + b"([0-9a-f]{64})", content), 4):
        digest = hashlib.sha256(content[: mark.start(1)])
        digest.update(b"0" * 64)
        digest.update(memoryview(content)[mark.end(1) :])
        if mark[1] == digest.hexdigest().encode():
            return True
    return False


def json_safe(value: Any) -> Any:
    """The value with lists and objects of JSON; NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {str(key): json_safe(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_safe(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object with its checksum, atomically."""
    text = json.dumps({"checksum": BLANK_CHECKSUM, **value}, indent=2, allow_nan=False) + "\n"
    write_bytes(path, add_checksum(text.encode()))


def read_json(path: Path, sealed: bool = True) -> dict[str, Any]:
    """Read a JSON object; its checksum is checked and left out.

    Args:
        sealed: the file must have a checksum; False for files that users may write by hand.

    Raises:
        DamagedError: the file is not a JSON object, or its checksum is wrong.
        FeintError: there is no such file.
    """
    content = read_bytes(path, TEXT_LIMIT)
    try:
        value = parse(content)
    except ValueError as error:
        raise DamagedError(
            f"Could not read {path}: {error}. Expected a JSON file written by feint; "
            "restore it, or remove it and run the step that writes it again.",
            code="damaged-file",
        ) from error
    if not isinstance(value, dict):
        raise DamagedError(
            f"Could not read {path}: it contains a {type(value).__name__}. Expected a JSON object "
            "written by feint; restore it.",
            code="damaged-file",
        )
    if (sealed or "checksum" in value) and not has_checksum(content):
        raise DamagedError(
            f"Could not read {path}: its checksum does not match its content, so it was damaged or "
            "edited. Restore it, or remove it and run the step that writes it again.",
            code="damaged-file",
        )
    value.pop("checksum", None)
    return value


def parse(content: bytes | str) -> Any:
    """Parse JSON without NaN and infinity, nested at most `DEPTH` levels deep.

    Raises:
        ValueError: the content is anything else.
    """
    try:
        value = json.loads(content, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    level = [value]
    for _ in range(DEPTH + 1):
        nests = [one for one in level if isinstance(one, dict | list)]
        level = [x for one in nests for x in (one.values() if isinstance(one, dict) else one)]
    if level:
        raise ValueError(f"it is nested deeper than {DEPTH} levels")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def pack(tensors: Mapping[str, Tensor], about: object) -> bytes:
    """Tensors and a JSON value as safetensors with a checksum.

    Args:
        tensors: by name, on any device, perhaps sharing memory.
        about: the JSON value, kept in the file's header.

    Raises:
        FeintError: `about` is longer than `unpack` reads.
    """
    contiguous: dict[str, Tensor] = {}
    places: set[int] = set()
    for name, tensor in tensors.items():
        one = tensor.detach().cpu().contiguous()
        place = one.untyped_storage().data_ptr()
        contiguous[name] = one.clone() if place in places else one  # they may share memory
        places.add(place)
    metadata = {"about": json.dumps(about, allow_nan=False), "checksum": BLANK_CHECKSUM}
    content = safetensors.torch.save(contiguous, metadata=metadata)
    size = int.from_bytes(content[:8], "little")
    if size > HEADER_LIMIT:
        raise FeintError(
            f"A result has {size} bytes of metadata; expected at most {HEADER_LIMIT}. Give "
            "smaller jobs (evaluation.sequences_per_job), or fewer epochs.",
            code="file-too-large",
        )
    return add_checksum(content)


def unpack(content: bytes, what: str | Path) -> tuple[dict[str, Tensor], Any]:
    """The tensors and the JSON value that `pack` packed; `what` names the content in errors.

    Raises:
        DamagedError: the content was not made by `pack`, or was damaged.
    """
    try:
        about = header(content)
        if not has_checksum(content):
            raise ValueError("its checksum does not match its content")
        return safetensors.torch.load(content), about
    except (ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise DamagedError(
            f"Could not read {what}: {type(error).__name__}: {error}. Expected a complete "
            "safetensors file written by feint; remove it and run the step that writes it again.",
            code="damaged-file",
        ) from error


def header(content: bytes) -> Any:
    """`about` of a packed file, from the beginning of its content alone.

    Raises:
        ValueError, KeyError: the header was not made by `pack`.
    """
    size = int.from_bytes(content[:8], "little")
    if not 2 <= size <= HEADER_LIMIT:
        raise ValueError(f"a header of {size} bytes, expected 2 to {HEADER_LIMIT}")
    try:
        return parse(parse(content[8 : 8 + size])["__metadata__"]["about"])
    except TypeError as error:
        raise ValueError(f"its header was not written by feint ({error})") from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: object) -> None:
    """Write tensors and a JSON value as safetensors with a checksum, atomically."""
    write_bytes(path, pack(tensors, about))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], Any]:
    """Read the tensors and the JSON value that `write_tensors` wrote.

    Raises:
        DamagedError: the file is cut off, altered, or was not written by feint.
        FeintError: there is no such file.
    """
    return unpack(read_bytes(path), path)


def read_metadata(path: Path) -> Any:
    """The JSON value alone, without reading the tensors; the checksum is not checked."""
    content = read_bytes(path, 8 + HEADER_LIMIT, cut=True)
    try:
        return header(content)
    except (ValueError, KeyError) as error:
        raise DamagedError(
            f"Could not read {path}: {error}. Expected a safetensors file written by feint.",
            code="damaged-file",
        ) from error
