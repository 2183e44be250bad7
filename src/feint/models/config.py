"""[[model]] of an experiment: feint's own kinds, each with defaults that train well, and yours."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from feint.config import ConfigTable, Count
from feint.errors import FeintError
from feint.models.external.import_path import hash_code, hash_files, import_object, read_files
from feint.models.external.source import ModelSource
from feint.models.training_settings import Training

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class Model(ConfigTable):
    """What every [[model]] has."""

    own: ClassVar[tuple[str, ...]] = ()
    """Keys that are arguments of the model."""
    trains: ClassVar[dict[str, Any]] = {}
    """Its own defaults of `Training`."""

    name: Name
    training: dict[str, Any] = Field(default_factory=dict)
    """Any fields of `Training`."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """A model for each, named `<name>-<seed>`, trained alike but for its seed."""

    def settings(self) -> dict[str, Any]:
        """Arguments of the model."""
        return {name: getattr(self, name) for name in self.own}

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
        Training(**{**cls.trains, **value})
        return value


class TCNModel(Model):
    """[[model]] with kind = "TCN"."""

    own = ("width", "depth", "kernel", "dropout")
    kind: Literal["TCN"]
    name: Name = "tcn"
    width: Count = 256
    depth: Count = 10
    kernel: Count = 2
    dropout: Dropout = 0.2


class DeepGRUModel(Model):
    """[[model]] with kind = "DeepGRU"."""

    own = ("widths",)
    kind: Literal["DeepGRU"]
    name: Name = "deepgru"
    widths: tuple[Count, Count, Count] = (512, 256, 128)


class GRUModel(Model):
    """[[model]] with kind = "GRU"."""

    own = ("width", "layers", "dropout", "facing")
    trains: ClassVar[dict[str, Any]] = {"learning_rate": 2e-3, "schedule": "cosine"}
    kind: Literal["GRU"]
    name: Name = "gru"
    width: Count = 128
    layers: Annotated[int, Field(ge=1, le=64)] = 1
    dropout: Dropout = 0.3
    facing: bool = True


class LSTMModel(Model):
    """[[model]] with kind = "LSTM"."""

    own = ("width", "layers", "dropout", "bidirectional")
    trains: ClassVar[dict[str, Any]] = {"learning_rate": 2e-3, "schedule": "cosine"}
    kind: Literal["LSTM"]
    name: Name = "lstm"
    width: Count = 128
    layers: Annotated[int, Field(ge=1, le=64)] = 1
    dropout: Dropout = 0.3
    bidirectional: bool = False


class TransformerModel(Model):
    """[[model]] with kind = "Transformer"."""

    own = ("width", "depth", "heads", "dropout", "causal")
    trains: ClassVar[dict[str, Any]] = {"learning_rate": 2e-3, "schedule": "cosine"}
    kind: Literal["Transformer"]
    name: Name = "transformer"
    width: Count = 64
    depth: Count = 2
    heads: Count = 4
    dropout: Dropout = 0.1
    causal: bool = True


class SiMLPeModel(Model):
    """[[model]] with kind = "SiMLPe"."""

    own = ("window", "width", "depth")
    trains: ClassVar[dict[str, Any]] = {"epochs": 40, "learning_rate": 3e-3, "schedule": "cosine"}
    kind: Literal["SiMLPe"]
    name: Name = "simlpe"
    window: Count = 12
    width: Count = 64
    depth: Count = 6


class RidgeModel(Model):
    """[[model]] with kind = "Ridge"."""

    own = ("taps", "penalty")
    kind: Literal["Ridge"]
    name: Name = "ridge"
    taps: Count = 8
    penalty: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 100.0


class DLinearModel(Model):
    """[[model]] with kind = "DLinear"."""

    own = ("taps", "window")
    trains: ClassVar[dict[str, Any]] = {"learning_rate": 1e-2, "schedule": "cosine"}
    kind: Literal["DLinear"]
    name: Name = "dlinear"
    taps: Count = 16
    window: Count = 9


class ExternalModelConfig(Model):
    """[[model]] with a kind that is the user's own: loaded, never trained."""

    kind: Literal["import", "saved", "hub", "exported"]
    name: Name = "yours"
    model: Annotated[str, Field(max_length=1000)] = ""
    """`package.module:name`, of "import" and "hub"."""
    path: Path | None = None
    """Of "saved" without its suffix, of "hub" the folder, of "exported" the .pt2, of "import" the
    weights as safetensors."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Of "import": what `model` is called with."""
    samples: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Of a model that draws random numbers: draws to average over."""
    seed: Annotated[int, Field(ge=0)] = 0
    code_hash: str = ""
    files_hash: str = ""
    """Hashes, filled in when the file is read, so that a change of either is noticed."""

    @model_validator(mode="after")
    def _whole(self) -> "ExternalModelConfig":
        if self.training or self.seeds:
            raise FeintError(
                f"training and seeds are of models that feint trains; a model of kind {self.kind!r}"
                " is trained already"
            )
        if bool(self.model) != (self.kind in ("import", "hub")):
            raise FeintError(
                f"kind {self.kind!r} got model = {self.model!r}; expected an import path, "
                'package.module:name, for "import" and "hub", and none for the others'
            )
        try:
            json.dumps(self.arguments, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise FeintError(f"arguments: {error}; expected numbers, words and lists") from error
        if self.path is None and self.kind != "import":
            raise FeintError(f"kind {self.kind!r} needs a path")
        if (self.arguments or self.samples) and self.kind in ("saved", "hub"):
            raise FeintError(
                f"kind {self.kind!r} takes no arguments and no samples; both are of an import"
            )
        return self

    def with_hashes(self) -> "ExternalModelConfig":
        """The same with its hashes.  Runs the code that it names."""
        if self.model:
            import_object(self.model)
        code = hash_code(self.model) if self.model else ""
        content = hash_files(read_files(self.kind, self.path))
        return self.model_copy(update={"code_hash": code, "files_hash": content})

    def source(self) -> ModelSource:
        """Where it comes from, as a job is told."""
        return ModelSource(
            self.kind,
            self.model,
            self.arguments,
            self.samples,
            self.seed,
            self.code_hash,
            self.files_hash,
        )


Own = (
    TCNModel
    | DeepGRUModel
    | GRUModel
    | LSTMModel
    | TransformerModel
    | SiMLPeModel
    | RidgeModel
    | DLinearModel
)
AnyModel = Annotated[Own | ExternalModelConfig, Field(discriminator="kind")]
KINDS = frozenset(
    word
    for one in (*Own.__args__, ExternalModelConfig)
    for word in one.model_fields["kind"].annotation.__args__
)
"""Every kind, as errors of pydantic name them."""


def external_model(
    path: str, weights: Path | None = None, samples: int | None = None
) -> ExternalModelConfig:
    """A [[model]] from what the command line tells.

    Args:
        path: `package.module:name`, a .pt2 file, or a saved feint model without its suffix.
        weights: of an import path: a safetensors file, or a folder of `save_pretrained`.
    """
    kind: Literal["import", "saved", "hub", "exported"]
    more: dict[str, Any] = {}
    if path.endswith(".pt2"):
        kind, more["path"] = "exported", Path(path)
    elif ":" in path:
        kind, more["model"] = "import", path
        if weights is not None:
            kind, more["path"] = "hub" if weights.is_dir() else "import", weights
    else:
        kind, more["path"] = "saved", Path(path.removesuffix(".safetensors"))
    if samples is not None:
        more["samples"] = samples
    word = path.rpartition(":")[2] if ":" in path else Path(path).stem
    name = "".join(c if c.isalnum() or c in "_.-" else "-" for c in word).strip("-_.") or "yours"
    return ExternalModelConfig(kind=kind, name=name[:64], **more)
