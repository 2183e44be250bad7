"""AIA, the Adversarial Interaction Attack (Koren et al. 2021): the settings and the restarts.

What the paper leaves open (docs/departures.md) is a field here: `paper-eq6` and `paper-adam` are
its two descriptions of the update as printed, `strong` is what works best.  Read this file beside
section 3.2; the loss terms are in `losses.py`, the descent is in `gradient_descent.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from feint.attacks import not_finite
from feint.attacks.budget import Budget
from feint.attacks.gradient_descent import (
    DescentResult,
    Keep,
    Optimizer,
    Precision,
    Schedule,
    descend,
)
from feint.attacks.losses import Surface, Temporal, spatial_loss, temporal_loss
from feint.attacks.noise import uniform
from feint.attacks.settings import (
    check_choices,
    check_integers,
    check_not_negative,
    check_positive,
    from_settings,
)
from feint.errors import FeintError
from feint.models.inference import predict
from feint.sequences import Norm, Sequences, check_alike, frame_distance, sum_over_time

StepUnit = Literal["data", "eps"]


@dataclass(frozen=True)
class AIA:
    """A targeted attack on a whole sequence: L_adv = L_spatial + smoothness * L_temporal (eq. 2).

    Attributes:
        steps: M, the number of descent steps.
        step_size: alpha, in data units or as a fraction of eps (`step_unit`).
        step_unit: "data" as in the paper, or "eps".
        optimizer: "sign" (equation 6) or "adam" (section 6.1).
        schedule: "constant" as in the paper, or "cosine" towards 0.
        keep: the "last" iterate as in the paper, or the "best" one, row by row.
        restarts: how many starts; the first is x itself, the others random inside the budget.
        surface: what the output is drawn to: the target "point", the "ball" of radius eta around
            it, or its "sphere" (equations 3 and 4 as printed).
        kappa: the tolerance of equation 1; eta = kappa / T.  "ball" and "sphere" need it or `eta`.
        eta: the radius per frame, if it is given directly.
        smoothness: lambda.
        temporal: what L_temporal sums: the "input" x' as in equation 5, or the "velocity",
            "acceleration" or "jerk" of the perturbation x' - x.
        norm: of the distance between outputs, "frame" or "joint" (`feint.distance`).
        precision: of the search, "fp32" or "bf16" where the processor has it; the result is
            measured in fp32 (`feint.evaluation`) either way.
        seed: of the random restarts.

    Raises:
        FeintError: an unknown choice, a number out of its range, both kappa and eta.
    """

    steps: int = 400
    step_size: float = 0.2
    step_unit: StepUnit = "eps"
    optimizer: Optimizer = "adam"
    schedule: Schedule = "cosine"
    keep: Keep = "best"
    restarts: int = 1
    surface: Surface = "point"
    kappa: float | None = None
    eta: float | None = None
    smoothness: float = 0.0
    temporal: Temporal = "input"
    norm: Norm = "frame"
    precision: Precision = "fp32"
    seed: int = 0

    targeted: ClassVar[bool] = True
    takes_goal: ClassVar[bool] = True
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        # What works best on the same budget; measured in docs/planted.md.
        "strong": {"restarts": 3},
        # Equation 6, read literally: constant sign steps onto the sphere, the last iterate.
        "paper-eq6": {
            "steps": 400,
            "step_size": 0.03,
            "step_unit": "data",
            "optimizer": "sign",
            "schedule": "constant",
            "keep": "last",
            "surface": "sphere",
            "smoothness": 0.1,
        },
        # Section 6.1: "the Adam optimizer with a learning rate of 1e-3" (it must minimise).
        "paper-adam": {
            "steps": 400,
            "step_size": 1e-3,
            "step_unit": "data",
            "optimizer": "adam",
            "schedule": "constant",
            "keep": "last",
            "surface": "sphere",
            "smoothness": 0.1,
        },
    }

    def __post_init__(self) -> None:
        check_choices(
            self, step_unit=StepUnit, optimizer=Optimizer, schedule=Schedule, keep=Keep,
            surface=Surface, temporal=Temporal, norm=Norm, precision=Precision)  # fmt: skip
        check_integers(self, steps=1, restarts=1, seed=None)
        check_positive(self, "step_size")
        check_not_negative(self, "smoothness")
        if self.kappa is not None and self.eta is not None:
            raise FeintError(
                f"AIA got kappa={self.kappa} and eta={self.eta}; expected one of them, "
                "as eta = kappa / T.",
                code="conflicting-settings",
            )
        check_not_negative(self, *(n for n in ("kappa", "eta") if getattr(self, n) is not None))

    @property
    def warm_start(self) -> bool:
        """Only the best iterate is never worse than the start."""
        return self.keep == "best"

    @staticmethod
    def preset(name: str, **changes: Any) -> "AIA":
        """A named setting, with any field changed: `AIA.preset("paper-eq6", kappa=79.52)`.

        Args:
            name: "strong", "paper-eq6" or "paper-adam".
            changes: fields of AIA, in place of the setting's.

        Raises:
            FeintError: an unknown name or field, or a value that AIA refuses.
        """
        return from_settings(AIA, changes, name)

    def with_tolerance(self, value: float, norm: Norm, per_frame: bool) -> "AIA":
        """The same attack with a tolerance for equation 4 and its `norm`, if it lacks a radius.

        `value` is the tolerance of a sequence, or of each frame if `per_frame`.
        """
        if self.surface == "point" or self.kappa is not None or self.eta is not None:
            return self
        if per_frame:
            return replace(self, eta=value, norm=norm)
        return replace(self, kappa=value, norm=norm)

    def __call__(
        self,
        model: nn.Module,
        x: Sequences,
        target: Sequences,
        budget: Budget,
        *,
        start: Sequences | None = None,
        goal: Float[Tensor, " batch"] | None = None,
    ) -> Sequences:
        """Perturb x inside the budget so that the model's output becomes the target.

        Args:
            model: (batch, time, features) -> (batch, time, outputs), used as it is.
            x: the clean input.
            target: the target output; the model's output shape, x's lengths.
            budget: what may be changed, and by how much.
            start: where the first descent begins, if not at x; brought inside the budget.
            goal: (batch,), distances (equation 7 in `norm`) to the target below which a row is
                done: it is returned as it was when it got there, and costs nothing more.

        Returns:
            x', of x's shape; equal to x in the padding and off the budget's coordinates.

        Raises:
            FeintError: shapes or lengths differ, kappa is missing, no gradient reaches the input.
        """
        check_alike(predict(model, x), target, "AIA (the model's output and the target)")
        if self.surface != "point":
            self.radius(x.lengths)  # raises before any work
        if start is not None:
            check_alike(start, x, "AIA (the start and x)")
        if goal is not None:
            # Stop slightly inside the goal, so the row still counts in other batch sizes and when
            # it is measured again in fp32.
            goal = goal * (0.98 if self.precision == "bf16" else 1 - 1e-4)
        values = (x if start is None else start).values.detach().clone()
        best_loss = torch.full_like(values[:, 0, 0], torch.inf)
        left = torch.arange(len(x), device=values.device)
        finite = torch.zeros_like(left, dtype=torch.bool)
        for restart in range(self.restarts):
            some = x[left]
            found = self._descend(
                model,
                some,
                values[left, : some.values.shape[1]] if restart == 0 else None,
                budget[left],
                _TargetObjective(self, some, target[left], None if goal is None else goal[left]),
                self.seed * 1000 + restart,
            )
            better = found.done | (found.losses < best_loss[left])
            values[left[better], : some.values.shape[1]] = found.values[better]
            best_loss[left] = torch.minimum(found.losses, best_loss[left])
            finite[left] |= found.finite
            left = left[~found.done]
            if len(left) == 0:
                break
        not_finite.report(finite)
        return x.with_values(values)

    def _descend(
        self,
        model: nn.Module,
        x: Sequences,
        start: Tensor | None,
        budget: Budget,
        objective: "_TargetObjective",
        seed: int,
    ) -> DescentResult:
        """One descent, from `start` or from a random point in the budget."""
        radius = budget.radius(x)
        step_size = self.step_size * (radius if self.step_unit == "eps" else radius.new_ones(1))
        return descend(
            model,
            x,
            x.values + radius * uniform(x, seed) if start is None else start,
            budget,
            objective,
            steps=self.steps,
            step_size=step_size.expand(len(x), 1, -1),
            optimizer=self.optimizer,
            schedule=self.schedule,
            keep=self.keep,
            precision=self.precision,
        )

    def spatial(
        self, output: Float[Tensor, "batch time outputs"], target: Sequences
    ) -> Float[Tensor, " batch"]:
        """L_spatial, equation 3, of the model's output; S_t lies around the target (data units)."""
        radius = None if self.surface == "point" else self.radius(target.lengths)
        return spatial_loss(output, target, self.norm, self.surface, radius)

    def radius(self, lengths: Int[Tensor, " batch"]) -> Float[Tensor, "batch 1"]:
        """eta, equation 4: kappa / T with each sequence's own T (its length), or `eta` itself.

        Raises:
            FeintError: neither was given.
        """
        frames = lengths.double()[:, None]
        if self.eta is not None:
            return torch.full_like(frames, self.eta)
        if self.kappa is not None:
            return self.kappa / frames
        raise FeintError(
            f"AIA got surface={self.surface!r} and no kappa; expected kappa (summed over a "
            "sequence) or eta (per frame), the radius of equation 4.",
            code="no-tolerance",
        )

    def coherence(
        self, values: Float[Tensor, "batch time features"], x: Sequences
    ) -> Float[Tensor, " batch"]:
        """L_temporal, equation 5, of perturbed values around the clean input x."""
        return temporal_loss(values, x, self.temporal)


@dataclass(frozen=True, eq=False)
class _TargetObjective:
    """AIA's loss for a batch of rows; a row is done when it is within its goal."""

    attack: AIA
    x: Sequences
    target: Sequences
    goal: Tensor | None

    def loss(self, output: Tensor, values: Tensor) -> Tensor:
        """L_adv, equation 2."""
        loss = self.attack.spatial(output, self.target)
        if self.attack.smoothness:
            loss = loss + self.attack.smoothness * self.attack.coherence(values, self.x)
        return loss

    def is_done(self, output: Tensor) -> Tensor | None:
        if self.goal is None:
            return None
        d = frame_distance(output - self.target.values, self.attack.norm)
        return sum_over_time(d, self.target.lengths) < self.goal

    def __getitem__(self, rows: Tensor) -> "_TargetObjective":
        goal = None if self.goal is None else self.goal[rows]
        return _TargetObjective(self.attack, self.x[rows], self.target[rows], goal)
