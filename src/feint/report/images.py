"""Every picture of the page: in it, and kept as a file beside it."""

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
    """One picture: where it is kept beside the page, what is in it, and what it says."""

    name: str
    content: bytes
    title: str
    alt: str

    @property
    def uri(self) -> str:
        """As a data URI, so that the page needs no other file."""
        encoded = base64.b64encode(self.content).decode("ascii")
        return f"data:{MEDIA[Path(self.name).suffix]};base64,{encoded}"

    def keep(self, folder: Path) -> None:
        """Write it beside the page of a run."""
        write_bytes(safe_join(folder, "report", re.sub(r"[^\w.-]", "-", self.name)), self.content)


def pictures(
    run: RunData, case: Case | None, usual: Case | None, drawn: Charts | None
) -> dict[str, Any]:
    """By what the template calls them: an image, None, a list, or lists by model."""
    return {
        **_of_cases(run, case, usual),
        **_success(run),
        "stills": _stills(drawn),
    }


def every(found: dict[str, Any]) -> list[Image]:
    """All of `pictures`."""
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
        f"Stick figures of {title}. Above: the actor as recorded, in blue, and the answer of "
        f"{case.row['victim']}, in green. Below: the attacked actor and the answer to it."
    )


def _of_cases(run: RunData, case: Case | None, usual: Case | None) -> dict[str, Any]:
    from feint.report.figures import stick_figures

    moving, still, strip, typical_strip = None, None, None, None
    if case is not None:
        title, alt = case_text(run, case)
        loop, last = stick_figures.gif(case)
        moving = Image("case.gif", loop, title, f"Animation. {alt}")
        still = Image("case.png", last, title, f"The last moment. {alt}")
        content = stick_figures.filmstrip_svg(case).encode()
        strip = Image("strip.svg", content, title, f"Film strip. {alt}")
    if usual is not None:
        title, alt = case_text(run, usual)
        content = stick_figures.filmstrip_svg(usual).encode()
        typical_strip = Image("typical.svg", content, title, f"Film strip. {alt}")
    return {"moving": moving, "still": still, "strip": strip, "typical_strip": typical_strip}


def _success(run: RunData) -> dict[str, Any]:
    """Success against eps: white box, transfer, and target by target."""
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
        title = f"{victim}" if own else f"crafted on {surrogate}, answered by {victim}"
        content = svg.success_svg(curve, run.units.eps, depth).encode()
        image = Image(f"success-{surrogate}-{victim}.svg", content, title, _told(title, curve))
        (white if own else transfer).append(image)
    singles = run.rates_by_target.filter(IS_ATTACK & (pl.col("surrogate") == pl.col("victim")))
    for (victim, target), curve in singles.group_by("victim", "target", maintain_order=True):
        title = f"target {target}"
        alt = _told(f"{victim}, {title}", curve)
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


def _told(title: str, curve: pl.DataFrame) -> str:
    """A success curve in words."""
    last = curve.sort("eps").row(-1, named=True)
    return (
        f"Success against eps: {title}. At eps {last['eps']:g}, of the "
        f"{last['n_clean_failures']} that did not count as the target without an attack, the "
        f"attack makes {text.percent(last['success_rate_if_clean_fails'])} count, random noise "
        f"{text.percent(last['noise_success_rate_if_clean_fails'])}; without an attack "
        f"{text.percent(last['clean_success_rate'])} of all {last['n']} count."
    )
