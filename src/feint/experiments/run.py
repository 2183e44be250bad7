"""A run: one experiment in one folder, stage by stage; finished jobs are not done again.

`Run` decides which jobs a stage needs.  `execution` does them, `run_folder` says what lies in the
folder, `plan` and `stages` name the jobs.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import polars as pl
from torch import nn

from feint.data.load import LoadedData, load_data
from feint.errors import FeintError
from feint.evaluation.attack_task import AWAY, AttackTask
from feint.evaluation.tolerance import Tolerance
from feint.experiments import (
    collect_rows,
    export_models,
    provenance,
    run_folder,
    stages,
    tolerance_source,
)
from feint.experiments.budgets import check_fits
from feint.experiments.config import Experiment
from feint.experiments.execution import Execution
from feint.experiments.facts import UNKNOWN, Facts
from feint.experiments.plan import Plan
from feint.experiments.results import get_field, join_tasks, read_attack_task
from feint.experiments.run_folder import RunFile
from feint.experiments.task_inputs import TaskContext
from feint.experiments.tensorboard import Tracker
from feint.io.atomic import safe_join
from feint.jobs.engines import Engine
from feint.jobs.engines.local import LocalEngine
from feint.jobs.job import Job
from feint.jobs.lock import Lock
from feint.jobs.store import Store
from feint.models import checkpoints
from feint.models.config import ExternalModelConfig
from feint.models.external.loading import PICKLE_REFUSED


class Run:
    """One experiment in one folder.

    Nothing is read or written before the first stage; `check` says early what is wrong.

    Args:
        experiment: what to do.
        folder: where; created when work begins.  Results of another experiment stay there, and
            serve this one where they are the same.
        engine: where jobs are done; in this process if not given.
        wait: wait for another process that works on the folder, instead of refusing.
        device: "cpu", "cuda" or "auto", for every job.
        tensorboard: write training curves to `<folder>/tensorboard`.
        trust: unpickle the .pt2 exports that the experiment names.
        announce: print what changed since the folder's last session.
        data: the experiment's data, if it is at hand; otherwise it is read or generated.
    """

    def __init__(
        self,
        experiment: Experiment,
        folder: Path,
        *,
        engine: Engine | None = None,
        wait: bool = False,
        device: str = "cpu",
        tensorboard: bool = False,
        trust: bool = False,
        announce: bool = True,
        data: LoadedData | None = None,
    ) -> None:
        self.experiment, self.folder, self.announce = experiment, folder, announce
        self.engine = engine if engine is not None else LocalEngine()
        self.store, self.lock = Store(folder), Lock(folder, wait)
        self.tracker = Tracker(folder / "tensorboard") if tensorboard else None
        self.trusted = frozenset(one.source().digest for one in self._external())
        self.context = TaskContext(
            folder.absolute(), experiment.evaluation.batch_size, device, self.tracker,
            self.trusted, trust,
        )  # fmt: skip
        self._data = data
        self._facts: Facts | None = None
        self._file = RunFile(self.store)
        self._execution: Execution | None = None
        self._weights: dict[str, str] = {}
        self._tolerance: Tolerance | None = None
        self._checked = self._begun = False
        self._working = 0

    def check(self) -> None:
        """Find what is wrong before anything costs time; every stage begins with it.

        Raises:
            FeintError: the folder is not a run's; an export is not trusted; the device or an
                optional library is not there; the data cannot be read; the attack does not fit
                the data; a target is not among the training set's reactions.
        """
        if self._checked:
            return
        if not self.context.trust and any(one.kind == "exported" for one in self._external()):
            raise FeintError(PICKLE_REFUSED, code="not-trusted")
        if self.tracker is not None:
            safe_join(self.folder, "tensorboard")
            self.tracker.check()
        self.context.place()
        run_folder.check_free(self.folder)
        check_fits(self.experiment, self.load_data().train)
        self._checked = True

    def _external(self) -> list[ExternalModelConfig]:
        return [one for one in self.experiment.model if isinstance(one, ExternalModelConfig)]

    def load_data(self) -> LoadedData:
        """The data, read or generated once.

        Raises:
            FeintError: it cannot be read.
        """
        if self._data is None:
            one = self.experiment
            self._data = load_data(one.data, one.evaluation.max_sequences, one.seed)
        return self._data

    def facts(self) -> Facts:
        """What a plan must know of the data; reads it if need be."""
        if self._facts is None:
            train, test = self.load_data().train, self.load_data().test
            n_attacked, spec = self.load_data().n_attacked, train.feature_spec
            self._facts = Facts(train.fingerprint(), test.fingerprint(), n_attacked, spec)
        return self._facts

    def plan(self) -> Plan:
        """The jobs, as far as they can be named by now: before training, weights are unknown."""
        weights = {
            spec.name: self._weights.get(spec.name, UNKNOWN) for spec in self.experiment.model
        }
        return Plan(self.experiment, self.facts(), weights, self._tolerance)

    # -- stages -----------------------------------------------------------------------------

    def train(self) -> dict[str, nn.Module]:
        """Train every model that is not trained yet, and compare each with trivial predictors."""
        with self.session("train"):
            self._train()
            return {
                name: checkpoints.load(safe_join(self.folder, "models", name), self.trusted)
                for name in self._weights
            }

    def _train(self) -> None:
        if self._weights:
            return
        jobs = self.plan().training
        self._complete(jobs.values, "training", len(jobs))
        about = {name: self.store.read(job.key)[1] for name, job in jobs.items()}
        self._weights = {name: get_field(one, "weights", str) for name, one in about.items()}
        plan = self.plan()
        self._complete(lambda: stages.baselines(plan), "baselines", len(jobs))
        self._file.set_weights(self._weights)
        for name, job in jobs.items():
            compared = plan.baselines(name)
            export_models.export(self.folder, name, self.store, job, compared, self.trusted)
            safe_join(self.folder, "checkpoints", f"{job.key}.safetensors").unlink(missing_ok=True)

    def measure_tolerance(self) -> Tolerance:
        """The tolerance, measured or read once, and written to tolerance.json.

        Raises:
            FeintError: its file cannot be read; it has no value for a target.
        """
        if self._tolerance is not None:
            return self._tolerance
        with self.session("tolerance"):
            found = tolerance_source.stated(self.experiment)
            if found is None:
                job = self.plan().natural()
                self._complete(lambda: [job], "tolerance", 1)
                found = tolerance_source.measured(self.store, job)
            labels = self.load_data().test.labels  # an untargeted row is judged by its own
            for asked in self.experiment.target_names:
                for label in labels if asked == AWAY else (asked,):
                    found.of(label)  # there, or an error that names it
            found.save(safe_join(self.folder, "tolerance.json"))
            if self.plan().has_limits:
                plan, path = self.plan(), safe_join(self.folder, "limits.json")
                self._complete(lambda: [plan.limits()], "limits of pose and place", 1)
                tolerance_source.save_limits(self.store, plan, path)
        self._tolerance = found
        return found

    def attack(self) -> None:
        """Craft every adversarial sequence that is not there yet."""
        with self.session("attack"):
            plan = self._trained_plan()
            self._complete(lambda: stages.attack(plan), "attacking", stages.sizes(plan)["attack"])

    def minimal(self) -> pl.DataFrame:
        """The smallest eps that brings each sequence to each target, on each model.

        Up to the experiment's largest eps; what is there already is not searched again.

        Returns:
            the rows of minimal.parquet (`scoring.minimal_rows`), and job and row: where the
            perturbed sequence lies.

        Raises:
            FeintError: the attack is untargeted.
        """
        if not self.experiment.targeted:
            raise FeintError(
                "The smallest eps is searched for with a target, and this experiment's attack is "
                'untargeted. Give an attack with a target, such as kind = "aia".',
                "untargeted",
            )
        with self.session("minimal"):
            plan = self._trained_plan()
            total = stages.sizes(plan)["minimal"]
            complete = partial(self._complete, lambda: stages.minimal(plan), "smallest eps", total)
            return collect_rows.minimal(self.store, plan, complete)

    def score(self) -> pl.DataFrame:
        """Let every victim answer everything crafted, and write the rows.

        Raises:
            FeintError: something was not crafted yet.
        """
        with self.session("score"):
            plan = self._trained_plan()
            missing = next((j for j in stages.attack(plan) if not self.store.has(j.key)), None)
            if missing is not None:
                raise FeintError(
                    f"{missing.name} is not there: not everything was crafted yet. Run "
                    "`feint attack` first.",
                    "not-attacked",
                )
            sizes = stages.sizes(plan)
            total = sum(sizes[name] for name in ("attack", "score", "nulls"))
            jobs = partial(stages.answers, plan)
            complete = partial(self._complete, jobs, "scoring", total)
            found = collect_rows.scored(self.store, plan, complete)
            if plan.experiment.targeted:
                collect_rows.nulls(self.store, plan, complete)
            if self.tracker is not None:
                collect_rows.track(self.tracker, found)
            return found

    def attack_task(self, surrogate: str, label: str) -> AttackTask:
        """All test sequences with the target `label`, attacked on `surrogate`; made if missing."""
        with self.session("targets"):
            self._train()
            plan = self.plan()
            jobs = [plan.targets(surrogate, label, part) for part in plan.chunks]
            self._complete(lambda: jobs, "targets", len(jobs))
            return join_tasks([read_attack_task(*self.store.read(job.key)) for job in jobs])

    def _trained_plan(self) -> Plan:
        """The whole plan: models are trained, and the tolerance is known."""
        self._train()
        self.measure_tolerance()
        return self.plan()

    # -- work -------------------------------------------------------------------------------

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the lock, and keep the engine from one stage to the next."""
        self.check()
        with self.lock:
            self._working += 1
            try:
                yield
            finally:
                self._working -= 1
                if not self._working and self._execution is not None:
                    self._execution.end()

    @contextmanager
    def session(self, stage: str) -> Iterator[None]:
        """Work on the folder: this process alone does, and the folder is in order."""
        with self.working():
            if not self._begun:
                contents = run_folder.contents_of(self.experiment, self.load_data(), self.facts())
                session = provenance.session(repr(self.engine), stage)
                self._file.begin(contents, session, self.announce)
                self._begun = True
            yield

    def _complete(self, jobs: Callable[[], Iterable[Job]], description: str, total: int) -> None:
        if self._execution is None:
            self._execution = Execution(
                self.store, self.engine, self.context, self.experiment, self.load_data(),
                self.facts(),
            )  # fmt: skip
        self._execution.complete(jobs, description, total)
