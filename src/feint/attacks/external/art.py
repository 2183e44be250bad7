"""Attacks of the Adversarial Robustness Toolbox (ART), with feint's interface.

ART attacks what it calls a regressor: one number an input.  `ART` adapts its gradient attacks to
equation 7, sequences of unequal length, coordinates that may not be changed and a budget a row,
and it leaves the model as it was (docs/peers.md).  An adapter to another library goes beside it.

Needs `pip install 'feint[art]'`.  Written and measured with adversarial-robustness-toolbox 1.20.1.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from feint.attacks.budget import Budget
from feint.attacks.settings import check_choices, check_integers, check_positive
from feint.errors import FeintError
from feint.models.inference import forward_values, predict
from feint.sequences import Norm, Sequences, check_alike, frame_distance

CHANGED_HERE = ("estimator", "eps", "eps_step", "targeted", "batch_size")
"""Arguments of ART's attacks that are not settings: they come from the budget or from `ART`."""


@dataclass(frozen=True)
class ART:
    """One of ART's evasion attacks: `ART("ProjectedGradientDescent", {"max_iter": 40})`.

    Attributes:
        attack: its class in `art.attacks.evasion`; one that works on regressors by their loss
            gradient: FastGradientMethod, BasicIterativeMethod, ProjectedGradientDescent,
            MomentumIterativeMethod.
        settings: its own arguments, under ART's names, but for those of `CHANGED_HERE`.
        step_size: ART's eps_step, as a fraction of eps; None for an attack without one.
        targeted: draw the answer to the target; False leads it away from it.
        norm: of equation 7, "frame" or "joint" (`feint.distance`).
        rows: attacked at once, all of one length.
        seed: of NumPy's global generator while ART runs; it is put back afterwards.

    Raises:
        FeintError: a setting that is not ART's to decide, a number out of its range.
    """

    attack: str = "ProjectedGradientDescent"
    settings: Mapping[str, Any] = field(default_factory=dict)
    step_size: float | None = 0.1
    targeted: bool = True
    norm: Norm = "frame"
    rows: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(self, norm=Norm)
        check_integers(self, rows=1, seed=None)
        if self.step_size is not None:
            check_positive(self, "step_size")
        taken = [name for name in self.settings if name in CHANGED_HERE]
        if taken:
            raise FeintError(
                f"ART got settings for {', '.join(taken)}; expected others: eps comes from the "
                "budget, eps_step from step_size, targeted and rows are fields of ART.",
                code="conflicting-settings",
            )

    def __call__(
        self, model: nn.Module, x: Sequences, target: Sequences, budget: Budget
    ) -> Sequences:
        """Perturb x inside the budget; see `feint.attacks.Attack` for the contract.

        Args:
            model: (batch, time, features) -> (batch, time, outputs), in evaluation mode.
            x: what the model sees.  ART computes in float32, whatever x is.
            target: what it shall answer (or be led away from); the model's output shape.
            budget: what may be changed, and by how much.

        Returns:
            x' as ART found it, brought inside the budget.

        Raises:
            FeintError: ART is not installed, it has no such attack, the attack refuses its
                settings or a regressor, no gradient reaches the input; shapes or lengths differ.
        """
        check_alike(predict(model, x), target, "ART (the model's answer and the target)")
        library, make = self._library()
        lower, upper = budget.bounds(x)
        radius, free = budget.radius(x), lower < upper
        values = x.values.detach().clone()
        with _as_it_was(model, self.seed):
            for rows, frames in self._groups(x):
                held = _Held(model, x.values[rows, :frames].detach(), free[rows, :frames])
                targets = target.values[rows, :frames].detach()
                estimator = library.PyTorchRegressor(
                    held,
                    _Loss(self.norm, targets),
                    input_shape=tuple(held.clean.shape[1:]),
                    clip_values=_clip(budget, held.clean),
                    device_type="gpu" if x.values.is_cuda else "cpu",
                )
                found = self._run(make, estimator, radius[rows].detach(), held.clean, targets)
                values[rows, :frames] = torch.as_tensor(found).to(values)
        return budget.project(x.with_values(values), x)

    def _library(self) -> tuple[ModuleType, Any]:
        """ART's regressors, and the attack."""
        try:
            from art.attacks import evasion
            from art.estimators.regression import pytorch
        except ImportError as error:
            raise FeintError(
                f"The Adversarial Robustness Toolbox could not be imported ({error}). "
                "Install it: pip install 'feint[art]' -c constraints.txt.",
                code="not-installed",
            ) from error
        make = getattr(evasion, self.attack, None)
        if make is None:
            raise FeintError(
                f"ART has no attack {self.attack!r} in art.attacks.evasion; expected one of those "
                "on regressors: 'ProjectedGradientDescent' or 'FastGradientMethod'.",
                code="unknown-attack",
            )
        return pytorch, make

    def _groups(self, x: Sequences) -> Iterator[tuple[Tensor, int]]:
        """Rows of one length, a few at a time: ART knows no lengths."""
        for frames in sorted(set(x.lengths.tolist())):
            for rows in (x.lengths == frames).nonzero()[:, 0].split(self.rows):
                yield rows, frames

    def _run(
        self, make: Any, estimator: Any, radius: Tensor, clean: Tensor, targets: Tensor
    ) -> np.ndarray:
        """ART on one group."""
        first = radius.flatten()[0]
        size: float | np.ndarray = float(first)
        if bool((radius != first).any()):
            size = radius.expand(clean.shape).to("cpu", torch.float32).numpy()
        given = {"eps": size, "targeted": self.targeted, "batch_size": len(clean)}
        if self.step_size is not None:
            given["eps_step"] = self.step_size * size
        try:
            attack = make(estimator, **{"verbose": False, **self.settings, **given})
        except TypeError:  # not every attack has the argument verbose
            attack = self._made(make, estimator, {**self.settings, **given})
        except Exception as error:
            raise self._refused(error) from error
        try:
            x, y = (part.to("cpu", torch.float32).numpy() for part in (clean, targets))
            return attack.generate(x=x, y=y)
        except Exception as error:
            raise self._refused(error) from error

    def _made(self, make: Any, estimator: Any, given: dict[str, Any]) -> Any:
        try:
            return make(estimator, **given)
        except Exception as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> FeintError:
        if isinstance(error, FeintError):
            return error
        return FeintError(
            f"ART's {self.attack} failed ({type(error).__name__}: {error}). Expected an attack on "
            f"regressors by their loss gradient, settings it knows (got {dict(self.settings)}) and "
            "a model through which a gradient reaches the input.",
            code="attack-failed",
        )


class _Held(nn.Module):
    """The model around one group's clean input; coordinates that are not free stay as they are.

    The model itself is kept out of ART's sight: it would set its mode.
    """

    def __init__(self, model: nn.Module, clean: Tensor, free: Tensor) -> None:
        super().__init__()
        self._of = (model,)
        self.clean, self.free = clean, free

    def forward(self, x: Tensor) -> Tensor:
        if len(x) != len(self.clean):
            raise FeintError(
                f"The attack asked the model about {len(x)} sequences of a group of "
                f"{len(self.clean)}. Use ART(rows=1) for an attack that picks some of them.",
                code="wrong-shape",
            )
        values = torch.where(self.free, x.to(self.clean), self.clean)
        lengths = torch.full((len(x),), x.shape[1], device=x.device)
        return forward_values(self._of[0], values, lengths)


class _Loss(nn.Module):
    """Equation 7 of answers that ART has flattened, summed over the group."""

    def __init__(self, norm: Norm, like: Tensor) -> None:
        super().__init__()
        self.norm, self.reduction = norm, "sum"
        self.dtype = like.dtype

    def forward(self, flat: Tensor, target: Tensor) -> Tensor:
        return frame_distance(flat.view_as(target) - target.to(self.dtype), self.norm).sum()


def _clip(budget: Budget, like: Tensor) -> tuple[np.ndarray, np.ndarray] | None:
    """The budget's valid range in ART's form."""
    if budget.low is None and budget.high is None:
        return None
    ends = (
        -math.inf if budget.low is None else budget.low,
        math.inf if budget.high is None else budget.high,
    )
    features = like.shape[-1:]
    low, high = (torch.as_tensor(e).to("cpu", torch.float32).expand(features) for e in ends)
    return low.numpy(), high.numpy()


@contextmanager
def _as_it_was(model: nn.Module, seed: int) -> Iterator[None]:
    """No gradient for the parameters, and NumPy's generator seeded; afterwards as before."""
    flags = [(p, p.requires_grad) for p in model.parameters()]
    state = np.random.get_state()
    try:
        for parameter, _ in flags:
            parameter.requires_grad_(False)
        np.random.seed(seed)
        with torch.enable_grad():
            yield
    finally:
        np.random.set_state(state)
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
