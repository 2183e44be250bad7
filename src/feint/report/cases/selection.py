"""Select the case that `feint figure`, `animate` and `rerun` draw, by their options.

A new option that chooses a case is a field of `Selection`.  The page's own choice is in `case.py`.
"""

import re
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from feint.errors import FeintError
from feint.evaluation.success_rates import INTERACTION
from feint.io.text import join_words
from feint.report.cases.case import WHITE_BOX, Case, pick, read
from feint.report.cases.player import case_id, notable_cases
from feint.report.run_data import RunData

OBJECTIVES = {
    "fig1": ("handshaking", ("punching",)),
    "fig2": ("punching", ("handshaking",)),
    "fig3": ("approaching", ("remaining", "departing")),
}
"""The paper's Figures 1 to 3: the true class, and its targets, of which the first there is used."""
EPS_TOLERANCE = 1e-6
"""Relative: two eps nearer than this are the same."""


@dataclass(frozen=True)
class Selection:
    """What a case must match; None matches everything.

    Attributes:
        target, true_class: of the row.
        victim: the model; the attack was crafted on it.
        sequence: its key, or the key of its interaction.
        eps: in the run's unit; the largest that is left if not given.
        case: the id that the player's links name (`#case=...`), or a place in the player's list,
            from 1, among the cases that the rest leaves.
    """

    target: str | None = None
    true_class: str | None = None
    victim: str | None = None
    sequence: str | None = None
    eps: float | None = None
    case: str | None = None

    def __str__(self) -> str:
        given = [f"{name} {value}" for name, value in asdict(self).items() if value is not None]
        return join_words(given) if given else "anything"

    def rows(self, run: RunData) -> pl.DataFrame:
        """The white-box rows that match, at every eps unless one is given.

        Raises:
            FeintError: no row matches; the message says which rows there are.
        """
        rows = white_box_rows(run)
        fitting = rows
        for name in ("target", "true_class", "victim"):
            if (value := getattr(self, name)) is not None:
                fitting = fitting.filter(pl.col(name) == value)
        if self.sequence is not None:
            fitting = fitting.filter(
                (pl.col("sequence") == self.sequence) | (self.sequence == INTERACTION)
            )
        if self.eps is not None:
            fitting = fitting.filter(
                (pl.col("eps") - self.eps).abs() <= EPS_TOLERANCE * abs(self.eps)
            )
        if not len(fitting):
            raise FeintError(
                f"{run.folder} has no attacked sequence with {self}. It has {describe_rows(rows)}. "
                "Select one of these, or leave an option out.",
                code="no-such-case",
            )
        return fitting


def white_box_rows(run: RunData) -> pl.DataFrame:
    """Every row of the attack whose victim is its surrogate.

    Raises:
        FeintError: there is no such row.
    """
    rows = run.judged.filter(WHITE_BOX)
    if not len(rows):
        raise FeintError(
            f"{run.folder} holds no attacked sequence: every test sequence is of the target's "
            "own class. Run an experiment with other target labels.",
            code="nothing-attacked",
        )
    return rows


def describe_rows(rows: pl.DataFrame) -> str:
    """The values that a selection can match, in words."""
    pairs = rows.select("true_class", "target").unique().sort("true_class", "target").rows()
    targets: dict[str, list[str]] = {}
    for label, target in pairs:
        targets.setdefault(target, []).append(label)
    pairs_text = [f"target {target} of {', '.join(labels)}" for target, labels in targets.items()]
    victims = sorted(set(rows["victim"]))
    eps = [f"{one:g}" for one in sorted(set(rows["eps"]))]
    first = min(rows["sequence"].to_list())
    return (
        f"{'; '.join(pairs_text)}; victims {', '.join(victims)}; eps {', '.join(eps)}; "
        f"{rows['sequence'].n_unique()} sequences such as {first}"
    )


def with_objective(run: RunData, name: str, selection: Selection) -> Selection:
    """The selection with what a figure of the paper shows: its true class and the target there is.

    Raises:
        FeintError: the options ask for another objective, or the run has no such rows.
    """
    true_class, targets = OBJECTIVES[name]
    figure = f"{name} shows {true_class} with target {' or '.join(targets)}"
    if selection.true_class not in (None, true_class) or selection.target not in (None, *targets):
        raise FeintError(
            f"{figure}, and the options ask for {selection}. Leave --true-class and --target out, "
            "or draw it with `feint figure case`.",
            code="conflicting-options",
        )
    candidates = targets if selection.target is None else (selection.target,)
    rows = white_box_rows(run)
    for target in candidates:
        if len(rows.filter((pl.col("true_class") == true_class) & (pl.col("target") == target))):
            return replace(selection, true_class=true_class, target=target)
    raise FeintError(
        f"{figure}; {run.folder} has no such sequence. It has {describe_rows(rows)}. Attack "
        f"{true_class} with target.labels = {list(targets[:1])}, or draw another case with "
        "`feint figure case`.",
        code="no-such-case",
    )


def select(run: RunData, selection: Selection) -> Case:
    """The selected case; by the rule of `case.choose` where several match.

    Raises:
        FeintError: no row matches, or its tensors are missing.
    """
    rows = selection.rows(run)
    if selection.case is not None:
        return read(run, *_named(run, rows, selection.case))
    largest = float(rows["eps"].max())  # type: ignore[arg-type]
    where = "at the largest eps" if selection.eps is None else f"at eps {largest:g}"
    return read(run, *pick(rows.filter(pl.col("eps") == largest), where))


def _named(run: RunData, rows: pl.DataFrame, case: str) -> tuple[dict[str, Any], str]:
    fitting = {case_id(row): row for row in rows.iter_rows(named=True)}
    if case in fitting:
        return fitting[case], f"case {case}"
    listed = [(row, why) for row, why in notable_cases(run) if case_id(row) in fitting]
    if re.fullmatch(r"[0-9]{1,6}", case) and 1 <= int(case) <= len(listed):
        row, why = listed[int(case) - 1]
        return row, f"case {case} of the player's list, {why}"
    places = f", or a place in its list, 1 to {len(listed)}" if listed else ""
    raise FeintError(
        f"{run.folder} has no case {case!r} among the rows that match. Expected the id in a link "
        f"of the report's player (#case=..., such as {next(iter(fitting))}){places}.",
        code="no-such-case",
    )
