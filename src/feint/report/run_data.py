"""`RunData`: what a run's folder holds, each part read once, when it is first needed.

The first step of every report: pages, terminal, JSON and figures read a run through it.  It never
runs a model.  A part that is missing or damaged raises where it is read; `problems` names all of
them, so that a report can be made of the rest.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from feint.columns import Columns, FeatureSpec, spec_from_dict
from feint.errors import FeintError
from feint.evaluation import model_checks, result_checks, success_rates
from feint.evaluation.attack_task import IS_ATTACK, of_attack
from feint.evaluation.tolerance import Tolerance
from feint.experiments import run_folder
from feint.experiments.config import Experiment
from feint.experiments.config_file import restore
from feint.experiments.tensor_reader import TensorReader
from feint.models.config import EXTERNAL_KINDS
from feint.report import parts
from feint.report.criteria import SuccessCriteria
from feint.report.units import Units
from feint.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class RunData:
    """A run's folder, to be read.

    Attributes:
        folder: of the run.
        description: the content of run.json.
        attack: the name of the attack that is reported on; the experiment's first if empty.
    """

    folder: Path
    description: dict[str, Any]
    attack: str = ""

    @staticmethod
    def load(folder: Path, attack: str = "") -> "RunData":
        """Read a folder's run.json.

        Args:
            attack: the name of the attack to report on; the experiment's first if not given.

        Raises:
            FeintError: the folder holds no run, or it has no such attack.
        """
        run = RunData(folder, run_folder.describe(folder), attack)
        if attack and attack not in run.attacks:
            raise FeintError(
                f"{folder} has no attack {attack!r}; expected one of {', '.join(run.attacks)}.",
                code="unknown-attack",
            )
        return run

    @cached_property
    def tensors(self) -> TensorReader:
        """Reads the tensors that belong to a row."""
        return TensorReader(self.folder)

    @cached_property
    def _restored(self) -> Experiment:
        return restore(self.description["experiment"], str(self.folder / "run.json"))

    @property
    def attacks(self) -> list[str]:
        """The attacks' names, in the experiment's order."""
        return [one.name for one in self._restored.attack]

    @cached_property
    def experiment(self) -> dict[str, Any]:
        """The experiment as run.json holds it, without the data's path; `attack` is one table."""
        content = self._restored.model_dump(mode="json", exclude={"data": {"root"}})
        name = self.attack or self.attacks[0]
        return {**content, "attack": next(o for o in content["attack"] if o["name"] == name)}

    @property
    def models(self) -> list[str]:
        """The models' names, in the experiment's order."""
        return [one["name"] for one in self.experiment["model"]]

    @property
    def pretrained(self) -> list[str]:
        """The names of models that came trained: their training data is not known."""
        return [one["name"] for one in self.experiment["model"] if one["kind"] in EXTERNAL_KINDS]

    @property
    def led_away_from(self) -> str:
        """What an untargeted attack leads outputs away from, in words; empty if targeted."""
        name = self.experiment["attack"]["name"]
        attack = next(one for one in self._restored.attack if one.name == name)
        true = "the true output" if self.of_series else "the true reaction"
        words = {"true": true, "clean": "the clean answer"}
        return "" if attack.targeted else words[attack.reference]

    @property
    def of_series(self) -> bool:
        """Whether the run is on a table."""
        return isinstance(self.feature_spec, Columns)

    @cached_property
    def units(self) -> Units:
        """The units of eps and distances."""
        return Units(self.experiment["attack"], self.feature_spec)

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton of the data.  Raises FeintError if it has none."""
        if isinstance(self.feature_spec, Skeleton):
            return self.feature_spec
        raise FeintError(
            f"{self.folder} is a run on a table, which has no skeleton to draw. Its line plots are "
            "in its report: `feint report` writes them as files beside the page.",
            code="no-skeleton",
        )

    @cached_property
    def feature_spec(self) -> FeatureSpec:
        """What the data's features are: joints, or columns."""
        try:
            return spec_from_dict(self.description["feature_spec"])
        except FeintError as error:
            raise FeintError(
                f"{self.folder / 'run.json'} describes no skeleton and no columns ({error}). Run "
                "the experiment again in another folder.",
                code="damaged-file",
            ) from error

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The rows of the attack that is reported on, and of its baselines."""
        return of_attack(self.all_rows, self.experiment["attack"]["name"])

    @cached_property
    def all_rows(self) -> pl.DataFrame:
        """rows.parquet: the rows of every attack."""
        return parts.read_rows(self.folder, f"distance_{self.tolerance.norm}")

    @cached_property
    def tolerance(self) -> Tolerance:
        """tolerance.json."""
        return parts.read_tolerance(self.folder)

    @property
    def baselines(self) -> dict[str, model_checks.BaselineComparison]:
        """Every model beside the trivial predictors; `problems` names those not readable."""
        return self._baselines_read[0]

    @cached_property
    def _baselines_read(self) -> tuple[dict[str, model_checks.BaselineComparison], list[str]]:
        found, lost = {}, []
        for name in self.models:
            try:
                found[name] = parts.read_comparison(self.folder, name)
            except FeintError as error:
                lost.append(str(error))
        return found, lost

    @cached_property
    def rates(self) -> pl.DataFrame:
        """Success rates, all targets together."""
        return success_rates.success_rates(self.judged)

    @cached_property
    def rates_by_target(self) -> pl.DataFrame:
        """Success rates, target by target."""
        return success_rates.success_rates(self.judged, success_rates.BY_TARGET)

    @cached_property
    def attack_rates(self) -> pl.DataFrame:
        """`rates` of every attack of the run; `rates` itself has the one that is reported on."""
        judged = success_rates.judge(self.all_rows, self.tolerance)
        return success_rates.success_rates(judged).filter(IS_ATTACK)

    @cached_property
    def judged(self) -> pl.DataFrame:
        """The rows with their successes by the run's tolerance (`success_rates.judge`).

        `tolerance` is the value that each row is judged by.
        """
        judged = success_rates.judge(self.rows, self.tolerance)
        return judged.with_columns(self.tolerance.per_row(judged))

    @cached_property
    def criteria(self) -> SuccessCriteria | None:
        """What counts as success, by every criterion; None where the attack has no target."""
        if self.led_away_from:
            return None
        return SuccessCriteria(self.folder, self.rows, self.tolerance)

    @property
    def readable(self) -> pl.DataFrame:
        """`judged` without the rows whose tensors cannot be read; those are in `problems`."""
        return self._readable[0]

    @cached_property
    def _readable(self) -> tuple[pl.DataFrame, list[str]]:
        return parts.with_tensors(self.judged, self.tensors)

    @cached_property
    def minimal_eps_rows(self) -> pl.DataFrame | None:
        """minimal.parquet, which `feint min-eps` writes; None if it is missing.

        Raises:
            DamagedError: the file holds something else.
        """
        return parts.read_minimal_eps(self.folder)

    @property
    def scored(self) -> bool:
        """Rows and tolerance can be read, so that there are success rates."""
        return not self._unscored

    @cached_property
    def _unscored(self) -> list[str]:
        lost = []
        for part in ("tolerance", "rows"):
            try:
                getattr(self, part)
            except FeintError as error:
                lost.append(str(error))
                if part == "tolerance":
                    break  # which columns rows need depends on it
        return lost

    @cached_property
    def missing(self) -> list[str]:
        """A sentence for each part that is missing or damaged; tensors are not read."""
        missing = [*self._baselines_read[1], *self._unscored]
        if self.scored:
            try:
                _ = self.minimal_eps_rows
            except FeintError as error:
                missing.append(str(error))
            missing += self.criteria.lost if self.criteria else []
        return missing

    @property
    def problems(self) -> list[str]:
        """`missing`, and missing or damaged tensors: this reads all of them."""
        return [*self.missing, *(self._readable[1] if self.scored else [])]

    @property
    def distance_unit(self) -> str:
        """The unit of the distances in `judged`."""
        return self.units.distance(self.tolerance)

    @property
    def verdicts(self) -> list[str]:
        """The verdict on each model, in their order; empty if nothing was attacked.

        The rate within the tolerance, and beside it that of the strictest criterion.
        """
        found = []
        for name in self.models:
            own = self.rates.filter(pl.col("victim") == name)
            one = success_rates.summarise(own, self.units.eps, bool(self.led_away_from))
            strict = self.criteria.verdict(name) if self.criteria and one else ""
            found += [" ".join([*one, strict]).strip()] if one else []
        return found

    @cached_property
    def warnings(self) -> list[model_checks.EvaluationWarning]:
        """The warnings about models and results."""
        about_models = [
            w for name, comparison in self.baselines.items() for w in comparison.warnings(name)
        ]
        if not self.scored:
            return about_models
        return [
            *about_models,
            *(self.criteria.warnings if self.criteria else []),
            *result_checks.result_warnings(self.rows, self.rates, self.tolerance),
        ]
