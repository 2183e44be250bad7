"""The one check of a stored file's schema number.

Every kind of file that feint writes carries a `schema`. It is raised whenever a stored word or its
meaning changes; earlier files are then refused, never converted.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from feint.errors import FeintError


def check_schema(
    found: Any,
    known: int | Collection[int],
    path: Path | str,
    advice: str,
    error: type[FeintError] = FeintError,
) -> None:
    """Raise unless a file's schema is one that this feint reads.

    Args:
        found: what the file has as its `schema`; None if nothing.
        known: the schema, or schemas, that can be read.
        path: the file, for the message.
        advice: what the user can do, a sentence.
        error: the kind of FeintError to raise, with the code "schema-mismatch".
    """
    schemas = [known] if isinstance(known, int) else sorted(known)
    if type(found) is int and found in schemas:
        return
    by = "another program"
    if type(found) is int:
        by = "a later feint" if found > schemas[-1] else "an earlier feint"
    raise error(
        f"{path} has schema {str(found)[:20]}, so it was written by {by}; this feint reads schema "
        f"{' or '.join(map(str, schemas))}. {advice}",
        code="schema-mismatch",
    )
