"""The tables of an experiment's TOML file; every key is checked before anything runs.

[attack] is in `attack_config`, [data] in `feint.data.config`, [[model]] in `feint.models.config`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from feint.attacks.noise import Kind
from feint.attacks.target_curves import WIDEST, Curve, read_curve
from feint.attacks.target_curves import Kind as CurveKind
from feint.attacks.targets import Anchor, Exemplar, LengthMode, Role, Targets
from feint.config import ConfigTable, Count, Positive
from feint.data.config import AnyData, Data, PeopleData, TableData
from feint.errors import FeintError
from feint.evaluation.attack_task import AWAY
from feint.experiments.attack_config import (
    BUDGET,
    AttackConfig,
    Label,
    Number,
    check_columns,
    check_together,
)
from feint.models.config import AnyModel, Name
from feint.skeleton import SBU_15


class TargetCurve(ConfigTable):
    """[[target.curves]]: a target of a series (`feint.attacks.target_curves.Curve`)."""

    name: Label
    kind: CurveKind
    by: Number | Annotated[tuple[Number, ...], Field(min_length=1, max_length=WIDEST)] | None = None
    file: Path | None = None
    """A CSV file of a "curve": read with the experiment, and stored as `values`."""
    values: tuple[tuple[Number, ...], ...] = ()
    seed: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _reads(cls, value: Any) -> Any:
        named = isinstance(value, dict) and isinstance(value.get("file"), str)
        if named and not value.get("values"):
            return {**value, "values": read_curve(Path(value["file"]))}
        return value

    @model_validator(mode="after")
    def _makes(self) -> "TargetCurve":
        self.curve(0)
        return self

    def curve(self, seed: int) -> Curve:
        """The curve itself; `seed` where it has none of its own."""
        by = () if self.by is None else self.by if isinstance(self.by, tuple) else (self.by,)
        own = 0 if self.kind != "window" else seed if self.seed is None else self.seed
        return Curve(self.name, self.kind, by, self.values, own)


class Target(ConfigTable):
    """[target]: the outputs that the attacker wants."""

    labels: tuple[Label, ...] = ()
    """Classes. Untargeted attacks alone need none, and try those that are given."""
    curves: tuple[TargetCurve, ...] = ()
    """Of a series, in place of labels: their names are the labels."""
    exemplar: Exemplar = "medoid"
    role: Role = "any"
    length_mode: LengthMode = "resample"
    anchor: Anchor = "reactor"

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get("curves"), list | tuple):
            return value
        names = [one.get("name") for one in value["curves"] if isinstance(one, dict)]
        if names and list(value.get("labels", names)) != names:
            raise FeintError(
                "labels and curves are both given; expected one of them", "conflicting-keys"
            )
        return {**value, "labels": names} if names else value

    @field_validator("labels")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise FeintError(f"a target is given twice: {', '.join(value)}", "repeated-name")
        return value

    def targets(self, seed: int) -> Targets:
        """How targets are chosen and aligned."""
        return Targets(self.exemplar, self.role, self.length_mode, self.anchor, seed)


class Evaluation(ConfigTable):
    """[evaluation]: which sequences, models and baselines are compared, and how."""

    max_sequences: Count | None = None
    """The first so many test sequences in a seeded order, so that a larger number keeps the
    results of a smaller one; all of them, in their own order, if not given."""
    craft_on: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Models that attacks are crafted on; all if not given. The others are only evaluated."""
    noise: tuple[Kind, ...] = ("sign", "offset")
    transfer: bool = True
    """Evaluate attacks that were crafted on one model on every other, too."""
    sequences_per_job: Annotated[int, Field(ge=1, le=4096)] = 64
    """Test sequences in one job: what is lost at most when a machine dies."""
    batch_size: Count | None = None
    """Rows attacked at once; if not given, as many as fit in memory and help the device."""
    tolerance: Literal["natural", "paper", "paper-joint"] | Positive | Path = "natural"
    """Measured on the training set, Table 1 in either norm, a mean distance a frame in the data's
    units, or a tolerance file."""


class Experiment(ConfigTable):
    """The whole file."""

    name: Name
    seed: Annotated[int, Field(ge=0)] = 0
    data: AnyData = Data()
    model: Annotated[
        tuple[AnyModel, ...],
        Field(min_length=1),
    ]
    attack: Annotated[tuple[AttackConfig, ...], Field(min_length=1)]
    """One [attack] table, or several [[attack]] of one budget and with names."""
    target: Target = Field(default_factory=Target)
    evaluation: Evaluation = Evaluation()

    @field_validator("model", mode="after")
    @classmethod
    def _seeds(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        """A model with seeds becomes that many."""
        return tuple(one for model in value for one in model.each())

    @field_validator("attack", mode="before")
    @classmethod
    def _tables(cls, value: Any) -> Any:
        """One table is a list of one; what the first says of the budget holds for all."""
        if not isinstance(value, list | tuple):
            return [value]
        first = value[0] if value and isinstance(value[0], dict) else {}
        shared = {key: first[key] for key in ("eps", *BUDGET) if key in first}
        return [{**shared, **one} if isinstance(one, dict) else one for one in value]

    @field_validator("attack")
    @classmethod
    def _go_together(cls, value: tuple[AttackConfig, ...]) -> tuple[AttackConfig, ...]:
        check_together(value)
        return value

    @model_validator(mode="after")
    def _names(self) -> "Experiment":
        names = [model.name for model in self.model]
        if len(set(names)) != len(names):
            raise FeintError(f"two models have the same name: {', '.join(names)}", "repeated-name")
        unknown = set(self.evaluation.craft_on or ()) - set(names)
        if unknown:
            raise FeintError(
                f"evaluation.craft_on names {', '.join(sorted(unknown))}; expected some of "
                f"{', '.join(names)}",
                "unknown-model",
            )
        return self

    @model_validator(mode="after")
    def _fits(self) -> "Experiment":
        """The attack and the targets are of the kind of data there is, as far as that is known."""
        of_series = isinstance(self.data, TableData)
        given = bool(self.target.labels)
        if self.targeted and not given:
            key = "[[target.curves]]" if of_series else "target.labels"
            raise FeintError(
                f"an attack with a target needs one: {key}; expected at least one there, or "
                'kind = "untargeted" in [attack]',
                "no-target",
            )
        if given and bool(self.target.curves) != of_series:
            raise FeintError(
                'target.curves is what a series (data.source = "windows") is asked for, and '
                "target.labels what people are; expected the one that goes with data.source = "
                f"{self.data.source!r}",
                "wrong-data-kind",
            )
        if isinstance(self.data, TableData):
            check_columns(self.budget, self.data)
            return self
        mine = [name for name in ("columns", "eps_per_column", "bounds", "integer_columns")
                if getattr(self.budget, name)]  # fmt: skip
        if mine or self.budget.eps_unit == "deviation":
            raise FeintError(
                f"attack: {', '.join(mine) or 'eps_unit deviation'} goes with a series of columns "
                '(data.source = "windows"); expected axes, joints, and eps_unit data or cm',
                "wrong-data-kind",
            )
        if not isinstance(self.data, PeopleData):
            try:
                SBU_15.axis(*self.budget.axes)
                if self.budget.joints is not None:
                    SBU_15.of_joints(self.budget.joints)
            except FeintError as error:
                raise FeintError(f"attack: {error}", error.code) from error
        return self

    @property
    def budget(self) -> AttackConfig:
        """The table that says what may be changed: the first one, as all of them agree."""
        return self.attack[0]

    @property
    def eps(self) -> tuple[float, ...]:
        """Every eps of any attack, in the order of the file."""
        return tuple(dict.fromkeys(eps for one in self.attack for eps in one.eps))

    @property
    def target_names(self) -> tuple[str, ...]:
        """The targets in the rows."""
        return tuple(dict.fromkeys(label for one in self.attack for label in self.targets_of(one)))

    def targets_of(self, attack: AttackConfig) -> tuple[str, ...]:
        """The targets in the rows of one attack."""
        return self.target.labels if attack.targeted else (AWAY,)

    @property
    def targeted(self) -> bool:
        """Whether any attack has a target."""
        return any(one.targeted for one in self.attack)

    @property
    def reference(self) -> str | None:
        """What untargeted attacks lead away from, "true" or "clean"; None if there is none."""
        return next((one.reference for one in self.attack if not one.targeted), None)

    @property
    def surrogates(self) -> list[str]:
        """The models that attacks are crafted on, in the order of the models."""
        asked = self.evaluation.craft_on
        return [one.name for one in self.model if asked is None or one.name in asked]
