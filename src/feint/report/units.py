"""The units of a run's numbers, in words: of eps, of eps in cm, of distances.

`Units` reads the experiment and the feature spec alone, no file.  A new unit of eps or of distances
belongs here, and nowhere else in the report.
"""

from dataclasses import dataclass
from typing import Any

from feint.columns import Columns, FeatureSpec
from feint.evaluation.tolerance import Tolerance
from feint.io.text import join_words
from feint.skeleton import Skeleton


@dataclass(frozen=True)
class Units:
    """Units of one experiment.

    Attributes:
        attack: the experiment's attack, as run.json holds it.
        feature_spec: of the data.
    """

    attack: dict[str, Any]
    feature_spec: FeatureSpec

    @property
    def eps(self) -> str:
        """The unit of eps."""
        if isinstance(self.feature_spec, Columns):
            if self.attack["eps_unit"] == "deviation":
                return "standard deviations of each column"
            return (
                "units of each column"
                if self.attack["eps_per_column"]
                else self.feature_spec.input_unit
            )
        return "cm" if self.attack["eps_unit"] == "cm" else "data units"

    @property
    def attacked_columns(self) -> list[str]:
        """The input columns that the attacker can change."""
        assert isinstance(self.feature_spec, Columns)
        allowed = self.attack["columns"]
        return [name for name in self.feature_spec.inputs if allowed is None or name in allowed]

    def eps_in_cm(self, eps: float) -> dict[str, float]:
        """Eps in cm along each attacked axis of a skeleton."""
        axes = self.attack["axes"]
        if self.eps == "cm":
            return dict.fromkeys(axes, eps)
        assert isinstance(self.feature_spec, Skeleton)
        scale = dict(zip(self.feature_spec.axes, self.feature_spec.scale, strict=True))
        return {axis: 100 * abs(scale[axis]) * eps for axis in axes}

    @property
    def cm_axis(self) -> tuple[str, float] | None:
        """The axis of a second scale in cm, and cm for each unit of eps; depth if it is attacked.

        None where eps is in cm already, or the data has no cm.
        """
        if self.eps == "cm" or isinstance(self.feature_spec, Columns):
            return None
        scale = self.eps_in_cm(1.0)
        axis = "z" if "z" in scale else next(iter(scale))
        return ("depth" if axis == "z" else axis), scale[axis]

    def eps_in_physical_units(self, eps: float) -> str:
        """Eps in cm along each attacked axis, or in each column's unit; empty if it is already."""
        if self.eps == "cm":
            return ""
        if isinstance(self.feature_spec, Columns):
            return self._eps_by_column(eps, self.feature_spec)
        return join_words(f"{cm:.3g} cm along {axis}" for axis, cm in self.eps_in_cm(eps).items())

    def eps_text(self, eps: float) -> str:
        """Eps with its unit, and in physical units where that says more."""
        physical = self.eps_in_physical_units(eps)
        return f"{eps:g} {self.eps}" + (f" ({physical})" if physical else "")

    def distance(self, tolerance: Tolerance) -> str:
        """The unit of a distance that is compared with this tolerance."""
        if isinstance(self.feature_spec, Columns):
            step = self.feature_spec.step
            per = "a step" if tolerance.per_frame else f"summed over {step}s"
            return f"{self.feature_spec.output_unit} {per}"
        norm = "" if tolerance.norm == "frame" else ", summed over joints"
        per = "a frame" if tolerance.per_frame else "summed over the frames"
        return f"data units {per}{norm}"

    def _eps_by_column(self, eps: float, columns: Columns) -> str:
        if self.attack["eps_unit"] == "data" and not self.attack["eps_per_column"]:
            return ""
        factors = columns.scale if self.attack["eps_unit"] == "deviation" else [
            self.attack["eps_per_column"].get(name, 1.0) for name in columns.inputs
        ]  # fmt: skip
        return ", ".join(
            f"{name} {eps * factor:.3g} {unit}".strip()
            for name, factor, unit in zip(columns.inputs, factors, columns.input_units, strict=True)
            if name in self.attacked_columns
        )
