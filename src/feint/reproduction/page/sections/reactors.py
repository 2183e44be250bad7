"""The reactors, overfit as the paper trains them, and not."""
# ruff: noqa: E501  (sentences of the page)

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from feint.reproduction.page import markdown as md
from feint.reproduction.page.figures import NAMES
from feint.reproduction.page.sections.success import rates_table
from feint.reproduction.results import Results


def reactors(r: Results, folder: Path) -> Iterator[str]:
    """The reactors."""
    yield from ("## The reactors", "")
    table = r.table("models")
    trivial = [name for name in table.columns if name.startswith("trivial: ")]
    names = [name.removeprefix("trivial: ") for name in trivial]
    yield from md.table(
        ["reactor", "parameters", "epochs (kept)", "train", "test", *names, "reacts by"],
        [
            [
                NAMES[one["model"]],
                f"{one['parameters']:,}",
                f"{one['epochs']} ({one['kept']})",
                f"{one['train_cm']:.1f}",
                f"{one['test_cm']:.1f}",
                *(f"{one[name]:.1f}" for name in trivial),
                "" if one["reaction_cm"] is None else f"{one['reaction_cm']:.1f}",
            ]
            for one in table.iter_rows(named=True)
        ],
    )
    worse = [
        NAMES[one["model"]]
        for one in table.iter_rows(named=True)
        if one["test_cm"] >= min(one[name] for name in trivial)
    ]
    yield ""
    yield (
        "Mean error of a joint in cm, on the training and the test sequences, beside the trivial "
        "predictors on the test sequences; how far the answer moves when another actor is shown. The "
        "paper's two are trained as it says (Adam at 1e-3, "
        f"{r.about['epochs']} epochs, the last one kept, nothing held out). The regularised ones have dropout "
        "(TCN) and stop at the best epoch on a tenth of the interactions."
    )
    if worse:
        yield ""
        yield (
            f"**Not better than the best trivial predictor on the test set: {', '.join(worse)}.** "
            "The trivial predictors that hold the reactor's first pose know more than these reactors "
            "are told; the paper reports no test error."
        )


def regular(r: Results, folder: Path) -> Iterator[str]:
    """Reactors that are not overfit."""
    yield from ("## Reactors that are not overfit", "")
    yield from rates_table(
        r.regular.with_columns(victim=pl.col("surrogate")), ["victim", "axes", "eps"], closed=True
    )
    yield ""
    yield (
        "The same attack on the regularised reactors, depth alone and all axes (eps in data units: 0.45 is 58 cm of depth, 115 cm of x, 86 cm of y). "
        "Beside the paper's own above: what an overfit reactor does is not what a reactor does."
    )
