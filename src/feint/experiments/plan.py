"""An experiment as jobs, in an order in which each comes after what it needs.

Everything is generated on the way, so that a plan of any size takes no memory to speak of.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

from feint.attacks import AIA, Attack, Noise, Untargeted
from feint.attacks.budget import Budget
from feint.columns import first_pose_position
from feint.evaluation.questions import ATTACK, AWAY, NONE
from feint.evaluation.tolerance import Tolerance
from feint.experiments.budgets import hidden, reach
from feint.experiments.config import Experiment
from feint.experiments.facts import Facts, Rows
from feint.experiments.results import told_budget
from feint.io.hashing import digest
from feint.jobs.job import VERSIONS, Common, Job
from feint.models.config import ExternalModelConfig
from feint.models.training_settings import Training


@dataclass(frozen=True, eq=False)
class Plan:
    """The jobs of an experiment.

    Attributes:
        experiment: what is asked.
        facts: of its data.
        weights: per trained model, `loading.fingerprint`.
        tolerance: kappa, once it is known; attacks that aim at a radius need it.
    """

    experiment: Experiment
    facts: Facts
    weights: Mapping[str, str]
    tolerance: Tolerance | None = None

    @cached_property
    def digest(self) -> str:
        """Of all that decides which rows there are, and what they hold."""
        asked = self.experiment.model_dump(mode="json", exclude={"data": {"root"}})
        kappa = None if self.tolerance is None else self.tolerance.settled()
        told = [VERSIONS, asked, asdict(self.facts), dict(self.weights), kappa]
        return digest(told)

    # -- models -----------------------------------------------------------------------------

    @cached_property
    def training(self) -> dict[str, Job]:
        """A training for every model; a user's own is loaded."""
        jobs = {}
        for spec in self.experiment.model:
            if isinstance(spec, ExternalModelConfig):
                jobs[spec.name] = self._loading(spec)
                continue
            asked = {"seed": self.experiment.seed, **spec.trains, **spec.training}
            training = asdict(Training(**asked))
            hints = {"checkpoint_every": training.pop("checkpoint_every")}
            common = Common(
                model=spec.kind,
                settings=spec.settings(),
                training=training,
                first_pose=self._first_pose and first_pose_position(self.facts.feature_spec),
            )
            needs = {"train": self.facts.train_key}
            name = f"training {spec.name}"
            jobs[spec.name] = Job("train", common, needs=needs, group=name, name=name, hints=hints)
        return jobs

    def _loading(self, spec: ExternalModelConfig) -> Job:
        """Bringing in a user's model."""
        source = spec.source()
        needs = {"files": digest(source.files_hash)} if source.files_hash else {}
        name = f"loading {spec.name}"
        return Job("load", Common(source=source.to_dict()), needs=needs, group=name, name=name)

    def gate(self, model: str) -> Job:
        """A model beside the trivial predictors."""
        common = Common(first_pose=self._first_pose)
        needs = {"train": self.facts.train_key, "test": self.facts.test_key}
        own = {"checked": True} if self.training[model].kind == "load" else {}
        return self._asking("gate", common, own, needs, model, f"gate {model}")

    def natural(self) -> Job:
        """The natural tolerance."""
        spec = self.experiment.target
        if spec.curves:
            common = Common(labels=list(spec.labels), seed=self.experiment.seed)
            return Job("tolerance", common, needs={"train": self.facts.train_key},
                       group="tolerance", name="natural tolerance")  # fmt: skip
        common = Common(time=spec.time, place=spec.place, role=spec.role)
        return Job("tolerance", common, needs={"train": self.facts.train_key}, group="tolerance",
                   name="natural tolerance")  # fmt: skip

    # -- attacks ----------------------------------------------------------------------------

    @cached_property
    def attacks(self) -> dict[str, Attack]:
        """Everything that perturbs, by its name in the rows."""
        seed = self.experiment.seed
        noises = {f"{k}-noise": Noise(k, seed=seed) for k in self.experiment.evaluation.noise}
        return {**noises, ATTACK: self.experiment.attack.attack()}

    @cached_property
    def budget(self) -> Budget:
        """What may be changed; every job puts its own eps in its place."""
        feature_spec = self.facts.feature_spec
        return reach(self.experiment.attack, feature_spec, hidden(feature_spec, self._first_pose))

    @property
    def _first_pose(self) -> bool:
        return self.experiment.data.first_pose

    def with_kappa(self, attack: Attack, label: str) -> Attack:
        """An AIA that needs the radius of equation 4 gets the target's own, in its norm."""
        if not isinstance(attack, AIA) or attack.surface == "point" or self.tolerance is None:
            return attack
        if attack.kappa is not None or attack.eta is not None:
            return attack
        kappa, norm = self.tolerance.of(label), self.tolerance.norm
        if self.tolerance.per_frame:
            return replace(attack, eta=kappa, norm=norm)
        return replace(attack, kappa=kappa, norm=norm)

    @cached_property
    def chunks(self) -> list[Rows]:
        """The test rows, in parts of nearly the same size."""
        most = self.experiment.evaluation.rows_per_job
        parts = -(-self.facts.rows // most)
        ends = [self.facts.rows * i // parts for i in range(parts + 1)]
        return list(pairwise(ends))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Who an attack is crafted on, and who answers it."""
        transfer = self.experiment.evaluation.transfer
        return [(s, v) for s in self.sources for v in self.weights if s == v or transfer]

    @property
    def sources(self) -> list[str]:
        """The models that attacks are crafted on."""
        return self.experiment.sources

    @property
    def names(self) -> list[str]:
        """Nothing, the noises and the attack: as the rows call them."""
        return [NONE, *self.attacks]

    @lru_cache(maxsize=1024)  # noqa: B019  (a plan lives as long as its run)
    def question(self, source: str, label: str, rows: Rows) -> Job:
        """The target asked of some rows; of every source alike if it does not depend on it."""
        needs = {"train": self.facts.train_key, "test": self.facts.test_key}
        own = {"label": label, "rows": rows}
        name = f"target {label}, rows {rows[0]}-{rows[1] - 1}"
        if label == AWAY:
            common = self._away
        else:
            common = self._curve(label) if self.experiment.target.curves else self._targets
        if not self._shared:
            return self._asking("question", common, own, needs, source, name, "question")
        return Job("question", common, own, needs, "question", name)

    @lru_cache(maxsize=1024)  # noqa: B019
    def crafted(self, source: str, label: str, attack: str, rows: Rows) -> dict[float, Job]:
        """Perturbing some rows, by eps in rising order; a climb goes from one to the next."""
        kind = self.attacks[attack]
        question = self.question(source, label, rows)
        jobs: dict[float, Job] = {}
        previous: Job | None = None
        for eps in sorted(self.experiment.attack.eps):
            told = f"eps {eps:g}, rows {rows[0]}-{rows[1] - 1}"
            own = {"eps": eps, "rows": rows}
            if isinstance(kind, Noise):
                needs = {"test": self.facts.test_key}
                name = f"{attack}, {told}"
                jobs[eps] = Job("noise", self._noise(attack), own, needs, "noise", name)
                continue
            needs = {"question": question.key}
            if previous is not None and self._climbs:
                needs["previous"] = previous.key
            name = f"attack {source} -> {label}, {told}"
            common, group = self._attack(label), f"attack {source}"
            previous = self._asking("attack", common, own, needs, source, name, group)
            jobs[eps] = previous
        return jobs

    def minimal(self, source: str, label: str, rows: Rows) -> Job:
        """The smallest eps for some rows."""
        assert self.tolerance is not None
        eps = max(self.experiment.attack.eps)
        needs = {"question": self.question(source, label, rows).key}
        own = {"eps": eps, "rows": rows}
        name = f"smallest eps {source} -> {label}, rows {rows[0]}-{rows[1] - 1}"
        group = f"minimal {source}"
        return self._asking("minimal", self._minimal(label), own, needs, source, name, group)

    def score(
        self, source: str, victim: str, label: str, attack: str, eps: float, rows: Rows
    ) -> Job:
        """What a victim answers to some rows."""
        needs = {"question": self.question(source, label, rows).key}
        own: dict[str, float] = {}
        common = self._answering
        if attack != NONE:
            common = self._scoring
            needs["crafted"] = self.crafted(source, label, attack, rows)[eps].key
            own["eps"] = eps
        name = f"score {source} -> {victim}, {label}, {attack}, eps {eps:g}, rows {rows[0]}-"
        return self._asking("score", common, own, needs, victim, f"{name}{rows[1] - 1}", "score")

    def scored(self) -> Iterator[tuple[tuple[str, str, str, str, float], Job]]:
        """Every scoring in the order of the rows, with source, victim, target, attack, eps."""
        for source, victim in self.pairs:
            for label in self.experiment.asked:
                for attack in self.names:
                    for eps in (0.0,) if attack == NONE else self.experiment.attack.eps:
                        for rows in self.chunks:
                            job = self.score(source, victim, label, attack, eps, rows)
                            yield (source, victim, label, attack, eps), job

    # -- stages -----------------------------------------------------------------------------

    def gates_stage(self) -> Iterator[Job]:
        """Every trained model beside the trivial predictors."""
        for model in self.weights:
            yield self.gate(model)

    def attack_stage(self) -> Iterator[Job]:
        """Questions, then all that perturbs: each job once."""
        for i, source in enumerate(self.sources):
            for j, label in enumerate(self.experiment.asked):
                if i == 0 or not self._shared:
                    yield from (self.question(source, label, rows) for rows in self.chunks)
                for attack, kind in self.attacks.items():
                    if isinstance(kind, Noise) and (i or j):
                        continue  # it looks at neither model nor target
                    for eps in sorted(self.experiment.attack.eps):
                        for rows in self.chunks:
                            yield self.crafted(source, label, attack, rows)[eps]

    def minimal_stage(self) -> Iterator[Job]:
        """Questions, then the searches: each job once."""
        for i, source in enumerate(self.sources):
            for label in self.experiment.asked:
                if i == 0 or not self._shared:
                    yield from (self.question(source, label, rows) for rows in self.chunks)
                yield from (self.minimal(source, label, rows) for rows in self.chunks)

    def score_stage(self) -> Iterator[Job]:
        """Every scoring once: what was not crafted on a source serves all of them."""
        first: dict[str, str] = {}
        for source, victim in self.pairs:
            first.setdefault(victim, source)
        for (source, victim, _, attack, _), job in self.scored():
            if attack == ATTACK or not self._shared or first[victim] == source:
                yield job

    def sizes(self) -> dict[str, int]:
        """How many jobs the stages yield."""
        targets, parts = len(self.experiment.asked), len(self.chunks)
        models, victims = len(self.sources), len({victim for _, victim in self.pairs})
        eps, noises = len(self.experiment.attack.eps), len(self.attacks) - 1
        questions = targets * (1 if self._shared else models)
        alike = victims if self._shared else len(self.pairs)
        return {
            "attack": parts * (questions + noises * eps + models * targets * eps),
            "minimal": parts * (questions + models * targets),
            "score": parts * targets * (len(self.pairs) * eps + alike * (1 + noises * eps)),
        }

    # -- settings many jobs share -----------------------------------------------------------

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
        """A job that asks a trained model; the very weights are part of its name."""
        weights = {"weights": self.weights[model]}
        needs = {**needs, "model": self.training[model].key}
        return Job(kind, common, {**own, **weights}, needs, group or kind, name)

    @property
    def _shared(self) -> bool:
        """Whether every source is asked for the same: targets do not follow its answers."""
        attacker = self.experiment.attack
        if attacker.kind == "untargeted" and attacker.reference == "clean":
            return False
        spec = self.experiment.target
        if spec.curves:
            return not any(one.curve(0).relative for one in spec.curves)
        return spec.place not in ("prediction", "root")

    @cached_property
    def _targets(self) -> Common:
        targets = self.experiment.target.targets(self.experiment.seed)
        return Common(targets=asdict(targets), first_pose=self._first_pose)

    def _curve(self, label: str) -> Common:
        spec, seed = self.experiment.target, self.experiment.seed
        one = next(one for one in spec.curves if one.name == label)
        return Common(curve=one.curve(seed).told(), first_pose=self._first_pose)

    @cached_property
    def _away(self) -> Common:
        spec, seed = self.experiment.target, self.experiment.seed
        candidates: list[Any] = [one.curve(seed).told() for one in spec.curves]
        reference = self.experiment.attack.reference
        away = {"reference": reference, "candidates": candidates or list(spec.labels)}
        return Common(**self._targets.settings, away=away)

    @cached_property
    def _told_budget(self) -> dict[str, object]:
        return told_budget(self.budget)

    @cached_property
    def _answering(self) -> Common:
        return Common(feature_spec=asdict(self.facts.feature_spec))

    @cached_property
    def _scoring(self) -> Common:
        return Common(feature_spec=asdict(self.facts.feature_spec), budget=self._told_budget)

    @cached_property
    def _climbs(self) -> bool:
        attacker = self.experiment.attack
        return not attacker.independent and attacker.attack().keep == "best"

    @lru_cache(maxsize=64)  # noqa: B019
    def _attack(self, label: str) -> Common:
        attack = self.with_kappa(self.attacks[ATTACK], label)
        if isinstance(attack, Untargeted):
            return Common(untargeted=asdict(attack), budget=self._told_budget)
        assert isinstance(attack, AIA)
        return Common(attack=asdict(attack), budget=self._told_budget)

    @lru_cache(maxsize=64)  # noqa: B019
    def _noise(self, attack: str) -> Common:
        noise = self.attacks[attack]
        assert isinstance(noise, Noise)
        first_pose = self._first_pose
        return Common(noise=asdict(noise), budget=self._told_budget, first_pose=first_pose)

    @lru_cache(maxsize=64)  # noqa: B019
    def _minimal(self, label: str) -> Common:
        assert self.tolerance is not None
        attack = AIA(steps=100, norm=self.tolerance.norm, seed=self.experiment.seed)
        kappa = replace(
            self.tolerance,
            kappa={label: self.tolerance.of(label)},
            other=None,
            source="",
            among_others={},
            between_same={},
        )
        return Common(attack=asdict(attack), budget=self._told_budget, tolerance=kappa.settled())
