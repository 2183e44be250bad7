"""[attack] of an experiment: an attack, what it may change, and the eps to try.

What a kind of attack is called, and which settings it has, comes from `feint.attacks.ATTACKS`: this
file holds only what all attacks of an experiment have.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from feint.attacks import ATTACKS, Attack, abilities, make_attack, presets
from feint.config import ConfigTable, Positive
from feint.data.config import TableData
from feint.errors import FeintError
from feint.evaluation.attack_task import is_attack_name
from feint.models.config import Name

Label = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200)]
Number = Annotated[float, Field(allow_inf_nan=False, gt=-1e30, lt=1e30)]


class AttackConfig(ConfigTable):
    """[attack], or one of several [[attack]]: an attack, its budget and the eps to try."""

    name: Name
    """In the rows, and so in the report; the kind if not given."""
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
    def _known(self) -> "AttackConfig":
        self.attack()
        rounded = [round(eps, 6) for eps in self.eps]  # rows hold eps to seven decimals
        if len(set(rounded)) != len(rounded) or min(rounded) == 0:
            raise FeintError(f"eps has a value twice, or below 1e-6: {self.eps}", "bad-eps")
        return self

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        kind = value.get("kind", "aia")
        named = list(presets(kind)) if kind in ATTACKS else []
        return {"name": kind, **({"preset": named[0]} if named else {}), **value}

    @field_validator("name")
    @classmethod
    def _is_free(cls, value: str) -> str:
        if not is_attack_name(value):
            raise FeintError(
                f'an attack is called {value!r}; "none" and names that end in "noise" are those of '
                "the baselines. Give it another name",
                code="reserved-name",
            )
        return value

    def attack(self) -> Attack:
        """The attack with its settings."""
        return make_attack(self.kind, self.settings, self.preset)

    @property
    def targeted(self) -> bool:
        """Whether the attack has a target."""
        return abilities(self.attack()).targeted


BUDGET = (
    "eps_unit", "axes", "joints", "columns", "eps_per_column", "bounds", "integer_columns",
)  # fmt: skip
"""What the attacks of a run have in common: their success is compared on one budget."""


def check_together(attacks: Sequence[AttackConfig]) -> None:
    """Raise FeintError unless these attacks may be compared in one run."""
    first, names = attacks[0], [one.name for one in attacks]
    if len(set(names)) != len(names):
        raise FeintError(
            f"two attacks have the same name: {', '.join(names)}; give each [[attack]] a name",
            code="same-name",
        )
    for i, one in enumerate(attacks):
        if differ := [key for key in BUDGET if getattr(one, key) != getattr(first, key)]:
            raise FeintError(
                f"the attacks {first.name} and {one.name} differ in {', '.join(differ)}; expected "
                "one budget in a run, so that they and the noise can be compared. Give each budget "
                "a run of its own",
                code="budgets-differ",
            )
        same = [other.name for other in attacks[:i] if other.attack() == one.attack()]
        if same:
            raise FeintError(
                f"the attacks {same[0]} and {one.name} have the same settings; expected others",
                code="same-settings",
            )
    if len({one.reference for one in attacks if not one.targeted}) > 1:
        raise FeintError(
            "the untargeted attacks have different references; expected one in a run",
            code="references-differ",
        )


def check_columns(attack: AttackConfig, data: TableData) -> None:
    """Raise FeintError unless the attack is on columns that the data shows."""
    if attack.eps_unit == "cm" or attack.joints is not None or attack.axes != ("z",):
        raise FeintError(
            "attack: axes, joints and cm belong to people; a series has columns, "
            "eps_per_column, bounds and integer_columns",
            "wrong-data-kind",
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
                f"{', '.join(shown)}",
                "unknown-column",
            )
    lacks = [word for word in changed if word not in attack.eps_per_column]
    if attack.eps_per_column and (lacks or attack.eps_unit != "data"):
        raise FeintError(
            "attack: eps_per_column goes without eps_unit and has a number for every column that "
            f"is attacked; it lacks {', '.join(lacks) or 'none'}",
            "bad-eps",
        )
    for word, (low, high) in attack.bounds.items():
        if not low < high:
            raise FeintError(
                f"attack: bounds.{word} is [{low}, {high}]; expected low < high", "bad-bounds"
            )
