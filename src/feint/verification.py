"""A run distrusted: every stored perturbation and every row worked out again from the tensors."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import Tensor, nn

from feint import evaluation, rows
from feint.artefacts import Trail, describe
from feint.errors import FeintError
from feint.evaluation import NONE, Crafted
from feint.files import inside
from feint.models import loading
from feint.progress import bar
from feint.results import budget_of, read_question, rebuilt
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
    described, found, trail = describe(folder), Verification(), Trail(folder)
    found.results = sum(1 for _ in trail.store)
    trail.store.check(None)
    table = _table(folder, "rows.parquet", found, trail)
    small = _table(folder, "minimal.parquet", found, trail)
    if table is None and small is None and not found.wrong:
        raise FeintError(
            f"{folder} has no rows to verify. Run `feint run` on the experiment first."
        )
    skeleton = Skeleton.of(described["skeleton"])
    if table is not None:
        _expected(folder, table, found)
        with bar(table["job"].n_unique(), "verifying") as progress:
            for (job,), some in table.group_by("job", maintain_order=True):
                with _Telling(found, f"job {job}"):
                    _scored(trail, str(job), some, skeleton, found)
                progress.advance()
    if small is not None:
        for (job,), some in small.group_by("job", maintain_order=True):
            with _Telling(found, f"job {job}"):
                _smallest(trail, str(job), some, found)
    found.damaged = trail.store.set_aside
    return found


class _Telling:
    """What goes wrong inside is a problem found, not an end."""

    def __init__(self, found: Verification, about: str) -> None:
        self.found, self.about = found, about

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if isinstance(error, FeintError | KeyError | IndexError | RuntimeError | TypeError):
            self.found.say(f"{self.about}: {error}")
            return True
        return False


def _table(folder: Path, name: str, found: Verification, trail: Trail) -> pl.DataFrame | None:
    path = inside(folder, name)
    if not path.exists():
        return None
    try:
        return rows.read(path)
    except FeintError as error:
        trail.store.put_away(path, str(error))
        found.say(str(error))
        return None


def _expected(folder: Path, table: pl.DataFrame, found: Verification) -> None:
    """The rows are those that the experiment asks for."""
    plan = plan_of(folder)
    there = set(table["job"].unique())
    missing = sum(1 for _, job in plan.scored() if job.key not in there)
    if missing:
        found.say(
            f"{missing} scorings that the experiment asks for have no rows. Run `feint run` again."
        )


def _model(trail: Trail, about: dict[str, Any]) -> nn.Module:
    tensors, told = trail.store.read(about["needs"]["model"])
    model = loading.build(told["model"], told["settings"], tensors)
    if loading.fingerprint(model) != about["settings"]["weights"]:
        raise FeintError(
            f"its model {told['name']!r} has other weights than those it was made with."
        )
    return model


def _scored(
    trail: Trail, job: str, some: pl.DataFrame, skeleton: Skeleton, found: Verification
) -> None:
    answers, about = trail.score(job)
    question, x_adv = trail.question(job), trail.seen(job)
    at, x = some["row"].to_list(), question.x
    everything = torch.arange(len(x))
    eps = float(some["eps"][0])
    attack = str(some["attack"][0])
    if attack != NONE:
        budget = budget_of(about["settings"]["budget"], eps)
        evaluation.verify(attack, x_adv, x, budget)
    elif not torch.equal(x_adv.values, x.values):
        raise FeintError("rows without an attack were perturbed.")
    crafted = Crafted(attack, torch.full((len(x),), eps), everything, x_adv)
    again, anew = evaluation.score(
        _model(trail, about), question, crafted, skeleton, source_name="", victim_name=""
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


def _smallest(trail: Trail, job: str, some: pl.DataFrame, found: Verification) -> None:
    tensors, about = trail.store.read(job)
    question = read_question(*trail.store.read(about["needs"]["question"]))
    x_adv = rebuilt(tensors, about, question.x)
    reading = about["settings"]["attack"]["reading"]
    d = distance(predict(_model(trail, about), x_adv), question.wanted, reading)
    at = some["row"].to_list()
    told = torch.tensor(some["distance"].to_list())
    found.largest = max(found.largest, _same("distance", told, d[at], found, job))
    for i, eps in zip(at, some["eps"].to_list(), strict=True):
        if eps:
            budget = budget_of(about["settings"]["budget"], eps)
            evaluation.verify("minimal", x_adv[[i]], question.x[[i]], budget)
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
