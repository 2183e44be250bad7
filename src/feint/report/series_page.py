"""The HTML report of a run on tables: line plots of windows, numbers in the columns' units.

The report of a run on people is in page.py.
"""

import json
from pathlib import Path
from typing import Any

from feint.columns import Columns
from feint.evaluation.attack_task import IS_ATTACK
from feint.io import text
from feint.io.atomic import safe_join, write_text
from feint.io.text import join_words
from feint.report import tables
from feint.report.cases.case import WHITE_BOX, goal_text
from feint.report.cases.series_case import Lines, lines
from feint.report.charts import attack_comparison
from feint.report.charts.chart import Section
from feint.report.console import Table
from feint.report.images import Image, success_text
from feint.report.run_data import RunData


def write(run: RunData, columns: Columns, templates: Any) -> Path:
    """Write `<folder>/report/index.html` of a series, and its plots as files beside it.

    Args:
        templates: the jinja2 environment of the pages.
    """
    cases = [(_about(run, columns, one), _drawn(run, columns, one)) for one in lines(run)]
    white, transfer = _successes(run)
    section = attack_comparison.compared(run)
    comparison = None if section is None else _comparison(section)
    experiment = run.experiment
    html = templates.get_template("series.html.jinja").render(
        name=experiment["name"],
        models=join_words([f"{one['name']} ({one['kind']})" for one in experiment["model"]]),
        columns=columns,
        join_words=join_words,
        attacked=join_words(run.units.attacked_columns),
        fixed=[name for name in columns.inputs if name not in run.units.attacked_columns],
        eps=[run.units.eps_text(float(one)) for one in sorted(experiment["attack"]["eps"])],
        window=int(run.rows["frames"].max()),  # type: ignore[arg-type]
        targets=_targets(run, columns),
        tolerances=_tolerances(run),
        experiment=experiment,
        data=run.description["data"],
        cases=cases,
        white=white,
        transfer=transfer,
        compared=section,
        comparison=comparison,
        changed=_changed(run, columns),
        minimal=_minimal(run),
        tables=tables,
        text=text,
        settings=json.dumps(experiment, indent=2),
        versions=run.description.get("versions", {}),
        folder=run.folder.resolve().name,
        run=run,
    )
    several = [comparison] if comparison else []
    for plot in [*(drawn for _, drawn in cases), *white, *transfer, *several]:
        plot.save(run.folder)
    page = safe_join(run.folder, "report", "index.html")
    write_text(page, html)
    return page


def _comparison(section: Section) -> Image:
    """The success of each attack of a run that has several."""
    from feint.report.charts import static

    (chart,) = section.charts
    content = static.draw(section, chart).encode()
    return Image("attacks.svg", content, "Success against eps", chart.alt)


def _about(run: RunData, columns: Columns, one: Lines) -> dict[str, Any]:
    """A window's numbers, in words."""
    row = one.row
    outcome = "The attack succeeds."
    if row["clean_success"]:
        outcome = "The output is a success without an attack."
    elif not row["success"]:
        outcome = "The attack fails."
    change = (one.seen_adv - one.seen).abs()
    sizes = [
        f"{name} {float(change[:, k].mean()):.3g} {columns.input_units[k]}".strip()
        for k, name in enumerate(columns.inputs)
        if name in run.units.attacked_columns
    ]
    return {
        **{name: row[name] for name in ("victim", "target", "sequence", "frames")},
        "rule": one.rule,
        "outcome": outcome,
        "eps": run.units.eps_text(row["eps"]),
        "before": text.number(row["clean_distance"], 2),
        "after": text.number(row["distance"], 2),
        "tolerance": text.number(row["tolerance"], 2),
        "perturbation": ", ".join(sizes),
    }


def _drawn(run: RunData, columns: Columns, one: Lines) -> Image:
    from feint.report.charts import series_plots

    row = one.row
    title = f"{row['victim']}, {goal_text(row)}, window {row['sequence']}"
    alt = (
        f"Lines over {row['frames']} steps. {title}. The output without an attack is "
        f"{row['clean_distance']:.2f} {run.distance_unit} from "
        f"{run.led_away_from or 'the target'}, under it "
        f"{row['distance']:.2f}. Below: every attacked input column, as recorded and as attacked."
    )
    name = f"window-{row['victim']}-{row['target']}-{row['sequence']}.svg"
    return Image(
        name,
        series_plots.window(one, columns, run.units.attacked_columns, run.led_away_from).encode(),
        title,
        alt,
    )


def _successes(run: RunData) -> tuple[list[Image], list[Image]]:
    """Success rates over eps, by model: white box, and transfer."""
    from feint.report.charts import svg

    white: list[Image] = []
    transfer: list[Image] = []
    attacks = run.rates.filter(IS_ATTACK)
    for (surrogate, victim), curve in attacks.group_by("surrogate", "victim", maintain_order=True):
        own = surrogate == victim
        title = f"{victim}" if own else f"surrogate {surrogate}, victim {victim}"
        content = svg.success_svg(curve, run.units.eps).encode()
        alt = success_text(title, curve, "windows")
        (white if own else transfer).append(
            Image(f"success-{surrogate}-{victim}.svg", content, title, alt)
        )
    return white, transfer


def _changed(run: RunData, columns: Columns) -> Table:
    """The perturbation of each column in its unit: mean and largest, white box."""
    shown = [k for k, name in enumerate(columns.inputs) if name in run.units.attacked_columns]
    rows = run.judged.filter(WHITE_BOX)
    found = []
    for (surrogate, eps), some in rows.group_by("surrogate", "eps", maintain_order=True):
        changes = []
        for (job,), part in some.group_by("job", maintain_order=True):
            clean, seen = run.tensors.attack_task(str(job)).x, run.tensors.victim_input(str(job))
            at = part["row"].to_list()
            mask = clean.mask[at]
            changes.append((seen.values[at] - clean.values[at]).abs()[mask][:, : columns.features])
        every = [float(sum(c[:, k].sum() for c in changes)) for k in shown]
        steps = sum(len(c) for c in changes)
        largest = [max(float(c[:, k].max()) for c in changes) for k in shown]
        cells = [f"{e / steps:.3g} / {m:.3g}" for e, m in zip(every, largest, strict=True)]
        found.append((str(surrogate), f"{eps:g}", *cells))
    heads = [f"{columns.inputs[k]} {columns.input_units[k]}".strip() for k in shown]
    return Table(("surrogate", f"eps ({run.units.eps})", *heads), tuple(found))


def _minimal(run: RunData) -> Table | None:
    if not safe_join(run.folder, "minimal.parquet").exists():
        return None
    return tables.minimal(run.folder)[0]


def _tolerances(run: RunData) -> str:
    """The tolerance of every row, or the least and the largest."""
    values = run.judged["tolerance"]
    if not len(values):
        return text.MISSING
    ends = dict.fromkeys(text.number(float(end), 3) for end in (values.min(), values.max()))  # type: ignore[arg-type]
    return " to ".join(ends)


def _targets(run: RunData, columns: Columns) -> list[str]:
    """The targets, each in a sentence."""
    sentences = []
    for one in run.experiment["target"]["curves"]:
        by = one["by"] if isinstance(one["by"], list) else [one["by"] or 0.0]
        amount = f"{', '.join(f'{n:+g}' for n in by)} {columns.output_unit}"
        words = {
            "offset": f"the output without an attack, {amount} at every {columns.step}",
            "ramp": f"the output without an attack, changing evenly to {amount} at the end",
            "curve": f"a given curve ({one['file'] or 'in the experiment'})",
            "window": "the true output of another window, from the training set",
        }[one["kind"]]
        sentences.append(f"{one['name']}: {words}")
    return sentences
