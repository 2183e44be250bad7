"""What a page that runs no foreign script may hold: the built scripts, and data beside them."""

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any


def bundled_script(name: str) -> str:
    """A script that frontend/ was built into."""
    return (files("feint.report") / "vendor" / name).read_text(encoding="utf-8")


def csp_hash(code: str) -> str:
    """A script as a Content-Security-Policy names it."""
    digest = hashlib.sha256(code.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def safe_json(value: Any) -> str:
    """JSON without a character that could end or open an element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
