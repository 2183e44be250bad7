"""Who answers to whose attacks, and why."""
# ruff: noqa: E501  (sentences of the page)

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from feint.reproduction import metrics
from feint.reproduction.page import figures
from feint.reproduction.page import markdown as md
from feint.reproduction.page.figures import NAMES
from feint.reproduction.results import Results


def transfer(r: Results, folder: Path) -> Iterator[str]:
    """Why transfer differs."""
    yield from ("## Who answers to whose attacks", "")
    rows = r.judged("transfer")
    rates = metrics.rates(rows, ["surrogate", "victim", "eps"], ("recognised", "joint"))
    largest = rates.filter(pl.col("eps") == pl.col("eps").max())
    recognised = largest.filter(pl.col("yardstick") == "recognised")
    told = (
        "share of the distance closed, median",
        "recognised as the target, of those that were not",
    )
    for value, words in zip(("closed", "moved"), told, strict=True):
        yield from md.image(
            folder,
            f"transfer-{value}",
            figures.matrix(recognised, value, f"{words}"),
            f"Source and victim: {words}",
        )
    yield (
        f"`strong`, eps {largest['eps'][0]:g}. The noise baseline of *moved* is "
        + ", ".join(
            f"{md.share(x)} ({NAMES[v]})"
            for v, x in recognised.group_by("victim")
            .agg(pl.col("moved_noise").mean())
            .sort("victim")
            .rows()
        )
        + "."
    )
    yield ""
    yield from hypotheses(r, folder, recognised)


def hypotheses(r: Results, folder: Path, recognised: pl.DataFrame) -> Iterator[str]:
    """The experiments on why transfer differs."""
    yield from ("### The paper's hypothesis, tested", "")
    yield (
        "The paper suspects that convolutions are more robust than gated units, so that what fools a "
        "TCN has to reach its high-level features and therefore fools a DeepGRU too, and not the "
        "other way round. What the experiments show:"
    )
    yield ""
    at: dict[tuple[str, str], float] = {
        (s, v): x for s, v, x in recognised.select("surrogate", "victim", "closed").rows()
    }

    def closed(surrogate: str, victim: str) -> str:
        return md.share(at.get((surrogate, victim)))

    yield (
        f"1. *Overfit against regularised* (the matrix): TCN -> DeepGRU closes {closed('tcn', 'deepgru')}, "
        f"DeepGRU -> TCN {closed('deepgru', 'tcn')} of the distance (white box "
        f"{closed('tcn', 'tcn')} and {closed('deepgru', 'deepgru')}). Between the regularised ones it is "
        f"{closed('tcn-regular', 'deepgru-regular')} and {closed('deepgru-regular', 'tcn-regular')} "
        f"(white box {closed('tcn-regular', 'tcn-regular')} and "
        f"{closed('deepgru-regular', 'deepgru-regular')})."
    )
    again = [v for v in ("tcn-again", "deepgru-again") if ("tcn", v) in at]
    if again:
        words = "; ".join(
            f"{NAMES[a.removesuffix('-again')]} -> itself with another seed "
            f"{closed(a.removesuffix('-again'), a)}"
            for a in again
        )
        yield (
            f"2. *The same architecture, another seed*: {words}. What transfers to a twin is what the "
            "architecture and the data share; the rest belongs to one training."
        )
    else:
        yield "2. *The same architecture, another seed*: not trained yet."
    steps = metrics.rates(r.judged("stopped"), ["steps", "surrogate", "victim"], ("recognised",))
    told = []
    for surrogate, victim in (("tcn", "deepgru"), ("deepgru", "tcn")):
        for_steps = []
        for n in sorted(set(steps["steps"]), key=int):
            own = md.one_row(steps, steps=n, surrogate=surrogate, victim=surrogate)
            other = md.one_row(steps, steps=n, surrogate=surrogate, victim=victim)
            for_steps.append(f"{n} steps {md.share(own['closed'])} / {md.share(other['closed'])}")
        told.append(f"crafted on {NAMES[surrogate]}: " + ", ".join(for_steps))
    yield (
        "3. *Stopped early* (share of the distance closed on its own reactor / on the other): "
        + "; ".join(told)
        + "."
    )
    gradients = r.table("gradients")
    start = gradients.filter(pl.col("at") == 0, pl.col("surrogate") != pl.col("victim"))
    end = gradients.filter(pl.col("at") == 1, pl.col("surrogate") == pl.col("victim"))
    agree = dict(start.group_by("surrogate").agg(pl.col("agrees").median()).rows())
    turned = dict(end.group_by("surrogate").agg(pl.col("turned").median()).rows())
    yield (
        "4. *The losses along the way* from the clean to the attacked input (figure): the two reactors' "
        f"gradients have a cosine of {agree.get('tcn', float('nan')):.2f} at the clean input (median); at the end of "
        f"the attack the gradient's cosine with the one at its start is "
        f"{turned.get('tcn', float('nan')):.2f} on the TCN and {turned.get('deepgru', float('nan')):.2f} on the DeepGRU."
    )
    yield ""
    yield from md.image(
        folder, "transfer-along", figures.along(gradients), "The losses along the attack"
    )
