"""Content hashes of JSON values: the keys of jobs and models.

A change here changes every key, so that every finished job is done again.
"""

import hashlib
import json
from typing import Any

KEY_LENGTH = 32
"""Hexadecimal digits of a key: 128 bits."""


def digest(value: Any) -> str:
    """The key of a JSON value: `KEY_LENGTH` hexadecimal digits, the same on every machine."""
    return hashlib.sha256(_canonical(value)).hexdigest()[:KEY_LENGTH]


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":")).encode()
