"""A run distrusted: every stored perturbation and every row worked out again from the tensors."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import Tensor, nn

from feint import evaluation, rows, tolerance
from feint.artefacts import Trail, describe
from feint.errors import FeintError
from feint.evaluation import NONE, Crafted
from feint.files import inside
from feint.models import loading
from feint.plan import Plan
from feint.progress import bar
from feint.results import read_question, rebuilt, told
from feint.sequences import distance, predict
from feint.skeleton import Skeleton
from feint.status import plan_of

NEAR = 1e-3
"""Relative difference that rounding on another machine explains."""
MOST = 20
"""Problems that are told."""


@dataclass
class Verification:
    """What was looked at, and what was wrong.

    Attributes:
        results: finished jobs whose seals were looked at; damaged: how many were set aside.
        rows: that were worked out again.
        largest: the largest relative difference of a distance.
        problems: a sentence each; the first `MOST`.
        wrong: how many there are in all.
    """

    results: int = 0
    damaged: int = 0
    rows: int = 0
    largest: float = 0.0
    problems: list[str] = field(default_factory=list)
    wrong: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong and not self.damaged

    def say(self, sentence: str) -> None:
        """One more problem."""
        self.wrong += 1
        if len(self.problems) < MOST:
            self.problems.append(sentence)


def verify(folder: Path) -> Verification:
    """Check a run's folder: seals, budgets, answers and distances, from scratch.

    Damaged files are set aside; `feint run` makes them anew.

    Raises:
        FeintError: there is no run, or nothing was scored.
    """
    found, trail = Verification(), Trail(folder)
    skeleton, plan = Skeleton.of(describe(folder)["skeleton"]), plan_of(folder)
    found.results = sum(1 for _ in trail.store)
    trail.store.check(None)
    table = _table(folder, "rows.parquet", found, trail, rows.scored)
    small = _table(folder, "minimal.parquet", found, trail, _minimal)
    if table is None and small is None and not found.wrong:
        raise FeintError(
            f"{folder} has no rows to verify. Run `feint run` on the experiment first."
        )
    _kappa(plan, trail, found)
    _exported(folder, plan, found)
    if table is not None:
        _expected(plan, table, found)
        with bar(table["job"].n_unique(), "verifying") as progress:
            for (job,), some in table.group_by("job", maintain_order=True):
                with _Telling(found, f"job {job}"):
                    _scored(trail, str(job), some, skeleton, plan, found)
                progress.advance()
    if small is not None:
        for (job,), some in small.group_by("job", maintain_order=True):
            with _Telling(found, f"job {job}"):
                _smallest(trail, str(job), some, plan, found)
    found.damaged = trail.store.set_aside
    return found


class _Telling:
    """What goes wrong inside is a problem found, not an end: nothing read there is trusted."""

    def __init__(self, found: Verification, about: str) -> None:
        self.found, self.about = found, about

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if not isinstance(error, Exception):
            return False
        name = "" if isinstance(error, FeintError) else f"{type(error).__name__}: "
        self.found.say(f"{self.about}: {name}{error}")
        return True


def _table(
    folder: Path,
    name: str,
    found: Verification,
    trail: Trail,
    read: Callable[[Path], pl.DataFrame],
) -> pl.DataFrame | None:
    path = inside(folder, name)
    if not path.exists():
        return None
    try:
        return read(path)
    except FeintError as error:
        trail.store.put_away(path, str(error))
        found.say(str(error))
        return None


def _minimal(path: Path) -> pl.DataFrame:
    needs = ("source", "target", "sequence", "label", "frames", "row", "job", "kappa", "distance")
    table = rows.read(path, needs)
    return table if "eps" in table.columns else table.with_columns(eps=None)


def _kappa(plan: Plan, trail: Trail, found: Verification) -> None:
    """The tolerance is the one that the experiment asks for."""
    asked = plan.experiment.evaluation.tolerance
    with _Telling(found, "tolerance.json"):
        if plan.tolerance is None:
            raise FeintError("it is not there. Run `feint run` again.")
        if asked == "natural":
            about = trail.store.read(plan.natural().key)[1]
            right = tolerance.Tolerance.told(told(about, "tolerance", dict), "its job")
        elif asked in ("paper", "paper-joint"):
            right = tolerance.paper("joint" if asked == "paper-joint" else "frame")
        else:
            return  # a file of the user's own
        if plan.tolerance != right:
            raise FeintError("it is not the tolerance that was measured. Run `feint run` again.")


def _exported(folder: Path, plan: Plan, found: Verification) -> None:
    """The models beside the jobs are those that were scored."""
    for name, weights in plan.weights.items():
        with _Telling(found, f"models/{name}"):
            for suffix in (".json", ".safetensors"):
                inside(folder, "models", f"{name}{suffix}")
            if loading.fingerprint(loading.load(folder / "models" / name)) != weights:
                raise FeintError("it has other weights than those that were scored.")


def _expected(plan: Plan, table: pl.DataFrame, found: Verification) -> None:
    """The rows are those that the experiment asks for."""
    there = set(table.select("source", "victim", "target", "attack", "eps", "job").unique().rows())
    missing = asked = 0
    for (*names, eps), job in plan.scored():
        if (*names, round(eps, 7), job.key) in there:
            asked += 1
        else:
            missing += 1
    if missing:
        found.say(
            f"{missing} scorings that the experiment asks for have no rows. Run `feint run` again."
        )
    if asked < len(there):
        found.say(
            f"{len(there) - asked} scorings have rows that the experiment does not ask for, or "
            "under other names. Run `feint run` again."
        )


def _model(trail: Trail, about: dict[str, Any], weights: str) -> nn.Module:
    tensors, described = trail.store.read(about["needs"]["model"])
    model = loading.build(described["model"], described["settings"], tensors)
    if not loading.fingerprint(model) == weights == about["settings"]["weights"]:
        raise FeintError(
            f"its model {described['name']!r} has other weights than those it was made with."
        )
    return model


def _each(job: str, some: pl.DataFrame, count: int, found: Verification) -> None:
    """Every sequence of a job has one row, for every source that it serves."""
    for _, rows_ in some.group_by("source"):
        if sorted(rows_["row"]) != list(range(count)):
            found.say(f"job {job}: it has {count} sequences, and not one row for each.")


def _scored(
    trail: Trail,
    job: str,
    some: pl.DataFrame,
    skeleton: Skeleton,
    plan: Plan,
    found: Verification,
) -> None:
    answers, about = trail.score(job)
    question, x_adv = trail.question(job), trail.seen(job)
    at, x = some["row"].to_list(), question.x
    _each(job, some, len(x), found)
    eps, attack = float(about["settings"].get("eps", 0.0)), str(some["attack"][0])
    if some["attack"].n_unique() > 1 or bool((some["eps"] != round(eps, 7)).any()):
        found.say(f"job {job}: its rows tell another attack or eps than its result.")
    if attack != NONE:
        evaluation.verify(attack, x_adv, x, replace(plan.budget, eps=eps))
    elif not torch.equal(x_adv.values, x.values):
        raise FeintError("rows without an attack were perturbed.")
    crafted = Crafted(attack, torch.full((len(x),), eps), torch.arange(len(x)), x_adv)
    model = _model(trail, about, plan.weights[str(some["victim"][0])])
    again, anew = evaluation.score(
        model, question, crafted, skeleton, source_name="", victim_name=""
    )
    _same("answer", answers.values[at], anew.values[at], found, job)
    for name in again.columns:
        if name not in some.columns or name in ("source", "victim", "attack", "eps"):
            continue
        new, old = again[name].gather(at), some[name]
        if new.dtype.is_float():
            off = _same(name, torch.tensor(old.to_list()), torch.tensor(new.to_list()), found, job)
            if name.startswith("distance"):
                found.largest = max(found.largest, off)
        elif new.to_list() != old.to_list():
            found.say(f"job {job}: the rows' {name} is not what its sequences are.")
    found.rows += len(some)


def _smallest(trail: Trail, job: str, some: pl.DataFrame, plan: Plan, found: Verification) -> None:
    tensors, about = trail.store.read(job)
    question = read_question(*trail.store.read(about["needs"]["question"]))
    x_adv = rebuilt(tensors, about, question.x)
    reading = about["settings"]["attack"]["reading"]
    model = _model(trail, about, plan.weights[str(some["source"][0])])
    d = distance(predict(model, x_adv), question.wanted, reading)
    at = some["row"].to_list()
    _each(job, some, len(d), found)
    told_d, kappa = (torch.tensor(some[name].to_list()) for name in ("distance", "kappa"))
    found.largest = max(found.largest, _same("distance", told_d, d[at], found, job))
    if plan.tolerance is not None:
        _same("kappa", kappa, plan.tolerance.goals(question.target, question.x.lengths)[at], found,
              job)  # fmt: skip
    if some["eps"].is_null().to_list() != (told_d >= kappa).tolist():
        found.say(f"job {job}: its eps does not say which sequences came within kappa.")
    for i, eps in zip(at, some["eps"].to_list(), strict=True):
        if eps:
            evaluation.verify("minimal", x_adv[[i]], question.x[[i]], replace(plan.budget, eps=eps))
        elif eps == 0 and not torch.equal(x_adv.values[i], question.x.values[i]):
            found.say(f"job {job}: a sequence that needed no change was changed.")
    found.rows += len(some)


def _same(name: str, old: Tensor, new: Tensor, found: Verification, job: str) -> float:
    """Say so unless two tensors agree; the largest relative difference."""
    size = new.abs().amax().clamp_min(1e-6) if new.numel() else torch.tensor(1.0)
    off = float(((old - new).abs().amax() / size).nan_to_num(torch.inf)) if new.numel() else 0.0
    if off > NEAR:
        found.say(f"job {job}: its {name} is off by {off:.2g} of its size, worked out again.")
    return off
