"""Which tolerance an experiment means: the one place that decides it.

`evaluation.tolerance` in the TOML is "natural" (measured on the training data, by a job), "paper"
or "paper-joint" (Table 1), a number, or the path of a tolerance file.
"""

from dataclasses import asdict
from pathlib import Path

from feint.errors import FeintError
from feint.evaluation import natural_limits, table1, tolerance
from feint.evaluation.attack_task import AWAY
from feint.evaluation.tolerance import Tolerance
from feint.experiments.config import Experiment
from feint.experiments.plan import Plan
from feint.experiments.results import get_field
from feint.jobs.job import Job
from feint.jobs.store import Store

NATURAL = "natural"


def measured(store: Store, job: Job) -> Tolerance:
    """The natural tolerance that a finished job measured."""
    return Tolerance.from_dict(get_field(store.read(job.key)[1], "tolerance", dict), job.name)


def save_limits(store: Store, plan: Plan, path: Path) -> None:
    """Write the natural limits of pose and of place that a job of the plan measured."""
    measured = get_field(store.read(plan.limits().key)[1], "limits", dict)
    natural_limits.save_limits(path, measured)


def check_limits(store: Store, plan: Plan, path: Path) -> None:
    """Check that a run's limits.json holds what its job measured; nothing where none is needed.

    Raises:
        FeintError: the file is missing, damaged, or holds other limits.
    """
    if not plan.has_limits:
        return
    if not path.exists():
        raise FeintError("it is not there. Run `feint run` again.", "missing-file")
    measured = get_field(store.read(plan.limits().key)[1], "limits", dict)
    found = natural_limits.load_limits(path)
    if measured != {
        kind: {label: asdict(one) for label, one in each.items()} for kind, each in found.items()
    }:
        raise FeintError("it is not what was measured. Run `feint run` again.", "damaged-file")


def stated(experiment: Experiment) -> Tolerance | None:
    """The tolerance of an experiment, if no job must measure it: None where it is "natural".

    Raises:
        FeintError: its file cannot be read.
    """
    asked = experiment.evaluation.tolerance
    if asked == NATURAL:
        return None
    if asked in ("paper", "paper-joint"):
        return table1.paper("joint" if asked == "paper-joint" else "frame")
    if isinstance(asked, float):
        return tolerance.same_for_all(
            asked, experiment.target.labels, AWAY in experiment.target_names
        )
    return Tolerance.load(Path(asked))


def is_file(experiment: Experiment) -> bool:
    """Whether the tolerance is a file of the user's own, which may have changed since."""
    return isinstance(experiment.evaluation.tolerance, Path)
