"""Numbers of the page's first part (overview.md.jinja): does the attack work, what was run."""

from typing import Any

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.reproduction.page.figures import DEPTH, NAMES
from feint.reproduction.page.sections.recognition import accuracy
from feint.reproduction.page.sections.success import MODELS, one_row
from feint.reproduction.parts.attacks import FIG5_PRESETS
from feint.reproduction.results import Results

PARTS = ("regularised", "fig4", "early_stops", "attack_variants")


def overview(r: Results) -> dict[str, Any]:
    """Values of overview.md.jinja."""
    trained = {name.removesuffix("-second-seed") for name in r.about["second_seed"]}
    return {
        "about": r.about,
        "white_box": [_white_box(r, victim) for victim in MODELS] if r.has("fig5") else [],
        "transfer": _transfer(r) if r.has("fig5") else [],
        "ceiling": _ceiling(r) if r.has("recogniser") else None,
        "regularised": _regularised(r) if r.has("regularised") else [],
        "command": _command(r, trained),
        "amounts": _amounts(r),
        "missing_presets": _missing_presets(r),
        "missing_seeds": [NAMES[name] for name in sorted(set(MODELS) - trained)],
    }


def _white_box(r: Results, victim: str) -> dict[str, Any]:
    rates = r.fig5_rates.filter(
        pl.col("preset") == "strong", pl.col("surrogate") == victim, pl.col("victim") == victim
    )
    smallest = rates.filter(pl.col("eps") == pl.col("eps").min())
    largest = rates.filter(pl.col("eps") == pl.col("eps").max())
    first = one_row(smallest, criterion="recognised")
    return {
        "name": NAMES[victim],
        "cm": max(r.about["eps"]) * DEPTH,
        "first": first,
        "first_cm": first["eps"] * DEPTH,
        **{name: one_row(largest, criterion=name) for name in ("recognised", *TABLE_1)},
    }


TABLE_1 = ("table1_frame", "table1_joint")


def _transfer(r: Results) -> list[dict[str, Any]]:
    crossed = r.fig5_rates.filter(
        pl.col("preset") == "strong", pl.col("eps") == max(r.about["eps"]),
        pl.col("surrogate") != pl.col("victim"), pl.col("criterion") == "recognised",
    )  # fmt: skip
    rows = crossed.sort("surrogate", descending=True).iter_rows(named=True)
    return [{**one, "name": f"{NAMES[one['surrogate']]} -> {NAMES[one['victim']]}"} for one in rows]


def _ceiling(r: Results) -> dict[str, float | None]:
    table = r.table("recogniser")
    return {
        "real": accuracy(table, "real", "real reactions, held out"),
        "targets": accuracy(table, "real", "targets"),
    }


def _regularised(r: Results) -> list[dict[str, Any]]:
    rates = r.regularised_rates.filter(pl.col("criterion") == "recognised")
    largest = rates.filter(pl.col("eps") == pl.col("eps").max())
    rows = largest.sort("axes", "surrogate", descending=[True, False]).iter_rows(named=True)
    return [{**one, "name": NAMES[one["surrogate"]].partition(",")[0]} for one in rows]


def _command(r: Results, trained: set[str]) -> str:
    about = r.about
    sizes = " ".join(f"--max-sequences {part}={n}" for part, n in about["reduced"].items())
    command = f"feint reproduce --data DIR --profile {about['profile']} {sizes}".rstrip()
    if trained < set(MODELS):
        command += f' --second-seed "{",".join(sorted(trained))}"'
    return command


def _amounts(r: Results) -> list[tuple[str, int]]:
    """How many test sequences each part attacked: (part or preset, number)."""
    amounts: list[tuple[str, int]] = []
    if r.has("fig5"):
        attacked = r.fig5.filter(IS_ATTACK)
        for (preset,), some in attacked.group_by("preset", maintain_order=True):
            amounts.append((str(preset), some["sequence"].n_unique()))
    for name in PARTS:
        if r.has(name):
            amounts.append((name, r.table(name)["sequence"].n_unique()))
    return amounts


def _missing_presets(r: Results) -> list[str]:
    if not r.has("fig5"):
        return []
    return sorted(set(FIG5_PRESETS) - set(r.fig5["preset"]))
