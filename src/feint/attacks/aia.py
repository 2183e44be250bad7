"""AIA, the Adversarial Interaction Attack (Koren et al. 2021), and every reading of it.

The paper leaves several things open (docs/departures.md).  Each is a field here: `paper-eq6` and
`paper-adam` are the paper's two descriptions of the update as they stand, `strong` is what works
best.  Read this file beside section 3.2.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from feint.attacks.budget import Budget
from feint.attacks.gradient_descent import Found, Keep, Optimizer, Precision, Schedule, descend
from feint.attacks.losses import Surface, Temporal, _sum_of_norms
from feint.attacks.noise import uniform
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
            it, or its "sphere" (equations 3 and 4, verbatim).
        kappa: the tolerance of equation 1; eta = kappa / T.  "ball" and "sphere" need it or `eta`.
        eta: the radius per frame, if it is given directly.
        smoothness: lambda.
        temporal: what L_temporal sums: the "input" x' as in equation 5, or the "velocity",
            "acceleration" or "jerk" of the change x' - x.
        norm: of a frame on the output, "frame" or "joint" (`feint.distance`).
        precision: of the search, "fp32" or "bf16" where the processor has it; what is found is
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

    def __post_init__(self) -> None:
        choices = {
            "step_unit": StepUnit,
            "optimizer": Optimizer,
            "schedule": Schedule,
            "keep": Keep,
            "surface": Surface,
            "temporal": Temporal,
            "norm": Norm,
            "precision": Precision,
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in get_args(allowed):
                raise FeintError(
                    f"AIA got {name}={getattr(self, name)!r}; expected one of {get_args(allowed)}."
                )
        for name in ("steps", "restarts", "seed"):
            if type(getattr(self, name)) is not int:
                raise FeintError(
                    f"AIA got {name}={getattr(self, name)!r}; expected a whole number."
                )
        for name in ("step_size", "smoothness", "kappa", "eta"):
            value = getattr(self, name)
            optional = value is None and name in ("kappa", "eta")
            if not optional and (type(value) not in (int, float) or not math.isfinite(value)):
                raise FeintError(f"AIA got {name}={value!r}; expected a finite number.")
        if self.steps < 1 or self.restarts < 1 or not self.step_size > 0:
            raise FeintError(
                f"AIA got steps={self.steps}, restarts={self.restarts}, "
                f"step_size={self.step_size}; expected at least 1, at least 1, and above 0."
            )
        if not self.smoothness >= 0:
            raise FeintError(f"AIA got smoothness={self.smoothness}; expected 0 or more.")
        if self.kappa is not None and self.eta is not None:
            raise FeintError(
                f"AIA got kappa={self.kappa} and eta={self.eta}; expected one of them, "
                "as eta = kappa / T."
            )
        for name in ("kappa", "eta"):
            if getattr(self, name) is not None and not getattr(self, name) >= 0:
                raise FeintError(f"AIA got {name}={getattr(self, name)}; expected 0 or more.")

    @staticmethod
    def preset(name: str, **changes: Any) -> "AIA":
        """A named setting, with any field changed: `AIA.preset("paper-eq6", kappa=79.52)`.

        Args:
            name: "strong", "paper-eq6" or "paper-adam".
            changes: fields of AIA, in place of the setting's.

        Raises:
            FeintError: an unknown name or field, or a value that AIA refuses.
        """
        if name not in PRESETS:
            raise FeintError(f"AIA got preset {name!r}; expected one of {', '.join(PRESETS)}.")
        known = {field.name for field in fields(AIA)}
        for key in changes:
            if key not in known:
                raise FeintError(
                    f"AIA got an unknown field {key!r}; expected one of {', '.join(sorted(known))}."
                )
        return replace(PRESETS[name], **changes)

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
        """Perturb x inside the budget so that the model answers with the target.

        Args:
            model: (batch, time, features) -> (batch, time, outputs), used as it is.
            x: what the model sees.
            target: what it shall answer; the model's output shape, x's lengths.
            budget: what may be changed, and by how much.
            start: where the first descent begins, if not at x; brought inside the budget.
            goal: (batch,), distances (equation 7 in `norm`) to the target below which a row is
                done: it is returned as it first gets there, and costs nothing more.

        Returns:
            x', of x's shape; equal to x in the padding and off the budget's coordinates.

        Raises:
            FeintError: shapes or lengths differ, kappa is missing, no gradient reaches the input.
        """
        check_alike(predict(model, x), target, "AIA (the model's answer and the target)")
        if self.surface != "point":
            self.radius(x.lengths)  # given, or an error before any work
        if start is not None:
            check_alike(start, x, "AIA (the start and x)")
        if goal is not None:
            # Reached by a hair's breadth here is reached in any batch, and measured in fp32.
            goal = goal * (0.98 if self.precision == "bf16" else 1 - 1e-4)
        values = (x if start is None else start).values.detach().clone()
        lowest = torch.full_like(values[:, 0, 0], torch.inf)
        going = torch.arange(len(x), device=values.device)
        for restart in range(self.restarts):
            some = x[going]
            found = self._descend(
                model,
                some,
                values[going, : some.values.shape[1]] if restart == 0 else None,
                budget[going],
                _Aim(self, some, target[going], None if goal is None else goal[going]),
                self.seed * 1000 + restart,
            )
            better = found.met | (found.losses < lowest[going])
            values[going[better], : some.values.shape[1]] = found.values[better]
            lowest[going] = torch.minimum(found.losses, lowest[going])
            going = going[~found.met]
            if len(going) == 0:
                break
        return x.with_values(values)

    def _descend(
        self,
        model: nn.Module,
        x: Sequences,
        start: Tensor | None,
        budget: Budget,
        aim: "_Aim",
        seed: int,
    ) -> Found:
        """One descent, from `start` or from a random place in the budget."""
        radius = budget.radius(x)
        step_size = self.step_size * (radius if self.step_unit == "eps" else radius.new_ones(1))
        return descend(
            model,
            x,
            x.values + radius * uniform(x, seed) if start is None else start,
            budget,
            aim,
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
        """L_spatial, equation 3: the distance of each frame to S_t, summed over own frames.

        The output is the model's answer, the target what S_t is around; both in data units.
        """
        d = frame_distance(output - target.values, self.norm)
        if self.surface == "ball":
            d = (d - self.radius(target.lengths).to(d)).clamp_min(0)
        elif self.surface == "sphere":
            d = (d - self.radius(target.lengths).to(d)).abs()
        return sum_over_time(d, target.lengths)

    def radius(self, lengths: Int[Tensor, " batch"]) -> Float[Tensor, "batch 1"]:
        """eta, equation 4: kappa / T with each sequence's own T, or the radius given directly.

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
            "sequence) or eta (per frame), the radius of equation 4."
        )

    def coherence(
        self, values: Float[Tensor, "batch time features"], x: Sequences
    ) -> Float[Tensor, " batch"]:
        """L_temporal, equation 5.

        Every neighbouring pair of frames counts twice, once from each side; the paper's undefined
        x'_0 and x'_{T+1} are left out.  The other readings sum the norms of a finite difference of
        the change from x to these values: first (velocity), second (acceleration), third (jerk).
        """
        if self.temporal == "input":
            return 2 * _sum_of_norms(values.diff(dim=1), x.lengths - 1)
        order = {"velocity": 1, "acceleration": 2, "jerk": 3}[self.temporal]
        return _sum_of_norms((values - x.values).diff(n=order, dim=1), x.lengths - order)


@dataclass(frozen=True, eq=False)
class _Aim:
    """What AIA's descents are after, for a batch of rows."""

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

    def met(self, output: Tensor) -> Tensor | None:
        """Which rows are within their goal."""
        if self.goal is None:
            return None
        d = frame_distance(output - self.target.values, self.attack.norm)
        return sum_over_time(d, self.target.lengths) < self.goal

    def __getitem__(self, rows: Tensor) -> "_Aim":
        goal = None if self.goal is None else self.goal[rows]
        return _Aim(self.attack, self.x[rows], self.target[rows], goal)


PRESETS: dict[str, AIA] = {
    # Equation 6, read literally: constant sign steps onto the sphere, the last iterate.
    "paper-eq6": AIA(
        steps=400,
        step_size=0.03,
        step_unit="data",
        optimizer="sign",
        schedule="constant",
        keep="last",
        surface="sphere",
        smoothness=0.1,
    ),
    # Section 6.1: "the Adam optimizer with a learning rate of 1e-3" (it must minimise).
    "paper-adam": AIA(
        steps=400,
        step_size=1e-3,
        step_unit="data",
        optimizer="adam",
        schedule="constant",
        keep="last",
        surface="sphere",
        smoothness=0.1,
    ),
    # What works best on the same budget; measured in docs/planted.md.
    "strong": AIA(restarts=3),
}
