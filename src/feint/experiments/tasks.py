"""Tasks: what each kind of job does, the same in this process and on a worker.

    kind        result                                     needs
    tolerance   the natural tolerance                      train
    train       a trained model                            train
    load        a user's own model                         files, if it has any
    baselines   the model compared with trivial predictors train, test, model
    targets     targets for some test sequences            train, test (, model)
    noise       those sequences under random noise         test
    attack      those sequences attacked at one eps        model, targets (, previous)
    minimal     the smallest eps of each sequence          model, targets
    score       a victim's answers, and rows               model, targets (, crafted)

A new kind is a function here, a line in `TASKS`, and a line in `feint.jobs.job.VERSIONS`.  A change
that gives other results raises the kind's version.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import torch

import feint
from feint.attacks import AIA, MinimalPerturbation, Noise, attack_from_dict
from feint.attacks import budget as budget_module
from feint.attacks.target_curves import Curve
from feint.attacks.targets import Targets
from feint.columns import Columns, spec_from_dict
from feint.data.load import model_input
from feint.evaluation import (
    attack_task,
    crafting,
    natural_tolerance,
    scoring,
    tolerance,
)
from feint.evaluation.attack_task import Crafted
from feint.experiments import criteria_tasks, model_tasks
from feint.experiments.results import Result, budget_from_dict, pack_perturbed
from feint.experiments.task_inputs import TaskContext, TaskInputs
from feint.io.progress import bar
from feint.jobs import store
from feint.jobs.job import Fetch, Job
from feint.models.inference import predict
from feint.sequences import Sequences


def run_task(context: TaskContext, job: Job, fetch: Fetch) -> bytes:
    """Do a job, and return the content of its result.

    Args:
        fetch: the content behind a key that the job needs.

    Raises:
        FeintError: the job's inputs are damaged, or do not allow what it asks for.
    """
    began = time.monotonic()
    inputs = TaskInputs(job, fetch, context.place(), context.cache, context.trusted)
    tensors, metadata = TASKS[job.kind](job, inputs, context)
    made = {
        "seconds": round(time.monotonic() - began, 3),
        "device": context.device,
        "feint": feint.__version__,
        "torch": torch.__version__,
    }
    return store.result(job, tensors, {**metadata, "made": made})


# -- kinds ----------------------------------------------------------------------------------


def _tolerance(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    settings = job.common.settings
    if "labels" in settings:
        metadata = natural_tolerance.of_series(
            inputs.pairs("train"), settings["labels"], settings["seed"]
        )
        return {}, {"tolerance": asdict(metadata)}
    found = natural_tolerance.natural(
        inputs.pairs("train"), settings["length_mode"], settings["anchor"], settings["role"]
    )
    return {}, {"tolerance": found.identity()}


def _attack_task(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    label = inputs.setting("target")
    learnt, test = inputs.pairs("train"), inputs.pairs("test")
    begin, end = inputs.setting("rows")
    some = test[list(range(begin, end))]
    x = model_input(some, inputs.setting("first_pose"))
    before = x.to(inputs.device)
    answer = predict(inputs.model(), before).to("cpu") if inputs.has("model") else some.reactor

    curves = isinstance(some.feature_spec, Columns)
    spec = None if curves else Targets(**inputs.setting("targets"))

    def aligned(asked: Any) -> tuple[list[str], Sequences]:
        """A target for every row: of a class, or of a series' curve."""
        if spec is None:
            return Curve.from_dict(asked).targets(learnt, some, answer)
        exemplars, raw = spec.choose(asked, learnt, some)
        return exemplars, spec.align(raw, some.reactor, answer, some.skeleton)

    candidates: list[Sequences] = []
    others: dict[str, Sequences] = {}
    if away := job.common.settings.get("away"):
        targets = answer if away["reference"] == "clean" else some.reactor
        exemplars = [""] * len(x)
        candidates = [aligned(one)[1] for one in away["candidates"]]
    else:
        exemplars, targets = aligned(label if spec else inputs.setting("curve"))
        if spec is None:
            others = {one["name"]: aligned(one)[1] for one in inputs.setting("others")}
        else:
            others = {one: aligned(one)[1] for one in spec.labels(learnt) if one != label}
    tensors = {
        "x": x.values,
        "reactor": some.reactor.values,
        "targets": targets.values,
        "lengths": targets.lengths,
        **{f"candidate.{i}": one.values for i, one in enumerate(candidates)},
        **{f"other.{name}": one.values for name, one in others.items()},
    }
    names = {"keys": some.keys, "labels": some.labels, "sides": some.sides}
    return tensors, {"target": label, **names, "exemplars": exemplars}


def _noise(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    begin, end = inputs.setting("rows")
    x = model_input(inputs.pairs("test")[list(range(begin, end))], inputs.setting("first_pose"))
    budget = budget_from_dict(inputs.setting("budget"), inputs.setting("eps"))
    x_adv = Noise(**inputs.setting("noise")).draw(x, budget, inputs.setting("noise")["seed"])
    budget_module.verify("noise", x_adv, x, budget)
    return pack_perturbed(x_adv, budget)


def _attack(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    task, eps = inputs.attack_task(), inputs.setting("eps")
    budget = budget_from_dict(inputs.setting("budget"), eps, inputs.device)
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
    return pack_perturbed(crafted.x_adv.to("cpu"), budget)


def _minimal(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    task = inputs.attack_task()
    budget = budget_from_dict(inputs.setting("budget"), inputs.setting("eps"), inputs.device)
    kappa = tolerance.Tolerance(**inputs.setting("tolerance"))
    search = MinimalPerturbation(AIA(**inputs.setting("attack")))
    goal = kappa.goals(task.target, task.x.lengths)
    with bar(len(task.x), job.name) as progress:
        found = crafting.craft_minimal(
            search,
            inputs.model(),
            task,
            budget,
            goal,
            batch_size=context.batch_size,
            progress=progress,
        )
    rows = scoring.minimal_rows("", task, found, goal)
    tensors, metadata = pack_perturbed(found.x_adv.to("cpu"), budget)
    return tensors, {**metadata, "rows": rows.drop("surrogate").to_dict(as_series=False)}


def _score(job: Job, inputs: TaskInputs, context: TaskContext) -> Result:
    inputs = inputs.on_cpu()  # distances must not depend on where the attack ran
    task = inputs.attack_task()
    crafted = attack_task.clean(task)
    if inputs.has("crafted"):
        eps = inputs.setting("eps")
        each, x_adv = crafted.sequence, inputs.crafted("crafted")
        budget_module.verify(
            job.name, x_adv, task.x, budget_from_dict(inputs.setting("budget"), eps)
        )
        crafted = Crafted("", torch.full((len(each),), eps), each, x_adv)
    spoken = spec_from_dict(inputs.setting("feature_spec"))
    rows, answers = scoring.score(
        inputs.model(), task, crafted, spoken, surrogate_name="", victim_name=""
    )
    metadata = rows.drop("surrogate", "victim", "attack").to_dict(as_series=False)
    return {"values": answers.values, "lengths": answers.lengths}, {"rows": metadata}


TASKS: Mapping[str, Callable[[Job, TaskInputs, TaskContext], Result]] = {
    "tolerance": _tolerance,
    "train": model_tasks.train,
    "load": model_tasks.load,
    "baselines": model_tasks.baselines,
    "targets": _attack_task,
    "noise": _noise,
    "attack": _attack,
    "minimal": _minimal,
    "score": _score,
    "limits": criteria_tasks.limits,
    "nulls": criteria_tasks.null_rows,
}
