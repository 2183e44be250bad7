"""`write`: the HTML report of a run on people, one file that works offline.

It collects what the template report.html.jinja shows: words from here, tables from tables.py,
pictures from images.py, charts from charts/, cases from cases/. It runs no model. The report of a
run on tables is in series_page.py.
"""

import json
from pathlib import Path
from typing import Any

from feint.columns import Columns
from feint.data.formats import FORMATS
from feint.data.kinematics import mean_acceleration
from feint.errors import FeintError
from feint.io import text
from feint.io.atomic import read_bytes, safe_join, write_text
from feint.io.optional import need
from feint.io.text import join_words
from feint.report import series_page, tables
from feint.report.cases.case import (
    Case,
    acceleration_rows,
    choose,
    mean_accelerations,
    median_success,
    read,
    worst_failure,
)
from feint.report.cases.player import player, single_case_player
from feint.report.charts.case_table import browse
from feint.report.charts.interactive import charts
from feint.report.figures import first_frame
from feint.report.images import Image, all_images, case_text, make_images
from feint.report.run_data import RunData

LARGEST_PICTURE = 2**20
NEEDED = ("matplotlib", "jinja2", "PIL")


def write(folder: Path, attack: str = "") -> Path:
    """Write `<folder>/report/index.html`, and its figures as files beside it.

    The page names what is missing or damaged, and shows the rest.

    Args:
        folder: of the run.
        attack: the attack that the page is about; the experiment's first if not given.

    Returns:
        the page's path.

    Raises:
        FeintError: the folder holds no run, nothing of it can be read, or the libraries that draw
            are not installed.
    """
    need("The report", *NEEDED)
    run = RunData.load(folder, attack)
    if not run.baselines and not run.scored:
        raise FeintError(
            f"There is nothing to report of {folder} yet. {' '.join(run.problems)}",
            code="not-run-yet",
        )
    if isinstance(run.feature_spec, Columns):
        return series_page.write(run, run.feature_spec, templates())
    html, images = _whole(run) if run.scored else (_html(run), [])
    page = safe_join(folder, "report", "index.html")
    for image in images:
        image.save(folder)
    write_text(page, html)
    return page


def _whole(run: RunData) -> tuple[str, list[Image]]:
    """The page of a run with rows and a tolerance, and its images."""
    chosen = choose(run)
    case = None if chosen is None else read(run, *chosen)
    usual = median_success(run)
    median = None if usual is None else read(run, usual, "")
    played = player(run)
    looked = browse(run, played)
    rows = acceleration_rows(run)
    drawn = charts(run, looked.matrix if looked else None, rows)
    images = make_images(run, case, median, drawn)
    running = [one for one in (played if played and played.cases else None, drawn, looked) if one]
    html = _html(
        run,
        **images,
        case=None if case is None else _case(run, case),
        typical=None if usual is None else _numbers(run, usual),
        worst=_failure(run),
        mean_accelerations=mean_accelerations(rows),
        player=played,
        browse=looked,
        drawn=drawn,
        trusted=" ".join(one.csp_hash for one in running) or "'none'",
    )
    return html, all_images(images)


def _html(run: RunData, **parts: Any) -> str:
    """The page with these parts; without any it says what was tested and what is missing."""
    nothing = {"case": None, "player": None, "browse": None, "drawn": None, "trusted": "'none'"}
    values = {**_description(run), **nothing, **parts, "tables": tables, "text": text, "run": run}
    return str(templates().get_template("report.html.jinja").render(values))


def player_page(run: RunData, case: Case) -> bytes:
    """The HTML of a page with the 3-D player of one case, in one file that works offline."""
    title, _ = case_text(run, case)
    html = (
        templates()
        .get_template("player_page.html.jinja")
        .render(title=title, player=single_case_player(run, case), run=run, alone=True)
    )
    return html.encode()


def templates() -> Any:
    """A jinja2 environment with the pages' templates; inserted values are escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("feint.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _description(run: RunData) -> dict[str, Any]:
    """What was tested, in words."""
    experiment, data = run.experiment, run.description["data"]
    attack = experiment["attack"]
    kinds = [f"{one['name']} ({one['kind']})" for one in experiment["model"]]
    source = {"sbu": "recorded (SBU Kinect Interaction)", "synthetic": "generated"}
    source |= {name: f"recorded, {kind.title}" for name, kind in FORMATS.items()}
    trained = [name for name in run.models if name not in run.pretrained]
    joints = "every joint" if attack["joints"] is None else join_words(attack["joints"])
    return {
        "name": experiment["name"],
        "models": join_words(kinds),
        "several": len(kinds) > 1,
        "pretrained": join_words(run.pretrained) if run.pretrained else "",
        "trained": join_words(trained) if trained else "",
        "train": data["train"],
        "test": data["test"],
        "source": source.get(data["source"], data["source"]),
        "joints": joints,
        "axes": join_words(attack["axes"]),
        "eps": _range(attack["eps"]),
        "unit": run.units.eps,
        "eps_cm": run.units.eps_in_physical_units(float(max(attack["eps"]))),
        "targets": join_words(experiment["target"]["labels"], "or"),
        "settings": json.dumps(experiment, indent=2),
        "data": data,
        "first_frame": _first_frame(run),
        "versions": run.description.get("versions", {}),
        "folder": run.folder.resolve().name,
    }


def _first_frame(run: RunData) -> str:
    """The picture that was drawn before training, as a data URI; empty without one."""
    path = safe_join(run.folder, "report", first_frame.NAME)
    if not path.is_file():
        return ""
    return Image(first_frame.NAME, read_bytes(path, LARGEST_PICTURE), "", "").uri


def _case(run: RunData, case: Case) -> dict[str, Any]:
    """The chosen case's numbers."""
    row, fps = case.row, case.skeleton.fps
    return {
        **_numbers(run, row),
        "before_cm": text.number(case.clean_row.get("error_cm")),
        "succeeded": case.succeeded,
        "clean_success": bool(row["clean_success"]),
        "rule": case.rule,
        "acceleration": text.number(mean_acceleration(case.actor, fps)),
        "acceleration_adv": text.number(mean_acceleration(case.actor_adv, fps)),
    }


def _failure(run: RunData) -> dict[str, Any] | None:
    row = worst_failure(run)
    return None if row is None else _numbers(run, row)


def _numbers(run: RunData, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("victim", "target", "true_class", "sequence", "frames")},
        "eps": run.units.eps_text(row["eps"]),
        "before": text.number(row["clean_distance"], 3),
        "after": text.number(row["distance"], 3),
        "tolerance": text.number(row["tolerance"], 3),
        "distance_reduction": text.percent(row["distance_reduction"]),
        "after_cm": text.number(row.get("error_cm")),
        "perturbation_cm": text.number(row.get("perturbation_cm")),
        "perturbation_max_cm": text.number(row.get("perturbation_max_cm")),
        "bone_length_change": text.percent(row.get("bone_length_change"), 1),
    }


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{high:g}" if low == high else f"{low:g} to {high:g}"
