"""The images of the page: embedded in it, and saved as files beside it.

What they show is decided in `cases/`, `charts/` and `figures/`.
"""

import base64
import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.io import text
from feint.io.atomic import safe_join, write_bytes
from feint.report.cases.case import Case, goal_text
from feint.report.charts.interactive import Charts
from feint.report.run_data import RunData

MEDIA = {".svg": "image/svg+xml", ".gif": "image/gif", ".png": "image/png"}


@dataclass(frozen=True)
class Image:
    """An image: its file name, content, title and alternative text."""

    name: str
    content: bytes
    title: str
    alt: str

    @property
    def uri(self) -> str:
        """As a data URI, so that the page needs no other file."""
        encoded = base64.b64encode(self.content).decode("ascii")
        return f"data:{MEDIA[Path(self.name).suffix]};base64,{encoded}"

    def save(self, folder: Path) -> None:
        """Write it beside the page of a run."""
        write_bytes(safe_join(folder, "report", re.sub(r"[^\w.-]", "-", self.name)), self.content)


def make_images(
    run: RunData, case: Case | None, median: Case | None, drawn: Charts | None
) -> dict[str, Any]:
    """Draw everything; by the template's names: an image, None, a list, or lists by name."""
    return {
        **_of_cases(run, case, median),
        **_success(run),
        "stills": _stills(drawn),
    }


def all_images(found: dict[str, Any]) -> list[Image]:
    """All images of `make_images`, in one list."""
    images: list[Image | None] = []
    for value in found.values():
        if isinstance(value, dict):
            value = [image for some in value.values() for image in some]
        images += value if isinstance(value, list) else [value]
    return [one for one in images if one is not None]


def case_text(run: RunData, case: Case) -> tuple[str, str]:
    """A case's title, and its alternative text."""
    eps = f"{case.row['eps']:g} {run.units.eps}"
    title = f"{case.row['true_class']}, {goal_text(case.row)}, at most {eps}"
    return title, (
        f"Stick figures of {title}. Above: the actor as recorded, in blue, and the output of "
        f"{case.row['victim']}, in green. Below: the attacked actor and the output for it."
    )


def _of_cases(run: RunData, case: Case | None, median: Case | None) -> dict[str, Any]:
    from feint.report.figures import stick_figures

    moving, still, strip, typical_strip = None, None, None, None
    if case is not None:
        title, alt = case_text(run, case)
        loop, last = stick_figures.gif(case)
        moving = Image("case.gif", loop, title, f"Animation. {alt}")
        still = Image("case.png", last, title, f"The last moment. {alt}")
        content = stick_figures.filmstrip_svg(case).encode()
        strip = Image("strip.svg", content, title, f"Film strip. {alt}")
    if median is not None:
        title, alt = case_text(run, median)
        content = stick_figures.filmstrip_svg(median).encode()
        typical_strip = Image("typical.svg", content, title, f"Film strip. {alt}")
    return {"moving": moving, "still": still, "strip": strip, "typical_strip": typical_strip}


def _success(run: RunData) -> dict[str, Any]:
    """Success rates over eps: white box, transfer, and target by target."""
    from feint.report.charts import svg

    depth = run.units.cm_axis
    white: list[Image] = []
    transfer: list[Image] = []
    multiples: dict[str, list[Image]] = {name: [] for name in run.models}
    attacks = run.rates.filter(IS_ATTACK)
    for surrogate, victim in product(run.models, run.models):
        curve = attacks.filter((pl.col("surrogate") == surrogate) & (pl.col("victim") == victim))
        own = surrogate == victim
        if not len(curve):
            continue
        title = f"{victim}" if own else f"surrogate {surrogate}, victim {victim}"
        content = svg.success_svg(curve, run.units.eps, depth).encode()
        image = Image(
            f"success-{surrogate}-{victim}.svg", content, title, success_text(title, curve)
        )
        (white if own else transfer).append(image)
    singles = run.rates_by_target.filter(IS_ATTACK & (pl.col("surrogate") == pl.col("victim")))
    for (victim, target), curve in singles.group_by("victim", "target", maintain_order=True):
        title = f"target {target}"
        alt = success_text(f"{victim}, {title}", curve)
        content = svg.success_svg(curve, run.units.eps, depth, legend=False).encode()
        name = f"success-{victim}-{victim}-{target}.svg"
        multiples[str(victim)].append(Image(name, content, title, alt))
    return {"white": white, "transfer": transfer, "multiples": multiples}


def _stills(drawn: Charts | None) -> dict[str, list[Image]]:
    """A picture of every chart that is described in full, by section."""
    from feint.report.charts import static

    found: dict[str, list[Image]] = {}
    for section in drawn.sections if drawn else ():
        if section.kind != "lines":
            continue
        found[section.id] = []
        for chart in section.charts:
            title = ", ".join(filter(None, (chart.view, static.chosen(section, chart))))
            content = static.draw(section, chart).encode()
            found[section.id].append(Image(f"{chart.id}.svg", content, title, chart.alt))
    return found


def success_text(title: str, curve: pl.DataFrame, unit: str = "sequences") -> str:
    """The alternative text of a curve of success rates.

    Args:
        title: of the chart.
        curve: rows of `success_rates.success_rates`, the attack's alone.
        unit: what is counted.
    """
    last = curve.sort("eps").row(-1, named=True)
    attack, noise = (
        text.percent(last[f"{kind}success_rate_if_clean_fails"]) for kind in ("", "noise_")
    )
    return (
        f"Success rates over eps: {title}. At eps {last['eps']:g}, among the "
        f"{last['n_clean_failures']} {unit} that fail without an attack: {attack} under the "
        f"attack, {noise} under random noise. Without an attack "
        f"{text.percent(last['clean_success_rate'])} of all {last['n']}."
    )
