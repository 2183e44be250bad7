"""Figure 5: who is moved, white box and black box."""
# ruff: noqa: E501  (sentences of the page)

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from feint.reproduction import markdown as md
from feint.reproduction import pictures
from feint.reproduction.pictures import NAMES
from feint.reproduction.tables import Results

MODELS = ("tcn", "deepgru")


def white(r: Results, folder: Path) -> Iterator[str]:
    """Figure 5 left: white box."""
    yield from ("## Figure 5 left: white box", "")
    for preset in presets(r):
        some = r.rates5.filter(pl.col("preset") == preset)
        image = md.image(folder, f"fig5-white-{preset}", pictures.fig5(some, "white"))
        yield f"![Success against eps, {preset}, by three yardsticks]({image})"
        yield ""
        yield f"`{preset}`: *of all*, by three yardsticks; bars: what the paper reports."
        yield ""
    yield from rates_table(
        r.rates5.filter(pl.col("source") == pl.col("victim")), ["preset", "victim", "eps"]
    )
    yield ""
    yield from compared(r, "white")
    yield from ("", "### Per target", "")
    largest = pl.col("eps") == pl.col("eps").max()
    by_target = r.targets5.filter(pl.col("preset") == "strong", largest)
    image = md.image(folder, "fig5-targets", pictures.by_target(by_target))
    yield f"![Recognised by target]({image})"
    yield ""
    every = r.targets5.filter(pl.col("source") == pl.col("victim"), largest)
    yield from rates_table(every, ["preset", "victim", "target"], closed=True)
    yield ""
    yield f"At eps {max(every['eps'].to_list()):g}; the other eps are in the results."


def black(r: Results, folder: Path) -> Iterator[str]:
    """Figure 5 right: black box."""
    yield from ("## Figure 5 right: black box", "")
    for preset in presets(r):
        some = r.rates5.filter(pl.col("preset") == preset)
        image = md.image(folder, f"fig5-black-{preset}", pictures.fig5(some, "black"))
        yield f"![Transfer against eps, {preset}]({image})"
        yield ""
    yield from rates_table(
        r.rates5.filter(pl.col("source") != pl.col("victim")),
        ["preset", "source", "victim", "eps"],
        closed=True,
    )
    yield ""
    yield from compared(r, "black")


def presets(r: Results) -> list[str]:
    """The presets that were run."""
    return list(r.fig5["preset"].unique(maintain_order=True))


def compared(r: Results, kind: str) -> Iterator[str]:
    """What the paper says, and ours, in sentences."""
    for victim in MODELS:
        (begin, end), _, words = pictures.TOLD[(victim, kind)]
        source = victim if kind == "white" else ("deepgru" if victim == "tcn" else "tcn")
        ours = []
        for preset in presets(r):
            some = r.rates5.filter(
                pl.col("preset") == preset, pl.col("source") == source,
                pl.col("victim") == victim, pl.col("eps") >= begin - 1e-9,
                pl.col("eps") <= end + 1e-9,
            )  # fmt: skip
            if not len(some):
                continue
            top = some.filter(pl.col("eps") == pl.col("eps").max())
            lit, joint, rec = (
                md.one_row(top, yardstick=y) for y in ("literal", "joint", "recognised")
            )
            ours.append(
                f"`{preset}` at {top['eps'][0]:g}: literal {md.share(lit['reached'])} (no attack {md.share(lit['clean'])}), "
                f"joint {md.share(joint['reached'])} ({md.share(joint['clean'])}), recognised {md.share(rec['reached'])} "
                f"({md.share(rec['clean'])})"
            )
        who = NAMES[victim] if kind == "white" else f"{NAMES[source]} -> {NAMES[victim]}"
        yield (f"* {who}: {words} at eps {begin:g} to {end:g}. Ours: " + "; ".join(ours) + ".")


def rates_table(rates: pl.DataFrame, by: list[str], closed: bool = False) -> Iterator[str]:
    """A line for each of `by`; for each yardstick reached (clean, noise), and what was moved."""
    yardsticks = ("literal", "joint", "recognised")
    heads = [{"victim": "reactor", "source": "crafted on"}.get(name, name) for name in by]
    lines = []
    for keys, some in rates.group_by(by, maintain_order=True):
        line = [NAMES.get(str(k), f"{k:g}" if isinstance(k, float) else str(k)) for k in keys]
        line.append(str(some["n"][0]))
        for yardstick in yardsticks:
            one = md.one_row(some, yardstick=yardstick)
            line.append(
                f"{md.share(one['reached'])} ({md.share(one['clean'])}, {md.share(one['noise'])})"
            )
            if yardstick != "literal":
                line.append(f"{md.share(one['moved'])} ({md.interval(one, 'low', 'high')})")
        both = md.one_row(some, yardstick="recognised-both")
        line.append(f"{md.share(both['reached'])} ({md.share(both['clean'])})")
        if closed:
            line.append(md.share(one["closed"]))
        lines.append(line)
    heads += [
        "n",
        "literal (clean, noise)",
        "joint (clean, noise)",
        "joint: moved",
        "recognised (clean, noise)",
        "recognised: moved",
        "second recogniser (clean)",
    ]
    yield from md.table(heads + (["closed"] if closed else []), lines)
