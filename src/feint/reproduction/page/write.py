"""The page: ours beside the paper's, generated from tables of results by a command."""
# ruff: noqa: E501  (sentences of the page)

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from feint.evaluation.attack_task import IS_ATTACK
from feint.io.atomic import write_text
from feint.reproduction import metrics
from feint.reproduction.page import markdown as md
from feint.reproduction.page.figures import DEPTH, NAMES
from feint.reproduction.page.sections import (
    departures,
    motion,
    reactors,
    recognition,
    success,
    transfer,
)
from feint.reproduction.page.sections.recognition import accuracy
from feint.reproduction.page.sections.success import MODELS
from feint.reproduction.results import Results


def write(results: Path, folder: Path) -> Path:
    """Write reproduction.md and its images into a folder, from results alone.

    Returns:
        the page's path.
    """
    found = Results(results)
    found.about  # noqa: B018  (there, or an error before anything is written)
    lines: list[str] = []
    for part, section in SECTIONS:
        if all(found.has(name) for name in part):
            lines += [*section(found, folder), ""]
        else:
            missing = ", ".join(name for name in part if not found.has(name))
            title = section.__doc__.splitlines()[0] if section.__doc__ else ""
            lines += [f"## {title.rstrip('.')}", "", f"Not run yet ({missing} is not there).", ""]
    text = "\n".join([*_head(found), *lines]).rstrip() + "\n"
    path = folder / "reproduction.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    return path


def _head(r: Results) -> list[str]:
    about = r.about
    lines = ["# The paper, reproduced", "", *_answers(r), ""]
    lines += [
        f"Profile `{about['profile']}`, seed {about['seed']}, {about['train']} training and "
        f"{about['test']} test sequences (both people once as the actor), torch {about['torch']}. "
        "All rows are made by",
        "",
        "```",
        _command(r),
        "```",
        "",
        "and the page from the tables by `feint reproduce --results RESULTS --out docs`.",
        "",
        "Intervals are 95 %, bootstrap over interactions. Sequences whose own class is the target are "
        "left out. *Reached* is of all others; *clean* is the same without an attack, *noise* under "
        "random noise of the same size (either of two kinds); *moved* is of those that did not count "
        "without an attack. The page of every ambiguity of the paper is [departures.md](departures.md).",
        "",
    ]
    fractions = _fractions(r)
    if fractions:
        lines += ["How much was run: " + "; ".join(fractions) + ".", ""]
    return lines


def _command(r: Results) -> str:
    about = r.about
    asked = " ".join(f"--max-sequences {part}={n}" for part, n in about["fewer"].items())
    command = f"feint reproduce --data DIR --profile {about['profile']} {asked}".rstrip()
    missing = {"tcn", "deepgru"} - {name.removesuffix("-again") for name in about["again"]}
    if missing:
        left = ",".join(sorted({"tcn", "deepgru"} - missing))
        command += f' --second-seed "{left}"'
    return command


def _fractions(r: Results) -> list[str]:
    told = []
    test = r.about["test"]
    if r.has("fig5"):
        for preset, some in r.fig5.filter(IS_ATTACK).group_by("preset", maintain_order=True):
            n = some["sequence"].n_unique()
            told.append(
                f"Figure 5 with `{preset[0]}` on {n} of {test} test sequences"
                + ("" if n == test else ", a seeded sample")
            )
        left = {"strong", "paper-adam", "paper-eq6"} - set(r.fig5["preset"])
        told += [f"Figure 5 with `{preset}` not yet" for preset in sorted(left)]
    for name, words in (
        ("regular", "regularised reactors"),
        ("fig4", "Figure 4"),
        ("stopped", "attacks stopped early"),
        ("variants", "variants of the attack"),
    ):
        if r.has(name):
            told.append(f"{words} on {r.table(name)['sequence'].n_unique()} of {test}")
    missing = {"tcn", "deepgru"} - {name.removesuffix("-again") for name in r.about["again"]}
    told += [f"{NAMES[name]} with another seed not yet" for name in sorted(missing)]
    return told


def _answers(r: Results) -> list[str]:
    """The first lines: does it work, on which model, how far, and how much is there without it."""
    if not r.has("fig5"):
        return ["Figure 5 was not run yet."]
    lines = []
    largest = max(r.about["eps"])
    for victim in MODELS:
        white = r.rates5.filter(
            pl.col("preset") == "strong",
            pl.col("surrogate") == victim,
            pl.col("victim") == victim,
        )
        at = {y: white.filter(pl.col("yardstick") == y).sort("eps") for y in metrics.YARDSTICKS}
        last = {y: t.row(-1, named=True) for y, t in at.items()}
        first = {y: t.row(0, named=True) for y, t in at.items()}
        rec, lit, joint = last["recognised"], last["literal"], last["joint"]
        lines.append(
            f"* **{NAMES[victim]}**: depth changed by at most {largest * DEPTH:.0f} cm in every joint "
            f"and frame (eps {largest:g}), `strong` brings the answer from {rec['clean_cm']:.0f} to "
            f"{rec['error_cm']:.0f} cm a joint of its target ({md.share(rec['closed'])} of the way in the median), and a "
            f"recogniser calls {md.share(rec['reached'])} ({md.interval(rec, 'reached_low', 'reached_high')}) of the answers the target: "
            f"without an attack {md.share(rec['clean'])}, under noise {md.share(rec['noise'])}. At "
            f"{first['recognised']['eps'] * DEPTH:.1f} cm it is {md.share(first['recognised']['reached'])}. "
            f"By the paper's kappa read literally {md.share(lit['reached'])} succeed, and "
            f"**{md.share(lit['clean'])} do without any attack**; by the norm taken joint by joint "
            f"{md.share(joint['reached'])} and {md.share(joint['clean'])}."
        )
    crossed = r.rates5.filter(
        pl.col("preset") == "strong", pl.col("eps") == largest,
        pl.col("surrogate") != pl.col("victim"), pl.col("yardstick") == "recognised",
    )  # fmt: skip
    told = [
        f"{NAMES[one['surrogate']]} -> {NAMES[one['victim']]} {md.share(one['closed'])} of the way, recognised {md.share(one['clean'])} -> {md.share(one['reached'])}"
        for one in crossed.sort("surrogate", descending=True).iter_rows(named=True)
    ]
    if told:
        lines.append(f"* **On the other reactor** (eps {largest:g}): " + "; ".join(told) + ".")
    ceiling = _ceiling(r)
    if ceiling:
        lines.append(ceiling)
    if r.has("regular"):
        regular = _regular_sentence(r)
        if regular:
            lines.append(regular)
    return ["**Does it work?**", "", *lines]


def _ceiling(r: Results) -> str:
    if not r.has("recogniser"):
        return ""
    table = r.table("recogniser")
    held = accuracy(table, "real", "real reactions, held out")
    asked = accuracy(table, "real", "targets as asked")
    return (
        f"* The ceiling: the recogniser names {md.share(held)} of real held-out reactions and "
        f"{md.share(asked)} of the targets as they are asked for."
    )


def _regular_sentence(r: Results) -> str:
    rates = r.regular.filter(pl.col("yardstick") == "recognised")
    largest = rates.filter(pl.col("eps") == pl.col("eps").max())
    words = []
    for one in largest.sort("axes", "surrogate", descending=[True, False]).iter_rows(named=True):
        words.append(
            f"{NAMES[one['surrogate']].partition(',')[0]}, {one['axes']}: {md.share(one['closed'])} of "
            f"the way, recognised {md.share(one['clean'])} -> {md.share(one['reached'])}"
        )
    return f"* Regularised reactors (eps {largest['eps'][0]:g}): " + "; ".join(words) + "."


SECTIONS: list[tuple[tuple[str, ...], Callable[[Results, Path], Iterator[str]]]] = [
    (("models",), reactors.reactors),
    (("fig5",), success.white),
    (("fig5",), success.black),
    (("fig5", "models"), success.why),
    (("transfer", "stopped", "gradients"), transfer.transfer),
    (("recogniser",), recognition.recogniser),
    (("fig5", "kappa", "separation"), recognition.kappa),
    (("fig4", "natural-motion"), motion.smoothness),
    (("cases",), motion.cases),
    (("fig5",), recognition.table1),
    (("regular",), reactors.regular),
    (("forms", "variants"), departures.departures),
]
"""In the page's order, with the tables each needs."""
