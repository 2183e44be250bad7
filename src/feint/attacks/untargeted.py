"""Untargeted attacks: any output far from the reference will do.

The paper: "For untargeted goals, the attacker simply needs to pick an arbitrary target sequence
that is far enough from the original sequence" (Koren et al. 2021, section 6.2).  Here several
targets are tried, and the one that ends furthest is kept.  The usual way in regression is tried
too: ascending the loss itself (Balda, Behboodi and Mathar 2019).

A norm is convex.  So for a model that is linear in its input the furthest output inside a budget
is at one of its corners, and every corner that no step improves is a local optimum: hence several
starts.
"""

from collections.abc import Iterator
from collections.abc import Sequence as Listed
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.attacks import not_finite
from feint.attacks.aia import AIA
from feint.attacks.budget import Budget
from feint.attacks.gradient_descent import Optimizer, Precision, Schedule, descend
from feint.attacks.noise import uniform
from feint.attacks.settings import check_choices, check_integers, check_positive
from feint.errors import FeintError
from feint.models.inference import predict
from feint.sequences import Norm, Sequences, check_alike, distance, frame_distance, sum_over_time

How = Literal["worst", "ascent", "target"]
FAR = 10.0
"""A target made here is this many times further than random noise leads."""


@dataclass(frozen=True)
class Untargeted:
    """Lead the model's output as far as possible from a reference, inside the budget.

    Attributes:
        how: "ascent" ascends the distance itself; "target" attacks several far targets, one after
            the other, by AIA; "worst" does both.  The result is, row by row, the furthest.
        steps: of one ascent, or of the attack on one target.
        step_size: as a fraction of eps.
        optimizer: "adam" or "sign".
        schedule: "constant", or "cosine" towards 0.
        restarts: how many ascents, each from a random point in the budget.
        reflections: pairs of far targets made without any data: the output for random noise, ten
            times as far from the clean output, and its reflection about the clean output.  They
            are tried beside the `candidates` of the call.
        norm: of equation 7, "frame" or "joint" (`feint.distance`).
        precision: of the search, "fp32" or "bf16"; what is kept is decided in fp32 either way.
        seed: of the random starts and reflections.

    Raises:
        FeintError: an unknown choice, a number out of its range.
    """

    how: How = "worst"
    steps: int = 100
    step_size: float = 0.2
    optimizer: Optimizer = "adam"
    schedule: Schedule = "cosine"
    restarts: int = 4
    reflections: int = 1
    norm: Norm = "frame"
    precision: Precision = "fp32"
    seed: int = 0

    targeted: ClassVar[bool] = False
    warm_start: ClassVar[bool] = True
    takes_candidates: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choices(
            self, how=How, optimizer=Optimizer, schedule=Schedule, norm=Norm, precision=Precision
        )
        check_integers(self, steps=1, restarts=1, reflections=0, seed=None)
        check_positive(self, "step_size")

    def __call__(
        self,
        model: nn.Module,
        x: Sequences,
        reference: Sequences,
        budget: Budget,
        *,
        start: Sequences | None = None,
        candidates: Listed[Sequences] = (),
    ) -> Sequences:
        """Perturb x inside the budget so that the model's output is far from the reference.

        Args:
            model: (batch, time, features) -> (batch, time, outputs), used as it is.
            x: the clean input.
            reference: the output to lead away from: the clean output (`feint.predict(model, x)`)
                or the true reaction; the model's output shape, x's lengths.
            budget: what may be changed, and by how much.
            start: where the first ascent and every attack on a target begin, if not at x; brought
                inside the budget.
            candidates: targets to try, each of the model's output shape, such as reactions of other
                classes.  "ascent" does not use them.

        Returns:
            x', of x's shape; equal to x in the padding and off the budget's coordinates.  No row's
            output is nearer to the reference than the start's.

        Raises:
            FeintError: shapes or lengths differ, there is no target to try, no gradient reaches
                the input.
        """
        answer = predict(model, x)
        check_alike(answer, reference, "Untargeted (the model's answer and the reference)")
        for candidate in candidates:
            check_alike(answer, candidate, "Untargeted (the model's answer and a candidate)")
        if start is not None:
            check_alike(start, x, "Untargeted (the start and x)")
        if self.how == "target" and not self.reflections and not candidates:
            raise FeintError(
                "Untargeted got how='target', no reflections and no candidates; expected at least "
                "one target to try. Pass candidates=[...], or leave reflections at 1.",
                code="no-target",
            )
        begin = budget.project(x if start is None else start, x)
        best = begin.values.detach().clone()
        furthest = self.distance(model, begin, reference)
        for tried in self._tries(model, x, answer, reference, begin, budget, candidates):
            d = self.distance(model, tried, reference)
            better = d > furthest
            best = torch.where(better[:, None, None], tried.values, best)
            furthest = torch.where(better, d, furthest)
        return x.with_values(best)

    def distance(
        self, model: nn.Module, x: Sequences, reference: Sequences
    ) -> Float[Tensor, " batch"]:
        """The distance of the model's output for x to the reference: (batch,), equation 7."""
        return distance(predict(model, x), reference, self.norm)

    def _tries(
        self,
        model: nn.Module,
        x: Sequences,
        answer: Sequences,
        reference: Sequences,
        begin: Sequences,
        budget: Budget,
        candidates: Listed[Sequences],
    ) -> Iterator[Sequences]:
        """Every perturbed batch to choose from."""
        if self.how != "target":
            for restart in range(self.restarts):
                yield self._ascend(model, x, reference, begin, budget, restart)
        if self.how != "ascent":
            attack = AIA(
                steps=self.steps,
                step_size=self.step_size,
                optimizer=self.optimizer,
                schedule=self.schedule,
                norm=self.norm,
                precision=self.precision,
            )
            for target in (*candidates, *self._reflected(model, x, answer, budget)):
                yield attack(model, x, target, budget, start=begin)

    def _ascend(
        self,
        model: nn.Module,
        x: Sequences,
        reference: Sequences,
        begin: Sequences,
        budget: Budget,
        restart: int,
    ) -> Sequences:
        """One ascent of the distance: the first from `begin`, the others from a random point.

        Where the output is the reference itself, the distance has no slope: such a row begins at a
        random point, too.
        """
        values = x.values + budget.radius(x) * uniform(x, self.seed * 1000 + restart)
        if restart == 0:
            scale = sum_over_time(frame_distance(reference.values), x.lengths)
            rounding = 1e3 * torch.finfo(scale.dtype).eps * scale
            away = self.distance(model, begin, reference) > rounding
            values = torch.where(away[:, None, None], begin.values, values)
        found = descend(
            model,
            x,
            values,
            budget,
            _ReferenceObjective(reference, self.norm),
            steps=self.steps,
            step_size=(self.step_size * budget.radius(x)).expand(len(x), 1, -1),
            optimizer=self.optimizer,
            schedule=self.schedule,
            keep="best",
            precision=self.precision,
        )
        not_finite.report(found.finite)
        return x.with_values(found.values)

    def _reflected(
        self, model: nn.Module, x: Sequences, answer: Sequences, budget: Budget
    ) -> Iterator[Sequences]:
        """Far targets on either side of the clean answer, in directions the model can be led."""
        for pair in range(self.reflections):
            noise = uniform(x, self.seed * 1000 + 500 + pair).sign()
            seen = budget.project(x.with_values(x.values + budget.radius(x) * noise), x)
            way = FAR * (predict(model, seen).values - answer.values)
            yield answer.with_values(answer.values + way)
            yield answer.with_values(answer.values - way)


@dataclass(frozen=True, eq=False)
class _ReferenceObjective:
    """The objective of one ascent, for a batch of rows."""

    reference: Sequences
    norm: Norm

    def loss(self, output: Tensor, values: Tensor) -> Tensor:
        """Minus equation 7: what is small is far."""
        d = frame_distance(output - self.reference.values, self.norm)
        return -sum_over_time(d, self.reference.lengths)

    def is_done(self, output: Tensor) -> None:
        """Every row takes all steps."""

    def __getitem__(self, rows: Tensor) -> "_ReferenceObjective":
        return _ReferenceObjective(self.reference[rows], self.norm)
