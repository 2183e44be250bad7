"""An experiment from a TOML file, or from the JSON in a run's folder; errors name the key.

The keys and their checks are in `config.py`; this file reads, and words what pydantic finds.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from feint.config import ConfigTable
from feint.data.config import TAGS
from feint.errors import FeintError
from feint.experiments.config import Experiment
from feint.models.config import ExternalModelConfig

LARGEST_FILE = 2**20


def read(path: Path) -> Experiment:
    """Read an experiment.

    Raises:
        FeintError: no such file, not TOML, or a key that is unknown, missing or wrong; it names
            the key, what came and what was expected.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise OSError(f"it has more than {LARGEST_FILE} bytes")
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FeintError(
            f"Could not read the experiment {path}: {error}. Expected a TOML file such as "
            "examples/sbu.toml.",
            "unreadable-file",
        ) from error
    return parse(text, str(path))


def parse(text: str, name: str) -> Experiment:
    """Read an experiment from text; `name` names it in errors."""
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise FeintError(
            f"{name} is not TOML: {error}. Correct the line that it names.", "not-toml"
        ) from error
    try:
        return _looked_up(Experiment(**content))
    except ValidationError as error:
        raise FeintError(
            f"{name} is not an experiment:\n{_describe(error, content)}", "bad-experiment"
        ) from error
    except (TypeError, ArithmeticError) as error:
        raise FeintError(f"{name} is not an experiment: {error}.", "bad-experiment") from error


def _looked_up(experiment: Experiment) -> Experiment:
    """The same with the hashes of users' models: imports their code.  `restore` never does."""
    models = tuple(
        one.with_hashes() if isinstance(one, ExternalModelConfig) else one
        for one in experiment.model
    )
    return experiment.model_copy(update={"model": models})


def with_models(experiment: Experiment, models: Sequence[ExternalModelConfig]) -> Experiment:
    """The same experiment with these models instead of its own."""
    content = experiment.model_dump(exclude={"model"})
    content["evaluation"] = {**content["evaluation"], "craft_on": None}
    try:
        return _looked_up(Experiment(**content, model=tuple(models)))
    except ValidationError as error:
        raise FeintError(
            f"These models do not fit the experiment:\n{_describe(error, content)}",
            "bad-experiment",
        ) from error


def on_fold(experiment: Experiment, fold: int) -> Experiment:
    """The same experiment with another of its folds held out, from 1; SBU has five."""
    return experiment.model_copy(update={"data": experiment.data.on_fold(fold)})


def restore(content: Any, name: str) -> Experiment:
    """An experiment from the JSON in run.json; `name` names it in errors."""
    if not isinstance(content, dict):
        raise FeintError(
            f"{name} does not contain an experiment. Expected the JSON that `feint run` writes.",
            "damaged-file",
        )
    try:
        return Experiment(**content)
    except ValidationError as error:
        raise FeintError(
            f"{name} is not an experiment of this feint:\n{_describe(error, content)}",
            "bad-experiment",
        ) from error
    except (TypeError, ArithmeticError) as error:
        raise FeintError(
            f"{name} is not an experiment of this feint: {error}.", "bad-experiment"
        ) from error


def _describe(error: ValidationError, content: dict[str, Any]) -> str:
    """A line for each wrong key, named as in the file: one [attack] table has no number."""
    numbered = isinstance(content.get("attack"), list | tuple)
    lines = []
    places = [one["loc"] for one in error.errors()]
    for one in error.errors():
        if any(other != one["loc"] and other[: len(one["loc"])] == one["loc"] for other in places):
            continue  # what is inside it says more
        where = [part for part in one["loc"] if part not in TAGS]
        if where[:2] == ["attack", 0] and not numbered:
            del where[1]
        key = ".".join(map(str, where))
        came = one["input"]
        no_value = one["type"] == "missing" or isinstance(came, dict | ConfigTable)
        shown = "" if no_value else f"got {came!r}; "
        message = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            message = "unknown key; check its spelling against docs/experiments.md"
            shown = ""
        if not message.startswith("AIA"):
            message = message[:1].lower() + message[1:]
        lines.append(f"  {key}: {shown}{message}" if key else f"  {message}")
    return "\n".join(lines)
