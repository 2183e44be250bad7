"""`feint.attack`: one line from tensors to a perturbed input and what it did."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from feint.attacks import AIA, Attack, Noise, Untargeted
from feint.attacks.batching import batches
from feint.attacks.budget import Budget, verify
from feint.attacks.conversion import Array, Given, as_given, beside, coords_of, sequences_of
from feint.errors import FeintError
from feint.models.inference import predict
from feint.sequences import Sequences, distance

STILL = 1e-6
"""An answer that moves by less than this share of itself does not move."""


@dataclass(frozen=True, eq=False, repr=False)
class Attacked:
    """What an attack did, and what to hold it against.

    Attributes:
        x_adv: the perturbed input, in the form the input was given in.
        x, perturbed: the input and the perturbed one: (batch, time, features).
        target: what was asked for: (batch, time, outputs); the reference led away from, where
            nothing was.
        answer_before, answer_after: what the model answers to them: (batch, time, outputs).
        before, after: (batch,), distances of the answers to the target (equation 7), in the
            units of the answer.
        noise: (batch,), the same under random noise of the same budget, the better of two kinds.
        change: (batch,), the largest change of any coordinate, in data units.
        budget: what could be changed.
        attack: the settings of the attack.
        targeted: whether there was a target.
        kappa: the distance that counts; None: no success is told.
        notes: sentences to read before believing the numbers.
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
    notes: tuple[str, ...] = ()

    @property
    def reached(self) -> Bool[Tensor, " batch"]:
        """Which answers count: within kappa of the target, or kappa and more from the reference.

        Raises:
            FeintError: no kappa was given.
        """
        return self._counts(self.after)

    def _counts(self, d: Tensor) -> Tensor:
        if self.kappa is None:
            raise FeintError(
                "Nothing says what counts as reached. Give feint.attack a kappa: a distance "
                "(equation 7) that somebody who knows the data would call near enough."
            )
        return d < self.kappa if self.targeted else d >= self.kappa

    def __str__(self) -> str:
        count, coords = len(self.x), self.budget.coords
        features = self.x.values.shape[-1]
        where = features if coords is None else int(coords.sum())
        eps = torch.as_tensor(self.budget.eps)
        told = f"{float(eps):g}" if eps.ndim == 0 else f"{float(eps.min()):g}-{float(eps.max()):g}"
        what = "to the target" if self.targeted else "from the reference"
        means = [float(d.mean()) for d in (self.before, self.after, self.noise)]
        lines = [
            f"{count} sequence{'s' * (count > 1)}, eps {told} on {where} of {features} features: "
            f"the mean distance {what} goes from {means[0]:.4g} to {means[1]:.4g} (random noise: "
            f"{means[2]:.4g}). The largest change is {float(self.change.max()):.4g}."
        ]
        if self.kappa is not None:
            after, before, noise = (
                float(self._counts(d).float().mean()) for d in (self.after, self.before, self.noise)
            )
            which = f"within {self.kappa:g}" if self.targeted else f"{self.kappa:g} or further"
            lines.append(
                f"{after:.0%} end {which}; {before:.0%} without an attack, {noise:.0%} under noise."
            )
        return "\n".join([*lines, *self.notes])

    __repr__ = __str__


def attack(
    model: nn.Module,
    x: Given,
    target: Given | None = None,
    *,
    eps: float | Tensor,
    coords: Sequence[bool] | Sequence[int] | Array | None = None,
    low: float | Tensor | None = None,
    high: float | Tensor | None = None,
    preset: str = "strong",
    kappa: float | None = None,
    reference: Given | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> Attacked:
    """Change what a model sees by at most eps, so that it answers with the target.

    `feint.attack(model, x, target, eps=0.1)`.  For a sweep, many targets or files, use the parts:
    `feint.AIA`, `feint.Budget`, an experiment.

    Args:
        model: any module from (batch, time, features) to (batch, time, outputs), in evaluation
            mode; used as it is, and left as it was.
        x: what the model sees: a tensor or NumPy array (time, features) or (batch, time,
            features), a list of (time, features) of any lengths, or `feint.Sequences`.  Arrays and
            tensors are brought to the model's precision and device; `Sequences` are not.
        target: what it shall answer, in any of these forms, as long as x; one (time, outputs)
            serves all sequences of that length.  None: as far as possible from the reference.
        eps: the largest change of any coordinate, in x's units; one number, or one a sequence.
        coords: what may be changed: one bool a feature, or the features' places; None: everything.
        low, high: the range a changed value may take, in x's units; one number, or one a feature.
        preset: "strong", "paper-eq6" or "paper-adam" (`feint.AIA.preset`); with a target only.
        kappa: the distance (equation 7) within which an answer counts as the target, or from which
            on it counts as led away; "paper-eq6" and "paper-adam" need it.
        reference: without a target, what the answer is led away from: the true reaction, say.
            None: the model's own clean answer.
        steps: of one descent; the preset's if not given.
        seed: of everything random.

    Returns:
        `Attacked`: x_adv in the form x came in, distances before and after and under random noise,
        the budget, the largest change, what to know before believing them.  Print it.

    Raises:
        FeintError: NaN in x or target, shapes that do not go together, eps not above 0, a model in
            a training mode that changes its answer, through which no gradient reaches the input,
            or that answers NaN.
    """
    if target is not None and reference is not None:
        raise FeintError("feint.attack got a target and a reference; expected at most one of them.")
    if target is None and preset != "strong":
        raise FeintError(
            f"feint.attack got preset={preset!r} and no target; expected a target, as presets are "
            "of the targeted attack. Leave preset out to lead the answer away from the reference."
        )
    seen = sequences_of(x, model, "x")
    answer = predict(model, seen)
    budget = Budget(eps, coords_of(coords, seen), low, high)
    asked = target if target is not None else reference
    wanted = answer if asked is None else beside(asked, model, answer, target is not None)
    changes: dict[str, Any] = {"seed": seed} if steps is None else {"seed": seed, "steps": steps}
    method: AIA | Untargeted = Untargeted(**changes)
    if target is not None:
        method = AIA.preset(preset, kappa=kappa, **changes)
    values = seen.values.detach().clone()
    for rows in batches(model, seen, torch.arange(len(seen))):
        some = seen[rows]
        found = method(model, some, wanted[rows], budget[rows])
        values[rows, : some.values.shape[1]] = found.values
    perturbed = seen.with_values(values)
    verify(type(method).__name__, perturbed, seen, budget)
    noisy = [Noise(kind, seed=seed)(model, seen, wanted, budget) for kind in ("sign", "offset")]
    after, *under_noise = (predict(model, one) for one in (perturbed, *noisy))
    noise = torch.stack([distance(one, wanted) for one in under_noise])
    made = Attacked(
        x_adv=as_given(perturbed, x),
        x=seen,
        perturbed=perturbed,
        target=wanted,
        answer_before=answer,
        answer_after=after,
        before=distance(answer, wanted),
        after=distance(after, wanted),
        noise=noise.amin(dim=0) if target is not None else noise.amax(dim=0),
        change=(values - seen.values).abs().amax(dim=(1, 2)),
        budget=budget,
        attack=method,
        targeted=target is not None,
        kappa=kappa,
    )
    return replace(made, notes=_notes(made, under_noise))


def _notes(made: Attacked, under_noise: list[Sequences]) -> tuple[str, ...]:
    """What must be said beside the numbers."""
    notes = []
    before = made.answer_before
    nothing = before.with_values(torch.zeros_like(before.values))
    scale = STILL * distance(before, nothing)
    moved = torch.stack([distance(one, before) for one in (*under_noise, made.answer_after)])
    still = (moved <= scale).all(dim=0)
    if bool(still.any()):
        notes.append(
            f"The model ignores what it sees in {int(still.sum())} of {len(made.x)} sequences: "
            "neither the attack nor random noise of this size moves its answer. That is no "
            "robustness; check its weights and the units of its input."
        )
    better = made.noise < made.after if made.targeted else made.noise > made.after
    if bool((better & ~still).any()):
        notes.append(
            f"Random noise does better in {int((better & ~still).sum())} of {len(made.x)} "
            "sequences: there the attack fails. Try more steps, or look for vanishing gradients."
        )
    return tuple(notes)
