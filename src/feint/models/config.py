"""[[model]] of an experiment: a family that feint trains, or a model that you bring.

The keys of a family's table are made from its class (`feint.models.registry`), so that a default
is written once.  A new key of a family is a new argument of its constructor, not a change here.
"""

import json
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BeforeValidator,
    Field,
    SerializeAsAny,
    create_model,
    field_validator,
    model_validator,
)

from feint.config import ConfigTable
from feint.errors import FeintError
from feint.models import registry
from feint.models.external.import_path import Kind as ExternalKind
from feint.models.external.import_path import (
    hash_code,
    hash_files,
    import_object,
    read_files,
)
from feint.models.external.source import ModelSource
from feint.models.training_settings import Training

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
EXTERNAL_KINDS: tuple[str, ...] = get_args(ExternalKind)
"""The kinds of a model that you bring."""


class ModelConfig(ConfigTable):
    """What every [[model]] has."""

    kind: str
    name: Name
    training: dict[str, Any] = Field(default_factory=dict)
    """Any fields of `Training`."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """A model for each, named `<name>-<seed>`, that differ in the seed of their training alone."""

    def settings(self) -> dict[str, Any]:
        """The keys that are arguments of the model."""
        return {name: getattr(self, name) for name in registry.arguments(self.kind)}

    def training_settings(self, seed: int) -> Training:
        """How the model is trained.

        Args:
            seed: the experiment's; used if the model does not set its own.
        """
        return Training(**{"seed": seed, **registry.training_defaults(self.kind), **self.training})

    def each(self) -> "list[ModelConfig]":
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


class TrainedModelConfig(ModelConfig):
    """[[model]] of a kind that feint trains; `family_config` adds the family's own keys."""

    @field_validator("training")
    @classmethod
    def _check_training(cls, value: dict[str, Any], info: Any) -> dict[str, Any]:
        known = [field.name for field in fields(Training)]
        for key in value:
            if key not in known:
                raise FeintError(
                    f"unknown key {key!r}; expected some of {', '.join(known)}", code="unknown-key"
                )
        Training(**{**registry.training_defaults(info.data["kind"]), **value})
        return value


@cache
def family_config(kind: str) -> type[TrainedModelConfig]:
    """The table of a family: its constructor's arguments, with their types and defaults."""
    keys: dict[str, Any] = {
        name: (one.annotation, one.default) for name, one in registry.arguments(kind).items()
    }
    keys["kind"] = (Literal[kind], ...)
    keys["name"] = (Name, kind.lower())
    return create_model(f"{kind}Config", __base__=TrainedModelConfig, **keys)


class ExternalModelConfig(ModelConfig):
    """[[model]] of a model that you bring: loaded, never trained."""

    kind: ExternalKind
    name: Name = "yours"
    model: Annotated[str, Field(max_length=1000)] = ""
    """`package.module:name`, of "import" and "hub"."""
    path: Path | None = None
    """Of "saved" the path without its suffix, of "hub" the folder, of "exported" the .pt2, of
    "import" the weights as safetensors."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Of "import": what `model` is called with."""
    samples: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Of a model that draws random numbers: draws to average over."""
    seed: Annotated[int, Field(ge=0)] = 0
    code_hash: str = ""
    files_hash: str = ""
    """Hashes, filled in when the experiment is read, so that a later change is noticed."""

    @model_validator(mode="after")
    def _check_keys(self) -> "ExternalModelConfig":
        if self.training or self.seeds:
            raise FeintError(
                "training and seeds belong to models that feint trains; a model of kind "
                f"{self.kind!r} is trained already",
                code="keys-conflict",
            )
        if bool(self.model) != (self.kind in ("import", "hub")):
            raise FeintError(
                f"kind {self.kind!r} got model = {self.model!r}; expected an import path, "
                'package.module:name, for "import" and "hub", and none for the others',
                code="keys-conflict",
            )
        try:
            json.dumps(self.arguments, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise FeintError(
                f"arguments: {error}; expected numbers, words and lists", code="bad-setting"
            ) from error
        if self.path is None and self.kind != "import":
            raise FeintError(f"kind {self.kind!r} needs a path", code="missing-key")
        if (self.arguments or self.samples) and self.kind in ("saved", "hub"):
            raise FeintError(
                f"kind {self.kind!r} takes no arguments and no samples; both belong to an import",
                code="keys-conflict",
            )
        return self

    def with_hashes(self) -> "ExternalModelConfig":
        """The same with its hashes.  Runs the code that it names."""
        if self.model:
            import_object(self.model)
        code = hash_code(self.model) if self.model else ""
        files = hash_files(read_files(self.kind, self.path))
        return self.model_copy(update={"code_hash": code, "files_hash": files})

    def source(self) -> ModelSource:
        """Where the model comes from, as a job stores it."""
        return ModelSource(
            self.kind,
            self.model,
            self.arguments,
            self.samples,
            self.seed,
            self.code_hash,
            self.files_hash,
        )


def parse_model(value: Any) -> Any:
    """One [[model]] table, read by the keys of its kind."""
    if not isinstance(value, dict):
        return value
    kind = value.get("kind")
    if kind in EXTERNAL_KINDS:
        return ExternalModelConfig(**value)
    if kind not in registry.MODELS:
        raise FeintError(
            f"unknown kind {kind!r}; expected one of {', '.join(map(repr, registry.MODELS))}, or "
            f"{', '.join(map(repr, EXTERNAL_KINDS))} for a model that you bring",
            code="unknown-model",
        )
    return family_config(kind)(**value)


AnyModel = Annotated[SerializeAsAny[ModelConfig], BeforeValidator(parse_model)]
"""One [[model]]: its class depends on its kind."""


def external_model(
    path: str, weights: Path | None = None, samples: int | None = None
) -> ExternalModelConfig:
    """A [[model]] from the options of the command line.

    Args:
        path: `package.module:name`, a .pt2 file, or a saved feint model without its suffix.
        weights: of an import path: a safetensors file, or a folder of `save_pretrained`.
    """
    kind: ExternalKind
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
