"""Bytes of a text file as text: encodings, byte-order marks, line ends.

`csv_reader.py` calls it; a new rule about encodings belongs here.
"""

import codecs
import re

from feint.errors import FeintError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: it begins with the same bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(content: bytes, place: str, encoding: str) -> str:
    """Bytes as text whose lines end in a line feed.

    Raises:
        FeintError: the bytes are not text in this encoding, or there is no such encoding.
    """
    for mark, name in _BOMS:
        if content.startswith(mark):
            content, encoding = (content[len(mark) :], name) if name == "utf-8" else (content, name)
            break
    try:
        text = content.decode(encoding)
    except (UnicodeError, LookupError) as error:
        at = getattr(error, "start", None)
        where = "" if at is None else f", line {content.count(bytes([10]), 0, at) + 1}"
        raise FeintError(
            f"{place}{where}: the text is not {encoding[:40]} ({str(error)[:100]}). Save it as "
            'UTF-8, or (for tables) set data.encoding: "cp1252" for Windows, "latin-1", "utf-16".',
            code="bad-encoding",
        ) from None
    if "\0" in text:
        raise FeintError(
            f"{place} has null characters, so it is not {encoding[:40]} text. Save it as UTF-8, or "
            '(for tables) set data.encoding = "utf-16-le".',
            code="bad-encoding",
        )
    if "\r" in text:
        text = re.sub(r"\r+\n", "\n", text) if "\n" in text else text.replace("\r", "\n")
    return text
