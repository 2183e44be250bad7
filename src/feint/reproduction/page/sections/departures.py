"""What the paper leaves open, measured."""
# ruff: noqa: E501  (sentences of the page)

from collections.abc import Iterator
from pathlib import Path

from feint.evaluation.attack_task import IS_ATTACK
from feint.reproduction.page import markdown as md
from feint.reproduction.page.figures import NAMES
from feint.reproduction.results import Results


def departures(r: Results, folder: Path) -> Iterator[str]:
    """What the paper leaves open, measured."""
    yield from ("## What the paper leaves open, measured", "", "### Targets, before any attack", "")
    table = r.table("forms")
    yield from md.table(
        [
            "targets",
            "reactor",
            "cm-free distance, frame / joint",
            "clean answers that pass, literal / joint",
            "real reactions that pass",
        ],
        [
            [
                one["variant"],
                NAMES[one["model"]],
                f"{one['frame']:.1f} / {one['joint']:.1f}",
                f"{md.share(one['passes_frame'])} / {md.share(one['passes_joint'])}",
                f"{md.share(one['real_passes_frame'])} / {md.share(one['real_passes_joint'])}",
            ]
            for one in table.iter_rows(named=True)
        ],
    )
    yield ""
    yield (
        "Mean of equation 7 over all test sequences and targets of other classes, and the shares that Table 1's kappa lets pass. "
        "*Real*: what the reactor of another interaction really did."
    )
    yield from ("", "### The attack's forms", "")
    rates = r.variants
    lines = []
    for variant in r.table("variants")["variant"].unique(maintain_order=True):
        rec = md.one_row(rates, variant=variant, yardstick="recognised")
        joint = md.one_row(rates, variant=variant, yardstick="joint")
        literal = md.one_row(rates, variant=variant, yardstick="literal")
        lines.append(
            [
                variant,
                f"{rec['clean_cm']:.1f} -> {rec['error_cm']:.1f}",
                md.share(rec["closed"]),
                f"{md.share(rec['clean'])} -> {md.share(rec['reached'])}",
                f"{md.share(literal['clean'])} -> {md.share(literal['reached'])}",
                f"{md.share(joint['clean'])} -> {md.share(joint['reached'])}",
            ]
        )
    some = r.table("variants").filter(IS_ATTACK)
    yield from md.table(
        ["attack", "cm a joint", "closed", "recognised", "literal kappa", "joint kappa"], lines
    )
    yield ""
    yield (
        f"TCN, eps {max(some['eps'].to_list()):g}, targets {', '.join(sorted(set(some['target'])))}, {some['sequence'].n_unique()} test sequences, "
        "without an attack -> after it."
    )
