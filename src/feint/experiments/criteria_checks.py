"""Part of `feint verify`: the rows of null answers beside answers that are made again."""

import polars as pl
from torch import nn

from feint.columns import FeatureSpec
from feint.errors import FeintError
from feint.evaluation import nulls
from feint.experiments.criteria_tasks import score_nulls
from feint.experiments.problems import Verification
from feint.experiments.results import read_attack_task, read_reactor, read_rows, table
from feint.experiments.tensor_reader import TensorReader
from feint.jobs.job import Job

MEAN_POSE = nulls.PREFIX + "mean-pose"
"""The one null that is not made again: a run's folder does not hold the training set."""


def compare_nulls(
    found: Verification,
    reader: TensorReader,
    job: Job,
    own: dict[str, str],
    some: pl.DataFrame,
    model: nn.Module,
    feature_spec: FeatureSpec,
) -> None:
    """Compare the stored rows of one job's null answers with its result, and that with new ones.

    Args:
        own: surrogate, victim and target, as the plan names them.
        some: the stored rows of the job.

    Raises:
        FeintError: there are not as many rows as null answers.
    """
    tensors, about = reader.store.read(job.needs["targets"])
    task = read_attack_task(tensors, about)
    stored = table([read_rows(reader.store.read(job.key)[1])]).with_row_index("row")
    if sorted(some["row"]) != list(range(len(stored))):
        raise FeintError(
            f"nulls.parquet has {len(some)} of its {len(stored)} rows. Run `feint run` again.",
            "damaged-file",
        )
    right = stored.with_columns(pl.lit(value).alias(name) for name, value in own.items())
    found.compare_columns(job.key, some, right[some["row"].to_list()])
    again = score_nulls(model, task, read_reactor(tensors), feature_spec, None)
    found.compare_columns(job.key, stored.filter(pl.col("attack") != MEAN_POSE), again)
    found.rows += len(some)
