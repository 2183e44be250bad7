"""`feint verify`: every stored perturbation and every row of a run, recomputed from the tensors.

Nothing in the folder is trusted: what goes wrong while it is read is one of the problems found.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import nn

from feint.attacks import budget as budget_module
from feint.columns import FeatureSpec, spec_from_dict
from feint.errors import FeintError
from feint.evaluation import rows, scoring
from feint.evaluation.attack_task import NONE, Crafted
from feint.experiments import stages, tolerance_source
from feint.experiments.criteria_checks import compare_nulls
from feint.experiments.plan import Plan
from feint.experiments.problems import Problems, Verification, to_tensor
from feint.experiments.results import read_attack_task, unpack_perturbed
from feint.experiments.run_folder import describe
from feint.experiments.status import plan_of
from feint.experiments.tensor_reader import TensorReader
from feint.io.atomic import safe_join
from feint.io.progress import bar
from feint.models import checkpoints
from feint.models.config import ExternalModelConfig
from feint.models.inference import predict
from feint.sequences import distance

MODELS_KEPT = 4
"""Models held in memory, beside the last one."""


def verify(folder: Path, trust: bool = False) -> Verification:
    """Check a run's folder: checksums, budgets, answers and distances, from scratch.

    Args:
        trust: run the code of users' own models that the run names.

    Damaged files are quarantined; `feint run` makes them again.

    Raises:
        FeintError: there is no run, or nothing was scored.
    """
    found, reader = Verification(), TensorReader(folder)
    feature_spec, plan = spec_from_dict(describe(folder)["feature_spec"]), plan_of(folder)
    found.results = sum(1 for _ in reader.store)
    reader.store.check(None)
    table = _table(folder, "rows.parquet", found, reader, rows.scored)
    null = _table(folder, "nulls.parquet", found, reader, rows.nulls)
    small = _table(folder, "minimal.parquet", found, reader, _minimal)
    if table is None and small is None and not found.wrong:
        raise FeintError(
            f"{folder} has no rows to verify. Run `feint run` on the experiment first.", "no-rows"
        )
    yours = [one for one in plan.experiment.model if isinstance(one, ExternalModelConfig) and trust]
    trusted = frozenset(one.source().digest for one in yours)
    work = _Verifier(reader, plan, feature_spec, found, trusted)
    work.tolerance()
    with Problems(found, "limits.json"):
        tolerance_source.check_limits(reader.store, plan, safe_join(folder, "limits.json"))
    work.exported(folder)
    if table is not None:
        work.expected(table)
        with bar(table["job"].n_unique(), "verifying") as progress:
            for (job,), some in table.group_by("job", maintain_order=True):
                with Problems(found, f"job {job}"):
                    work.scored(str(job), some)
                progress.advance()
    if table is not None and plan.experiment.targeted:
        work.nulls(null)
    if small is not None:
        for (job,), some in small.group_by("job", maintain_order=True):
            with Problems(found, f"job {job}"):
                work.smallest(str(job), some)
    found.damaged = reader.store.n_quarantined
    return found


def _table(
    folder: Path,
    name: str,
    found: Verification,
    reader: TensorReader,
    read: Callable[[Path], pl.DataFrame],
) -> pl.DataFrame | None:
    path = safe_join(folder, name)
    if not path.exists():
        return None
    try:
        return read(path)
    except FeintError as error:
        reader.store.quarantine(path, str(error))
        found.say(str(error))
        return None


def _minimal(path: Path) -> pl.DataFrame:
    numbers = ("frames", "row", "job", "tolerance", "distance")
    table = rows.read(path, ("surrogate", "target", "sequence", "true_class", *numbers))
    return table if "eps" in table.columns else table.with_columns(eps=None)


@dataclass
class _Verifier:
    """Recomputes a run's results and compares them with the stored ones."""

    reader: TensorReader
    plan: Plan
    feature_spec: FeatureSpec
    found: Verification
    trusted: frozenset[str] = frozenset()
    models: dict[str, tuple[nn.Module, str]] = field(default_factory=dict)

    def tolerance(self) -> None:
        """The tolerance is the one that the experiment asks for."""
        experiment = self.plan.experiment
        with Problems(self.found, "tolerance.json"):
            if self.plan.tolerance is None:
                raise FeintError("it is not there. Run `feint run` again.", "missing-file")
            if tolerance_source.is_file(experiment):
                return
            right = tolerance_source.stated(experiment)
            if right is None:
                right = tolerance_source.measured(self.reader.store, self.plan.natural())
            if self.plan.tolerance != right:
                raise FeintError(
                    "it is not what was measured. Run `feint run` again.", "damaged-file"
                )

    def exported(self, folder: Path) -> None:
        """The models beside the jobs are those that were scored."""
        for name, weights in self.plan.weights.items():
            with Problems(self.found, f"models/{name}"):
                for suffix in (".json", ".safetensors"):
                    safe_join(folder, "models", f"{name}{suffix}")
                model = checkpoints.load(folder / "models" / name, self.trusted)
                if checkpoints.fingerprint(model) != weights:
                    raise FeintError(
                        "it has other weights than those that were scored.", "damaged-file"
                    )

    def expected(self, table: pl.DataFrame) -> None:
        """The rows are those that the experiment asks for."""
        names = ("surrogate", "victim", "target", "attack", "eps", "job")
        there = set(table.select(names).unique().rows())
        missing = asked = 0
        for (*words, eps), job in stages.scored(self.plan):
            if (*words, round(eps, 7), job.key) in there:
                asked += 1
            else:
                missing += 1
        if missing:
            self.found.say(
                f"{missing} scorings that the experiment asks for have no rows. Run `feint run` "
                "again."
            )
        if asked < len(there):
            self.found.say(
                f"{len(there) - asked} scorings have rows that the experiment does not ask for, or "
                "under other names. Run `feint run` again."
            )

    def scored(self, job: str, some: pl.DataFrame) -> None:
        """The rows of a scoring."""
        answers, about = self.reader.score(job)
        task, x_adv = self.reader.attack_task(job), self.reader.victim_input(job)
        at, x = some["row"].to_list(), task.x
        self._each(job, some, len(x))
        eps, attack = float(about["settings"].get("eps", 0.0)), str(some["attack"][0])
        if some["attack"].n_unique() > 1 or bool((some["eps"] != round(eps, 7)).any()):
            self.found.say(f"job {job}: its rows name another attack or eps than its result.")
        if attack != NONE:
            budget_module.verify(attack, x_adv, x, replace(self.plan.budget, eps=eps))
        elif not torch.equal(x_adv.values, x.values):
            raise FeintError("rows without an attack were perturbed.", "damaged-file")
        crafted = Crafted(attack, torch.full((len(x),), eps), torch.arange(len(x)), x_adv)
        again, anew = scoring.score(
            self._model(about, str(some["victim"][0])),
            task, crafted, self.feature_spec, surrogate_name="", victim_name="",
        )  # fmt: skip
        self.found.compare(job, "answer", answers.values[at], anew.values[at])
        names = ("surrogate", "victim", "attack", "eps")
        self.found.compare_columns(job, some, again.drop(names)[at])
        self.found.rows += len(some)

    def nulls(self, table: pl.DataFrame | None) -> None:
        """The null answers are those of the models and targets, and all are there."""
        if table is None:
            self.found.say("nulls.parquet is not there. Run `feint run` again.")
            return
        planned = list(stages.nulls(self.plan))
        if set(table["job"]) - {job.key for _, job in planned}:
            self.found.say(
                "nulls.parquet has rows that the experiment does not ask for. Run `feint run` "
                "again."
            )
        for (surrogate, victim, target), job in planned:
            with Problems(self.found, f"job {job.key}"):
                _, about = self.reader.store.read(job.key)
                model = self._model(about, victim)
                own = {"surrogate": surrogate, "victim": victim, "target": target}
                some = table.filter(pl.col("job") == job.key)
                compare_nulls(self.found, self.reader, job, own, some, model, self.feature_spec)

    def smallest(self, job: str, some: pl.DataFrame) -> None:
        """The rows of a search."""
        tensors, about = self.reader.store.read(job)
        task = read_attack_task(*self.reader.store.read(about["needs"]["targets"]))
        x_adv, at = unpack_perturbed(tensors, about, task.x), some["row"].to_list()
        self._each(job, some, len(x_adv))
        answers = predict(self._model(about, str(some["surrogate"][0])), x_adv)
        d = distance(answers, task.targets, about["settings"]["attack"]["norm"])
        near, limit = to_tensor(some["distance"]), to_tensor(some["tolerance"])
        self.found.largest = max(
            self.found.largest, self.found.compare(job, "distance", near, d[at])
        )
        if self.plan.tolerance is not None:
            goals = self.plan.tolerance.goals(task.target, task.x.lengths)
            self.found.compare(job, "tolerance", limit, goals[at])
        if some["eps"].is_null().to_list() != (near >= limit).tolist():
            self.found.say(
                f"job {job}: its eps does not say which sequences came within the tolerance."
            )
        largest = max(self.plan.experiment.eps)
        for i, eps in zip(at, some["eps"].to_list(), strict=True):
            if eps != 0:
                budget = replace(self.plan.budget, eps=largest if eps is None else eps)
                budget_module.verify("minimal", x_adv[[i]], task.x[[i]], budget)
            elif not torch.equal(x_adv.values[i], task.x.values[i]):
                self.found.say(f"job {job}: a sequence that needed no perturbation was perturbed.")
        self.found.rows += len(some)

    def _model(self, about: dict[str, Any], name: str) -> nn.Module:
        """The model that a result was made with, if it has the weights it had."""
        key = about["needs"]["model"]
        if key not in self.models:
            tensors, described = self.reader.store.read(key)
            kind, settings = described["model"], described["settings"]
            model = checkpoints.build(kind, settings, tensors, self.trusted)
            latest = list(self.models.items())[-MODELS_KEPT:]
            self.models = {**dict(latest), key: (model, checkpoints.fingerprint(model))}
        model, weights = self.models[key]
        if not weights == self.plan.weights[name] == about["settings"]["weights"]:
            raise FeintError(
                f"its model {name!r} has other weights than those it was made with.",
                "changed-meanwhile",
            )
        return model

    def _each(self, job: str, some: pl.DataFrame, count: int) -> None:
        """Every sequence of a job has one row for every surrogate that it serves."""
        for _, rows_ in some.group_by("surrogate"):
            if sorted(rows_["row"]) != list(range(count)):
                self.found.say(f"job {job}: it has {count} sequences, and not one row for each.")
