"""The stages of a plan: its jobs in an order in which each comes after what it needs.

A stage yields each of its jobs once and makes them on the way, so a plan of any size takes no
memory to speak of.
"""

from collections.abc import Iterator

from feint.attacks import Noise
from feint.evaluation.attack_task import NONE, is_attack_name
from feint.experiments.plan import Plan
from feint.jobs.job import Job


def baselines(plan: Plan) -> Iterator[Job]:
    """Every model beside the trivial predictors."""
    for model in plan.weights:
        yield plan.baselines(model)


def attack(plan: Plan) -> Iterator[Job]:
    """Targets, then everything that perturbs."""
    for i, surrogate in enumerate(plan.surrogates):
        for j, label in enumerate(plan.experiment.target_names):
            if i == 0 or not plan.shared:
                yield from (plan.targets(surrogate, label, rows) for rows in plan.chunks)
            for name in plan.perturbations[label]:
                if isinstance(plan.attacks[name], Noise) and (i or j):
                    continue  # noise depends on neither model nor target
                for eps in sorted(plan.eps_of(name)):
                    for rows in plan.chunks:
                        yield plan.crafted(surrogate, label, name, rows)[eps]


def minimal(plan: Plan) -> Iterator[Job]:
    """Targets, then the searches for the smallest eps."""
    for i, surrogate in enumerate(plan.surrogates):
        for label in plan.experiment.target.labels:
            if i == 0 or not plan.shared:
                yield from (plan.targets(surrogate, label, rows) for rows in plan.chunks)
            yield from (plan.minimal(surrogate, label, rows) for rows in plan.chunks)


def score(plan: Plan) -> Iterator[Job]:
    """Every scoring; one of what was not crafted on a model serves all of them."""
    first: dict[str, str] = {}
    for surrogate, victim in plan.pairs:
        first.setdefault(victim, surrogate)
    for (surrogate, victim, _, name, _), job in scored(plan):
        if is_attack_name(name) or not plan.shared or first[victim] == surrogate:
            yield job


def scored(plan: Plan) -> Iterator[tuple[tuple[str, str, str, str, float], Job]]:
    """Every scoring in the order of the rows, with surrogate, victim, target, attack, eps."""
    for surrogate, victim in plan.pairs:
        for label in plan.experiment.target_names:
            for name in (NONE, *plan.perturbations[label]):
                for eps in (0.0,) if name == NONE else plan.eps_of(name):
                    for rows in plan.chunks:
                        job = plan.score(surrogate, victim, label, name, eps, rows)
                        yield (surrogate, victim, label, name, eps), job


def nulls(plan: Plan) -> Iterator[tuple[tuple[str, str, str], Job]]:
    """The null answers of every model that is attacked, with surrogate, victim and target."""
    for model in plan.surrogates:
        for label in plan.experiment.target.labels if plan.experiment.targeted else ():
            for rows in plan.chunks:
                yield (model, model, label), plan.nulls(model, label, rows)


def answers(plan: Plan) -> Iterator[Job]:
    """Every scoring and every null answer, after the attacks: some may be found damaged."""
    yield from attack(plan)
    yield from score(plan)
    yield from (job for _, job in nulls(plan))


def searched(plan: Plan) -> Iterator[tuple[tuple[str], Job]]:
    """Every search for the smallest eps in the order of the rows, with its surrogate."""
    for surrogate in plan.surrogates:
        for label in plan.experiment.target.labels:
            for rows in plan.chunks:
                yield (surrogate,), plan.minimal(surrogate, label, rows)


def run(plan: Plan) -> Iterator[Job]:
    """Every job of `feint run`."""
    yield from plan.training.values()
    yield from baselines(plan)
    if plan.experiment.evaluation.tolerance == "natural":
        yield plan.natural()
    if plan.has_limits:
        yield plan.limits()
    yield from answers(plan)


def sizes(plan: Plan) -> dict[str, int]:
    """How many jobs the stages attack, minimal and score yield."""
    experiment, parts = plan.experiment, len(plan.chunks)
    targets, searched = len(experiment.target_names), len(experiment.target.labels)
    models, victims = len(plan.surrogates), len({victim for _, victim in plan.pairs})
    attacked = sum(len(experiment.targets_of(one)) * len(one.eps) for one in experiment.attack)
    noisy = len(experiment.evaluation.noise) * len(experiment.eps)
    askers = 1 if plan.shared else models
    alike = victims if plan.shared else len(plan.pairs)
    return {
        "attack": parts * (targets * askers + noisy + models * attacked),
        "minimal": parts * searched * (askers + models),
        "score": parts * (len(plan.pairs) * attacked + targets * alike * (1 + noisy)),
        "nulls": parts * models * searched if experiment.targeted else 0,
    }
