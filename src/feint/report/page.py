"""The HTML report: one file that works offline, from a run's rows and tensors alone."""

import base64
import json
import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl

from feint.evaluation import ATTACK
from feint.files import inside, write_bytes, write_text
from feint.report import series, tables
from feint.report.browse import browse
from feint.report.case import Case, acceleration, choose, read, shaking, typical, worst
from feint.report.findings import Findings, listed
from feint.report.needs import need
from feint.report.player import alone as player_alone
from feint.report.player import player
from feint.series import Series

NEEDED = ("matplotlib", "jinja2", "PIL")
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


def write(folder: Path) -> Path:
    """Write `<folder>/report/index.html`, and its figures as files beside it.

    Returns:
        the page's path.

    Raises:
        FeintError: the run was not scored yet, a file is damaged, or the libraries that draw are
            not installed.
    """
    need("The report", *NEEDED)
    findings = Findings.of(folder)
    if isinstance(findings.form, Series):
        return series.write(findings, findings.form, templates())
    described = _described(findings)
    chosen = choose(findings)
    case = None if chosen is None else read(findings, *chosen)
    usual = typical(findings)
    pictures = _pictures(findings, case, None if usual is None else read(findings, usual, ""))
    played = player(findings)
    looked = browse(findings, played)
    running = [one for one in (played if played and played.cases else None, looked) if one]
    html = (
        templates()
        .get_template("template.html.jinja")
        .render(
            **described,
            **pictures,
            case=None if case is None else _case(findings, case),
            typical=None if usual is None else _numbers(findings, usual),
            worst=_failure(findings),
            tables=tables,
            shaking=shaking(findings),
            player=played,
            browse=looked,
            trusted=" ".join(one.trusted for one in running) or "'none'",
            findings=findings,
        )
    )
    page = inside(folder, "report", "index.html")
    for image in _all(pictures):
        write_bytes(inside(folder, "report", re.sub(r"[^\w.-]", "-", image.name)), image.content)
    write_text(page, html)
    return page


def alone(findings: Findings, case: Case) -> bytes:
    """A page of the player with this one case, in one file that works offline."""
    told, _ = _told_case(findings, case)
    html = (
        templates()
        .get_template("alone.html.jinja")
        .render(told=told, player=player_alone(findings, case), findings=findings, alone=True)
    )
    return html.encode()


def templates() -> Any:
    """The pages' templates, a jinja2 environment; what is put into them is text, never HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("feint", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _described(findings: Findings) -> dict[str, Any]:
    """What was tested, in words."""
    experiment, data = findings.experiment, findings.described["data"]
    attack = experiment["attack"]
    kinds = [f"{one['name']} ({one['kind']})" for one in experiment["model"]]
    source = {"sbu": "recorded (SBU Kinect Interaction)", "synthetic": "generated"}
    source |= {name: f"recorded ({name})" for name in ("bvh", "keypoints", "ntu", "arrays")}
    joints = "every joint" if attack["joints"] is None else listed(attack["joints"])
    return {
        "name": experiment["name"],
        "models": listed(kinds),
        "several": len(kinds) > 1,
        "train": data["train"],
        "test": data["test"],
        "source": source.get(data["source"], data["source"]),
        "joints": joints,
        "axes": listed(attack["axes"]),
        "eps": _range(attack["eps"]),
        "unit": findings.unit,
        "eps_cm": findings.in_cm(float(max(attack["eps"]))),
        "targets": listed(experiment["target"]["labels"], "or"),
        "settings": json.dumps(experiment, indent=2),
        "data": data,
        "versions": findings.described.get("versions", {}),
        "folder": findings.folder.resolve().name,
    }


def _case(findings: Findings, case: Case) -> dict[str, Any]:
    """The chosen case's numbers."""
    row, fps = case.row, case.skeleton.fps
    return {
        **_numbers(findings, row),
        "before_cm": tables.number(case.clean_row.get("error_cm")),
        "succeeded": case.succeeded,
        "already": bool(row["clean"]),
        "rule": case.rule,
        "calm": tables.number(acceleration(case.actor, fps)),
        "shaken": tables.number(acceleration(case.actor_adv, fps)),
    }


def _failure(findings: Findings) -> dict[str, Any] | None:
    row = worst(findings)
    return None if row is None else _numbers(findings, row)


def _numbers(findings: Findings, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("victim", "target", "label", "sequence", "frames")},
        "eps": findings.told_eps(row["eps"]),
        "before": tables.number(row["clean_distance"], 3),
        "after": tables.number(row["distance"], 3),
        "kappa": tables.number(row["kappa"], 3),
        "closed": tables.percent(row["closed"]),
        "after_cm": tables.number(row.get("error_cm")),
        "change_cm": tables.number(row.get("change_cm")),
        "change_max_cm": tables.number(row.get("change_max_cm")),
        "bones": tables.percents(row.get("bones")),
    }


def _pictures(findings: Findings, case: Case | None, usual: Case | None) -> dict[str, Any]:
    """Every figure of the page, in its order."""
    from feint.report import animation, figures

    moving, still, strip, typical_strip = None, None, None, None
    if case is not None:
        told, alt = _told_case(findings, case)
        loop, last = animation.gif(case)
        moving = Image("case.gif", loop, told, f"Animation. {alt}")
        still = Image("case.png", last, told, f"The last moment. {alt}")
        strip = Image("strip.svg", animation.strip(case).encode(), told, f"Film strip. {alt}")
    if usual is not None:
        told, alt = _told_case(findings, usual)
        content = animation.strip(usual).encode()
        typical_strip = Image("typical.svg", content, told, f"Film strip. {alt}")
    depth = findings.depth
    white: list[Image] = []
    transfer: list[Image] = []
    multiples: dict[str, list[Image]] = {name: [] for name in findings.models}
    attacks = findings.rates.filter(pl.col("attack") == ATTACK)
    for source, victim in product(findings.models, findings.models):
        curve = attacks.filter((pl.col("source") == source) & (pl.col("victim") == victim))
        own = source == victim
        if not len(curve):
            continue
        title = f"{victim}" if own else f"crafted on {source}, answered by {victim}"
        content = figures.success(curve, findings.unit, depth).encode()
        image = Image(f"success-{source}-{victim}.svg", content, title, _told(title, curve))
        (white if own else transfer).append(image)
    singles = findings.rates_by_target.filter(
        (pl.col("attack") == ATTACK) & (pl.col("source") == pl.col("victim"))
    )
    for (victim, target), curve in singles.group_by("victim", "target", maintain_order=True):
        title = f"target {target}"
        alt = _told(f"{victim}, {title}", curve)
        content = figures.success(curve, findings.unit, depth, legend=False).encode()
        name = f"success-{victim}-{victim}-{target}.svg"
        multiples[str(victim)].append(Image(name, content, title, alt))
    return {
        "moving": moving,
        "still": still,
        "strip": strip,
        "typical_strip": typical_strip,
        "white": white,
        "transfer": transfer,
        "multiples": multiples,
        "distances": _distances(findings, depth),
    }


def _told_case(findings: Findings, case: Case) -> tuple[str, str]:
    """A case's title, and what to say to who cannot see it."""
    told = (
        f"{case.row['label']} with {case.row['target']} wanted, at most {case.row['eps']:g} "
        f"{findings.unit}"
    )
    return told, (
        f"Stick figures of {told}. Above: the actor as recorded, in blue, and the answer of "
        f"{case.row['victim']}, in green. Below: the attacked actor and the answer to it."
    )


def _distances(findings: Findings, depth: tuple[str, float] | None) -> list[Image]:
    """Distances against eps, in cm and as a share of the tolerance, one pair a model."""
    from feint.report import figures

    white = findings.judged.filter(pl.col("source") == pl.col("victim")).with_columns(
        share=pl.col("distance") / pl.col("kappa")
    )
    images = []
    for name in findings.models:
        rows = white.filter(pl.col("victim") == name)
        if not len(rows):
            continue
        kinds: list[tuple[str, str, str, str | None]] = [
            ("share", "distance / tolerance", "in tolerances", "the tolerance")
        ]
        if "error_cm" in rows.columns and len(rows.filter(pl.col("error_cm").is_finite())):
            kinds.insert(0, ("error_cm", "to the target, cm a joint", "in cm a joint", None))
        for column, told, words, one in kinds:
            content = figures.against_eps(rows, column, told, findings.unit, depth, one).encode()
            title = f"{name}, {words}"
            alt = (
                f"Distance of the answers of {name} to the target {words}, against eps: median and "
                "quartiles without an attack, under random noise, under the attack."
            )
            images.append(Image(f"distance-{name}-{column}.svg", content, title, alt))
    return images


def _told(title: str, curve: pl.DataFrame) -> str:
    """A success curve in words."""
    last = curve.sort("eps").row(-1, named=True)
    return (
        f"Success against eps: {title}. At eps {last['eps']:g}, of the {last['failed']} that did "
        f"not count as the target without an attack, the attack makes "
        f"{tables.percent(last['moved'])} count, random noise "
        f"{tables.percent(last['moved_noise'])}; without an attack "
        f"{tables.percent(last['clean'])} of all {last['n']} count."
    )


def _all(pictures: dict[str, Any]) -> list[Image]:
    found = []
    for value in pictures.values():
        if isinstance(value, dict):
            value = [image for images in value.values() for image in images]
        found += value if isinstance(value, list) else [value]
    return [one for one in found if one is not None]


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{high:g}" if low == high else f"{low:g} to {high:g}"
