"""The parts of a reproduction, each a function that leaves its tables in OUT/results."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch

from feint import tolerance
from feint.artefacts import Trail, gates
from feint.errors import FeintError
from feint.evaluation import ATTACK
from feint.models import loading
from feint.motion import ORDERS, sizes
from feint.progress import console
from feint.reproduction import forms, gradients, separation, stimuli
from feint.reproduction.conduct import Reproduction
from feint.reproduction.measures import case_rows, curves, recognised_tolerance
from feint.reproduction.profiles import (
    PAPER,
    REGULAR,
    SMOOTHED,
    STARTS,
    STOPS,
)
from feint.reproduction.tables import Results
from feint.sequences import predict

GRIDS = ("strong", "paper-adam", "paper-eq6")
"""The presets of Figure 5."""


def run(reproduction: Reproduction, only: Sequence[str] = ()) -> list[str]:
    """Run the parts asked for, all of them if none is, and write each one's tables.

    Returns:
        the names of the parts.

    Raises:
        FeintError: there is no such part, or whatever went wrong in one.
    """
    for name in only:
        if name not in PARTS:
            raise FeintError(f"There is no part {name!r}; expected some of {', '.join(PARTS)}.")
    chosen = [name for name in PARTS if not only or name in only]
    reproduction.results.mkdir(parents=True, exist_ok=True)
    natural = tolerance.natural(reproduction.data.train, role="initiates")
    natural.save(reproduction.results / "tolerance-natural.json")
    for name in chosen:
        console.print(f"[bold]{name}[/bold]: {PARTS[name].__doc__}", highlight=False)
        PARTS[name](reproduction)
        reproduction.tell(name)
    return chosen


def models(r: Reproduction) -> None:
    """The reactors beside the trivial predictors."""
    names = (*PAPER, *REGULAR, *r.again)
    with r.working(r.experiment("strong", names)) as work:
        work.train()
    rows = []
    for name, gate in gates(r.out / "run", list(names)):
        about = loading.about(r.out / "run" / "models" / name)
        history, model = about["history"], r.model(name)
        rows.append(
            {
                "model": name,
                "parameters": sum(p.numel() for p in model.parameters()),
                "epochs": len(history["loss"]),
                "kept": history["kept"] + 1,
                "train_cm": gate.train_error,
                "test_cm": gate.error,
                "reaction_cm": gate.reaction,
                **{f"trivial: {k}": v for k, v in gate.trivial.items()},
            }
        )
    r.save("models", pl.DataFrame(rows))


def fig5(r: Reproduction) -> None:
    """White box (left) and transfer between the two (right), for every preset."""
    tables = []
    for preset in GRIDS:
        if r.profile.rows[preset] == 0:
            continue
        experiment = r.experiment(preset, PAPER, preset, transfer=True)
        tables.append(r.rows(experiment, preset=preset))
        r.save("fig5", pl.concat(tables))


def transfer(r: Reproduction) -> None:
    """Every reactor's answers to what was crafted on the others, and why they differ."""
    victims = (*PAPER, *r.again, *REGULAR)
    most = max(r.profile.epsilons)
    tables = []
    grids = (("strong", PAPER, r.profile.epsilons), ("regular", REGULAR, r.profile.several))
    for part, sources, epsilons in grids:
        experiment = r.experiment(part, victims, sources=sources, transfer=True, epsilons=epsilons)
        rows = r.scored(experiment).filter(pl.col("eps").is_in([0.0, most]))
        tables.append(r.judge(rows, preset="strong"))
        r.save("transfer", pl.concat(tables))
    stopped = []
    for steps in STOPS:
        some = {**r.profile.strong, "steps": steps}
        experiment = r.experiment(
            "stopped", PAPER, settings=some, epsilons=(most,), labels=STARTS, transfer=True
        )
        rows = r.scored(experiment)
        stopped.append(r.judge(rows, steps=str(steps)))
    r.save("stopped", pl.concat(stopped))
    rows = rows.filter(
        pl.col("attack") == ATTACK,
        pl.col("source") == pl.col("victim"),
        pl.col("label") != pl.col("target"),
    )
    reactors = {name: r.model(name) for name in PAPER}
    coords = r.skeleton.axis("z")
    r.save("gradients", gradients.along(rows, Trail(r.out / "run"), reactors, coords))


def regular(r: Reproduction) -> None:
    """Reactors that are not overfit: how far they move, and what more it takes."""
    tables = []
    for told, axes in (("depth", ("z",)), ("all axes", ("x", "y", "z"))):
        experiment = r.experiment("regular", REGULAR, axes=axes, epsilons=r.profile.several)
        tables.append(r.rows(experiment, preset="strong", axes=told))
        r.save("regular", pl.concat(tables))


def recogniser(r: Reproduction) -> None:
    """What the recognisers name right, on real reactions, answers and blurred targets."""
    test, train, rows = r.data.test, r.data.train, []
    seen = {"real reactions, held out": (test.reactor, test.labels)}
    for name in (*PAPER, *REGULAR):
        seen[f"clean answers: {name}"] = (predict(r.model(name), test.actor), test.labels)
    for name, one in r.recognisers.items():
        for what, (reactions, labels) in seen.items():
            rows += _named(name, what, one.names(reactions), labels, test.keys)
        rows += _named(
            name, "real reactions, trained on", one.names(train.reactor), train.labels, train.keys
        )
        rows += _blurred(r, name)
    r.save("recogniser", pl.DataFrame(rows))


def _named(
    recogniser: str, what: str, names: Sequence[str], labels: Sequence[str], keys: Sequence[str]
) -> list[dict[str, str | float]]:
    return [
        {"recogniser": recogniser, "what": what, "label": label, "named": name, "sequence": key}
        for name, label, key in zip(names, labels, keys, strict=True)
    ]


RESIDUALS = (0.0, 5.0, 10.0, 15.0, 20.0)
"""Sizes of blur in cm a joint, mean distance: attacks leave residuals of this order."""


def _blurred(r: Reproduction, name: str) -> list[dict[str, str | float]]:
    """Targets as they are asked for, blurred by noise that shakes or is held, of several sizes."""
    recogniser, rows = r.recognisers[name], []
    experiment = r.experiment("strong", PAPER)
    spec, test, skeleton = experiment.target.targets(r.profile.seed), r.data.test, r.skeleton
    generator = torch.Generator().manual_seed(r.profile.seed)
    for label in r.profile.labels:
        _, raw = spec.choose(label, r.data.train, test)
        wanted = spec.align(raw, test.reactor, test.reactor, skeleton)
        for kind in ("shaking", "held"):
            for size in RESIDUALS:
                if size == 0 and kind == "held":
                    continue
                frames = wanted.values.shape[1] if kind == "shaking" else 1
                shape = (len(wanted), frames, len(skeleton.joints), 3)
                noise = torch.randn(shape, generator=generator)
                noise = noise / noise.norm(dim=-1).mean() * size / 100
                metres = skeleton.to_metres(wanted.values) + noise
                values = skeleton.from_metres(metres) * wanted.mask[..., None]
                what = f"targets, {kind} by {size:g} cm" if size else "targets as asked"
                names = recogniser.names(wanted.with_values(values))
                rows += _named(name, what, names, [label] * len(names), test.keys)
    return rows


def kappa(r: Reproduction) -> None:
    """What distances tell: kappa fitted on the recognisers, and AUCs of real reactions."""
    r.save("separation", separation.table(r.data.train))
    rows = _figure5(r)
    r.save("kappa", curves(rows, r.profile.seed))
    found = recognised_tolerance(rows, r.profile.seed)
    if found is not None:
        found.save(r.results / "tolerance-recognised.json")


def _figure5(r: Reproduction) -> pl.DataFrame:
    """The judged rows of Figure 5 with `strong`; run if they are not there yet."""
    if not (r.results / "fig5.parquet").exists():
        fig5(r)
    return Results(r.results).fig5.filter(pl.col("preset") == "strong")


def fig4(r: Reproduction) -> None:
    """The weight lambda against smoothness and success, for three update rules."""
    chosen = (0.3,) if 0.3 in r.profile.epsilons else (max(r.profile.epsilons),)
    rules = {"sign": "paper-eq6", "adam": "paper-adam", "strong": "strong"}
    tables, motions = [], []
    for rule in SMOOTHED:
        settings = r.profile.strong if rule == "strong" else r.profile.paper
        for weight in r.profile.lambdas:
            experiment = r.experiment(
                "smoothness",
                PAPER[:1],
                rules[rule],
                settings={**settings, "smoothness": weight},
                epsilons=chosen,
                labels=STARTS,
            )
            told: dict[str, Any] = {"rule": rule, "weight": f"{weight:g}"}
            rows = r.scored(experiment)
            if weight in (0.0, 0.1):
                one = rows.filter(pl.col("attack") == ATTACK, pl.col("label") != pl.col("target"))
                one = one.sort("target", "sequence").head(1)
                motions.append(r.motion(f"{rule} {weight:g}", one, rows))
            tables.append(r.judge(rows, **told))
            r.save("fig4", pl.concat(tables))
    r.save("fig4-motion", pl.concat(motions))
    natural = []
    for quantity in ORDERS:
        every = torch.cat(
            [sizes(one, r.skeleton, quantity).flatten() for one in r.data.train.actor]
        ).numpy()
        natural += [
            {"quantity": quantity, "percent": p, "value": float(np.percentile(every, p))}
            for p in (50, 90, 95, 99, 99.9)
        ]
    r.save("natural-motion", pl.DataFrame(natural))


CASE = (
    "source", "victim", "target", "attack", "eps", "sequence", "label", "clean_cm", "error_cm",
    "clean_named", "named_real", "seen_real", "change_cm", "of", "successes",
)  # fmt: skip
"""What is told of a case."""


def cases(r: Reproduction) -> None:
    """Figures 1 to 3: three objectives, chosen by a rule, with failures beside them."""
    every = r.scored(r.experiment("strong", PAPER, transfer=True))
    told = _figure5(r)
    largest = (max(r.profile.epsilons),)
    staying = r.experiment(
        "cases", PAPER, epsilons=largest, labels=("approaching",), role="responds"
    )
    stays = r.scored(staying)
    roles = pl.DataFrame({"sequence": r.data.test.keys, "role": r.data.test.roles})
    chosen, motions = [], []
    for case, which in case_rows(told, r.judge(stays, own=True), roles).items():
        rows = stays if case.endswith("remaining") else every
        at = ["source", "victim", "target", "attack", "eps", "sequence"]
        for kind, row in which.items():
            found = rows.join(pl.DataFrame([row]).select(at), on=at, how="semi")
            motions.append(r.motion(f"{case}: {kind}", found, rows))
            chosen.append({"case": case, "kind": kind, **{k: row.get(k) for k in CASE}})
    if chosen:
        r.save("cases", pl.DataFrame(chosen, infer_schema_length=None))
        r.save("cases-motion", pl.concat(motions))


def departures(r: Reproduction) -> None:
    """What the paper leaves open: forms of targets, of the loss, of the search."""
    reactors = {name: r.model(name) for name in PAPER}
    r.save("forms", forms.table(r.data.train, r.data.test, reactors, r.profile.labels))
    paper = dict(r.profile.paper)
    point = {**paper, "surface": "point"}
    annealed = {**point, "schedule": "cosine", "keep": "best"}
    full = {name: value for name, value in paper.items() if name != "precision"}
    variants = {
        "equation 6 verbatim, kappa in the joint reading": ("paper-eq6", paper, "paper-joint"),
        "the same, searched in fp32": ("paper-eq6", full, "paper-joint"),
        "equation 6 verbatim, kappa in the frame reading": ("paper-eq6", paper, "paper"),
        "equation 6 drawn to the target itself": ("paper-eq6", point, "paper"),
        "the same, annealed, best iterate kept": ("paper-eq6", annealed, "paper"),
        "Adam 1e-3 drawn to the target itself": ("paper-adam", point, "paper"),
        "strong, as the grids have it": ("strong", r.profile.strong, "paper"),
        "strong, the preset: 400 steps, 3 starts, fp32": ("strong", full, "paper"),
    }
    tables = []
    for told, (preset, settings, kappa_) in variants.items():
        experiment = r.experiment(
            "forms",
            PAPER[:1],
            preset,
            settings=settings,
            epsilons=(max(r.profile.epsilons),),
            labels=STARTS,
            tolerance=kappa_,
        )
        tables.append(r.rows(experiment, variant=told))
        r.save("variants", pl.concat(tables))


PARTS: dict[str, Callable[[Reproduction], None]] = {
    "models": models,
    "recogniser": recogniser,
    "fig5": fig5,
    "cases": cases,
    "table1": stimuli.write,
    "fig4": fig4,
    "kappa": kappa,
    "regular": regular,
    "transfer": transfer,
    "departures": departures,
}
"""In the order in which they run: what others build on first."""
