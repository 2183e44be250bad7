"""An experiment: one TOML file, every key checked before anything runs."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from feint.attacks import ATTACKS, Attack, abilities, make_attack, presets
from feint.attacks.noise import Kind
from feint.attacks.target_curves import WIDEST, Curve, read_curve
from feint.attacks.target_curves import Kind as CurveKind
from feint.attacks.targets import Anchor, Exemplar, LengthMode, Role, Targets
from feint.config import ConfigTable, Count, Positive
from feint.data.config import AnyData, Data, People, Table
from feint.errors import FeintError
from feint.evaluation.attack_task import AWAY
from feint.models.config import AnyModel, Name
from feint.skeleton import SBU_15

Label = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200)]
Number = Annotated[float, Field(allow_inf_nan=False, gt=-1e30, lt=1e30)]


class Attacker(ConfigTable):
    """[attack]: the attack and its budget."""

    kind: Name = "aia"
    """One of `feint.attacks.ATTACKS`. An untargeted one leads the output away from the reference;
    target.labels are then its candidates."""
    reference: Literal["true", "clean"] = "true"
    """Untargeted: what answers are led away from, the true reaction or the model's clean answer."""
    preset: Name | None = None
    """Named settings, for a kind that has them; the kind's first if not given."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Any field of the attack, in place of the preset's."""
    eps: Annotated[tuple[Positive, ...], Field(min_length=1)]
    eps_unit: Literal["data", "cm", "deviation"] = "data"
    """Of eps: the data's, cm on every axis, or standard deviations of each column."""
    axes: Annotated[tuple[str, ...], Field(min_length=1)] = ("z",)
    joints: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Joints the attacker can move; all of them if not given."""
    columns: Annotated[tuple[Label, ...], Field(min_length=1)] | None = None
    """Columns of a series the attacker can change; all of them if not given."""
    eps_per_column: dict[Label, Positive] = Field(default_factory=dict)
    """Of a series: how much of a column one eps is, in the column's own unit."""
    bounds: dict[Label, tuple[Number, Number]] = Field(default_factory=dict)
    """Of a series: the least and the largest value a changed column may take."""
    integer_columns: tuple[Label, ...] = ()
    """Columns of a series that hold whole numbers, and still do when changed."""
    warm_start: bool = True
    """Begin every eps at the result of the next smaller one, if the attack can; the paper begins
    each at the clean input."""

    @model_validator(mode="after")
    def _known(self) -> "Attacker":
        self.attack()
        told = [round(eps, 6) for eps in self.eps]  # rows tell eps to seven decimals
        if len(set(told)) != len(told) or min(told) == 0:
            raise FeintError(f"eps has a value twice, or below 1e-6: {self.eps}")
        return self

    @model_validator(mode="before")
    @classmethod
    def _first_preset(cls, value: Any) -> Any:
        kind = value.get("kind", "aia") if isinstance(value, dict) else None
        names = list(presets(kind)) if kind in ATTACKS else []
        return {"preset": names[0], **value} if names else value

    def attack(self) -> Attack:
        """The attack with its settings."""
        return make_attack(self.kind, self.settings, self.preset)

    @property
    def targeted(self) -> bool:
        """Whether the attack has a target."""
        return abilities(self.attack()).targeted


class TargetCurve(ConfigTable):
    """[[target.curves]]: a curve asked of a series (`feint.curves.Curve`)."""

    name: Label
    kind: CurveKind
    by: Number | Annotated[tuple[Number, ...], Field(min_length=1, max_length=WIDEST)] | None = None
    file: Path | None = None
    """A CSV file of a "curve": read at once, and kept as `values`."""
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
    """[target]: the reactions asked for."""

    labels: Annotated[tuple[Label, ...], Field(min_length=1)]
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
            raise FeintError("labels stand beside curves; expected one of them")
        return {**value, "labels": names} if names else value

    @field_validator("labels")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise FeintError(f"a target stands twice: {', '.join(value)}")
        return value

    def targets(self, seed: int) -> Targets:
        """How targets are chosen and aligned."""
        return Targets(self.exemplar, self.role, self.length_mode, self.anchor, seed)


class Evaluation(ConfigTable):
    """[evaluation]: what is asked, and of how many."""

    max_sequences: Count | None = None
    """The first so many test sequences in a seeded order, so that a larger number keeps the
    results of a smaller one; all of them, in their own order, if not given."""
    craft_on: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Models that attacks are crafted on; all of them if not given. The others only answer."""
    noise: tuple[Kind, ...] = ("sign", "offset")
    transfer: bool = True
    """Also score what was crafted on each model on every other."""
    sequences_per_job: Annotated[int, Field(ge=1, le=4096)] = 64
    """Test sequences a job takes on: what is lost at most when a machine dies."""
    batch_size: Count | None = None
    """Rows attacked at once; if not given, what fits into memory and serves the processor."""
    tolerance: Literal["natural", "paper", "paper-joint"] | Positive | Path = "natural"
    """kappa: measured on the training set, Table 1 in either norm, a mean distance a frame in
    the data's units, or a tolerance file."""


class Experiment(ConfigTable):
    """The whole file."""

    name: Name
    seed: Annotated[int, Field(ge=0)] = 0
    data: AnyData = Data()
    model: Annotated[
        tuple[AnyModel, ...],
        Field(min_length=1),
    ]
    attack: Attacker
    target: Target
    evaluation: Evaluation = Evaluation()

    @field_validator("model", mode="after")
    @classmethod
    def _seeds(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        """A model with seeds becomes that many."""
        return tuple(one for model in value for one in model.each())

    @model_validator(mode="after")
    def _names(self) -> "Experiment":
        names = [model.name for model in self.model]
        if len(set(names)) != len(names):
            raise FeintError(f"two models have the same name: {', '.join(names)}")
        unknown = set(self.evaluation.craft_on or ()) - set(names)
        if unknown:
            raise FeintError(
                f"evaluation.craft_on names {', '.join(sorted(unknown))}; expected some of "
                f"{', '.join(names)}"
            )
        return self

    @model_validator(mode="after")
    def _fits(self) -> "Experiment":
        """The attack and the targets are of the kind of data there is, as far as that is known."""
        of_series = isinstance(self.data, Table)
        if bool(self.target.curves) != of_series:
            raise FeintError(
                'target.curves is what a series (data.source = "windows") is asked for, and '
                "target.labels what people are; expected the one that goes with data.source = "
                f"{self.data.source!r}"
            )
        if isinstance(self.data, Table):
            _check_columns(self.attack, self.data)
            return self
        mine = [name for name in ("columns", "eps_per_column", "bounds", "integer_columns")
                if getattr(self.attack, name)]  # fmt: skip
        if mine or self.attack.eps_unit == "deviation":
            raise FeintError(
                f"attack: {', '.join(mine) or 'eps_unit deviation'} goes with a series of columns "
                '(data.source = "windows"); expected axes, joints, and eps_unit data or cm'
            )
        if not isinstance(self.data, People):
            try:
                SBU_15.axis(*self.attack.axes)
                if self.attack.joints is not None:
                    SBU_15.of_joints(self.attack.joints)
            except FeintError as error:
                raise FeintError(f"attack: {error}") from error
        return self

    @property
    def asked(self) -> tuple[str, ...]:
        """The targets in the rows."""
        return (AWAY,) if self.away else self.target.labels

    @property
    def away(self) -> bool:
        """Whether the attack is untargeted."""
        return not self.attack.targeted

    @property
    def surrogates(self) -> list[str]:
        """The models that attacks are crafted on, in the order of the models."""
        asked = self.evaluation.craft_on
        return [one.name for one in self.model if asked is None or one.name in asked]


def _check_columns(attack: Attacker, data: Table) -> None:
    """Raise FeintError unless the attack is on columns that the data shows."""
    if attack.eps_unit == "cm" or attack.joints is not None or attack.axes != ("z",):
        raise FeintError(
            "attack: axes, joints and cm are of people; a series has columns, "
            "eps_per_column, bounds and integer_columns"
        )
    shown = data.inputs or ()
    changed = attack.columns if attack.columns is not None else shown
    for name, words in (
        ("columns", attack.columns or ()),
        ("eps_per_column", attack.eps_per_column),
        ("bounds", attack.bounds),
        ("integer_columns", attack.integer_columns),
    ):
        if unknown := [word for word in words if word not in shown]:
            raise FeintError(
                f"attack: {name} names {', '.join(unknown)}; expected some of data.inputs: "
                f"{', '.join(shown)}"
            )
    lacks = [word for word in changed if word not in attack.eps_per_column]
    if attack.eps_per_column and (lacks or attack.eps_unit != "data"):
        raise FeintError(
            "attack: eps_per_column goes without eps_unit and has a number for every column that "
            f"is attacked; it lacks {', '.join(lacks) or 'none'}"
        )
    for word, (low, high) in attack.bounds.items():
        if not low < high:
            raise FeintError(f"attack: bounds.{word} is [{low}, {high}]; expected low < high")
