"""Numbers about the reactors: reactors.md.jinja and regularised.md.jinja."""

from typing import Any

import polars as pl

from feint.io.text import number
from feint.reproduction.page.figures import NAMES
from feint.reproduction.page.markdown import Images
from feint.reproduction.page.sections.success import rate_rows
from feint.reproduction.results import Results

TRIVIAL = "trivial: "


def reactors(r: Results, images: Images) -> dict[str, Any]:
    """Values of reactors.md.jinja."""
    table = r.table("models")
    trivial = [name for name in table.columns if name.startswith(TRIVIAL)]
    rows = [
        [
            NAMES[one["model"]],
            f"{one['parameters']:,}",
            f"{one['epochs']} ({one['best_epoch']})",
            number(one["train_cm"]),
            number(one["test_cm"]),
            *(number(one[name]) for name in trivial),
            "" if one["reaction_cm"] is None else number(one["reaction_cm"]),
        ]
        for one in table.iter_rows(named=True)
    ]
    worse = [
        NAMES[one["model"]]
        for one in table.iter_rows(named=True)
        if one["test_cm"] >= min(one[name] for name in trivial)
    ]
    names = [name.removeprefix(TRIVIAL) for name in trivial]
    return {"rows": rows, "trivial": names, "epochs": r.about["epochs"], "worse": worse}


def regularised(r: Results, images: Images) -> dict[str, Any]:
    """Values of regularised.md.jinja."""
    rates = r.regularised_rates.with_columns(victim=pl.col("surrogate"))
    return {"rows": rate_rows(rates, ["victim", "axes", "eps"], reduction=True)}
