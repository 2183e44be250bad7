"""Numbers of Figure 5: white_box.md.jinja, black_box.md.jinja and differences.md.jinja.

`rate_rows` makes the cells of every table of rates.
"""

from typing import Any

import polars as pl

from feint.io.text import percent, percent_interval
from feint.reproduction.page import figures
from feint.reproduction.page.figures import NAMES
from feint.reproduction.page.markdown import Images
from feint.reproduction.results import Results

MODELS = ("tcn", "deepgru")
SAME = pl.col("surrogate") == pl.col("victim")
LARGEST = pl.col("eps") == pl.col("eps").max()


def one_row(table: pl.DataFrame, **values: Any) -> dict[str, Any]:
    """The first row with these values."""
    found = table.filter(*(pl.col(name) == value for name, value in values.items()))
    return found.row(0, named=True)


def white_box(r: Results, images: Images) -> dict[str, Any]:
    """Values of white_box.md.jinja."""
    for preset in presets(r):
        some = r.fig5_rates.filter(pl.col("preset") == preset)
        images.draw(f"fig5-white-{preset}", figures.fig5, some, "white")
    by_target = r.fig5_target_rates.filter(SAME, LARGEST)
    strong = r.fig5_target_rates.filter(pl.col("preset") == "strong", LARGEST)
    images.draw("fig5-targets", figures.by_target, strong)
    return {
        "presets": presets(r),
        "rows": rate_rows(r.fig5_rates.filter(SAME), ["preset", "victim", "eps"]),
        "comparisons": _comparisons(r, "white"),
        "target_rows": rate_rows(by_target, ["preset", "victim", "target"], reduction=True),
        "eps": max(by_target["eps"].to_list()),
    }


def black_box(r: Results, images: Images) -> dict[str, Any]:
    """Values of black_box.md.jinja."""
    for preset in presets(r):
        some = r.fig5_rates.filter(pl.col("preset") == preset)
        images.draw(f"fig5-black-{preset}", figures.fig5, some, "black")
    by = ["preset", "surrogate", "victim", "eps"]
    return {
        "presets": presets(r),
        "rows": rate_rows(r.fig5_rates.filter(~SAME), by, reduction=True),
        "comparisons": _comparisons(r, "black"),
    }


def differences(r: Results, images: Images) -> dict[str, Any]:
    """Values of differences.md.jinja."""
    eps = max(r.about["eps"])
    strong = r.fig5_rates.filter(pl.col("preset") == "strong", pl.col("eps") == eps)
    rates = {
        f"{surrogate}_{victim}": {
            name: one_row(strong, surrogate=surrogate, victim=victim, criterion=name)
            for name in ("table1_frame", "table1_joint", "recognised")
        }
        for surrogate in MODELS
        for victim in MODELS
    }
    clean = rates["tcn_tcn"]["table1_joint"]["clean_success_rate"]
    return {
        "eps": eps,
        "rates": rates,
        "updates": _updates(r) if r.has("attack_variants") else None,
        "models": {one["model"]: one for one in r.table("models").iter_rows(named=True)},
        "like_the_papers": abs(clean - 0.3) < 0.1,
    }


def _updates(r: Results) -> dict[str, dict[str, Any]]:
    """The variants of the update that the text names, with the joint norm."""
    some = r.variant_rates.filter(pl.col("criterion") == "table1_joint")
    by_name = {one["variant"]: one for one in some.iter_rows(named=True)}
    return {
        "joint": by_name["equation 6 verbatim, kappa in the joint norm"],
        "frame": by_name["equation 6 verbatim, kappa in the frame norm"],
        "point": by_name["equation 6, towards the target itself"],
        "adam": by_name["Adam 1e-3, towards the target itself"],
        "strong": by_name["strong, as in Figure 5"],
    }


def presets(r: Results) -> list[str]:
    """The presets that were run."""
    return list(r.fig5["preset"].unique(maintain_order=True))


def _comparisons(r: Results, kind: str) -> list[dict[str, Any]]:
    """The paper's statement about each victim, and the rates of every preset at its largest eps."""
    found = []
    for victim in MODELS:
        (begin, end), _, statement = figures.PAPER_SAYS[(victim, kind)]
        surrogate = victim if kind == "white" else ("deepgru" if victim == "tcn" else "tcn")
        ours = []
        for preset in presets(r):
            some = r.fig5_rates.filter(
                pl.col("preset") == preset, pl.col("surrogate") == surrogate,
                pl.col("victim") == victim,
                pl.col("eps").is_between(begin - 1e-9, end + 1e-9),
            )  # fmt: skip
            if not len(some):
                continue
            top = some.filter(LARGEST)
            names = ("table1_frame", "table1_joint", "recognised")
            rates = {name: one_row(top, criterion=name) for name in names}
            ours.append({"preset": preset, "eps": top["eps"][0], **rates})
        name = NAMES[victim] if kind == "white" else f"{NAMES[surrogate]} -> {NAMES[victim]}"
        said = {"name": name, "paper": statement, "begin": begin, "end": end}
        found.append({**said, "ours": ours})
    return found


def rate_rows(rates: pl.DataFrame, by: list[str], reduction: bool = False) -> list[list[str]]:
    """The cells of a table of rates, for the macro `rates_table`.

    Args:
        rates: rates of `metrics.rates` with all criteria.
        by: the first columns.
        reduction: whether to add the distance reduction.
    """
    lines = []
    for keys, some in rates.group_by(by, maintain_order=True):
        line = [NAMES.get(str(k), f"{k:g}" if isinstance(k, float) else str(k)) for k in keys]
        line.append(str(some["n"][0]))
        for criterion in ("table1_frame", "table1_joint", "recognised"):
            one = one_row(some, criterion=criterion)
            noise = percent(one["noise_success_rate"])
            clean = percent(one["clean_success_rate"])
            line.append(f"{percent(one['success_rate'])} ({clean}, {noise})")
            if criterion != "table1_frame":
                name = "success_rate_if_clean_fails"
                interval = percent_interval(one[f"{name}_low"], one[f"{name}_high"])
                line.append(f"{percent(one[name])} ({interval})")
        both = one_row(some, criterion="recognised_both")
        line.append(f"{percent(both['success_rate'])} ({percent(both['clean_success_rate'])})")
        if reduction:
            line.append(percent(both["distance_reduction"]))
        lines.append(line)
    return lines
