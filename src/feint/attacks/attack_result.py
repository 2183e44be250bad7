"""`AttackResult`: what `feint.attack` returns, with its numbers, its success, and its text.

A number that every call of `feint.attack` should give is added here, and computed in quick.py.
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor

from feint.attacks.attack import Attack
from feint.attacks.budget import Budget
from feint.attacks.precision import Note
from feint.errors import FeintError
from feint.sequences import Sequences


@dataclass(frozen=True, eq=False, repr=False)
class AttackResult:
    """What an attack did, beside the clean input and random noise.

    Attributes:
        x_adv: the perturbed input, in the type, precision and shape of the input.
        x, perturbed: the input and `x_adv` as the model gets them, in its precision, but at least
            in single precision: (batch, time, features).  All distances are of these.
        target: the target: (batch, time, outputs); without one, the reference to lead away from.
        answer_before, answer_after: the model's outputs for them: (batch, time, outputs).
        before, after: (batch,), distances of the outputs to the target (equation 7), in the
            outputs' units.
        noise: (batch,), the same under random noise of the same budget, the better of two kinds.
        change: (batch,), the largest perturbation of any coordinate of `x_adv`, in data units.
        budget: what could be changed.
        attack: the settings of the attack.
        targeted: whether there was a target.
        kappa: the tolerance; None: nothing says what a success is.
        notes: what to read before believing the numbers.
    """

    x_adv: Any
    x: Sequences
    perturbed: Sequences
    target: Sequences
    answer_before: Sequences
    answer_after: Sequences
    before: Float[Tensor, " batch"]
    after: Float[Tensor, " batch"]
    noise: Float[Tensor, " batch"]
    change: Float[Tensor, " batch"]
    budget: Budget
    attack: Attack
    targeted: bool
    kappa: float | None
    notes: tuple[Note, ...] = ()

    @property
    def success(self) -> Bool[Tensor, " batch"]:
        """Which outputs are within kappa of the target, or kappa and more from the reference.

        Raises:
            FeintError: no kappa was given.
        """
        return self._success(self.after)

    def _success(self, d: Tensor) -> Tensor:
        if self.kappa is None:
            raise FeintError(
                "No tolerance says what a success is. Give feint.attack a kappa: a distance "
                "(equation 7) that a person who knows the data would call near enough.",
                code="no-tolerance",
            )
        return d < self.kappa if self.targeted else d >= self.kappa

    def __str__(self) -> str:
        count, coords = len(self.x), self.budget.coords
        features = self.x.values.shape[-1]
        changed = features if coords is None else int(coords.sum())
        eps = self.budget.radius(self.x).expand_as(self.x.values)[self.budget.mask(self.x)]
        ends = dict.fromkeys(f"{float(end):g}" for end in (eps.min(), eps.max()))
        size = "-".join(ends)
        what = "to the target" if self.targeted else "from the reference"
        means = [float(d.mean()) for d in (self.before, self.after, self.noise)]
        lines = [
            f"{count} sequence{'s' * (count > 1)}, eps {size} on {changed} of {features} features: "
            f"the mean distance {what} goes from {means[0]:.4g} to {means[1]:.4g} (random noise: "
            f"{means[2]:.4g}). The largest perturbation is {float(self.change.max()):.4g}."
        ]
        if self.kappa is not None:
            after, before, noise = (
                float(self._success(d).float().mean())
                for d in (self.after, self.before, self.noise)
            )
            which = f"within {self.kappa:g}" if self.targeted else f"{self.kappa:g} or further"
            lines.append(
                f"Success rate ({which}): {after:.0%}; {before:.0%} without an attack, {noise:.0%} "
                "under random noise."
            )
        return "\n".join([*lines, *map(str, self.notes)])

    __repr__ = __str__
