"""A run: one experiment in one folder, as jobs; what is done already is not done again.

    run.json                            settings, data, weights, versions, every session
    jobs/<2 digits>/<key>.safetensors   finished jobs (feint.store); what they hold: feint.work
    rows.parquet                        one row an attacked sequence: the job that scored it, and
                                        its place (`row`) there
    minimal.parquet                     the smallest eps for each, if asked for
    tolerance.json                      kappa per class
    models/<name>.safetensors, .json    the trained reactors once more, to be loaded by anybody
    checkpoints/, failed/, damaged/     trainings under way, failures, files set aside
    lock                                held by the process at work

`source` is the model an attack was crafted on, `victim` the one that answered.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import polars as pl
from torch import nn

from feint.attacks import Attack
from feint.attacks.budget import Budget
from feint.data.load import LoadedData, load_data
from feint.data.packing import pack_pairs
from feint.errors import DamagedError, FeintError
from feint.evaluation import rows, table1, tolerance
from feint.evaluation.questions import Question
from feint.experiments import collect_rows, provenance, task_inputs, tasks
from feint.experiments.budgets import check
from feint.experiments.config import Experiment
from feint.experiments.diff import changes
from feint.experiments.facts import UNKNOWN, Facts
from feint.experiments.plan import Plan
from feint.experiments.results import T, read_question, told
from feint.experiments.run_folder import SCHEMA, describe
from feint.experiments.tensorboard import Tracker
from feint.io.atomic import safe_join
from feint.io.hashing import digest
from feint.io.progress import bar, console
from feint.io.sealed import pack, write_json
from feint.jobs import scheduler
from feint.jobs.engines import Engine
from feint.jobs.engines.local import InProcess
from feint.jobs.engines.shared import Lasting
from feint.jobs.job import Job
from feint.jobs.lock import Lock
from feint.jobs.store import Store
from feint.models import checkpoints
from feint.models.config import ExternalModelConfig
from feint.models.external.import_path import bytes_to_tensor, read_files
from feint.models.external.source import REFUSED
from feint.sequences import Sequences

ROUNDS = 3
"""How often jobs are done again whose results turn out to be damaged."""
SESSIONS = 100
"""Sessions that run.json remembers."""


class Run:
    """One experiment in one folder.

    Args:
        experiment: what to do.
        folder: where; created when work begins.  What it holds of another experiment stays, and
            serves this one where it is the same.
        engine: where the jobs are done; in this process if not given.
        wait: wait for another process that works on the folder, instead of refusing.
        device: "cpu", "cuda" or "auto", for every job.
        tensorboard: write training curves to `<folder>/tensorboard`.
        trust: unpickle the .pt2 exports that the experiment names.
        announce: say what changed since the folder's last session.
        data: the experiment's, if it is at hand; otherwise read or generated.

    Raises:
        FeintError: the folder is not a run's; a target is not among the training set's reactions.
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
        if data is not None:
            self.data = data
        self.engine = engine if engine is not None else InProcess()
        self._lasting = Lasting(self.engine)
        self._working = 0
        self.lock = Lock(folder, wait)
        self.store = Store(folder)
        self.tracker = Tracker(safe_join(folder, "tensorboard")) if tensorboard else None
        yours = [one for one in experiment.model if isinstance(one, ExternalModelConfig)]
        if not trust and any(one.kind == "exported" for one in yours):
            raise FeintError(REFUSED)
        self.trusted = frozenset(one.source().digest for one in yours)
        self._files = {
            digest(one.files_hash): (one.kind, one.path) for one in yours if one.path is not None
        }
        self.desk = task_inputs.Desk(
            folder.absolute(), experiment.evaluation.batch_size, device, self.tracker,
            self.trusted, trust,
        )  # fmt: skip
        self.desk.place()
        self._weights: dict[str, str] = {}
        self._begun = False
        ours = (folder / "run.json").exists() or (folder / "jobs").is_dir()
        if not ours and any((folder / name).exists() for name in ("models", "checkpoints")):
            raise FeintError(
                f"{folder} holds other files and no run.json, so nobody knows whose they are. "
                "Restore run.json, or give another folder with --out."
            )
        check(
            experiment.attack, self.data.train.feature_spec
        )  # found wanting now, not after the training
        for label in experiment.target.labels if not experiment.target.curves else ():
            experiment.target.targets(experiment.seed).candidates(label, self.data.train)

    @cached_property
    def data(self) -> LoadedData:
        """The data, read or generated once."""
        experiment = self.experiment
        return load_data(experiment.data, experiment.evaluation.limit, experiment.seed)

    @cached_property
    def facts(self) -> Facts:
        """What a plan must know of the data."""
        train, test = self.data.train, self.data.test
        return Facts(
            train.fingerprint(), test.fingerprint(), self.data.n_attacked, train.feature_spec
        )

    def plan(self) -> Plan:
        """The jobs, as far as they can be named by now."""
        weights = {
            spec.name: self._weights.get(spec.name, UNKNOWN) for spec in self.experiment.model
        }
        kappa = self.__dict__.get("tolerance")
        return Plan(self.experiment, self.facts, weights, kappa)

    @property
    def attacks(self) -> dict[str, Attack]:
        """Everything that perturbs, by its name in the rows."""
        return self.plan().attacks

    @property
    def budget(self) -> Budget:
        """What may be changed; evaluation puts each eps in its place."""
        return self.plan().budget

    # -- stages -----------------------------------------------------------------------------

    def train(self) -> dict[str, nn.Module]:
        """Train every model that is not trained yet, and put each beside the trivial predictors."""
        with self._session("train"):
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
        self._weights = {name: self._of(job, "weights", str) for name, job in jobs.items()}
        self._complete(self.plan().gates_stage, "gates", len(jobs))
        self._describe()
        for name, job in jobs.items():
            self._export(name, job)
            safe_join(self.folder, "checkpoints", f"{job.key}.safetensors").unlink(missing_ok=True)

    def _of(self, job: Job, name: str, kind: type[T]) -> T:
        """Something that a finished job tells."""
        return told(self.store.read(job.key)[1], name, kind)

    def _export(self, name: str, job: Job) -> None:
        """Put a trained model where anybody can load it."""
        gate = self.plan().gate(name)
        for suffix in (".json", ".safetensors"):
            safe_join(self.folder, "models", f"{name}{suffix}")
        path = safe_join(self.folder, "models", name)
        made = {"weights": self._weights[name], "jobs": [job.key, gate.key]}
        try:
            if checkpoints.saved(path) and checkpoints.about(path).get("made") == made:
                checkpoints.load(path, self.trusted)
                return
        except DamagedError:
            pass  # written anew
        tensors, about = self.store.read(job.key)
        kind, settings = told(about, "model", str), told(about, "settings", dict)
        model = checkpoints.build(kind, settings, tensors, self.trusted)
        beside = {name: told(about, name, dict) for name in ("training", "history")}
        if "source" in about:
            beside["source"] = told(about, "source", dict)
        checkpoints.save(model, path, **beside, gate=self._of(gate, "gate", dict), made=made)

    @cached_property
    def tolerance(self) -> tolerance.Tolerance:
        """kappa, measured or read once."""
        with self._session("tolerance"):
            asked = self.experiment.evaluation.tolerance
            if asked == "paper":
                found = table1.paper()
            elif asked == "paper-joint":
                found = table1.paper("joint")
            elif asked == "natural":
                job = self.plan().natural()
                self._complete(lambda: [job], "tolerance", 1)
                found = tolerance.Tolerance.told(self._of(job, "tolerance", dict), job.name)
            elif isinstance(asked, float):
                found = tolerance.given(asked, self.experiment.target.labels, self.experiment.away)
            else:
                found = tolerance.Tolerance.load(Path(asked))
            away = self.experiment.away
            for label in self.data.test.labels if away else self.experiment.asked:
                found.of(label)  # there, or an error that names it
            found.save(safe_join(self.folder, "tolerance.json"))
        return found

    def attack(self) -> None:
        """Craft every adversarial sequence that is not there yet."""
        with self._session("attack"):
            self._train()
            plan = self._with_tolerance()
            self._complete(plan.attack_stage, "attacking", plan.sizes()["attack"])

    def minimal(self) -> pl.DataFrame:
        """The smallest eps that brings each sequence to each target, on each model.

        Up to the experiment's largest eps; what is there already is not searched again.

        Returns:
            rows, as in minimal.parquet: source, target, exemplar, sequence, label, side, frames,
            kappa and distance (equation 7), eps: 0 where none was needed, null where the largest
            was not enough; job and row, where the perturbed sequence lies.
        """
        if self.experiment.away:
            raise FeintError(
                "The smallest eps is searched for with a target, and this experiment's attack is "
                'untargeted. Give attack.kind = "targeted".'
            )
        with self._session("minimal"):
            self._train()
            plan = self._with_tolerance()
            jobs = [
                ((source,), plan.minimal(source, label, part))
                for source in plan.sources
                for label in self.experiment.target.labels
                for part in plan.chunks
            ]
            return self._collected(
                "minimal.parquet", ("surrogate",), lambda: iter(jobs), plan.minimal_stage,
                "smallest eps", plan.sizes()["minimal"],
            )  # fmt: skip

    def score(self) -> pl.DataFrame:
        """Let every victim answer everything crafted, and write the rows.

        Raises:
            FeintError: something was not crafted yet.
        """
        with self._session("score"):
            self._train()
            plan = self._with_tolerance()
            missing = next((j for j in plan.attack_stage() if not self.store.has(j.key)), None)
            if missing is not None:
                raise FeintError(
                    f"{missing.name} is not there: nothing was crafted yet, or not all. Run "
                    "`feint attack` first."
                )
            columns = ("surrogate", "victim", "target", "attack", "eps")
            sizes = plan.sizes()

            def jobs() -> Iterator[Job]:
                yield from plan.attack_stage()  # all there; or found damaged on the way
                yield from plan.score_stage()

            found = self._collected(
                "rows.parquet", columns, plan.scored, jobs,
                "scoring", sizes["attack"] + sizes["score"],
            )  # fmt: skip
            if self.tracker is not None:
                collect_rows.track(self.tracker, found)
            return found

    def _with_tolerance(self) -> Plan:
        self.tolerance  # noqa: B018  (measured, and from now on a part of the plan)
        return self.plan()

    def question(self, source: str, label: str) -> Question:
        """The target asked of every test sequence, crafted on `source`; made if it is not there."""
        with self._session("question"):
            self._train()
            plan = self.plan()
            jobs = [plan.question(source, label, part) for part in plan.chunks]
            self._complete(lambda: jobs, "targets", len(jobs))
            parts = [read_question(*self.store.read(job.key)) for job in jobs]
        names = ("keys", "labels", "sides", "exemplars")
        return Question(
            label,
            Sequences.pad([one for part in parts for one in part.x]),
            Sequences.pad([one for part in parts for one in part.wanted]),
            *(tuple(n for part in parts for n in getattr(part, name)) for name in names),
        )

    # -- jobs -------------------------------------------------------------------------------

    def _complete(self, jobs: Callable[[], Iterable[Job]], description: str, total: int) -> None:
        """Do what is missing; what turns out to be damaged is done again."""
        doing = partial(tasks.do, self.desk)
        for _ in range(ROUNDS):
            damaged = self.store.set_aside
            shown = bar(total, description)
            tally = scheduler.complete(jobs(), self.store, self._lasting, doing, self._fetch, shown)
            if self.store.set_aside == damaged:
                break
        tally.check()

    def _fetch(self, key: str) -> bytes:
        """The content behind a key: of the data, or of a finished job."""
        if key == self.facts.train_key:
            return self._packed[0]
        if key == self.facts.test_key:
            return self._packed[1]
        if key in self._files:
            files = read_files(*self._files[key])
            return pack({name: bytes_to_tensor(content) for name, content in files.items()}, {})
        return self.store.get(key)

    @cached_property
    def _packed(self) -> tuple[bytes, bytes]:
        return pack_pairs(self.data.train), pack_pairs(self.data.test)

    def _collected(
        self,
        file: str,
        columns: tuple[str, ...],
        told: Callable[[], Iterator[tuple[tuple[Any, ...], Job]]],
        jobs: Callable[[], Iterable[Job]],
        description: str,
        total: int,
    ) -> pl.DataFrame:
        """Complete jobs, and the table of their rows; an up-to-date table is only read."""
        path = safe_join(self.folder, file)
        read = rows.scored if file == "rows.parquet" else rows.read
        for _ in range(ROUNDS):
            self._complete(jobs, description, total)
            about = {"plan": self.plan().digest}
            try:
                if path.exists() and rows.about(path).get("plan") == about["plan"]:
                    return read(path)
            except DamagedError as error:
                self.store.put_away(path, str(error))
            try:
                rows.write(path, collect_rows.tables(self.store, columns, told()), about)
            except DamagedError:
                continue  # a result was set aside: its job is done again
            return read(path)
        raise FeintError(
            f"Results in {self.folder} are damaged as fast as they are made. Check the disk, or "
            "give another folder with --out."
        )

    # -- the folder -------------------------------------------------------------------------

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the lock, and keep the engine going from one stage to the next."""
        with self.lock:
            self._working += 1
            try:
                yield
            finally:
                self._working -= 1
                if not self._working:
                    self._lasting.end()

    @contextmanager
    def _session(self, stage: str) -> Iterator[None]:
        """Work on the folder: nobody else does, and it is in order."""
        with self.working():
            if not self._begun:
                self._begin(stage)
                self._begun = True
            yield

    def _begin(self, stage: str) -> None:
        for folder in (self.folder, *(self.folder / kind for kind in ("checkpoints", "models"))):
            if folder.is_dir() and not folder.is_symlink():
                for left in folder.glob(".*.part"):  # of a process that was killed while it wrote
                    left.unlink(missing_ok=True)
        before: dict[str, Any] = {}
        try:
            before = describe(self.folder) if (self.folder / "run.json").exists() else {}
        except DamagedError as error:
            self.store.put_away(self.folder / "run.json", str(error))
        self._told = self._told_of(before, stage)
        for part in ("experiment", "data"):
            known = before.get(part, self._told[part]) if self.announce else self._told[part]
            for line in changes(known, self._told[part], part):
                console.print(f"Changed since the last time: {line}", markup=False)
        write_json(safe_join(self.folder, "run.json"), self._told)
        self.store.check()

    def _told_of(self, before: dict[str, Any], stage: str) -> dict[str, Any]:
        data, facts = self.data, self.facts
        engine = repr(self.engine)
        sessions = [*before.get("sessions", []), provenance.session(engine, stage)]
        return {
            "schema": SCHEMA,
            "experiment": json.loads(self.experiment.model_dump_json(exclude={"data": {"root"}})),
            "data": {
                "source": self.experiment.data.source,
                "train": len(data.train),
                "test": facts.rows,
                "train_fingerprint": facts.train,
                "test_fingerprint": facts.test,
                "labels": sorted(set(data.train.labels)),
                "notes": list(data.notes),
            },
            "feature_spec": asdict(data.train.feature_spec),
            "weights": before.get("weights", {}),
            "versions": provenance.versions(),
            "sessions": sessions[-SESSIONS:],
        }

    def _describe(self) -> None:
        """Write down whose weights these are, if that is new."""
        if self._told["weights"] != self._weights:
            self._told["weights"] = dict(self._weights)
            write_json(safe_join(self.folder, "run.json"), self._told)
