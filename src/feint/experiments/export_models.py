"""Trained models copied beside a run's jobs, so that anyone can load them: models/<name>.

They are written from finished jobs and never read by a run.
"""

from collections.abc import Collection
from pathlib import Path

from feint.errors import DamagedError
from feint.experiments.results import get_field
from feint.io.atomic import safe_join
from feint.jobs.job import Job
from feint.jobs.store import Store
from feint.models import checkpoints


def export(
    folder: Path, name: str, store: Store, training: Job, comparison: Job, trusted: Collection[str]
) -> None:
    """Write models/<name>.safetensors and .json, unless they hold these very weights already.

    Args:
        folder: the run's.
        training, comparison: the finished jobs that trained the model and compared it.
        trusted: users' models whose code may be run.

    Raises:
        DamagedError: the result of a job is damaged.
    """
    for suffix in (".json", ".safetensors"):
        safe_join(folder, "models", f"{name}{suffix}")
    path = safe_join(folder, "models", name)
    tensors, about = store.read(training.key)
    made = {"weights": get_field(about, "weights", str), "jobs": [training.key, comparison.key]}
    try:
        if checkpoints.is_saved(path) and checkpoints.read_metadata(path).get("made") == made:
            checkpoints.load(path, trusted)
            return
    except DamagedError:
        pass  # written anew
    kind, settings = get_field(about, "model", str), get_field(about, "settings", dict)
    model = checkpoints.build(kind, settings, tensors, trusted)
    beside = {part: get_field(about, part, dict) for part in ("training", "history")}
    if "source" in about:
        beside["source"] = get_field(about, "source", dict)
    found = get_field(store.read(comparison.key)[1], "baselines", dict)
    checkpoints.save(model, path, **beside, baselines=found, made=made)
