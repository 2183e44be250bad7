"""`Case`: one attacked sequence with its motion in metres, and the rules that choose a case.

The page's first case, the film strips, the player and `feint figure` choose by these rules.
Cases of tables are in series_case.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl
from jaxtyping import Float
from torch import Tensor

from feint.data.kinematics import mean_acceleration
from feint.errors import FeintError
from feint.evaluation.attack_task import AWAY, IS_ATTACK, NONE
from feint.evaluation.rows import TASK_KEY
from feint.report.run_data import RunData
from feint.skeleton import Skeleton

Motion = Float[Tensor, "frames joints axes"]
WHITE_BOX = IS_ATTACK & (pl.col("surrogate") == pl.col("victim"))
"""Rows whose victim is the surrogate."""
DISTANCE_CHANGE = (pl.col("clean_distance") - pl.col("distance")).abs()
"""How much the distance changed: towards the target, or, untargeted, away from the reference."""


@dataclass(frozen=True, eq=False)
class Case:
    """One attacked sequence and the model's outputs.

    Attributes:
        row: of `RunData.judged`.
        clean_row: the same sequence without an attack.
        rule: why it was chosen, in words.
        skeleton: of the motion.
        actor, actor_adv: the model's input as recorded and as attacked, in metres.
        answer, answer_adv: its output for each.
        target: the target.
    """

    row: dict[str, Any]
    clean_row: dict[str, Any]
    rule: str
    skeleton: Skeleton
    actor: Motion
    actor_adv: Motion
    answer: Motion
    answer_adv: Motion
    target: Motion

    @property
    def succeeded(self) -> bool:
        """The attack is a success, and the answer without an attack is not one."""
        return bool(self.row["success"]) and not self.row["clean_success"]


def choose(run: RunData) -> tuple[dict[str, Any], str] | None:
    """The row to show and the rule it was chosen by; None if nothing was attacked white box.

    Among the sequences that fail without an attack, at the largest eps: the success whose distance
    changed the most, or the median row (of two medians the lesser) if there is no success.
    """
    rows = attacked_rows(run)
    if not len(rows):
        return None
    row, rule = pick(rows)
    if row["success"] and not row["clean_success"]:
        rule += "; the median success is below"
    return row, rule


def pick(rows: pl.DataFrame, where: str = "at the largest eps") -> tuple[dict[str, Any], str]:
    """The rule of `choose` on some rows of `RunData.judged`; `where` says in words which rows."""
    open_ = rows.filter(~pl.col("clean_success"))
    if not len(open_):
        return median_row(rows), (
            "every sequence succeeds without an attack, so this is the one with the median "
            f"{distance_share(rows)}"
        )
    if not bool(open_["success"].any()):
        return median_row(open_), (
            f"no attack succeeds {where}, so this is the failure with the median "
            f"{distance_share(rows)}"
        )
    successes = _successes(rows)
    clearest = successes.sort(
        [DISTANCE_CHANGE, "victim", "target", "sequence"],
        descending=[True, False, False, False],
    )
    row = clearest.row(0, named=True)
    way = "moved farthest" if row["target"] == AWAY else "came farthest towards its target"
    return row, (
        f"of the {len(successes)} successes {where} the one whose output {way}: "
        "it shows what an attack can do, not what is usual"
    )


def distance_share(rows: pl.DataFrame) -> str:
    """What rows are ordered by, in words: how far outputs came to a target, or away."""
    untargeted = bool((rows["target"] == AWAY).any())
    return "gain of distance" if untargeted else "distance reduction"


def goal_text(row: Mapping[str, Any]) -> str:
    """The goal of a row's attack: its target, or untargeted."""
    return "untargeted" if row["target"] == AWAY else f"target {row['target']}"


def median_success(run: RunData) -> dict[str, Any] | None:
    """The success with the median distance reduction; None without one."""
    successes = _successes(attacked_rows(run))
    return median_row(successes) if len(successes) else None


def worst_failure(run: RunData) -> dict[str, Any] | None:
    """The failure with the least distance reduction at the largest eps; None without one."""
    failures = attacked_rows(run).filter(~pl.col("clean_success") & ~pl.col("success"))
    return _sorted(failures).row(0, named=True) if len(failures) else None


def attacked_rows(run: RunData) -> pl.DataFrame:
    """White-box rows of the attack at the largest eps whose motion can be read."""
    rows = run.readable.filter(WHITE_BOX)
    return rows.filter(pl.col("eps") == pl.col("eps").max())


def read(run: RunData, row: dict[str, Any], rule: str) -> Case:
    """Read a row's motion from the run's tensors.

    Raises:
        FeintError: a file is missing, or does not hold the row.
    """
    clean_row = row_without_attack(run, row)
    skeleton, frames = run.skeleton, row["frames"]

    def motion(values: Tensor) -> Motion:
        return skeleton.to_metres(values[:frames, : skeleton.features].float())

    tensors, job = run.tensors, str(row["job"])
    task, i = tensors.attack_task(job), int(row["row"])
    with expect_sequence(run, row, task.keys):
        return Case(
            row,
            clean_row,
            rule,
            skeleton,
            motion(task.x.values[i]),
            motion(tensors.victim_input(job).values[i]),
            motion(tensors.score(clean_row["job"])[0].values[clean_row["row"]]),
            motion(tensors.score(job)[0].values[i]),
            motion(task.targets.values[i]),
        )


def row_without_attack(run: RunData, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of the same task without an attack."""
    same = (pl.col(name) == row[name] for name in TASK_KEY)
    return run.judged.filter(pl.col("attack") == NONE, *same).row(0, named=True)


@contextmanager
def expect_sequence(run: RunData, row: Mapping[str, Any], keys: Sequence[str]) -> Iterator[None]:
    """Read a row's tensors; FeintError unless they are of its sequence.

    Args:
        keys: of the sequences that its job's tensors hold.
    """
    try:
        if keys[row["row"]] != row["sequence"]:
            raise ValueError(f"there is {keys[row['row']]!r} in its place")
        yield
    except (IndexError, ValueError) as error:
        raise FeintError(
            f"The tensors in {run.folder} do not hold the sequence {row['sequence']} of "
            f"rows.parquet ({error}). Run `feint evaluate` again.",
            code="rows-without-tensors",
        ) from error


def acceleration_rows(run: RunData) -> pl.DataFrame:
    """White-box rows of `RunData.readable` with the actor's `acceleration`, and `recorded`'s.

    Both are means over joints in m/s2; null where a sequence is too short for them.
    """
    judged = run.readable.filter(pl.col("surrogate") == pl.col("victim"))
    parts = [judged.clear().with_columns(acceleration=pl.lit(None, dtype=pl.Float64))]
    for (job,), rows in judged.group_by("job", maintain_order=True):
        seen = run.tensors.victim_input(str(job)).values
        if int(rows["row"].max()) >= len(seen):  # type: ignore[arg-type]
            raise FeintError(
                f"The job {job} in {run.folder} has {len(seen)} sequences, and rows.parquet "
                "names more. Run `feint evaluate` again.",
                code="rows-without-tensors",
            )
        found = []
        for one, frames in zip(seen[rows["row"].to_list()], rows["frames"], strict=True):
            flat = one[:frames, : run.skeleton.features].float()
            found.append(mean_acceleration(run.skeleton.to_metres(flat), run.skeleton.fps))
        values = pl.Series(found, dtype=pl.Float64)
        parts.append(rows.with_columns(acceleration=values))
    every, key = pl.concat(parts), ["surrogate", "target", "sequence"]
    recorded = every.filter(pl.col("attack") == NONE).select(*key, recorded="acceleration")
    return every.join(recorded, on=key, how="left", validate="m:1")


def mean_accelerations(rows: pl.DataFrame) -> dict[tuple[str, str, float], float]:
    """Mean acceleration of `acceleration_rows` rows, by source, attack and eps.

    What was recorded is there as the attack "none", eps 0.
    """
    means = rows.group_by("surrogate", "attack", "eps").agg(pl.col("acceleration").mean())
    return {(s, a, eps): mean for s, a, eps, mean in means.rows() if mean is not None}


def _successes(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(~pl.col("clean_success") & pl.col("success"))


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    gained = pl.col("distance") - pl.col("clean_distance")
    share = pl.when(pl.col("target") == AWAY).then(gained).otherwise(pl.col("distance_reduction"))
    return rows.sort([share, "victim", "target", "sequence"], nulls_last=True)


def median_row(rows: pl.DataFrame) -> dict[str, Any]:
    """The row in the middle by `distance_share`; of two the lesser."""
    return _sorted(rows).row((len(rows) - 1) // 2, named=True)
