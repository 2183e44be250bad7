"""Which tolerance an experiment means: the one place that decides it.

`evaluation.tolerance` in the TOML is "natural" (measured on the training data, by a job), "paper"
or "paper-joint" (Table 1), a number, or the path of a tolerance file.
"""

from pathlib import Path

from feint.evaluation import table1, tolerance
from feint.evaluation.attack_task import AWAY
from feint.evaluation.tolerance import Tolerance
from feint.experiments.config import Experiment

NATURAL = "natural"


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
