"""Checksummed JSON and safetensors files."""

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
"""Where the checksum goes: it is of the file with these zeros in its place."""


HEADER_LIMIT = 4 * 2**20
"""Bytes of a safetensors header; feint's own are far below."""


TEXT_LIMIT = 8 * 2**20
"""Bytes of a JSON file; in memory it takes many times as much."""


DEPTH = 32
"""How deep JSON is nested."""


def add_checksum(content: bytes) -> bytes:
    """Put the checksum into content that holds `BLANK_CHECKSUM` once."""
    if content.count(BLANK_CHECKSUM.encode()) != 1:
        raise ValueError(f"expected {BLANK_CHECKSUM!r} once in what is to be sealed")
    digest = hashlib.sha256(content).hexdigest()
    return content.replace(BLANK_CHECKSUM.encode(), (CHECKSUM_PREFIX + digest).encode())


def has_checksum(content: bytes) -> bool:
    """Whether content holds a seal that is the checksum of all the rest."""
    for mark in islice(re.finditer(CHECKSUM_PREFIX.encode() + b"([0-9a-f]{64})", content), 4):
        digest = hashlib.sha256(content[: mark.start(1)])
        digest.update(b"0" * 64)
        digest.update(memoryview(content)[mark.end(1) :])
        if mark[1] == digest.hexdigest().encode():
            return True
    return False


def json_safe(value: Any) -> Any:
    """The value as JSON knows it: a number that is none, or has no end, becomes null."""
    if isinstance(value, Mapping):
        return {str(key): json_safe(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_safe(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object with its seal, whole or not at all."""
    text = json.dumps({"checksum": BLANK_CHECKSUM, **value}, indent=2, allow_nan=False) + "\n"
    write_bytes(path, add_checksum(text.encode()))


def read_json(path: Path, sealed: bool = True) -> dict[str, Any]:
    """Read a JSON object, without its seal.

    Args:
        sealed: it must have a seal; otherwise it may, and a file written by hand need not.

    Raises:
        DamagedError: no JSON object, or its seal is not its own.
        FeintError: there is no such file.
    """
    content = read_bytes(path, TEXT_LIMIT)
    try:
        value = parse(content)
    except ValueError as error:
        raise DamagedError(
            f"Could not read {path}: {error}. Expected a JSON file written by feint; "
            "restore it, or remove it and run the step that writes it again."
        ) from error
    if not isinstance(value, dict):
        raise DamagedError(
            f"Could not read {path}: it holds a {type(value).__name__}. Expected a JSON object "
            "written by feint; restore it."
        )
    if (sealed or "checksum" in value) and not has_checksum(content):
        raise DamagedError(
            f"Could not read {path}: its checksum is not that of its content, so it was damaged or "
            "edited. Restore it, or remove it and run the step that writes it again."
        )
    value.pop("checksum", None)
    return value


def parse(content: bytes | str) -> Any:
    """A JSON value, without NaN and nested no deeper than `DEPTH`; ValueError if it is none."""
    try:
        value = json.loads(content, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    level = [value]
    for _ in range(DEPTH + 1):
        nests = [one for one in level if isinstance(one, dict | list)]
        level = [x for one in nests for x in (one.values() if isinstance(one, dict) else one)]
    if level:
        raise ValueError(f"it is nested deeper than {DEPTH} levels")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def pack(tensors: Mapping[str, Tensor], about: object) -> bytes:
    """Tensors and `about`, a JSON value, as sealed safetensors.

    Raises:
        FeintError: what is told is longer than `unpack` reads.
    """
    contiguous: dict[str, Tensor] = {}
    places: set[int] = set()
    for name, tensor in tensors.items():
        one = tensor.detach().cpu().contiguous()
        place = one.untyped_storage().data_ptr()
        contiguous[name] = one.clone() if place in places else one  # two may be one in memory
        places.add(place)
    told = {"about": json.dumps(about, allow_nan=False), "checksum": BLANK_CHECKSUM}
    content = safetensors.torch.save(contiguous, metadata=told)
    size = int.from_bytes(content[:8], "little")
    if size > HEADER_LIMIT:
        raise FeintError(
            f"A result tells {size} bytes about its tensors; expected at most {HEADER_LIMIT}. Give "
            "smaller jobs (evaluation.sequences_per_job), or fewer epochs."
        )
    return add_checksum(content)


def unpack(content: bytes, what: str | Path) -> tuple[dict[str, Tensor], Any]:
    """What `pack` packed; `what` stands for it in errors.

    Raises:
        DamagedError: it is not what `pack` makes.
    """
    try:
        about = header(content)
        if not has_checksum(content):
            raise ValueError("its checksum is not that of its content")
        return safetensors.torch.load(content), about
    except (ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise DamagedError(
            f"Could not read {what}: {type(error).__name__}: {error}. Expected a safetensors file "
            "written by feint, whole; remove it and run the step that writes it again."
        ) from error


def header(content: bytes) -> Any:
    """`about` of what `pack` packed, from its beginning alone; ValueError or KeyError if none."""
    size = int.from_bytes(content[:8], "little")
    if not 2 <= size <= HEADER_LIMIT:
        raise ValueError(f"a header of {size} bytes, expected 2 to {HEADER_LIMIT}")
    try:
        return parse(parse(content[8 : 8 + size])["__metadata__"]["about"])
    except TypeError as error:
        raise ValueError(f"its header is not feint's ({error})") from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: object) -> None:
    """Write tensors to safetensors with `about`, a JSON value, in the header, and a seal."""
    write_bytes(path, pack(tensors, about))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], Any]:
    """Read what `write_tensors` wrote: the tensors, and `about`.

    Raises:
        DamagedError: it is cut off, altered, or not feint's.
        FeintError: there is no such file.
    """
    return unpack(read_bytes(path), path)


def read_metadata(path: Path) -> Any:
    """`about` alone, without reading the tensors; the seal is not looked at."""
    content = read_bytes(path, 8 + HEADER_LIMIT, cut=True)
    try:
        return header(content)
    except (ValueError, KeyError) as error:
        raise DamagedError(
            f"Could not read {path}: {error}. Expected a safetensors file written by feint."
        ) from error
