"""Craft adversarial sequences for a grid of targets and eps, and score them on any victim.

White box and transfer are one function: `score` takes whatever was crafted and whatever model.
Rows hold distances, never successes.  Every perturbation is checked again here, from outside the
attack, and every distance is computed anew in fp32.
"""

import inspect
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
import torch
from torch import Tensor, nn

from feint.attacks import Attack, Minimal, MinimalPerturbation
from feint.batches import batches
from feint.budget import Budget
from feint.errors import FeintError
from feint.progress import Bar
from feint.sequences import Sequences, check_alike, distance, predict, sum_over_time
from feint.series import Form
from feint.skeleton import Skeleton

NONE = "none"
"""The name, in rows, of the attack that does nothing."""
ATTACK = "attack"
"""The name, in rows, of the attack an experiment is about; all others are baselines."""


@dataclass(frozen=True, eq=False)
class Question:
    """One target asked of a set of test sequences.

    Attributes:
        target: the class asked for.
        x: what the model sees, clean.
        wanted: the aligned target reactions, one a row; for an untargeted attack the answers to
            lead away from: the clean ones, or the true reactions.
        keys, labels, sides: of the test rows.
        exemplars: the key of the training reaction each row's target comes from.
        candidates: targets that an untargeted attack may try, each for all rows.
    """

    target: str
    x: Sequences
    wanted: Sequences
    keys: tuple[str, ...]
    labels: tuple[str, ...]
    sides: tuple[str, ...]
    exemplars: tuple[str, ...]
    candidates: tuple[Sequences, ...] = ()


@dataclass(frozen=True, eq=False)
class Crafted:
    """Adversarial sequences: row i asks question row `sequence[i]` at `eps[i]`.

    Attributes:
        attack: its name in the rows; "none" for the clean input itself.
        eps: (rows,), in the budget's unit; 0 for "none".
        sequence: (rows,), index into the question's rows.
        x_adv: (rows, time, features).
    """

    attack: str
    eps: Tensor
    sequence: Tensor
    x_adv: Sequences


def clean(question: Question) -> Crafted:
    """The baseline without an attack, as something to score."""
    rows = torch.arange(len(question.x))
    return Crafted(NONE, torch.zeros(len(rows)), rows, question.x)


def craft(
    name: str,
    attack: Attack,
    model: nn.Module,
    question: Question,
    budget: Budget,
    epsilons: Sequence[float],
    *,
    independent: bool = False,
    start: Sequences | None = None,
    goal: Tensor | None = None,
    batch_size: int | None = None,
    progress: Bar | None = None,
) -> Crafted:
    """Ask the question of every sequence at every eps.

    An attack that keeps its best iterate climbs: every eps begins at what the next smaller one
    found, so that no row does worse with a larger budget.

    Args:
        name: what the attack is called in the rows.
        budget: its eps is replaced by each of `epsilons`.
        independent: begin every eps at the clean input, as the paper does.
        start: where the smallest eps begins, if not at the clean input; for an attack that climbs.
        goal: (sequences,), distances at which a row stops: at the first eps that gets there and
            as it then is, for every larger eps too.  Only for an attack that climbs.
        batch_size: rows attacked at once; if not given, what fits (`feint.batches`).

    Raises:
        FeintError: an attack left its budget (then the attack is wrong, and nothing is returned);
            a goal for an attack that does not climb.
    """
    if not epsilons:
        raise FeintError("craft got no eps; expected at least one above 0.")
    takes = _takes(attack)
    climbing = not independent and getattr(attack, "keep", None) == "best" and "start" in takes
    if goal is not None and not (climbing and "goal" in takes):
        raise FeintError(
            f"craft got a goal for {attack}; expected an attack that keeps its best iterate and "
            "takes a start and a goal, such as AIA(keep='best'), and independent=False."
        )
    if start is not None:
        check_alike(start, question.x, "craft (the start and the question's input)")
    count = len(question.x)
    sequence = torch.arange(count).repeat(len(epsilons))
    eps = torch.tensor(list(epsilons)).repeat_interleave(count)
    clean = question.x.values
    values = torch.empty(len(eps), *clean.shape[1:], dtype=clean.dtype, device=clean.device)
    before = clean if start is None else start.values
    going = torch.ones(count, dtype=torch.bool)
    for level in _levels(epsilons, count, climbing):
        values[level] = before[sequence[level]]
        todo = level[going[sequence[level]]]
        for some in batches(model, question.x, sequence[todo], batch_size):
            rows = todo[some]
            asked = sequence[rows]
            x, wanted, within = (
                question.x[asked],
                question.wanted[asked],
                replace(budget, eps=eps[rows]),
            )
            time = x.values.shape[1]
            more: dict[str, Any] = {}
            if climbing:
                more["start"] = x.with_values(values[rows, :time])
            if goal is not None:
                more["goal"] = goal[asked]
            if question.candidates and "candidates" in takes:
                more["candidates"] = [one[asked] for one in question.candidates]
            x_adv = attack(model, x, wanted, within, **more)
            # Against a copy the attack never held: one that changed its input is caught too.
            verify(name, x_adv, question.x[asked], within)
            values[rows, :time] = x_adv.values
            if goal is not None:
                d = distance(predict(model, x_adv), wanted, getattr(attack, "reading", "frame"))
                going[asked] = d >= goal[asked]
            if progress:
                progress.advance(len(rows))
        if progress:
            progress.advance(len(level) - len(todo))
        before = values[level]
    return Crafted(name, eps, sequence, Sequences(values, question.x.lengths[sequence]))


def smallest(
    search: MinimalPerturbation,
    model: nn.Module,
    question: Question,
    budget: Budget,
    goal: Tensor,
    *,
    batch_size: int | None = None,
    progress: Bar | None = None,
) -> Minimal:
    """The smallest eps that brings each sequence within its goal, found in batches.

    Args:
        budget: its eps is the largest one tried.
        goal: (sequences,), distances to the target.

    Raises:
        FeintError: a perturbation leaves the budget of the eps it is said to need.
    """
    x = question.x
    found = Minimal(x.with_values(x.values.clone()), torch.empty_like(goal), goal.clone())
    for rows in batches(model, x, torch.arange(len(x)), batch_size):
        some = x[rows]
        one = search(model, some, question.wanted[rows], budget, goal[rows])
        needed = one.reached & (one.eps > 0)
        if bool(needed.any()):
            within = replace(budget, eps=one.eps[needed])
            which = needed.nonzero()[:, 0]
            verify("MinimalPerturbation", one.x_adv[which], x[rows[which]], within)
        found.x_adv.values[rows, : some.values.shape[1]] = one.x_adv.values
        found.eps[rows], found.distance[rows] = one.eps, one.distance
        if progress:
            progress.advance(len(rows))
    return found


def minimal_rows(source: str, question: Question, found: Minimal, kappa: Tensor) -> pl.DataFrame:
    """Rows of a search: what each sequence needed; eps is null where nothing was found."""
    needed, reached = found.eps.tolist(), found.reached.tolist()
    columns = {
        "source": [source] * len(needed),
        "target": [question.target] * len(needed),
        "exemplar": question.exemplars,
        "sequence": question.keys,
        "label": question.labels,
        "side": question.sides,
        "frames": question.x.lengths.tolist(),
        "kappa": kappa.tolist(),
        "distance": found.distance.tolist(),
        "eps": [eps if there else None for eps, there in zip(needed, reached, strict=True)],
    }
    return pl.DataFrame(columns, schema_overrides={"eps": pl.Float64})


def _takes(attack: Attack) -> Set[str]:
    """What a call of it can be given, by name."""
    return inspect.signature(type(attack).__call__).parameters.keys()


def _levels(epsilons: Sequence[float], count: int, climbing: bool) -> list[Tensor]:
    """The rows of each eps, the smallest eps first; or all rows at once."""
    if not climbing:
        return [torch.arange(count * len(epsilons))]
    places = sorted(range(len(epsilons)), key=epsilons.__getitem__)
    return [torch.arange(count) + place * count for place in places]


def verify(name: str, x_adv: Sequences, x: Sequences, budget: Budget) -> None:
    """Raise unless a perturbation keeps its budget, up to rounding."""
    excess = budget.excess(x_adv, x)
    largest = x.values.abs().amax(dim=(1, 2)) + budget.radius(x).amax(dim=(1, 2))
    beyond = excess - 2 * torch.finfo(x.values.dtype).eps * largest
    if bool((beyond > 0).any()):
        row = int(beyond.argmax())
        raise FeintError(
            f"The attack {name} left its budget: row {row} by {float(excess[row]):.3g} data units "
            "(inf: it touched the padding or a coordinate that is not its own). This is an error "
            "in the attack; its result is not used."
        )


def score(
    victim: nn.Module,
    question: Question,
    crafted: Crafted,
    form: Form | None,
    *,
    source_name: str,
    victim_name: str,
    batch_size: int = 256,
) -> tuple[pl.DataFrame, Sequences]:
    """Rows of what the victim answers, and the answers themselves.

    Returns:
        rows: source, victim, attack, target, exemplar, eps, sequence, label, side, frames,
            distance_frame, distance_joint (equation 7 in both readings, data units),
            change (largest change of the input, data units), and with a skeleton error_cm
            (mean distance of a joint to the target's), change_cm (mean displacement of a joint
            of the actor), change_max_cm, bones (median relative change of a bone's length).
        answers: (rows, time, outputs).
    """
    x, wanted = question.x[crafted.sequence], question.wanted[crafted.sequence]
    answers = torch.zeros_like(wanted.values)
    for rows in torch.arange(len(x)).split(batch_size):
        part = predict(victim, crafted.x_adv[rows])
        check_alike(part, wanted[rows], "score (the victim's answer and the target)")
        answers[rows, : part.values.shape[1]] = part.values
    answered = wanted.with_values(answers * wanted.mask[..., None])
    sequence = crafted.sequence.tolist()
    change = (crafted.x_adv.values - x.values).abs()
    columns: dict[str, object] = {
        "source": [source_name] * len(sequence),
        "victim": [victim_name] * len(sequence),
        "attack": [crafted.attack] * len(sequence),
        "target": [question.target] * len(sequence),
        "exemplar": [question.exemplars[i] for i in sequence],
        "eps": [round(e, 7) for e in crafted.eps.tolist()],
        "sequence": [question.keys[i] for i in sequence],
        "label": [question.labels[i] for i in sequence],
        "side": [question.sides[i] for i in sequence],
        "frames": x.lengths.tolist(),
        "distance_frame": distance(answered, wanted).tolist(),
        "change": change.amax(dim=(1, 2)).tolist(),
    }
    skeleton = form if isinstance(form, Skeleton) else None
    if wanted.values.shape[-1] % 3 == 0 and (skeleton is None or len(skeleton.axes) == 3):
        columns["distance_joint"] = distance(answered, wanted, "joint").tolist()
    if skeleton is not None:
        columns |= _in_centimetres(skeleton, answered, wanted, crafted.x_adv, x)
    return pl.DataFrame(columns), answered


def _in_centimetres(
    skeleton: Skeleton, answered: Sequences, wanted: Sequences, x_adv: Sequences, x: Sequences
) -> dict[str, object]:
    """What a person can picture: distances in cm, bones in relative change."""

    def mean(per_frame: Tensor) -> list[float]:
        means: list[float] = (sum_over_time(per_frame, x.lengths) / x.lengths).tolist()
        return means

    actor, actor_adv = (s.values[..., : skeleton.features] for s in (x, x_adv))
    miss = skeleton.change_in_metres(answered.values - wanted.values).norm(dim=-1)
    moved = skeleton.change_in_metres(actor_adv - actor).norm(dim=-1)
    bones = skeleton.bone_lengths(actor).clamp_min(1e-6)
    stretched = (skeleton.bone_lengths(actor_adv) / bones - 1).abs().median(dim=-1).values
    return {
        "error_cm": mean(100 * miss.mean(dim=-1)),
        "change_cm": mean(100 * moved.mean(dim=-1)),
        "change_max_cm": (100 * moved.amax(dim=(1, 2))).tolist(),
        "bones": mean(stretched),
    }
