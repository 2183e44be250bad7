"""The report of a series: line plots in place of people, and every number in the columns' units."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from jaxtyping import Float
from torch import Tensor

from feint.errors import FeintError
from feint.evaluation import ATTACK, NONE
from feint.files import inside, write_text
from feint.report import tables
from feint.report.case import WHITE, choose, typical, worst
from feint.report.findings import Findings, listed
from feint.report.pictures import Image
from feint.rows import QUESTION
from feint.series import Series

Seen = Float[Tensor, "steps inputs"]
Answered = Float[Tensor, "steps outputs"]


@dataclass(frozen=True, eq=False)
class Lines:
    """One attacked window.

    Attributes:
        row: of `Findings.judged`.
        rule: how it was chosen, in words.
        seen, seen_adv: the input as it is and as attacked.
        answer, answer_adv: what the model answered to each.
        wanted, true: the target, and what really happened.
    """

    row: dict[str, Any]
    rule: str
    seen: Seen
    seen_adv: Seen
    answer: Answered
    answer_adv: Answered
    wanted: Answered
    true: Answered


def write(findings: Findings, form: Series, templates: Any) -> Path:
    """Write `<folder>/report/index.html` of a series, and its plots as files beside it.

    Args:
        templates: the jinja2 environment of the pages.
    """
    cases = [(_about(findings, form, one), _drawn(findings, form, one)) for one in lines(findings)]
    white, transfer = _successes(findings)
    experiment = findings.experiment
    html = templates.get_template("series.html.jinja").render(
        name=experiment["name"],
        models=listed([f"{one['name']} ({one['kind']})" for one in experiment["model"]]),
        form=form,
        listed=listed,
        attacked=listed(findings.attacked),
        fixed=[name for name in form.inputs if name not in findings.attacked],
        eps=[findings.told_eps(float(one)) for one in sorted(experiment["attack"]["eps"])],
        window=int(findings.rows["frames"].max()),  # type: ignore[arg-type]
        targets=_targets(findings, form),
        experiment=experiment,
        data=findings.described["data"],
        cases=cases,
        white=white,
        transfer=transfer,
        changed=_changed(findings, form),
        minimal=_minimal(findings),
        tables=tables,
        settings=json.dumps(experiment, indent=2),
        versions=findings.described.get("versions", {}),
        folder=findings.folder.resolve().name,
        findings=findings,
    )
    for plot in [*(drawn for _, drawn in cases), *white, *transfer]:
        plot.keep(findings.folder)
    page = inside(findings.folder, "report", "index.html")
    write_text(page, html)
    return page


def lines(findings: Findings) -> Iterator[Lines]:
    """The windows shown: the clearest success, the median one, the worst failure."""
    shown = set()
    chosen, usual, failed = choose(findings), typical(findings), worst(findings)
    for row, rule in (
        chosen or (None, ""),
        (usual, "the median success, by the share of the distance closed"),
        (failed, "the worst failure: it closed the least of its distance"),
    ):
        if row is not None and tuple(row[name] for name in QUESTION) not in shown:
            shown.add(tuple(row[name] for name in QUESTION))
            yield read(findings, row, rule)


def read(findings: Findings, row: dict[str, Any], rule: str) -> Lines:
    """Read a row's window from the run's tensors.

    Raises:
        FeintError: a file is not there, or does not hold the row.
    """
    same = findings.judged.filter(
        pl.col("attack") == NONE, *(pl.col(name) == row[name] for name in QUESTION)
    ).row(0, named=True)
    trail, job, i, steps = findings.trail, str(row["job"]), int(row["row"]), int(row["frames"])
    question = trail.question(job)
    try:
        if question.keys[i] != row["sequence"]:
            raise ValueError(f"there is {question.keys[i]!r} in its place")
        return Lines(
            row,
            rule,
            question.x.values[i][:steps],
            trail.seen(job).values[i][:steps],
            trail.score(same["job"])[0].values[same["row"]][:steps],
            trail.score(job)[0].values[i][:steps],
            question.wanted.values[i][:steps],
            trail.reactor(job).values[i][:steps],
        )
    except (IndexError, ValueError) as error:
        raise FeintError(
            f"The tensors in {findings.folder} do not hold the sequence {row['sequence']} of "
            f"rows.parquet ({error}). Run `feint score` again."
        ) from error


def _about(findings: Findings, form: Series, one: Lines) -> dict[str, Any]:
    """A window's numbers, in words."""
    row = one.row
    outcome = "The answer then counts as the target."
    if row["clean"]:
        outcome = "The answer counted as the target without an attack already."
    elif not row["reached"]:
        outcome = "The attack failed: the answer does not count as the target."
    change = (one.seen_adv - one.seen).abs()
    moved = [
        f"{name} {float(change[:, k].mean()):.3g} {form.input_units[k]}".strip()
        for k, name in enumerate(form.inputs)
        if name in findings.attacked
    ]
    return {
        **{name: row[name] for name in ("victim", "target", "sequence", "frames")},
        "rule": one.rule,
        "outcome": outcome,
        "eps": findings.told_eps(row["eps"]),
        "before": tables.number(row["clean_distance"], 2),
        "after": tables.number(row["distance"], 2),
        "kappa": tables.number(row["kappa"], 2),
        "moved": ", ".join(moved),
    }


def _drawn(findings: Findings, form: Series, one: Lines) -> Image:
    from feint.report import plots

    row = one.row
    title = f"{row['victim']}, {row['target']} wanted, window {row['sequence']}"
    alt = (
        f"Lines over {row['frames']} steps. {title}. The answer without an attack is "
        f"{row['clean_distance']:.2f} {findings.distance_unit} from the target, with it "
        f"{row['distance']:.2f}. Below: every attacked input column, as it is and as changed."
    )
    name = f"window-{row['victim']}-{row['target']}-{row['sequence']}.svg"
    return Image(name, plots.window(one, form, findings.attacked).encode(), title, alt)


def _successes(findings: Findings) -> tuple[list[Image], list[Image]]:
    """Success against eps, model by model: white box, and transfer."""
    from feint.report import figures

    white: list[Image] = []
    transfer: list[Image] = []
    attacks = findings.rates.filter(pl.col("attack") == ATTACK)
    for (source, victim), curve in attacks.group_by("source", "victim", maintain_order=True):
        own = source == victim
        title = f"{victim}" if own else f"crafted on {source}, answered by {victim}"
        content = figures.success(curve, findings.unit).encode()
        last = curve.sort("eps").row(-1, named=True)
        alt = (
            f"Success against eps: {title}. At eps {last['eps']:g}, of {last['failed']} that did "
            f"not count without an attack, the attack makes {tables.percent(last['moved'])} count, "
            f"random noise {tables.percent(last['moved_noise'])}."
        )
        (white if own else transfer).append(
            Image(f"success-{source}-{victim}.svg", content, title, alt)
        )
    return white, transfer


def _changed(findings: Findings, form: Series) -> tables.Table:
    """By how much each column was changed, in its own unit: mean and largest, white box."""
    shown = [k for k, name in enumerate(form.inputs) if name in findings.attacked]
    rows = findings.judged.filter(WHITE)
    found = []
    for (source, eps), some in rows.group_by("source", "eps", maintain_order=True):
        changes = []
        for (job,), part in some.group_by("job", maintain_order=True):
            clean, seen = findings.trail.question(str(job)).x, findings.trail.seen(str(job))
            at = part["row"].to_list()
            mask = clean.mask[at]
            changes.append((seen.values[at] - clean.values[at]).abs()[mask][:, : form.features])
        every = [float(sum(c[:, k].sum() for c in changes)) for k in shown]
        steps = sum(len(c) for c in changes)
        largest = [max(float(c[:, k].max()) for c in changes) for k in shown]
        cells = [f"{e / steps:.3g} / {m:.3g}" for e, m in zip(every, largest, strict=True)]
        found.append((str(source), f"{eps:g}", *cells))
    heads = [f"{form.inputs[k]} {form.input_units[k]}".strip() for k in shown]
    return tables.Table(("crafted on", f"eps ({findings.unit})", *heads), tuple(found))


def _minimal(findings: Findings) -> tables.Table | None:
    if not inside(findings.folder, "minimal.parquet").exists():
        return None
    return tables.minimal(findings.folder)[0]


def _targets(findings: Findings, form: Series) -> list[str]:
    """What is wanted, each in a sentence."""
    told = []
    for one in findings.experiment["target"]["curves"]:
        by = one["by"] if isinstance(one["by"], list) else [one["by"] or 0.0]
        amount = f"{', '.join(f'{n:+g}' for n in by)} {form.unit}"
        words = {
            "offset": f"the answer without an attack, {amount} at every {form.step}",
            "ramp": f"the answer without an attack, changing evenly to {amount} at the end",
            "curve": f"a given curve ({one['file'] or 'in the experiment'})",
            "window": "what really happened in another window, one of the training set's",
        }[one["kind"]]
        told.append(f"{one['name']}: {words}")
    return told
