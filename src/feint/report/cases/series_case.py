"""One attacked window of a table, as lines to draw: `Lines`, and which windows a report shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from feint.evaluation.rows import TASK_KEY
from feint.report.cases.case import (
    choose,
    distance_share,
    expect_sequence,
    median_success,
    row_without_attack,
    worst_failure,
)
from feint.report.run_data import RunData

Seen = Float[Tensor, "steps inputs"]


Answered = Float[Tensor, "steps outputs"]


@dataclass(frozen=True, eq=False)
class Lines:
    """One attacked window.

    Attributes:
        row: of `RunData.judged`.
        rule: why it was chosen, in words.
        seen, seen_adv: the input as recorded and as attacked.
        answer, answer_adv: the model's output for each.
        target, true: the target, and the true output.
    """

    row: dict[str, Any]
    rule: str
    seen: Seen
    seen_adv: Seen
    answer: Answered
    answer_adv: Answered
    target: Answered
    true: Answered


def lines(run: RunData) -> Iterator[Lines]:
    """The windows shown: the clearest success, the median one, the worst failure."""
    shown = set()
    chosen, usual, failed = choose(run), median_success(run), worst_failure(run)
    change = distance_share(run.judged)
    for row, rule in (
        chosen or (None, ""),
        (usual, f"the median success, by the {change}"),
        (failed, f"the worst failure, by the {change}"),
    ):
        if row is not None and tuple(row[name] for name in TASK_KEY) not in shown:
            shown.add(tuple(row[name] for name in TASK_KEY))
            yield read(run, row, rule)


def read(run: RunData, row: dict[str, Any], rule: str) -> Lines:
    """Read a row's window from the run's tensors.

    Raises:
        FeintError: a file is missing, or does not hold the row.
    """
    same = row_without_attack(run, row)
    tensors, job, i, steps = run.tensors, str(row["job"]), int(row["row"]), int(row["frames"])
    task = tensors.attack_task(job)
    with expect_sequence(run, row, task.keys):
        return Lines(
            row,
            rule,
            task.x.values[i][:steps],
            tensors.victim_input(job).values[i][:steps],
            tensors.score(same["job"])[0].values[same["row"]][:steps],
            tensors.score(job)[0].values[i][:steps],
            task.targets.values[i][:steps],
            tensors.reactor(job).values[i][:steps],
        )
