"""An experiment: one TOML file, every key checked before anything runs."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from feint.attacks import AIA, Untargeted
from feint.attacks.noise import Kind
from feint.data.sbu import FOLDS, PAPER_TEST_SETS
from feint.errors import FeintError
from feint.skeleton import SBU_15, Skeleton
from feint.targets import AWAY, Exemplar, Place, Role, Targets, Time
from feint.training import Training

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
Label = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class Part(BaseModel):
    """A table of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Part):
    """[data]: where the interactions come from."""

    source: Literal["synthetic", "sbu"] = "synthetic"
    root: Path | None = None
    """SBU's folder; `--data` on the command line goes before it."""
    test_sets: Annotated[tuple[str, ...], Field(min_length=1)] = PAPER_TEST_SETS
    """Sets held out; `fold = 1` to `5` in their place takes SBU's official ones."""
    first_pose: bool = True
    """The reactor also sees its own first pose: where it stands (`with_first_pose`)."""
    directions: Literal["both", "responds"] = "both"
    runs: Count = 2
    """Synthetic only: interactions per pair of people and class."""
    seed: int = 0
    """Synthetic only."""

    @model_validator(mode="before")
    @classmethod
    def _fold(cls, value: Any) -> Any:
        """`fold` becomes its test sets."""
        if not isinstance(value, dict) or "fold" not in value:
            return value
        fold = value["fold"]
        if type(fold) is not int or not 1 <= fold <= len(FOLDS) or "test_sets" in value:
            raise FeintError(
                f"fold is {fold!r}; expected 1 to {len(FOLDS)}, and no test_sets beside it"
            )
        rest = {k: v for k, v in value.items() if k != "fold"}
        return {**rest, "test_sets": FOLDS[fold - 1]}


class Model(Part):
    """What every [[model]] has."""

    name: Name
    training: dict[str, Any] = {}
    """Any fields of `Training`."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """A model for each, named `<name>-<seed>`, trained alike but for its seed."""

    def each(self) -> "list[Model]":
        """The model itself, or one for every seed."""
        return [
            self.model_copy(
                update={
                    "name": f"{self.name}-{seed}",
                    "seeds": (),
                    "training": {**self.training, "seed": seed},
                }
            )
            for seed in self.seeds
        ] or [self]

    @field_validator("training")
    @classmethod
    def _trains(cls, value: dict[str, Any]) -> dict[str, Any]:
        known = [field.name for field in fields(Training)]
        for key in value:
            if key not in known:
                raise FeintError(f"unknown key {key!r}; expected some of {', '.join(known)}")
        Training(**value)
        return value


class TCNModel(Model):
    """[[model]] with kind = "TCN"."""

    kind: Literal["TCN"]
    name: Name = "tcn"
    width: Count = 256
    depth: Count = 10
    kernel: Count = 2
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2

    def settings(self) -> dict[str, Any]:
        """Arguments of the model."""
        return {k: getattr(self, k) for k in ("width", "depth", "kernel", "dropout")}


class DeepGRUModel(Model):
    """[[model]] with kind = "DeepGRU"."""

    kind: Literal["DeepGRU"]
    name: Name = "deepgru"
    widths: tuple[Count, Count, Count] = (512, 256, 128)

    def settings(self) -> dict[str, Any]:
        """Arguments of the model."""
        return {"widths": self.widths}


class Attacker(Part):
    """[attack]: the attack and its budget."""

    kind: Literal["targeted", "untargeted"] = "targeted"
    """Untargeted, answers are led away from the reference; target.labels are candidates."""
    reference: Literal["true", "clean"] = "true"
    """Untargeted: what answers are led away from, the true reaction or the model's clean answer."""
    preset: Literal["strong", "paper-eq6", "paper-adam"] = "strong"
    settings: dict[str, Any] = {}
    """Any field of AIA, in place of the preset's; or of Untargeted."""
    eps: Annotated[tuple[Positive, ...], Field(min_length=1)]
    unit: Literal["data", "cm"] = "data"
    axes: Annotated[tuple[str, ...], Field(min_length=1)] = ("z",)
    joints: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Joints the attacker can move; all of them if not given."""
    independent: bool = False
    """Begin every eps at the clean input, as the paper does, not at the smaller eps's best."""

    @model_validator(mode="after")
    def _known(self) -> "Attacker":
        self.attack()
        SBU_15.axis(*self.axes)
        if self.joints is not None:
            SBU_15.of_joints(self.joints)
        told = [round(eps, 6) for eps in self.eps]  # rows tell eps to seven decimals
        if len(set(told)) != len(told) or min(told) == 0:
            raise FeintError(f"eps has a value twice, or below 1e-6: {self.eps}")
        return self

    def attack(self) -> AIA | Untargeted:
        """The attack with its settings."""
        if self.kind == "untargeted":
            if self.preset != "strong":
                raise FeintError("presets are of the targeted attack; expected settings alone")
            return Untargeted.of(self.settings)
        return AIA.preset(self.preset, **self.settings)


class Target(Part):
    """[target]: the reactions asked for."""

    labels: Annotated[tuple[Label, ...], Field(min_length=1)]
    exemplar: Exemplar = "medoid"
    role: Role = "any"
    time: Time = "resample"
    place: Place = "reactor"

    @field_validator("labels")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise FeintError(f"a target stands twice: {', '.join(value)}")
        return value

    def targets(self, seed: int) -> Targets:
        """How targets are chosen and aligned."""
        return Targets(self.exemplar, self.role, self.time, self.place, seed)


class Evaluation(Part):
    """[evaluation]: what is asked, and of how many."""

    limit: Count | None = None
    """The first so many test sequences in a seeded order, so that a larger limit keeps what a
    smaller one did; all of them, as they come, if not given."""
    sources: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Models that attacks are crafted on; all of them if not given. The others only answer."""
    noise: tuple[Kind, ...] = ("sign", "offset")
    transfer: bool = True
    """Also score what was crafted on each model on every other."""
    rows_per_job: Annotated[int, Field(ge=1, le=4096)] = 64
    """Test sequences a job takes on: what is lost at most when a machine dies."""
    batch_size: Count | None = None
    """Rows attacked at once; if not given, what fits into memory and serves the processor."""
    tolerance: Literal["natural", "paper", "paper-joint"] | Path = "natural"
    """kappa: measured on the training set, Table 1 in either reading, or a tolerance file."""


class Experiment(Part):
    """The whole file."""

    name: Name
    seed: Annotated[int, Field(ge=0)] = 0
    data: Data = Data()
    model: Annotated[
        tuple[Annotated[TCNModel | DeepGRUModel, Field(discriminator="kind")], ...],
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
        unknown = set(self.evaluation.sources or ()) - set(names)
        if unknown:
            raise FeintError(
                f"evaluation.sources names {', '.join(sorted(unknown))}; expected some of "
                f"{', '.join(names)}"
            )
        return self

    @property
    def asked(self) -> tuple[str, ...]:
        """The targets in the rows."""
        return (AWAY,) if self.attack.kind == "untargeted" else self.target.labels

    @property
    def sources(self) -> list[str]:
        """The models that attacks are crafted on, in the order of the models."""
        asked = self.evaluation.sources
        return [one.name for one in self.model if asked is None or one.name in asked]

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton of the data: both sources have SBU's."""
        return SBU_15


def read(path: Path) -> Experiment:
    """Read an experiment.

    Raises:
        FeintError: no such file, not TOML, or a key that is unknown, missing or wrong; it names
            the key, what came and what was expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FeintError(
            f"Could not read the experiment {path}: {error}. Expected a TOML file such as "
            "examples/sbu.toml."
        ) from error
    return parse(text, str(path))


def parse(text: str, name: str) -> Experiment:
    """Read an experiment from text; `name` stands for it in errors."""
    try:
        return Experiment(**tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise FeintError(f"{name} is not TOML: {error}. Mend the line it names.") from error
    except ValidationError as error:
        raise FeintError(f"{name} is not an experiment:\n{_told(error)}") from error
    except (TypeError, ArithmeticError) as error:
        raise FeintError(f"{name} is not an experiment: {error}.") from error


def on_fold(experiment: Experiment, fold: int) -> Experiment:
    """The same experiment with one of the dataset's five folds held out, 1 to 5."""
    if not 1 <= fold <= len(FOLDS):
        raise FeintError(f"The fold is {fold}; expected 1 to {len(FOLDS)}.")
    data = experiment.data.model_copy(update={"test_sets": FOLDS[fold - 1]})
    return experiment.model_copy(update={"data": data})


def restore(told: Any, name: str) -> Experiment:
    """An experiment from the JSON it was kept as; `name` stands for it in errors."""
    if not isinstance(told, dict):
        raise FeintError(f"{name} tells no experiment; expected what `feint run` writes there.")
    try:
        return Experiment(**told)
    except ValidationError as error:
        raise FeintError(f"{name} tells no experiment of this feint:\n{_told(error)}") from error
    except (TypeError, ArithmeticError) as error:
        raise FeintError(f"{name} tells no experiment of this feint: {error}.") from error


def _told(error: ValidationError) -> str:
    lines = []
    places = [one["loc"] for one in error.errors()]
    for one in error.errors():
        if any(other != one["loc"] and other[: len(one["loc"])] == one["loc"] for other in places):
            continue  # what is inside it says more
        key = ".".join(str(part) for part in one["loc"] if part not in ("TCN", "DeepGRU"))
        came = one["input"]
        shown = (
            "" if one["type"] == "missing" or isinstance(came, dict | Part) else f"got {came!r}; "
        )
        message = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            message = "unknown key; check its spelling against docs/experiments.md"
            shown = ""
        if not message.startswith("AIA"):
            message = message[:1].lower() + message[1:]
        lines.append(f"  {key}: {shown}{message}")
    return "\n".join(lines)
