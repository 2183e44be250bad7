"""Parts of the reproduction that look at the attacked motion: Figure 4 and the cases."""

from typing import Any

import numpy as np
import polars as pl
import torch

from feint.data.kinematics import DERIVATIVES, magnitudes
from feint.evaluation.attack_task import IS_ATTACK
from feint.reproduction import target_alignments
from feint.reproduction.metrics import case_rows
from feint.reproduction.parts.attacks import _figure5
from feint.reproduction.profiles import PAPER, SMOOTHED, STARTS
from feint.reproduction.runner import Reproduction


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
                one = rows.filter(IS_ATTACK, pl.col("true_class") != pl.col("target"))
                one = one.sort("target", "sequence").head(1)
                motions.append(r.motion(f"{rule} {weight:g}", one, rows))
            tables.append(r.judge(rows, **told))
            r.save("fig4", pl.concat(tables))
    r.save("fig4-motion", pl.concat(motions))
    natural = []
    for quantity in DERIVATIVES:
        every = torch.cat(
            [
                magnitudes(r.skeleton.to_metres(one), r.skeleton.fps, quantity).flatten()
                for one in r.data.train.actor
            ]
        ).numpy()
        natural += [
            {"quantity": quantity, "percent": p, "value": float(np.percentile(every, p))}
            for p in (50, 90, 95, 99, 99.9)
        ]
    r.save("natural-motion", pl.DataFrame(natural))


CASE = (
    "surrogate", "victim", "target", "attack", "eps", "sequence", "true_class",
    "clean_cm", "error_cm", "clean_recognised_as", "recognised_as", "target_probability",
    "perturbation_cm", "of", "successes",
)  # fmt: skip
"""What is told of a case."""


def cases(r: Reproduction) -> None:
    """Figures 1 to 3: three objectives, chosen by a rule, with failures beside them."""
    every = r.scored(r.experiment("strong", PAPER, transfer=True))
    told = _figure5(r)
    largest = (max(r.profile.epsilons),)
    staying = r.experiment(
        "cases", PAPER, epsilons=largest, labels=("approaching",), role="responder"
    )
    stays = r.scored(staying)
    roles = pl.DataFrame({"sequence": r.data.test.keys, "role": r.data.test.roles})
    chosen, motions = [], []
    for case, which in case_rows(told, r.judge(stays, own=True), roles).items():
        rows = stays if case.endswith("remaining") else every
        at = ["surrogate", "victim", "target", "attack", "eps", "sequence"]
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
    r.save("forms", target_alignments.table(r.data.train, r.data.test, reactors, r.profile.labels))
    paper = dict(r.profile.paper)
    point = {**paper, "surface": "point"}
    annealed = {**point, "schedule": "cosine", "keep": "best"}
    full = {name: value for name, value in paper.items() if name != "precision"}
    variants = {
        "equation 6 verbatim, kappa in the joint norm": ("paper-eq6", paper, "paper-joint"),
        "the same, searched in fp32": ("paper-eq6", full, "paper-joint"),
        "equation 6 verbatim, kappa in the frame norm": ("paper-eq6", paper, "paper"),
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
