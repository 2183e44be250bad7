"""Parts of the reproduction about motions and variants: Figure 4, the cases, open questions.

Their sizes are in `profiles.py`, their numbers on the page in `page/sections/`.
"""

from typing import Any

import numpy as np
import polars as pl
import torch

from feint.data.kinematics import DERIVATIVES, magnitudes
from feint.evaluation.attack_task import IS_ATTACK
from feint.reproduction import target_alignments
from feint.reproduction.metrics import case_rows
from feint.reproduction.parts.attacks import strong_rows
from feint.reproduction.profiles import FEW_TARGETS, PAPER, UPDATE_RULES
from feint.reproduction.runner import Reproduction


def fig4(r: Reproduction) -> None:
    """Vary the smoothness weight lambda, with three update rules."""
    chosen = (0.3,) if 0.3 in r.profile.epsilons else (max(r.profile.epsilons),)
    rules = {"sign": "paper-eq6", "adam": "paper-adam", "strong": "strong"}
    tables, motions = [], []
    for rule in UPDATE_RULES:
        settings = r.profile.strong if rule == "strong" else r.profile.paper
        for weight in r.profile.lambdas:
            experiment = r.experiment(
                "smoothness",
                PAPER[:1],
                rules[rule],
                settings={**settings, "smoothness": weight},
                epsilons=chosen,
                labels=FEW_TARGETS,
            )
            key: dict[str, Any] = {"update_rule": rule, "smoothness": f"{weight:g}"}
            rows = r.scored_rows(experiment)
            if weight in (0.0, 0.1):
                one = rows.filter(IS_ATTACK, pl.col("true_class") != pl.col("target"))
                one = one.sort("target", "sequence").head(1)
                motions.append(r.motion(f"{rule} {weight:g}", one, rows))
            tables.append(r.add_metrics(rows, **key))
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


CASE_COLUMNS = (
    "surrogate", "victim", "target", "attack", "eps", "sequence", "true_class",
    "clean_cm", "error_cm", "clean_recognised_as", "recognised_as", "target_probability",
    "perturbation_cm", "n", "successes",
)  # fmt: skip
"""Columns of the table of cases."""


def cases(r: Reproduction) -> None:
    """Choose the cases of Figures 1 to 3 by a rule: a success and a failure each."""
    every = r.scored_rows(r.experiment("strong", PAPER, transfer=True))
    judged = strong_rows(r)
    largest = (max(r.profile.epsilons),)
    staying = r.experiment(
        "cases", PAPER, epsilons=largest, labels=("approaching",), role="responder"
    )
    stays = r.scored_rows(staying)
    roles = pl.DataFrame({"sequence": r.data.test.keys, "role": r.data.test.roles})
    chosen, motions = [], []
    staying_rows = r.add_metrics(stays, include_own_class=True)
    for case, which in case_rows(judged, staying_rows, roles).items():
        rows = stays if case.endswith("remaining") else every
        at = ["surrogate", "victim", "target", "attack", "eps", "sequence"]
        for kind, row in which.items():
            found = rows.join(pl.DataFrame([row]).select(at), on=at, how="semi")
            motions.append(r.motion(f"{case}: {kind}", found, rows))
            chosen.append({"case": case, "kind": kind, **{k: row.get(k) for k in CASE_COLUMNS}})
    if chosen:
        r.save("cases", pl.DataFrame(chosen, infer_schema_length=None))
        r.save("cases-motion", pl.concat(motions))


def variants(r: Reproduction) -> None:
    """Compare variants of targets, loss and search where the paper leaves them open."""
    reactors = {name: r.model(name) for name in PAPER}
    targets = target_alignments.table(r.data.train, r.data.test, reactors, r.profile.labels)
    r.save("target_variants", targets)
    paper = dict(r.profile.paper)
    point = {**paper, "surface": "point"}
    annealed = {**point, "schedule": "cosine", "keep": "best"}
    full = {name: value for name, value in paper.items() if name != "precision"}
    attacks = {
        "equation 6 verbatim, kappa in the joint norm": ("paper-eq6", paper, "paper-joint"),
        "the same, with fp32 search": ("paper-eq6", full, "paper-joint"),
        "equation 6 verbatim, kappa in the frame norm": ("paper-eq6", paper, "paper"),
        "equation 6, towards the target itself": ("paper-eq6", point, "paper"),
        "the same, annealed, best iterate kept": ("paper-eq6", annealed, "paper"),
        "Adam 1e-3, towards the target itself": ("paper-adam", point, "paper"),
        "strong, as in Figure 5": ("strong", r.profile.strong, "paper"),
        "strong, the preset: 400 steps, 3 starts, fp32": ("strong", full, "paper"),
    }
    tables = []
    for variant, (preset, settings, tolerance) in attacks.items():
        experiment = r.experiment(
            "variants",
            PAPER[:1],
            preset,
            settings=settings,
            epsilons=(max(r.profile.epsilons),),
            labels=FEW_TARGETS,
            tolerance=tolerance,
        )
        tables.append(r.rows(experiment, variant=variant))
        r.save("attack_variants", pl.concat(tables))
