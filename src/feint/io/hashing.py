"""Content hashes of plain values."""

import hashlib
import json
from typing import Any

KEY_LENGTH = 32
"""Hexadecimal digits of a key: 128 bits."""


def digest(value: Any) -> str:
    """A key for a JSON value."""
    return hashlib.sha256(_canonical(value)).hexdigest()[:KEY_LENGTH]


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":")).encode()
