"""Render Markdown: the templates' environment, tables, line wrapping, and the page's images."""

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feint.io.atomic import write_bytes
from feint.io.text import join_words, number, percent, percent_interval

if TYPE_CHECKING:
    from jinja2 import Environment

IMAGES = Path("images") / "reproduction"


@dataclass(frozen=True)
class Images:
    """The images of a page.

    Attributes:
        folder: the page's folder; the images are in `IMAGES` below it.
        enabled: whether to draw; without, the page shows the images that are there.
    """

    folder: Path
    enabled: bool = True

    def draw(self, name: str, figure: Callable[..., bytes], *data: Any) -> None:
        """Draw a figure of some data and write it."""
        if self.enabled:
            path = self._path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, figure(*data))

    def show(self, name: str, alt: str) -> str:
        """The Markdown of an image; "" if there is no such file.

        Figures of recorded motion can only be drawn after a run.  Without one, the page shows the
        images that are in its folder.
        """
        path = self._path(name)
        if not path.exists():
            return ""
        return f"![{alt}]({path.relative_to(self.folder).as_posix()})"

    def _path(self, name: str) -> Path:
        return self.folder / IMAGES / f"{name.replace(' ', '-')}.png"


def environment(images: Images) -> "Environment":
    """The templates, with filters for numbers, `table` and `image`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("feint.reproduction.page"),
        autoescape=False,  # Markdown, not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"percent": percent, "number": number, "words": join_words}
    made.globals |= {"table": table, "image": images.show, "interval": percent_interval}
    return made


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def wrap(text: str, width: int = 118) -> str:
    """Wrap the paragraphs and list items of a Markdown text; tables and code stay as they are."""
    lines: list[str] = []
    in_code = False
    for line in text.split("\n"):
        in_code ^= line.startswith("```")
        if in_code or line.startswith(("|", "#", "!", "```")) or len(line) <= width:
            lines.append(line)
            continue
        item = re.match(r"\* |\d+\. ", line)
        indent = " " * len(item[0]) if item else ""
        lines += textwrap.wrap(
            line,
            width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)
