"""Write docs/reproduction.md from the tables of results: `feint reproduce --results FOLDER`.

`SECTIONS` lists the page's sections in their order: the template, the function that computes its
numbers, and the tables that both need.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feint.io.atomic import write_text
from feint.io.optional import need
from feint.reproduction.page.markdown import Images, environment, wrap
from feint.reproduction.page.sections import (
    motion,
    overview,
    reactors,
    recognition,
    success,
    transfer,
    variants,
)
from feint.reproduction.results import Results


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        template: name of its template, without the suffix.
        title: its heading, for the case that its tables are missing.
        context: computes the template's values.
        tables: the tables of results that it needs.
    """

    template: str
    title: str
    context: Callable[[Results, Images], dict[str, Any]]
    tables: tuple[str, ...]


SECTIONS = (
    Section("reactors", "The reactors", reactors.reactors, ("models",)),
    Section("white_box", "Figure 5 left: white box", success.white_box, ("fig5",)),
    Section("black_box", "Figure 5 right: black box", success.black_box, ("fig5",)),
    Section("differences", "Differences to the paper", success.differences, ("fig5", "models")),
    Section(
        "transfer",
        "Transfer between reactors",
        transfer.transfer,
        ("transfer", "early_stops", "gradient_alignment"),
    ),
    Section("recogniser", "The recogniser", recognition.recogniser, ("recogniser",)),
    Section(
        "tolerance",
        "The tolerance",
        recognition.tolerance,
        ("fig5", "recognition_curves", "distance_auc"),
    ),
    Section(
        "smoothness",
        "Figure 4: temporal smoothness",
        motion.smoothness,
        ("fig4", "natural-motion"),
    ),
    Section("cases", "Figures 1 to 3: case studies", motion.cases, ("cases",)),
    Section("table1", "Table 1: the judges' task", recognition.table1, ("fig5",)),
    Section("regularised", "Regularised reactors", reactors.regularised, ("regularised",)),
    Section(
        "variants",
        "Questions that the paper leaves open",
        variants.variants,
        ("target_variants", "attack_variants"),
    ),
)


def write(results: Path, folder: Path, draw: bool = True) -> Path:
    """Write reproduction.md and its images from a folder of results.

    Args:
        results: the folder of results.
        folder: the folder of the page.
        draw: whether to draw the images; without, the page shows those that are there.

    Returns:
        The page's path.

    Raises:
        FeintError: the folder contains no results, or a table is damaged.
    """
    need("the page", "jinja2", "matplotlib")
    found, images = Results(results), Images(folder, draw)
    templates = environment(images)
    parts = [templates.get_template("overview.md.jinja").render(overview.overview(found))]
    for section in SECTIONS:
        missing = [name for name in section.tables if not found.has(name)]
        if missing:
            named = ", ".join(missing)
            parts.append(f"## {section.title}\n\nNot run yet (the results lack {named}).")
            continue
        template = templates.get_template(f"{section.template}.md.jinja")
        values = section.context(found, images)
        parts.append(template.render(title=section.title, **values))
    text = "\n\n".join(part.strip() for part in parts)
    path = folder / "reproduction.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, wrap(re.sub(r"\n{3,}", "\n\n", text)) + "\n")
    return path
