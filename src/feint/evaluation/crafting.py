"""Craft adversarial sequences for one target and several eps, in batches.

This file runs attacks; `scoring` measures what a victim answers to their results, white box and
transfer alike.  Every perturbation is checked here once more from outside the attack.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from feint.attacks import Attack, Minimal, MinimalPerturbation, abilities
from feint.attacks.batching import batches
from feint.attacks.budget import Budget, verify
from feint.attacks.not_finite import BrokenRows
from feint.errors import FeintError
from feint.evaluation.attack_task import AttackTask, Crafted
from feint.io.progress import Bar
from feint.models.inference import predict
from feint.sequences import Norm, Sequences, check_alike, distance


def craft(
    name: str,
    attack: Attack,
    model: nn.Module,
    task: AttackTask,
    budget: Budget,
    epsilons: Sequence[float],
    *,
    warm_start: bool = True,
    start: Sequences | None = None,
    goal: Tensor | None = None,
    batch_size: int | None = None,
    progress: Bar | None = None,
) -> Crafted:
    """Attack every sequence of a task at every eps.

    Args:
        name: of the attack, in the rows.
        attack: what is called at every eps.
        model: the surrogate.
        task: the sequences and their targets.
        budget: its eps is replaced by each of `epsilons`.
        warm_start: begin every eps at the result of the next smaller one, so that no row does
            worse with a larger budget, if the attack can; False begins at the clean input.
        start: where the smallest eps begins with a warm start, if not at the clean input.
        goal: (sequences,), distances at which a row stops, and stays so for every larger eps.
        batch_size: rows attacked at once; if not given, what fits (`attacks.batching`).
        progress: advanced by one a row.

    Raises:
        FeintError: an attack left its budget (then the attack is wrong, and nothing is returned);
            no eps; a goal for an attack without a warm start.
    """
    warm = _is_warm(attack, epsilons, warm_start, goal)
    if start is not None:
        check_alike(start, task.x, "craft (the start and the task's input)")
    sequence = torch.arange(len(task.x)).repeat(len(epsilons))
    eps = torch.tensor(list(epsilons)).repeat_interleave(len(task.x))
    values = task.x.values.new_empty(len(eps), *task.x.values.shape[1:])
    before = (start or task.x).values
    unfinished, broken = torch.ones(len(task.x), dtype=torch.bool), BrokenRows()
    for level in _levels(epsilons, len(task.x), warm):
        values[level] = before[sequence[level]]
        todo = level[unfinished[sequence[level]]]
        for some in batches(model, task.x, sequence[todo], batch_size):
            rows, at = todo[some], sequence[todo[some]]
            within = replace(budget, eps=eps[rows])
            call = _call(attack, model, task, at, within, values[rows] if warm else None, goal)
            x_adv = broken.run(call, call.keywords.get("start", task.x[at]), at)
            verify(name, x_adv, task.x[at], within)
            values[rows, : x_adv.values.shape[1]] = x_adv.values
            if goal is not None:
                unfinished[at] = _distance(attack, model, x_adv, task.targets[at]) >= goal[at]
            if progress:
                progress.advance(len(rows))
        if progress:
            progress.advance(len(level) - len(todo))
        before = values[level]
    broken.report(len(task.x), task.keys)
    return Crafted(name, eps, sequence, Sequences(values, task.x.lengths[sequence]))


def _distance(attack: Attack, model: nn.Module, x_adv: Sequences, targets: Sequences) -> Tensor:
    norm: Norm = getattr(attack, "norm", "frame")
    return distance(predict(model, x_adv), targets, norm)


def craft_minimal(
    search: MinimalPerturbation,
    model: nn.Module,
    task: AttackTask,
    budget: Budget,
    goal: Tensor,
    *,
    batch_size: int | None = None,
    progress: Bar | None = None,
) -> Minimal:
    """Find the minimal eps that brings each sequence within its goal, in batches.

    Args:
        budget: its eps is the largest one tried.
        goal: (sequences,), distances to the target.

    Raises:
        FeintError: a perturbation leaves the budget of its minimal eps.
    """
    x = task.x
    found = Minimal(x.with_values(x.values.clone()), torch.empty_like(goal), goal.clone())
    for rows in batches(model, x, torch.arange(len(x)), batch_size):
        some = x[rows]
        one = search(model, some, task.targets[rows], budget, goal[rows])
        perturbed = one.success & (one.eps > 0)
        if bool(perturbed.any()):
            within = replace(budget, eps=one.eps[perturbed])
            which = perturbed.nonzero()[:, 0]
            verify("MinimalPerturbation", one.x_adv[which], x[rows[which]], within)
        found.x_adv.values[rows, : some.values.shape[1]] = one.x_adv.values
        found.eps[rows], found.distance[rows] = one.eps, one.distance
        if progress:
            progress.advance(len(rows))
    return found


def _is_warm(
    attack: Attack, epsilons: Sequence[float], warm_start: bool, goal: Tensor | None
) -> bool:
    """Whether every eps begins at the next smaller one's result; refuses what cannot be done."""
    if not epsilons:
        raise FeintError("craft got no eps; expected at least one above 0.", code="bad-eps")
    can = abilities(attack)
    warm = warm_start and can.warm_start
    if goal is not None and not (warm and can.takes_goal):
        raise FeintError(
            f"craft got a goal for {attack}; expected an attack that takes a goal and a warm "
            "start, such as AIA(keep='best'), and warm_start=True.",
            code="no-warm-start",
        )
    return warm


def _call(
    attack: Attack,
    model: nn.Module,
    task: AttackTask,
    at: Tensor,
    within: Budget,
    start: Tensor | None,
    goal: Tensor | None,
) -> partial[Sequences]:
    """The attack's call for some sequences of a task, with what it can take."""
    x = task.x[at]
    more: dict[str, Any] = {}
    if start is not None:
        more["start"] = x.with_values(start[:, : x.values.shape[1]])
    if goal is not None:
        more["goal"] = goal[at]
    if task.candidates and abilities(attack).takes_candidates:
        more["candidates"] = [one[at] for one in task.candidates]
    return partial(attack, model, x, task.targets[at], within, **more)


def _levels(epsilons: Sequence[float], count: int, warm: bool) -> list[Tensor]:
    """The rows of each eps, the smallest eps first; or all rows at once."""
    if not warm:
        return [torch.arange(count * len(epsilons))]
    places = sorted(range(len(epsilons)), key=epsilons.__getitem__)
    return [torch.arange(count) + place * count for place in places]
