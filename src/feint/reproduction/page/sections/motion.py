"""What is seen: Figures 1 to 4."""
# ruff: noqa: E501  (sentences of the page)

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK, NONE
from feint.reproduction import metrics
from feint.reproduction.page import figures
from feint.reproduction.page import markdown as md
from feint.reproduction.page.figures import NAMES
from feint.reproduction.results import Results


def smoothness(r: Results, folder: Path) -> Iterator[str]:
    """Figure 4: temporal smoothness."""
    yield from ("## Figure 4: temporal smoothness", "")
    rows = r.judged("fig4").with_columns(pl.col("weight").cast(pl.Float64))
    natural = r.table("natural-motion")
    attacked = rows.filter(IS_ATTACK, pl.col("true_class") != pl.col("target"))
    drawn = _drawn(r, "fig4-motion")
    content = None
    if drawn is not None:
        chosen = [
            (f"{rule}, lambda {weight:g}", drawn.filter(pl.col("case") == f"{rule} {weight:g}"))
            for rule in ("sign", "strong")
            for weight in (0.0, 0.1)
        ]
        content = figures.depth([(words, some) for words, some in chosen if len(some)])
    yield from md.image(folder, "fig4", content, "The attacked actor from the side")
    one = attacked.sort("target", "sequence").row(0, named=True)
    yield (
        f"The actor that the TCN saw (blue) and the recording (pale), from the side, depth to the right; sequence {one['sequence']}, target "
        f"{one['target']}, eps {one['eps']:g}: the first target and sequence in alphabetical order, not chosen by eye."
    )
    yield ""
    rates = metrics.rates(rows, ["rule", "weight"])
    clean = rows.filter(pl.col("attack") == NONE)
    recorded = {q: float(clean[q].mean()) for q in ("acceleration", "jerk")}  # type: ignore[arg-type]
    lines, points = [], []
    for rule in ("sign", "adam", "strong"):
        for weight in sorted(set(rows["weight"])):
            some = attacked.filter(pl.col("rule") == rule, pl.col("weight") == weight)
            if not len(some):
                continue
            rec = md.one_row(rates, rule=rule, weight=weight, yardstick="recognised")
            joint = md.one_row(rates, rule=rule, weight=weight, yardstick="joint")
            acceleration = some["acceleration"].drop_nans().to_numpy()
            jerk = some["jerk"].drop_nans().to_numpy()
            lines.append(
                [
                    rule,
                    f"{weight:g}",
                    md.share(rec["closed"]),
                    f"{md.share(rec['clean'])} -> {md.share(rec['reached'])} ({md.share(rec['noise'])})",
                    f"{md.share(joint['clean'])} -> {md.share(joint['reached'])} ({md.share(joint['noise'])})",
                    f"{acceleration.mean():.0f} ({metrics.percentile_of(acceleration, natural, 'acceleration'):.1f})",
                    f"{jerk.mean():.0f} ({metrics.percentile_of(jerk, natural, 'jerk'):.1f})",
                    md.share(metrics.mean(some["bone_length_change"])),
                ]
            )
            points.append(
                {
                    "rule": rule,
                    "weight": weight,
                    "acceleration": float(acceleration.mean()),
                    "closed": rec["closed"],
                    "natural": recorded["acceleration"],
                }
            )
    yield from md.image(
        folder,
        "fig4-tradeoff",
        figures.smoothness(pl.DataFrame(points)),
        "Success against acceleration",
    )
    yield from md.table(
        [
            "update",
            "lambda",
            "closed",
            "recognised, clean -> attacked (noise)",
            "joint kappa",
            "acceleration m/s2 (percentile)",
            "jerk m/s3 (percentile)",
            "bones off",
        ],
        lines,
    )
    yield ""
    yield (
        f"TCN, eps {max(attacked['eps'].to_list()):g}, targets {', '.join(sorted(set(rows['target'])))}, {attacked['sequence'].n_unique()} test sequences. Acceleration and jerk of the actor: "
        "95th percentile over joints and frames, mean over sequences; in brackets which percentile of natural motion (all joints and frames "
        f"of the training actors) that is. As recorded: {recorded['acceleration']:.0f} m/s2 and {recorded['jerk']:.0f} m/s3. "
        "Bones off: median relative change of a bone's length."
    )


def cases(r: Results, folder: Path) -> Iterator[str]:
    """Figures 1 to 3: the case studies."""
    yield from ("## Figures 1 to 3: the case studies", "", metrics.RULE, "")
    chosen, drawn = r.table("cases"), _drawn(r, "cases-motion")
    for case in chosen["case"].unique(maintain_order=True):
        some = chosen.filter(pl.col("case") == case)
        first = some.row(0, named=True)
        yield f"### Case {case}"
        yield ""
        yield f"{first['successes']} of {first['of']} asked (both reactors) are successes."
        yield ""
        for one in some.iter_rows(named=True):
            content = None
            if drawn is not None:
                content = figures.case(drawn.filter(pl.col("case") == f"{case}: {one['kind']}"))
            name = f"case-{case.partition(':')[0]}-{one['kind']}"
            yield from md.image(folder, name, content, f"{case}, {one['kind']}")
            words = {
                "success": "A success",
                "nearest": "No success; the nearest",
                "failure": "A failure",
            }
            yield (
                f"*{words[one['kind']]}*: {one['sequence']} on {NAMES[one['victim']]}, eps {one['eps']:g}; the clean answer is {one['clean_cm']:.0f} cm a joint from the "
                f"target and called {one['clean_recognised_as']}, the attacked one {one['error_cm']:.0f} cm and called {one['recognised_as']} "
                f"(P of the target {one['target_probability']:.2f}); the actor's joints moved {one['perturbation_cm']:.0f} cm in the mean."
            )
            yield ""


def _drawn(r: Results, name: str) -> pl.DataFrame | None:
    """Recorded motion: there after a run, and not where only the other tables were kept."""
    return r.table(name) if r.has(name) else None
