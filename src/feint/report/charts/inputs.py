"""What every chart is made from: a run, its models, eps and targets in order, a draw of cases.

`interactive.py` makes it once for all sections; what several charts need is read here.
"""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from feint.report.charts.chart import Axis, Control
from feint.report.charts.distance_curves import CaseSample, sample_cases
from feint.report.charts.success_matrix import SuccessMatrix
from feint.report.run_data import RunData

ALL_TARGETS = "all targets together"


@dataclass(frozen=True, eq=False)
class ChartInputs:
    """What a chart may read.

    Attributes:
        run: the run.
        matrix: of the same run, for the order of pairs, eps and targets.
        acceleration_rows: of `cases.case.acceleration_rows`.
    """

    run: RunData
    matrix: SuccessMatrix
    acceleration_rows: pl.DataFrame

    @cached_property
    def sample(self) -> CaseSample:
        """White-box cases whose tensors were read."""
        return sample_cases(self.run)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models attacked white box."""
        return tuple(v for s, v in self.matrix.pairs if s == v)

    @property
    def eps(self) -> tuple[float, ...]:
        """Every eps, rising."""
        return self.matrix.eps

    @property
    def targets(self) -> tuple[str, ...]:
        """What a target can be chosen from; with several, all of them together come first."""
        targets = self.matrix.targets
        return (ALL_TARGETS, *targets) if len(targets) > 1 else targets

    @property
    def model_control(self) -> Control:
        """Chooses one of `models`."""
        return Control("model", "Model attacked", self.models)

    @property
    def eps_control(self) -> Control:
        """Chooses one of `eps`."""
        return Control("eps", "Perturbation of at most", self.matrix.eps_labels, slider=True)

    @property
    def target_control(self) -> Control:
        """Chooses one of `targets`."""
        return Control("target", "Target", self.targets)

    def eps_axis(self, label: str = "eps ({})") -> Axis:
        """An axis of eps, with a second scale in cm where eps is not in cm itself."""
        return eps_axis(self.run, label)

    def sampled(self, model: str) -> str:
        """How many of a model's cases the tensors were read of, in a sentence."""
        read, total = self.sample.cases.get(model, 0), self.sample.total.get(model, 0)
        if read < total:
            return f"Based on {read} of {total} cases, drawn at random."
        return f"Based on all {total} cases."


def eps_axis(run: RunData, label: str = "eps ({})") -> Axis:
    """An axis of eps, with a second scale in cm where eps is not in cm itself."""
    cm, unit = run.units.cm_axis, run.units.eps
    above = None if cm is None else (f"cm along {cm[0]}", cm[1])
    return Axis(label.format(unit), tip=f"at most {{}} {unit}", low=0.0, above=above)
