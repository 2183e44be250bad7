"""`feint status`: how far a run is, from its folder alone.

It reads no data and no result: it makes the plan again and looks which jobs have a file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feint.columns import spec_from_dict
from feint.errors import FeintError
from feint.evaluation import tolerance
from feint.experiments import stages
from feint.experiments.config_file import restore
from feint.experiments.facts import UNKNOWN, Facts
from feint.experiments.plan import Plan
from feint.experiments.run_folder import describe
from feint.io.atomic import safe_join
from feint.jobs.job import Job
from feint.jobs.lock import holder
from feint.jobs.store import Store

SAMPLE = 5
"""Results of a group whose durations are looked at."""
PARTS = 10**6
"""Into how many the test rows of a run are divided, at most."""


@dataclass
class Stage:
    """Jobs of one kind.

    Attributes:
        seconds: how long what is left may take, one job at a time; None if no finished job says.
    """

    kind: str
    done: int = 0
    left: int = 0
    failed: int = 0
    seconds: float | None = 0.0


@dataclass
class Status:
    """The state of a run.

    Attributes:
        stages: in the order they are done.
        failures: of the first few jobs that failed, name and reason.
        holder: the process at work on it, if there is one.
        others: finished jobs that this experiment does not need: of other settings, or of
            `feint min-eps`.
        damaged: files set aside.
    """

    stages: list[Stage]
    failures: list[tuple[str, str]] = field(default_factory=list)
    holder: str | None = None
    others: int = 0
    damaged: int = 0

    @property
    def finished(self) -> bool:
        """Whether nothing is left."""
        return not any(stage.left or stage.failed for stage in self.stages)

    @property
    def seconds(self) -> float | None:
        """How long the rest may take; None if no finished job says."""
        known = [stage.seconds for stage in self.stages if stage.seconds is not None]
        return sum(known) if len(known) == len(self.stages) else None


def plan_of(folder: Path) -> Plan:
    """The plan of a run, from its run.json.

    Raises:
        FeintError: there is no run, or its run.json does not contain an experiment.
    """
    described = describe(folder)
    experiment = restore(described["experiment"], str(folder / "run.json"))
    data, known = described["data"], described.get("weights", {})
    feature_spec = spec_from_dict(described["feature_spec"])
    facts = Facts(data["train_fingerprint"], data["test_fingerprint"], data["test"], feature_spec)
    if not 0 < facts.rows <= PARTS * experiment.evaluation.sequences_per_job:
        raise FeintError(
            f"{folder / 'run.json'} says there are {facts.rows} test sequences; expected some, "
            f"and at most {PARTS} jobs of them. Run the experiment again; finished jobs are kept.",
            "damaged-file",
        )
    path = safe_join(folder, "tolerance.json")
    kappa = tolerance.Tolerance.load(path) if path.exists() else None
    weights = {spec.name: known.get(spec.name, UNKNOWN) for spec in experiment.model}
    return Plan(experiment, facts, weights, kappa)


def states(folder: Path) -> Iterator[tuple[str, Job]]:
    """Every job and whether it is "done", "left" or "failed"."""
    store = Store(folder)
    failures = any(safe_join(folder, "failed").glob("*.json"))
    for job in stages.run(plan_of(folder)):
        if store.has(job.key):
            yield "done", job
        else:
            yield ("failed" if failures and store.failure(job.key) else "left"), job


def status(folder: Path) -> Status:
    """Look at a run's folder.

    Raises:
        FeintError: there is no run.
    """
    store = Store(folder)
    stages: dict[str, Stage] = {}
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    found = Status([], holder=holder(folder))
    for state, job in states(folder):
        stage = stages.setdefault(job.kind, Stage(job.kind))
        group = groups.setdefault((job.kind, job.group), {"left": 0, "sample": []})
        setattr(stage, state, getattr(stage, state) + 1)
        if state == "done":
            if len(group["sample"]) < SAMPLE:
                group["sample"] += _seconds(store, job.key)
            continue
        group["left"] += 1
        if state == "failed" and len(found.failures) < SAMPLE:
            found.failures.append((job.name, store.failure(job.key) or ""))
    for (kind, _), group in groups.items():
        stage, sample = stages[kind], group["sample"]
        if not sample:  # another model's jobs are the nearest that is known
            alike = [one["sample"] for (other, _), one in groups.items() if other == kind]
            sample = [seconds for some in alike for seconds in some]
        if group["left"] and not sample:
            stage.seconds = None
        elif group["left"] and stage.seconds is not None:
            stage.seconds += group["left"] * sum(sample) / len(sample)
    found.stages = list(stages.values())
    found.others = sum(1 for _ in store) - sum(stage.done for stage in found.stages)
    aside = safe_join(folder, "damaged")
    found.damaged = sum(1 for p in aside.glob("*") if p.suffix != ".json") if aside.is_dir() else 0
    return found


def _seconds(store: Store, key: str) -> list[float]:
    """How long a job took, if its result says so."""
    try:
        seconds = store.about(key)["made"]["seconds"]
    except (FeintError, KeyError, TypeError):
        return []
    return [seconds] if isinstance(seconds, float) else []
