"""A plan: every job of an experiment, named before anything runs.

A job's key covers all that its result depends on, so a plan says what is done already.  What many
jobs share is in `job_settings`; the order in which jobs are done is in `stages`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from feint.attacks import Attack, Noise, abilities
from feint.attacks.budget import Budget
from feint.evaluation.attack_task import NONE
from feint.evaluation.tolerance import Tolerance
from feint.experiments.config import Experiment
from feint.experiments.facts import Facts, Rows
from feint.experiments.job_settings import JobSettings
from feint.io.hashing import digest
from feint.jobs.job import VERSIONS, Common, Job
from feint.models.config import ExternalModelConfig
from feint.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Plan:
    """The jobs of an experiment.

    Attributes:
        experiment: the experiment.
        facts: of its data.
        weights: per trained model, `checkpoints.fingerprint`.
        tolerance: once it is known; attacks that aim at a radius need it.
    """

    experiment: Experiment
    facts: Facts
    weights: Mapping[str, str]
    tolerance: Tolerance | None = None

    @cached_property
    def digest(self) -> str:
        """Of all that decides which rows there are, and what they hold."""
        asked = self.experiment.model_dump(mode="json", exclude={"data": {"root"}})
        kappa = None if self.tolerance is None else self.tolerance.identity()
        return digest([VERSIONS, asked, asdict(self.facts), dict(self.weights), kappa])

    @cached_property
    def settings(self) -> JobSettings:
        """What many jobs share."""
        return JobSettings(self.experiment, self.facts, self.tolerance)

    @property
    def attacks(self) -> dict[str, Attack]:
        """Everything that perturbs, by its name in the rows."""
        return self.settings.attacks

    @property
    def budget(self) -> Budget:
        """What may be changed; every job puts its own eps in its place."""
        return self.settings.budget

    @cached_property
    def chunks(self) -> list[Rows]:
        """The test rows, in parts of nearly the same size."""
        most = self.experiment.evaluation.sequences_per_job
        parts = -(-self.facts.rows // most)
        ends = [self.facts.rows * i // parts for i in range(parts + 1)]
        return list(pairwise(ends))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The model an attack is crafted on, and the one that answers it."""
        transfer = self.experiment.evaluation.transfer
        return [(s, v) for s in self.surrogates for v in self.weights if s == v or transfer]

    @property
    def surrogates(self) -> list[str]:
        """The models that attacks are crafted on."""
        return self.experiment.surrogates

    @property
    def shared(self) -> bool:
        """Whether all surrogates have the same targets: targets do not follow a model's answers."""
        if self.experiment.reference == "clean":
            return False
        spec = self.experiment.target
        if spec.curves:
            return not any(one.curve(0).relative for one in spec.curves)
        return spec.anchor not in ("prediction", "root")

    # -- models -----------------------------------------------------------------------------

    @cached_property
    def training(self) -> dict[str, Job]:
        """A training for every model; a user's own is loaded."""
        jobs = {}
        for spec in self.experiment.model:
            if isinstance(spec, ExternalModelConfig):
                jobs[spec.name] = self._loading(spec)
                continue
            common, hints = self.settings.training(spec)
            needs = {"train": self.facts.train_key}
            name = f"training {spec.name}"
            jobs[spec.name] = Job("train", common, needs=needs, group=name, name=name, hints=hints)
        return jobs

    def _loading(self, spec: ExternalModelConfig) -> Job:
        source = spec.source()
        needs = {"files": digest(source.files_hash)} if source.files_hash else {}
        name = f"loading {spec.name}"
        return Job("load", self.settings.loading(source), needs=needs, group=name, name=name)

    def baselines(self, model: str) -> Job:
        """A model beside the trivial predictors."""
        needs = {"train": self.facts.train_key, "test": self.facts.test_key}
        external = self.training[model].kind == "load"
        own = {"checked_budget": self.settings.stored_budget} if external else {}
        return self._asking(
            "baselines", self.settings.baselines, own, needs, model, f"baselines {model}"
        )

    def natural(self) -> Job:
        """The natural tolerance."""
        needs = {"train": self.facts.train_key}
        common, name = self.settings.natural, "natural tolerance"
        return Job("tolerance", common, needs=needs, group="tolerance", name=name)

    # -- attacks ----------------------------------------------------------------------------

    @lru_cache(maxsize=1024)  # noqa: B019  (a plan lives as long as its run)
    def targets(self, surrogate: str, label: str, rows: Rows) -> Job:
        """The targets of some rows; the same job for every surrogate if they are shared."""
        needs = {"train": self.facts.train_key, "test": self.facts.test_key}
        own = {"target": label, "rows": rows}
        name = f"target {label}, rows {rows[0]}-{rows[1] - 1}"
        common = self.settings.targets(label)
        if not self.shared:
            return self._asking("targets", common, own, needs, surrogate, name, "targets")
        return Job("targets", common, own, needs, "targets", name)

    @lru_cache(maxsize=1024)  # noqa: B019
    def crafted(self, surrogate: str, label: str, attack: str, rows: Rows) -> dict[float, Job]:
        """Perturbing some rows, by eps in rising order; with a warm start each needs the last."""
        kind = self.attacks[attack]
        targets = self.targets(surrogate, label, rows)
        jobs: dict[float, Job] = {}
        previous: Job | None = None
        for eps in sorted(self.eps_of(attack)):
            which = f"eps {eps:g}, rows {rows[0]}-{rows[1] - 1}"
            own = {"eps": eps, "rows": rows}
            if isinstance(kind, Noise):
                needs = {"test": self.facts.test_key}
                name = f"{attack}, {which}"
                jobs[eps] = Job("noise", self.settings.noise(attack), own, needs, "noise", name)
                continue
            needs = {"targets": targets.key}
            if previous is not None and self._warm_start[attack]:
                needs["previous"] = previous.key
            name = f"attack {attack} {surrogate} -> {label}, {which}"
            common, group = self.settings.attack(attack, label), f"attack {attack} {surrogate}"
            previous = self._asking("attack", common, own, needs, surrogate, name, group)
            jobs[eps] = previous
        return jobs

    @cached_property
    def _warm_start(self) -> dict[str, bool]:
        """By attack: whether every eps begins at the result of the next smaller one."""
        return {
            one.name: one.warm_start and abilities(self.attacks[one.name]).warm_start
            for one in self.experiment.attack
        }

    def eps_of(self, attack: str) -> tuple[float, ...]:
        """The eps of an attack; of noise, every eps of any attack."""
        own = (one.eps for one in self.experiment.attack if one.name == attack)
        return next(own, self.experiment.eps)

    @cached_property
    def perturbations(self) -> dict[str, list[str]]:
        """By target: the noises and the attacks that have it, as the rows call them."""
        noises = [name for name, one in self.attacks.items() if isinstance(one, Noise)]
        return {
            label: [
                *noises,
                *(o.name for o in self.experiment.attack if label in self.experiment.targets_of(o)),
            ]
            for label in self.experiment.target_names
        }

    def minimal(self, surrogate: str, label: str, rows: Rows) -> Job:
        """The search for the smallest eps of some rows."""
        eps = max(self.experiment.eps)
        needs = {"targets": self.targets(surrogate, label, rows).key}
        own = {"eps": eps, "rows": rows}
        name = f"smallest eps {surrogate} -> {label}, rows {rows[0]}-{rows[1] - 1}"
        group, common = f"minimal {surrogate}", self.settings.minimal(label)
        return self._asking("minimal", common, own, needs, surrogate, name, group)

    @property
    def has_limits(self) -> bool:
        """Whether poses can be judged: people are attacked, with targets."""
        return self.experiment.targeted and isinstance(self.facts.feature_spec, Skeleton)

    def limits(self) -> Job:
        """The natural limits of pose and of place."""
        needs, name = {"train": self.facts.train_key}, "natural limits of pose and place"
        return Job("limits", self.settings.limits, needs=needs, group="tolerance", name=name)

    def nulls(self, model: str, label: str, rows: Rows) -> Job:
        """A model's null answers to some rows, scored."""
        needs = {
            "targets": self.targets(model, label, rows).key,
            "train": self.facts.train_key,
        }
        name = f"null answers {model}, {label}, rows {rows[0]}-{rows[1] - 1}"
        return self._asking("nulls", self.settings.answering, {}, needs, model, name)

    def score(
        self, surrogate: str, victim: str, label: str, attack: str, eps: float, rows: Rows
    ) -> Job:
        """A victim's answers to some rows, and their distances."""
        needs = {"targets": self.targets(surrogate, label, rows).key}
        own: dict[str, float] = {}
        common = self.settings.answering
        if attack != NONE:
            common = self.settings.scoring
            needs["crafted"] = self.crafted(surrogate, label, attack, rows)[eps].key
            own["eps"] = eps
        name = f"score {surrogate} -> {victim}, {label}, {attack}, eps {eps:g}, rows {rows[0]}-"
        return self._asking("score", common, own, needs, victim, f"{name}{rows[1] - 1}", "score")

    def _asking(
        self,
        kind: str,
        common: Common,
        own: Mapping[str, object],
        needs: Mapping[str, str],
        model: str,
        name: str,
        group: str = "",
    ) -> Job:
        """A job that runs a trained model; its key covers the very weights."""
        weights = {"weights": self.weights[model]}
        needs = {**needs, "model": self.training[model].key}
        return Job(kind, common, {**own, **weights}, needs, group or kind, name)
