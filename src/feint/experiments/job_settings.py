"""Settings that many jobs of a plan share, each hashed once.

`JobSettings` turns the parts of an experiment into the JSON values that jobs carry, and so into a
part of their keys: whatever changes a job's result belongs in here, nothing else does.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from feint.attacks import AIA, Attack, Noise, attack_to_dict, with_tolerance
from feint.attacks.budget import Budget
from feint.columns import first_pose_position
from feint.data.config import TableData
from feint.evaluation.attack_task import AWAY
from feint.evaluation.tolerance import Tolerance
from feint.experiments.budgets import hidden, make_budget
from feint.experiments.config import Experiment
from feint.experiments.facts import Facts
from feint.experiments.results import budget_to_dict
from feint.jobs.job import Common
from feint.models.config import ModelConfig
from feint.models.external.source import ModelSource


@dataclass(frozen=True, eq=False)
class JobSettings:
    """The shared settings of an experiment's jobs, by what the jobs do.

    Attributes:
        experiment: the experiment.
        facts: of its data.
        tolerance: once it is known; attacks that aim at a radius need it.
    """

    experiment: Experiment
    facts: Facts
    tolerance: Tolerance | None = None

    @property
    def first_pose(self) -> bool:
        """Whether models see the reactor's first pose."""
        return self.experiment.data.first_pose

    @cached_property
    def attacks(self) -> dict[str, Attack]:
        """Everything that perturbs, by its name in the rows."""
        seed = self.experiment.seed
        noises = {f"{k}-noise": Noise(k, seed=seed) for k in self.experiment.evaluation.noise}
        return {**noises, **{one.name: one.attack() for one in self.experiment.attack}}

    @cached_property
    def budget(self) -> Budget:
        """What may be changed; every job puts its own eps in its place."""
        feature_spec = self.facts.feature_spec
        return make_budget(
            self.experiment.budget, feature_spec, hidden(feature_spec, self.first_pose)
        )

    def with_tolerance(self, attack: Attack, label: str) -> Attack:
        """The attack with the target's own tolerance, if its loss needs one."""
        known = self.tolerance
        if known is None or label == AWAY:
            return attack
        return with_tolerance(attack, known.of(label), known.norm, known.per_frame)

    # -- models -----------------------------------------------------------------------------

    def training(self, spec: ModelConfig) -> tuple[Common, dict[str, Any]]:
        """Of the training of one model, with hints, which change nothing about its result."""
        training = asdict(spec.training_settings(self.experiment.seed))
        hints = {"checkpoint_every": training.pop("checkpoint_every")}
        first_pose = self.first_pose and first_pose_position(self.facts.feature_spec)
        common = Common(
            model=spec.kind, settings=spec.settings(), training=training, first_pose=first_pose
        )
        return common, hints

    @staticmethod
    def loading(source: ModelSource) -> Common:
        """Of bringing in a user's model."""
        return Common(source=source.to_dict())

    @cached_property
    def baselines(self) -> Common:
        """Of putting a model beside the trivial predictors."""
        return Common(first_pose=self.first_pose)

    @cached_property
    def natural(self) -> Common:
        """Of the natural tolerance."""
        spec = self.experiment.target
        if isinstance(self.experiment.data, TableData):
            labels = [] if AWAY in self.experiment.target_names else list(spec.labels)
            return Common(labels=labels, seed=self.experiment.seed)
        return Common(length_mode=spec.length_mode, anchor=spec.anchor, role=spec.role)

    @cached_property
    def limits(self) -> Common:
        """Of the natural limits of pose and of place."""
        return Common(role=self.experiment.target.role)

    # -- targets ----------------------------------------------------------------------------

    def targets(self, label: str) -> Common:
        """Of choosing and aligning the targets of one label."""
        if label == AWAY:
            return self._away
        return self._curve(label) if self.experiment.target.curves else self._targets

    @cached_property
    def _targets(self) -> Common:
        targets = self.experiment.target.targets(self.experiment.seed)
        return Common(targets=asdict(targets), first_pose=self.first_pose)

    @lru_cache(maxsize=64)  # noqa: B019  (as long as a plan, which lives as long as its run)
    def _curve(self, label: str) -> Common:
        spec, seed = self.experiment.target, self.experiment.seed
        one = next(one for one in spec.curves if one.name == label)
        others = [two.curve(seed).to_dict() for two in spec.curves if two.name != label]
        return Common(curve=one.curve(seed).to_dict(), others=others, first_pose=self.first_pose)

    @cached_property
    def _away(self) -> Common:
        spec, seed = self.experiment.target, self.experiment.seed
        candidates: list[Any] = [one.curve(seed).to_dict() for one in spec.curves]
        reference = self.experiment.reference
        away = {"reference": reference, "candidates": candidates or list(spec.labels)}
        return Common(**self._targets.settings, away=away)

    # -- attacks and answers ----------------------------------------------------------------

    @lru_cache(maxsize=64)  # noqa: B019
    def attack(self, name: str, label: str) -> Common:
        """Of one attack with one target; the attack's name is not part of it."""
        attack = self.with_tolerance(self.attacks[name], label)
        return Common(attack=attack_to_dict(attack), budget=self.stored_budget)

    @lru_cache(maxsize=64)  # noqa: B019
    def noise(self, attack: str) -> Common:
        """Of one kind of noise."""
        noise = self.attacks[attack]
        assert isinstance(noise, Noise)
        return Common(noise=asdict(noise), budget=self.stored_budget, first_pose=self.first_pose)

    @lru_cache(maxsize=64)  # noqa: B019
    def minimal(self, label: str) -> Common:
        """Of the search for the smallest eps with one target."""
        assert self.tolerance is not None
        attack = AIA(steps=100, norm=self.tolerance.norm, seed=self.experiment.seed)
        limit = replace(
            self.tolerance,
            values={label: self.tolerance.of(label)},
            other=None,
            source="",
            among_others={},
            between_same={},
        )
        return Common(attack=asdict(attack), budget=self.stored_budget, tolerance=limit.identity())

    @cached_property
    def answering(self) -> Common:
        """Of scoring clean inputs."""
        return Common(feature_spec=asdict(self.facts.feature_spec))

    @cached_property
    def scoring(self) -> Common:
        """Of scoring perturbed inputs."""
        return Common(feature_spec=asdict(self.facts.feature_spec), budget=self.stored_budget)

    @cached_property
    def stored_budget(self) -> Mapping[str, object]:
        """The budget as jobs store it."""
        return budget_to_dict(self.budget)
