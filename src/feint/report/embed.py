"""What is embedded in a page: built scripts with their hashes, and data as safe JSON."""

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any


def bundled_script(name: str) -> str:
    """A script that frontend/build.mjs built."""
    return (files("feint.report") / "vendor" / name).read_text(encoding="utf-8")


def csp_hash(code: str) -> str:
    """The hash of a script for a Content-Security-Policy."""
    digest = hashlib.sha256(code.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def safe_json(value: Any) -> str:
    """JSON without characters that could end or open an element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
