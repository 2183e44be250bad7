"""The folder of a run: what lies where, and its description, run.json.

run.json                            settings, data, weights, versions, every session
jobs/<2 digits>/<key>.safetensors   results of finished jobs (`feint.jobs.store`)
rows.parquet                        one row an attacked sequence: the job that scored it, and
its place (`row`) there
nulls.parquet                       the same of null answers: outputs that perform no target
minimal.parquet                     the smallest eps of each sequence, if searched for
tolerance.json                      the tolerance of each class
limits.json                         the limits of pose and of place of each class, for people
models/<name>.safetensors, .json    the trained models once more, to be loaded by anybody
checkpoints/, failed/, damaged/     trainings under way, failures, damaged files
lock                                held by the process at work
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from feint.data.load import LoadedData
from feint.errors import DamagedError, FeintError, first_of
from feint.evaluation import model_checks
from feint.experiments import provenance
from feint.experiments.config import Experiment
from feint.experiments.facts import Facts
from feint.experiments.json_changes import changes
from feint.io.atomic import safe_join
from feint.io.progress import console
from feint.io.schema import check_schema
from feint.io.sealed import read_json, write_json
from feint.jobs.store import Store

SCHEMA = 3
"""Of run.json, and of the folder's layout."""
SESSIONS = 100
"""Sessions that run.json remembers."""


class _Data(BaseModel):
    model_config = ConfigDict(strict=True)
    source: str
    train: int
    test: int
    train_fingerprint: str
    test_fingerprint: str
    labels: list[str]
    notes: list[str] = []


class _RunJson(BaseModel):
    """The parts of run.json that are read."""

    model_config = ConfigDict(strict=True)
    experiment: dict[str, Any]
    data: _Data
    feature_spec: dict[str, Any]
    weights: dict[str, str] = {}
    versions: dict[str, str] = {}
    sessions: list[dict[str, Any]] = []


def describe(folder: Path) -> dict[str, Any]:
    """The contents of a run's run.json.

    Raises:
        DamagedError: it was damaged, or holds something else than feint writes.
        FeintError: there is none, or another feint wrote it.
    """
    path = safe_join(folder, "run.json")
    if not path.exists():
        raise FeintError(
            f"{folder} is not a run: it has no run.json. Expected a folder written by "
            "`feint run` or `feint demo`.",
            "not-a-run",
        )
    described = read_json(path)
    check_schema(
        described.get("schema"),
        SCHEMA,
        path,
        "Run the experiment again, in another folder.",
    )
    try:
        _RunJson.model_validate(described)
    except ValidationError as error:
        raise DamagedError(
            f"{path} is not what feint writes: {first_of(error)}. Restore it."
        ) from error
    return described


def baseline_comparisons(
    folder: Path, names: list[str]
) -> Iterator[tuple[str, model_checks.BaselineComparison]]:
    """Each trained model of a run beside the trivial predictors.

    Raises:
        DamagedError: a file does not contain it.
    """
    for name in names:
        path = safe_join(folder, "models", f"{name}.json")
        try:
            comparison = read_json(path)["metadata"]["baselines"]
            yield name, TypeAdapter(model_checks.BaselineComparison).validate_python(comparison)
        except ValidationError as error:
            raise DamagedError(
                f"{path} has no baseline comparison: {first_of(error)}. Remove it."
            ) from error


def check_free(folder: Path) -> None:
    """Raise FeintError if a folder holds other files and is not a run's."""
    ours = (folder / "run.json").exists() or (folder / "jobs").is_dir()
    if not ours and any((folder / name).exists() for name in ("models", "checkpoints")):
        raise FeintError(
            f"{folder} holds other files and no run.json. Restore run.json, or give another "
            "folder with --out.",
            "not-a-run",
        )


@dataclass(eq=False)
class RunFile:
    """run.json of a run at work.

    Attributes:
        store: of the run.
        contents: as written.
    """

    store: Store
    contents: dict[str, Any] = field(default_factory=dict)

    def begin(self, contents: dict[str, Any], session: dict[str, Any], announce: bool) -> None:
        """Put the folder in order and write run.json.

        Args:
            contents: from `contents_of`.
            session: from `provenance.session`.
            announce: print what changed since the last session.
        """
        folder = self.store.folder
        _remove_unfinished(folder)
        before: dict[str, Any] = {}
        try:
            before = describe(folder) if (folder / "run.json").exists() else {}
        except DamagedError as error:
            self.store.quarantine(folder / "run.json", str(error))
        sessions = [*before.get("sessions", []), session]
        self.contents = {
            **contents,
            "weights": before.get("weights", {}),
            "versions": provenance.versions(),
            "sessions": sessions[-SESSIONS:],
        }
        for part in ("experiment", "data") if announce else ():
            for line in changes(before.get(part, contents[part]), contents[part], part):
                console.print(f"Changed since the last time: {line}", markup=False)
        self._write()
        self.store.check()

    def set_weights(self, weights: dict[str, str]) -> None:
        """Write down the weights of the trained models, if they are new."""
        if self.contents["weights"] != weights:
            self.contents["weights"] = dict(weights)
            self._write()

    def _write(self) -> None:
        write_json(safe_join(self.store.folder, "run.json"), self.contents)


def contents_of(experiment: Experiment, data: LoadedData, facts: Facts) -> dict[str, Any]:
    """What run.json says of an experiment and its data."""
    return {
        "schema": SCHEMA,
        "experiment": json.loads(experiment.model_dump_json(exclude={"data": {"root"}})),
        "data": {
            "source": experiment.data.source,
            "train": len(data.train),
            "test": facts.rows,
            "train_fingerprint": facts.train,
            "test_fingerprint": facts.test,
            "labels": sorted(set(data.train.labels)),
            "notes": list(data.notes),
        },
        "feature_spec": asdict(data.train.feature_spec),
    }


def _remove_unfinished(folder: Path) -> None:
    """Remove files of a process that was killed while it wrote them."""
    for one in (folder, folder / "checkpoints", folder / "models"):
        if one.is_dir() and not one.is_symlink():
            for left in one.glob(".*.part"):
                left.unlink(missing_ok=True)
