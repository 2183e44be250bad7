"""Tasks about models: train one, load a user's own, compare it with trivial predictors.

Each function is one kind of job; `tasks.py` lists all kinds and calls these.
"""

from dataclasses import asdict, replace
from typing import Any

import torch

from feint.data.load import model_input
from feint.data.pairs import Pairs
from feint.errors import DamagedError, FeintError
from feint.evaluation import (
    model_checks,
)
from feint.experiments.results import Result, budget_from_dict
from feint.experiments.task_inputs import TaskContext, TaskInputs
from feint.jobs import store
from feint.jobs.job import Job
from feint.models import checkpoints, sanity_checks
from feint.models.external.import_path import hash_files
from feint.models.external.loading import ExternalModel
from feint.models.external.source import ModelSource
from feint.models.training import build_and_train
from feint.models.training_settings import History, Training


def train(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    """Train a model; a damaged checkpoint is quarantined, and training starts again."""
    settings, pairs = job.common.settings, inputs.pairs("train")
    training = Training(**settings["training"], **job.hints)
    x = model_input(pairs, bool(settings["first_pose"])).to(inputs.device)
    arguments = {**settings["settings"], "first_pose": settings["first_pose"]}
    checkpoint, tracker = context.checkpoint(job.key), context.tracker

    def trained() -> tuple[Any, History]:
        return build_and_train(
            settings["model"],
            arguments,
            x,
            pairs.reactor.to(inputs.device),
            training,
            groups=pairs.interactions,
            checkpoint=checkpoint,
            name=job.name,
            callback=tracker.training(job.name, job.key) if tracker else None,
        )

    try:
        model, history = trained()
    except DamagedError as error:
        if context.folder is None or checkpoint is None:
            raise
        store.Store(context.folder).quarantine(checkpoint, str(error))
        model, history = trained()
    metadata = {
        "model": settings["model"],
        "settings": model.settings,
        "training": asdict(training),
    }
    weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    return weights, {
        **metadata,
        "history": asdict(history),
        "weights": checkpoints.fingerprint(model),
    }


def load(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    """Load a user's own model; its code runs only if the experiment names it."""
    source, files = ModelSource(**job.common.settings["source"]), inputs.files()
    if hash_files(files) != source.files_hash:
        raise FeintError(
            "The model's files changed since the experiment was read. Run the same command again.",
            "changed-meanwhile",
        )
    if source.kind not in ("saved", "exported") and source.digest not in context.trusted:
        raise FeintError(
            f"{source.model} is code that this experiment does not name.", "not-trusted"
        )
    model: Any = checkpoints.load_external(source, files, context.trust)
    weights = model.to_tensors() if isinstance(model, ExternalModel) else model.state_dict()
    metadata = {
        "model": type(model).__name__,
        "settings": model.settings,
        "source": source.to_dict(),
    }
    return weights, {
        **metadata, "training": {}, "history": {}, "weights": checkpoints.fingerprint(model)
    }  # fmt: skip


def baselines(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    """Compare a model with trivial predictors; a user's own is checked first."""
    train_, test = inputs.pairs("train"), inputs.pairs("test")
    sees = [model_input(pairs, inputs.setting("first_pose")) for pairs in (train_, test)]
    feature_spec = test.feature_spec
    shows = torch.arange(sees[1].values.shape[-1]) < test.actor.values.shape[-1]
    model = inputs.on_cpu().model()
    issues: tuple[sanity_checks.ModelIssue, ...] = ()
    if "checked_budget" in job.own:
        budget = budget_from_dict(job.own["checked_budget"], 1.0)
        issues = sanity_checks.check_model(
            model, sees[1], test.reactor, budget.coords, budget.integer
        )
        sanity_checks.raise_if_fatal(issues, _shown(inputs, test))
    found = model_checks.compare_with_baselines(
        model,
        (sees[0], train_.reactor),
        (sees[1], test.reactor),
        shows,
        feature_spec,
        model_checks.mismatched_rows(test),
    )
    return {}, {"baselines": asdict(replace(found, issues=issues))}


def _shown(inputs: TaskInputs, test: Pairs) -> str:
    """The subject of an error about the model's input."""
    if not inputs.setting("first_pose"):
        return "The model"
    actor = test.actor.values.shape[-1]
    return (
        f"(It is shown {actor} features of the actor and, behind them, the reactor's first pose; "
        "data.first_pose = false leaves the pose out.) The model"
    )
