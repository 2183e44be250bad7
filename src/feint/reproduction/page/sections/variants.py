"""Numbers of variants.md.jinja: targets and attacks where the paper leaves them open."""

from typing import Any

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.io.text import number, percent
from feint.reproduction.page.figures import NAMES
from feint.reproduction.page.markdown import Images
from feint.reproduction.page.sections.success import one_row
from feint.reproduction.results import Results


def variants(r: Results, images: Images) -> dict[str, Any]:
    """Values of variants.md.jinja."""
    attacked = r.table("attack_variants").filter(IS_ATTACK)
    return {
        "target_rows": _target_rows(r.table("target_variants")),
        "attack_rows": _attack_rows(r),
        "eps": max(attacked["eps"].to_list()),
        "targets": sorted(set(attacked["target"])),
        "n_sequences": attacked["sequence"].n_unique(),
    }


def _target_rows(table: pl.DataFrame) -> list[list[str]]:
    def pair(one: dict[str, Any], name: str) -> str:
        return f"{percent(one[f'{name}_frame'])} / {percent(one[f'{name}_joint'])}"

    return [
        [
            one["variant"],
            NAMES[one["model"]],
            f"{number(one['distance_frame'])} / {number(one['distance_joint'])}",
            pair(one, "success"),
            pair(one, "real_success"),
        ]
        for one in table.iter_rows(named=True)
    ]


def _attack_rows(r: Results) -> list[list[str]]:
    rows = []
    for variant in r.table("attack_variants")["variant"].unique(maintain_order=True):
        rates = {
            name: one_row(r.variant_rates, variant=variant, criterion=name)
            for name in ("recognised", "table1_frame", "table1_joint")
        }
        first = rates["recognised"]
        rows.append(
            [
                variant,
                f"{number(first['clean_cm'])} -> {number(first['error_cm'])}",
                percent(first["distance_reduction"]),
                *(
                    f"{percent(one['clean_success_rate'])} -> {percent(one['success_rate'])}"
                    for one in rates.values()
                ),
            ]
        )
    return rows
