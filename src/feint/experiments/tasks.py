"""What each kind of job does: content in, content out, the same in this process and on a worker.

tolerance   the natural tolerance                      needs train
train       a trained reactor                          needs train
load        a user's own model                         needs files, if it has any
gate        it, beside the trivial predictors          needs train, test, model
question    targets for some test sequences            needs train, test (, model)
noise       those sequences under random noise         needs test
attack      those sequences attacked at one eps        needs model, question (, previous)
minimal     the smallest eps for each                  needs model, question
score       what a victim answers                      needs model, question (, crafted)
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import torch

import feint
from feint.attacks import AIA, MinimalPerturbation, Noise, attack_from_dict
from feint.attacks import budget as budget_module
from feint.attacks.target_curves import Curve
from feint.attacks.targets import Targets
from feint.columns import Columns, spec_from_dict
from feint.data.load import model_input
from feint.data.pairs import Pairs
from feint.errors import DamagedError, FeintError
from feint.evaluation import (
    attack_task,
    crafting,
    model_checks,
    natural_tolerance,
    scoring,
    tolerance,
)
from feint.evaluation.attack_task import Crafted
from feint.experiments.results import Result, budget_of, changed
from feint.experiments.task_inputs import TaskContext, TaskInputs
from feint.io.progress import bar
from feint.jobs import store
from feint.jobs.job import Fetch, Job
from feint.models import checkpoints, sanity_checks
from feint.models.external.import_path import hash_files
from feint.models.external.loading import ExternalModel
from feint.models.external.source import ModelSource
from feint.models.inference import predict
from feint.models.training import build_and_train
from feint.models.training_settings import History, Training
from feint.sequences import Sequences


def run_task(context: TaskContext, job: Job, fetch: Fetch) -> bytes:
    """Do a job.

    Raises:
        FeintError: whatever went wrong.
    """
    began = time.monotonic()
    inputs = TaskInputs(job, fetch, context.place(), context.cache, context.trusted)
    tensors, told = TASKS[job.kind](job, inputs, context)
    made = {
        "seconds": round(time.monotonic() - began, 3),
        "device": context.device,
        "feint": feint.__version__,
        "torch": torch.__version__,
    }
    return store.result(job, tensors, {**told, "made": made})


# -- kinds ----------------------------------------------------------------------------------


def _tolerance(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    settings = job.common.settings
    if "labels" in settings:
        told = natural_tolerance.of_series(
            inputs.pairs("train"), settings["labels"], settings["seed"]
        )
        return {}, {"tolerance": asdict(told)}
    found = natural_tolerance.natural(
        inputs.pairs("train"), settings["length_mode"], settings["anchor"], settings["role"]
    )
    return {}, {"tolerance": found.identity()}


def _train(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
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
    told = {"model": settings["model"], "settings": model.settings, "training": asdict(training)}
    weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    return weights, {**told, "history": asdict(history), "weights": checkpoints.fingerprint(model)}


def _load(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    source, files = ModelSource(**job.common.settings["source"]), inputs.files()
    if hash_files(files) != source.files_hash:
        raise FeintError(
            "Its files changed since the experiment was read. Run the same command again.",
            "changed-meanwhile",
        )
    if source.kind not in ("saved", "exported") and source.digest not in context.trusted:
        raise FeintError(
            f"{source.model} is code that this experiment does not name.", "not-trusted"
        )
    model: Any = checkpoints.load_external(source, files, context.trust)
    weights = model.to_tensors() if isinstance(model, ExternalModel) else model.state_dict()
    told = {"model": type(model).__name__, "settings": model.settings, "source": source.to_dict()}
    return weights, {
        **told, "training": {}, "history": {}, "weights": checkpoints.fingerprint(model)
    }  # fmt: skip


def _baselines(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    train_, test = inputs.pairs("train"), inputs.pairs("test")
    sees = [model_input(pairs, inputs.setting("first_pose")) for pairs in (train_, test)]
    feature_spec = test.feature_spec
    shows = torch.arange(sees[1].values.shape[-1]) < test.actor.values.shape[-1]
    model = inputs.on_cpu().model()
    findings: tuple[sanity_checks.ModelIssue, ...] = ()
    if job.own.get("checked"):
        findings = sanity_checks.check_model(model, sees[1], test.reactor)
        sanity_checks.raise_if_fatal(findings, _shown(inputs, test))
    found = model_checks.compare_with_baselines(
        model,
        (sees[0], train_.reactor),
        (sees[1], test.reactor),
        shows,
        feature_spec,
        model_checks.mismatched_rows(test),
    )
    return {}, {"baselines": asdict(replace(found, findings=findings))}


def _shown(inputs: TaskInputs, test: Pairs) -> str:
    """What a model is shown, where it cannot take it."""
    if not inputs.setting("first_pose"):
        return "The model"
    actor = test.actor.values.shape[-1]
    return (
        f"(It is shown {actor} features of the actor and, behind them, the reactor's first pose; "
        "data.first_pose = false leaves that away.) The model"
    )


def _attack_task(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    label = inputs.setting("target")
    learnt, test = inputs.pairs("train"), inputs.pairs("test")
    begin, end = inputs.setting("rows")
    some = test[list(range(begin, end))]
    x = model_input(some, inputs.setting("first_pose"))
    before = x.to(inputs.device)
    answer = predict(inputs.model(), before).to("cpu") if inputs.has("model") else some.reactor

    def aligned(asked: Any) -> tuple[list[str], Sequences]:
        """A target for every row: of a class, or of a series' curve."""
        if isinstance(some.feature_spec, Columns):
            return Curve.of(asked).wanted(learnt, some, answer)
        spec = Targets(**inputs.setting("targets"))
        exemplars, raw = spec.choose(asked, learnt, some)
        return exemplars, spec.align(raw, some.reactor, answer, some.skeleton)

    candidates: list[Sequences] = []
    if away := job.common.settings.get("away"):
        wanted = answer if away["reference"] == "clean" else some.reactor
        exemplars = [""] * len(x)
        candidates = [aligned(one)[1] for one in away["candidates"]]
    else:
        series = isinstance(some.feature_spec, Columns)
        exemplars, wanted = aligned(inputs.setting("curve") if series else label)
    tensors = {
        "x": x.values,
        "reactor": some.reactor.values,
        "targets": wanted.values,
        "lengths": wanted.lengths,
        **{f"candidate.{i}": one.values for i, one in enumerate(candidates)},
    }
    names = {"keys": some.keys, "labels": some.labels, "sides": some.sides}
    return tensors, {"target": label, **names, "exemplars": exemplars}


def _noise(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    begin, end = inputs.setting("rows")
    x = model_input(inputs.pairs("test")[list(range(begin, end))], inputs.setting("first_pose"))
    budget = budget_of(inputs.setting("budget"), inputs.setting("eps"))
    x_adv = Noise(**inputs.setting("noise")).draw(x, budget, inputs.setting("noise")["seed"])
    budget_module.verify("noise", x_adv, x, budget)
    return changed(x_adv, budget)


def _attack(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    task, eps = inputs.attack_task(), inputs.setting("eps")
    budget = budget_of(inputs.setting("budget"), eps, inputs.device)
    with bar(len(task.x), job.name) as progress:
        crafted = crafting.craft(
            job.name,
            attack_from_dict(inputs.setting("attack")),
            inputs.model(),
            task,
            budget,
            [eps],
            warm_start=inputs.has("previous"),
            start=inputs.crafted("previous") if inputs.has("previous") else None,
            batch_size=context.batch_size,
            progress=progress,
        )
    return changed(crafted.x_adv.to("cpu"), budget)


def _minimal(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    task = inputs.attack_task()
    budget = budget_of(inputs.setting("budget"), inputs.setting("eps"), inputs.device)
    kappa = tolerance.Tolerance(**inputs.setting("tolerance"))
    search = MinimalPerturbation(AIA(**inputs.setting("attack")))
    goal = kappa.goals(task.target, task.x.lengths)
    with bar(len(task.x), job.name) as progress:
        found = crafting.smallest(
            search,
            inputs.model(),
            task,
            budget,
            goal,
            batch_size=context.batch_size,
            progress=progress,
        )
    rows = scoring.minimal_rows("", task, found, goal)
    tensors, told = changed(found.x_adv.to("cpu"), budget)
    return tensors, {**told, "rows": rows.drop("surrogate").to_dict(as_series=False)}


def _score(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    inputs = inputs.on_cpu()  # so that distances are those of one processor, whoever attacked
    task = inputs.attack_task()
    crafted = attack_task.clean(task)
    if inputs.has("crafted"):
        eps = inputs.setting("eps")
        each, x_adv = crafted.sequence, inputs.crafted("crafted")
        budget_module.verify(job.name, x_adv, task.x, budget_of(inputs.setting("budget"), eps))
        crafted = Crafted("", torch.full((len(each),), eps), each, x_adv)
    spoken = spec_from_dict(inputs.setting("feature_spec"))
    rows, answers = scoring.score(
        inputs.model(), task, crafted, spoken, surrogate_name="", victim_name=""
    )
    told = rows.drop("surrogate", "victim", "attack").to_dict(as_series=False)
    return {"values": answers.values, "lengths": answers.lengths}, {"rows": told}


TASKS: Mapping[str, Callable[[Job, TaskInputs, TaskContext], Result]] = {
    "tolerance": _tolerance,
    "train": _train,
    "load": _load,
    "baselines": _baselines,
    "targets": _attack_task,
    "noise": _noise,
    "attack": _attack,
    "minimal": _minimal,
    "score": _score,
}
