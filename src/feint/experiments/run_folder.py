"""What lies in a run's folder beside its jobs, and how to get from a row to its tensors."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from feint.errors import DamagedError, FeintError, first_of
from feint.evaluation import model_checks
from feint.evaluation.questions import Question
from feint.experiments.results import read_answers, read_question, read_reactor, rebuilt
from feint.io.atomic import safe_join
from feint.io.schema import check_schema
from feint.io.sealed import read_json
from feint.jobs.store import Store
from feint.sequences import Sequences

SCHEMA = 2
"""Of run.json, and of the folder's layout."""
KEPT = 64
"""Results of a kind that are held in memory."""


class _Data(BaseModel):
    model_config = ConfigDict(strict=True)
    source: str
    train: int
    test: int
    train_fingerprint: str
    test_fingerprint: str
    labels: list[str]
    notes: list[str] = []


class _Told(BaseModel):
    """What run.json holds, as far as anybody reads it."""

    model_config = ConfigDict(strict=True)
    experiment: dict[str, Any]
    data: _Data
    feature_spec: dict[str, Any]
    weights: dict[str, str] = {}
    versions: dict[str, str] = {}
    sessions: list[dict[str, Any]] = []


def describe(folder: Path) -> dict[str, Any]:
    """What run.json says of a run in `folder`.

    Raises:
        DamagedError: it was damaged, or holds something else than feint writes.
        FeintError: there is none, or another feint wrote it.
    """
    path = safe_join(folder, "run.json")
    if not path.exists():
        raise FeintError(
            f"{folder} is not a run: it has no run.json. Expected a folder written by "
            "`feint run` or `feint demo`."
        )
    described = read_json(path)
    check_schema(
        described.get("schema"),
        SCHEMA,
        path,
        "Use the feint that wrote it, or run the experiment again in another folder.",
    )
    try:
        _Told.model_validate(described)
    except ValidationError as error:
        raise DamagedError(
            f"{path} is not what feint writes: {first_of(error)}. Restore it."
        ) from error
    return described


def gates(folder: Path, names: list[str]) -> Iterator[tuple[str, model_checks.Gate]]:
    """What each trained model of a run scored beside the trivial predictors.

    Raises:
        DamagedError: a file does not tell it.
    """
    for name in names:
        path = safe_join(folder, "models", f"{name}.json")
        try:
            gate = read_json(path)["about"]["gate"]
            yield name, TypeAdapter(model_checks.Gate).validate_python(gate)
        except ValidationError as error:
            raise DamagedError(f"{path} tells no gate: {first_of(error)}. Remove it.") from error


class Trail:
    """From a row of a run to what was asked, what was perturbed and what was answered.

    A row names the job that scored it and its place there; that job's result names the others.
    A result is read only if it is whole; the last ones read are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self._questions: dict[str, tuple[Question, Sequences]] = {}
        self._scores: dict[str, tuple[Sequences, dict[str, Any]]] = {}
        self._crafted: dict[str, Sequences] = {}

    def score(self, job: str) -> tuple[Sequences, dict[str, Any]]:
        """What the victim answered, and what its job's result tells."""
        if job not in self._scores:
            tensors, about = self._read(job, "score")
            _keep(self._scores, job, (read_answers(tensors), about))
        return self._scores[job]

    def question(self, job: str) -> Question:
        """What a scoring job asked."""
        return self._question(job)[0]

    def reactor(self, job: str) -> Sequences:
        """The true reactions to what a scoring job asked."""
        return self._question(job)[1]

    def seen(self, job: str) -> Sequences:
        """What the victim of a scoring job saw: perturbed, or the clean input."""
        needs = self.score(job)[1]["needs"]
        if "crafted" not in needs:
            return self.question(job).x
        key = needs["crafted"]
        if key not in self._crafted:
            tensors, about = self._read(key, "attack", "noise")
            _keep(self._crafted, key, rebuilt(tensors, about, self.question(job).x))
        return self._crafted[key]

    def _question(self, job: str) -> tuple[Question, Sequences]:
        key = self.score(job)[1]["needs"].get("question", "")
        if key not in self._questions:
            tensors, about = self._read(key, "question")
            _keep(self._questions, key, (read_question(tensors, about), read_reactor(tensors)))
        return self._questions[key]

    def _read(self, key: str, *kinds: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        tensors, about = self.store.read(key)
        if about.get("kind") not in kinds:
            raise DamagedError(
                f"{self.store.path(key)} is a result of {about.get('kind')!r}; expected one of "
                f"{' or '.join(kinds)}. It was not written by feint for this run."
            )
        return tensors, about


def _keep(kept: dict[str, Any], key: str, value: Any) -> None:
    """Put it in, and the oldest out."""
    kept[key] = value
    if len(kept) > KEPT:
        del kept[next(iter(kept))]
