"""The section "Distance to the target": over time, and against eps in cm and in tolerances."""

import polars as pl

from feint.evaluation import success_rates
from feint.evaluation.attack_task import NONE
from feint.report.charts.chart import ATTACK, CLEAN, NOISE, At, Axis, Chart, Curve, Line, Section
from feint.report.charts.inputs import ChartInputs

LINES = {"attack": ATTACK, "noise": NOISE, "none": CLEAN}
KINDS = list(LINES)
QUARTILES = ("eps", "middle", "low", "high")
OVER_TIME = [
    Line(one.name, one.colour, one.width, one.dashed, fill=one.fill) for one in LINES.values()
]
TOLERANCE = Line("the tolerance", "reactor", 1.4)
AGAINST_EPS = {
    "error_cm": ("cm", "against eps, in cm a joint", "to the target, cm a joint"),
    "share": ("tolerances", "against eps, in tolerances", "distance / tolerance"),
}
"""Column: id, name of the view, label of the axis."""


def section(inputs: ChartInputs) -> Section | None:
    """Distances of white-box outputs to their targets."""
    if not inputs.models:
        return None
    return Section(
        "distances",
        "Distance to the target",
        "Median and quartiles, white box. Frame by frame: over cases of the run, drawn at random "
        "where there are many; a frame that fewer than five cases reach is left out. Against eps: "
        "the mean over a sequence's frames, all sequences and targets. An output below 1 tolerance "
        "is a success.",
        (_over_time(inputs), *_against_eps(inputs)),
        (inputs.model_control, inputs.eps_control),
    )


def _over_time(inputs: ChartInputs) -> Chart:
    sample = inputs.sample
    unit = "cm a joint" if sample.in_cm else "data units"
    curves = []
    for (model, kind, eps), one in sorted(sample.curves.items()):
        if model in inputs.models and (kind == NONE or eps in inputs.eps):
            at = {"model": inputs.models.index(model)}
            at |= {} if kind == NONE else {"eps": inputs.eps.index(eps)}
            line = KINDS.index(kind)
            curves.append(
                Curve(
                    line, [frame + 1.0 for frame in one.frames], one.middle, one.low, one.high, at
                )
            )
    texts: list[tuple[At, str]] = []
    for i, model in enumerate(inputs.models):
        for j, label in enumerate(inputs.matrix.eps_labels):
            last = {
                KINDS[one.line]: one.y[-1]
                for one in curves
                if one.at["model"] == i and one.at.get("eps", j) == j
            }
            ends = ", ".join(f"{LINES[k].name} {last[k]:.3g}" for k in KINDS if k in last)
            text = (
                f"{model}, at most {label}: median distance to the target in the last frame "
                f"shown, in {unit}: {ends}. {inputs.sampled(model)}"
            )
            texts.append(({"model": i, "eps": j}, text))
    return Chart(
        "distance-over-time",
        Axis("frame", "count", f"frame {{}} at {inputs.run.skeleton.fps:g} frames a second"),
        Axis(f"to the target, {unit}", low=0.0),
        OVER_TIME,
        curves,
        ("model", "eps"),
        view="frame by frame",
        texts=texts,
        alt="Distance to the target frame by frame: median and quartiles, with and without attack.",
    )


def _against_eps(inputs: ChartInputs) -> list[Chart]:
    run = inputs.run
    rows = run.judged.filter(
        pl.col("surrogate") == pl.col("victim"),
        (pl.col("attack") == NONE) | pl.col("eps").is_in(inputs.eps),
    ).with_columns(share=pl.col("distance") / pl.col("tolerance"))
    charts = []
    for column, (name, view, label) in AGAINST_EPS.items():
        if column not in rows.columns or not rows[column].is_finite().any():
            continue
        lines = [*LINES.values(), *([TOLERANCE] if column == "share" else [])]
        curves = [
            one
            for i, model in enumerate(inputs.models)
            for one in _quartiles(rows.filter(pl.col("victim") == model), column, {"model": i})
        ]
        texts = [
            (
                one.at,
                f"{inputs.models[one.at['model']]}, median at the largest eps: {one.y[-1]:.3g}.",
            )
            for one in curves
            if one.line == KINDS.index("attack")
        ]
        if column == "share":
            curves.append(Curve(len(KINDS), (0.0, *inputs.eps), [1.0] * (1 + len(inputs.eps))))
        alt = f"Distance to the target, {view}: median and quartiles, with and without an attack."
        charts.append(
            Chart(
                f"distance-{name}",
                inputs.eps_axis(),
                Axis(label, low=0.0),
                lines,
                curves,
                ("model",),
                view=view,
                texts=texts,
                alt=alt,
            )
        )
    return charts


def _quartiles(rows: pl.DataFrame, column: str, at: At) -> list[Curve]:
    """One curve a kind; each begins at eps 0 with the distance without an attack."""
    table = success_rates.quartiles(rows, column)
    clean = table.filter(pl.col("kind") == NONE)
    curves = []
    for line, (kind, look) in enumerate(LINES.items()):
        part = table.filter(pl.col("kind") == look.name) if kind != NONE else clean
        if not len(part):
            continue
        if kind == NONE:
            largest = float(table["eps"].max())  # type: ignore[arg-type]
            part = pl.concat([part, part.with_columns(eps=pl.lit(largest))])
        else:
            part = pl.concat([clean, part])
        eps, middle, low, high = (part[name].to_list() for name in QUARTILES)
        curves.append(Curve(line, eps, middle, low, high, at))
    return curves
