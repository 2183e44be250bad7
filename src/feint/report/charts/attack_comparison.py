"""The section "The attacks compared", of a run with several: success of each against eps.

`tables.attacks` is the table beside it.  Everything else in a report is about one attack
(`RunData.attack`).
"""

import polars as pl

from feint.report.charts.chart import (
    MODEL_COLOURS,
    NOISE,
    SHARE,
    At,
    Axis,
    Chart,
    Control,
    Curve,
    Line,
    Section,
)
from feint.report.charts.inputs import ChartInputs, eps_axis
from feint.report.run_data import RunData


def section(inputs: ChartInputs) -> Section | None:
    """The attacks of a run that has several, white box."""
    return compared(inputs.run)


def compared(run: RunData) -> Section | None:
    """The same from the run alone, for a page without other charts."""
    if len(run.attacks) < 2:
        return None
    white = run.attack_rates.filter(pl.col("surrogate") == pl.col("victim"))
    models = tuple(name for name in run.models if name in white["victim"])
    attack = run.experiment["attack"]["name"]
    return Section(
        "attacks",
        "The attacks compared",
        "Attack success rate among sequences that fail without an attack, white box. All attacks "
        "have the same budget and noise; an untargeted attack succeeds where the output is led "
        f"away from its reference. The rest of this page is about {attack}; feint report "
        "--attack NAME writes it about another.",
        (_chart(run, white, models),),
        (Control("model", "Model attacked", models),),
        place="success",
    )


def _chart(run: RunData, white: pl.DataFrame, models: tuple[str, ...]) -> Chart:
    curves, texts = [], []
    for i, model in enumerate(models):
        mine, at = white.filter(pl.col("victim") == model), {"model": i}
        reported = mine.filter(pl.col("attack") == run.experiment["attack"]["name"])
        curves.append(_curve(0, reported, "noise_success_rate_if_clean_fails", at))
        for k, name in enumerate(run.attacks):
            own = mine.filter(pl.col("attack") == name)
            curves.append(_curve(1 + k, own, "success_rate_if_clean_fails", at))
        ends = [f"{a} {c.y[-1]:.0%}" for a, c in zip(run.attacks, curves[-len(run.attacks) :])]  # noqa: B905
        texts.append((at, f"{model}, at each attack's largest eps: {', '.join(ends)}."))
    return Chart(
        "attacks",
        eps_axis(run),
        Axis("attack success rate", **SHARE),  # type: ignore[arg-type]
        [NOISE, *(_line(k, name) for k, name in enumerate(run.attacks))],
        curves,
        ("model",),
        texts=texts,
        alt=f"Attack success rate against eps, of {', '.join(run.attacks)} and of random noise.",
    )


def _line(k: int, name: str) -> Line:
    """Colours first, then rings in place of dots, then dashes."""
    round_, colour = divmod(k, len(MODEL_COLOURS))
    look = MODEL_COLOURS[colour]
    return Line(name, look, dashed=round_ > 1, marker="ring" if round_ % 2 else "dot")


def _curve(line: int, rates: pl.DataFrame, column: str, at: At) -> Curve:
    """From 0 at eps 0 on: without a perturbation none of these sequences succeeds."""
    rates = rates.sort("eps")
    values = rates[column].cast(pl.Float64).fill_null(float("nan"))
    return Curve(line, [0.0, *rates["eps"]], [0.0, *values], at=at)
