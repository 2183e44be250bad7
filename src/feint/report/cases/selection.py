"""Which case of a run is drawn: by the run's own rule, or among what the options leave."""

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
"""The paper's Figures 1 to 3: what is seen, and the targets wanted, the first that is there."""
NEAR = 1e-6
"""Of itself: how near an eps has to be to the one asked for."""


@dataclass(frozen=True)
class Selection:
    """What a case shall be; None leaves it open.

    Attributes:
        target: the reaction wanted; true_class: what is seen.
        victim: the model, which the attack was crafted on.
        sequence: its key; an interaction's, for both of its sides.
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
        told = [f"{name} {value}" for name, value in asdict(self).items() if value is not None]
        return join_words(told) if told else "anything"

    def among(self, run: RunData) -> pl.DataFrame:
        """The attacked rows that fit, white box, at every eps unless one is asked for.

        Raises:
            FeintError: there is none; it says what there is.
        """
        rows = white(run)
        fitting = rows
        for name in ("target", "true_class", "victim"):
            if (asked := getattr(self, name)) is not None:
                fitting = fitting.filter(pl.col(name) == asked)
        if self.sequence is not None:
            fitting = fitting.filter(
                (pl.col("sequence") == self.sequence) | (self.sequence == INTERACTION)
            )
        if self.eps is not None:
            fitting = fitting.filter((pl.col("eps") - self.eps).abs() <= NEAR * abs(self.eps))
        if not len(fitting):
            raise FeintError(
                f"{run.folder} has no attacked sequence with {self}. It has {has(rows)}. "
                "Select one of these, or leave an option out."
            )
        return fitting


def white(run: RunData) -> pl.DataFrame:
    """Every attacked row whose model the attack knew.

    Raises:
        FeintError: there is none.
    """
    rows = run.judged.filter(WHITE_BOX)
    if not len(rows):
        raise FeintError(
            f"{run.folder} holds no attacked sequence: every test sequence is of the target's "
            "own class, and is not asked. Run an experiment with other target labels."
        )
    return rows


def has(rows: pl.DataFrame) -> str:
    """What rows there are to select from, in words."""
    pairs = rows.select("true_class", "target").unique().sort("true_class", "target").rows()
    targets: dict[str, list[str]] = {}
    for label, target in pairs:
        targets.setdefault(target, []).append(label)
    asked = [f"{target} wanted of {', '.join(labels)}" for target, labels in targets.items()]
    victims = sorted(set(rows["victim"]))
    eps = [f"{one:g}" for one in sorted(set(rows["eps"]))]
    first = min(rows["sequence"].to_list())
    return (
        f"{'; '.join(asked)}; victims {', '.join(victims)}; eps {', '.join(eps)}; "
        f"{rows['sequence'].n_unique()} sequences such as {first}"
    )


def objective(run: RunData, name: str, asked: Selection) -> Selection:
    """The selection with what a figure of the paper shows: its true class and the target there is.

    Raises:
        FeintError: the options ask for another objective, or the run has not got this one.
    """
    true_class, targets = OBJECTIVES[name]
    told = f"{name} is {true_class} seen and {' or '.join(targets)} wanted"
    if asked.true_class not in (None, true_class) or asked.target not in (None, *targets):
        raise FeintError(
            f"{told}, and the options ask for {asked}. Leave --true-class and --target out, or "
            "draw it with `feint figure case`."
        )
    wanted = targets if asked.target is None else (asked.target,)
    rows = white(run)
    for target in wanted:
        if len(rows.filter((pl.col("true_class") == true_class) & (pl.col("target") == target))):
            return replace(asked, true_class=true_class, target=target)
    raise FeintError(
        f"{told}; {run.folder} has no such sequence. It has {has(rows)}. Attack {true_class} "
        f"with target.labels = {list(targets[:1])}, or draw what is there with `feint figure case`."
    )


def select(run: RunData, asked: Selection) -> Case:
    """The case asked for; by the run's rule (`case.choose`) where several fit.

    Raises:
        FeintError: there is none, or its tensors are not there.
    """
    rows = asked.among(run)
    if asked.case is not None:
        return read(run, *_named(run, rows, asked.case))
    largest = float(rows["eps"].max())  # type: ignore[arg-type]
    where = "at the largest eps" if asked.eps is None else f"at eps {largest:g}"
    return read(run, *pick(rows.filter(pl.col("eps") == largest), where))


def _named(run: RunData, rows: pl.DataFrame, case: str) -> tuple[dict[str, Any], str]:
    fitting = {case_id(row): row for row in rows.iter_rows(named=True)}
    if case in fitting:
        return fitting[case], f"it is the case {case}"
    told = [(row, why) for row, why in notable_cases(run) if case_id(row) in fitting]
    if re.fullmatch(r"[0-9]{1,6}", case) and 1 <= int(case) <= len(told):
        row, why = told[int(case) - 1]
        return row, f"it is case {case} of the player's list, {why}"
    places = f", or a place in its list, 1 to {len(told)}" if told else ""
    raise FeintError(
        f"{run.folder} has no case {case!r} with what else is asked. Expected the id in a "
        f"link of the report's player (#case=..., {next(iter(fitting))} say){places}."
    )
