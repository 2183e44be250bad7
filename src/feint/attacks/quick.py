"""`feint.attack`: one call from tensors to a perturbed input, with what it did beside it.

It puts the parts of this package together (`AIA` or `Untargeted`, `Budget`, batches, the noise
baseline) for a user with a model and arrays.  A sweep over eps or targets is an experiment.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from feint.attacks import AIA, Attack, Noise, Untargeted
from feint.attacks.attack_result import AttackResult
from feint.attacks.batching import batches
from feint.attacks.budget import Budget, verify
from feint.attacks.conversion import (
    Array,
    Numbers,
    Place,
    SequencesLike,
    broadcast_target,
    dtypes_of_rows,
    place_of,
    restore_type,
    to_budget,
    to_sequences,
)
from feint.attacks.precision import Note, check_precision, in_single, to_caller
from feint.errors import FeintError, FeintWarning
from feint.models.inference import check_is_module, predict
from feint.models.sanity_checks import check_model, raise_if_fatal
from feint.sequences import Sequences, distance

UNMOVED = 1e-6
"""An output that moves by less than this share of how much it varies over time has not moved."""


def attack(
    model: nn.Module,
    x: SequencesLike,
    target: SequencesLike | None = None,
    *,
    eps: Numbers,
    coords: Sequence[bool] | Sequence[int] | Array | None = None,
    low: Numbers | None = None,
    high: Numbers | None = None,
    preset: str = "strong",
    kappa: float | None = None,
    reference: SequencesLike | None = None,
    steps: int | None = None,
    seed: int = 0,
    checks: bool = True,
) -> AttackResult:
    """Perturb x by at most eps, so that the model's output becomes the target.

    Args:
        model: any module (batch, time, features) -> (batch, time, outputs), in evaluation mode.
        x: a tensor or NumPy array (time, features) or (batch, time, features), a list of (time,
            features) of any lengths, or `Sequences` on the model's device; of any precision.
        target: the target output, in any of these types; one serves all sequences of its length.
            None: an output as far as possible from the reference.
        eps: the largest change of any coordinate, in x's units; a number, one a sequence, (batch,)
            or (batch, 1), or one a feature, (features,) or (1, features); 0: it is not changed.
        coords: what may be changed: one bool a feature, or indices of features; None: all.
        low, high: the range of a changed value, in x's units; a number, or one a feature.
        preset: "strong", "paper-eq6" or "paper-adam" (`feint.AIA.preset`); with a target only.
        kappa: the tolerance: the distance (equation 7) within which an output counts as the
            target, or from which on it counts as led away; the "paper" presets need it.
        reference: without a target, the output to lead away from; None: the clean output.
        steps: of one descent; the preset's if not given.
        seed: of everything random.
        checks: ask `feint.check_model` first.  Each issue is a `FeintWarning` with its code and a
            note of the result; one that makes an attack meaningless is an error.

    Raises:
        FeintError: NaN, shapes that do not fit, eps not above 0 or too small for the precision; a
            model in training mode, with random answers, without a gradient, or with NaN in them.
    """
    check_is_module(model)
    method = _method(target is not None, reference is not None, preset, kappa, steps, seed)
    place = place_of(model, x)
    clean, own = (to_sequences(x, Place(d, place.device), "x") for d in (place.dtype, torch.double))
    dtypes = dtypes_of_rows(x, len(clean), place)
    model, computes_in = in_single(model, dtypes, place.dtype)
    output = predict(model, clean)
    budget = to_budget(eps, coords, low, high, clean)
    targets = _targets(target, reference, place, output)
    notes = _warned(check_precision(own, budget, {*dtypes, computes_in}))
    notes += _warned(_checked(model, clean, budget)) if checks else ()
    perturbed = returned = _in_batches(method, model, clean, targets, budget)
    if set(dtypes) != {place.dtype}:
        returned = to_caller(perturbed, clean, own, budget, dtypes)
        perturbed = clean.with_values(returned.values.to(place.dtype))
    result = _measured(model, method, clean, perturbed, targets, budget, output, kappa, seed)
    apart = (returned.values - own.values.to(returned.values.dtype)).abs().amax(dim=(1, 2))
    back = restore_type(returned, x, dtypes)
    return replace(result, x_adv=back, change=apart, notes=(*notes, *result.notes))


def _targets(
    target: SequencesLike | None, reference: SequencesLike | None, place: Place, output: Sequences
) -> Sequences:
    """The target of every output; without one the reference, by default the output itself."""
    if target is not None:
        return broadcast_target(target, place, output, "the target")
    if reference is not None:
        return broadcast_target(reference, place, output, "the reference")
    return output


def _warned(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """The notes, after a warning of each at the line that called `feint.attack`."""
    for note in notes:
        warnings.warn(FeintWarning(f"feint.attack: {note.message}", note.code), stacklevel=3)
    return notes


def _checked(model: nn.Module, x: Sequences, budget: Budget) -> tuple[Note, ...]:
    """The code and message of every issue of `feint.check_model`; raises if one is fatal."""
    issues = check_model(model, x, free=budget.coords)
    raise_if_fatal(issues)
    # Without a gradient the attack itself ends with the same code.
    return tuple(Note(i.code, f"The model {i.message}") for i in issues if i.code != "no-gradient")


def _method(
    targeted: bool, reference: bool, preset: str, kappa: float | None, steps: int | None, seed: int
) -> AIA | Untargeted:
    if targeted and reference:
        raise FeintError(
            "feint.attack got a target and a reference; expected at most one of them.",
            code="conflicting-settings",
        )
    settings: dict[str, Any] = {"seed": seed} if steps is None else {"seed": seed, "steps": steps}
    if targeted:
        return AIA.preset(preset, kappa=kappa, **settings)
    if preset != "strong":
        raise FeintError(
            f"feint.attack got preset={preset!r} and no target; expected a target: presets belong "
            "to the targeted attack. Leave preset out to lead the output away from the reference.",
            code="conflicting-settings",
        )
    return Untargeted(**settings)


def _in_batches(
    method: Attack, model: nn.Module, x: Sequences, targets: Sequences, budget: Budget
) -> Sequences:
    """The attack on all rows, as many at once as memory allows; its budget is checked."""
    values = x.values.detach().clone()
    for rows in batches(model, x, torch.arange(len(x))):
        some = x[rows]
        x_adv = method(model, some, targets[rows], budget[rows])
        values[rows, : some.values.shape[1]] = x_adv.values
    perturbed = x.with_values(values)
    verify(type(method).__name__, perturbed, x, budget)
    return perturbed


def _measured(
    model: nn.Module,
    method: AIA | Untargeted,
    x: Sequences,
    perturbed: Sequences,
    targets: Sequences,
    budget: Budget,
    output: Sequences,
    kappa: float | None,
    seed: int,
) -> AttackResult:
    """Distances of the outputs, with the noise baseline and the warnings."""
    noisy = [Noise(kind, seed=seed)(model, x, targets, budget) for kind in ("sign", "offset")]
    after, *under_noise = (predict(model, one) for one in (perturbed, *noisy))
    noise = torch.stack([distance(one, targets) for one in under_noise])
    result = AttackResult(
        x_adv=perturbed,
        x=x,
        perturbed=perturbed,
        target=targets,
        answer_before=output,
        answer_after=after,
        before=distance(output, targets),
        after=distance(after, targets),
        noise=noise.amin(dim=0) if method.targeted else noise.amax(dim=0),
        change=(perturbed.values - x.values).abs().amax(dim=(1, 2)),
        budget=budget,
        attack=method,
        targeted=method.targeted,
        kappa=kappa,
    )

    return replace(result, notes=_notes(result, under_noise))


def _notes(result: AttackResult, under_noise: list[Sequences]) -> tuple[Note, ...]:
    """What the result itself says about the model and the attack."""
    notes = []
    before = result.answer_before
    own = before.mask[..., None]
    mean = (before.values * own).sum(dim=1, keepdim=True) / own.sum(dim=1, keepdim=True)
    scale = UNMOVED * distance(before, before.with_values(mean.expand_as(before.values)))
    moved = torch.stack([distance(one, before) for one in (*under_noise, result.answer_after)])
    unmoved = (moved <= scale).all(dim=0)
    if bool(unmoved.any()):
        notes.append(
            Note(
                "ignores-input",
                f"The model ignores its input in {int(unmoved.sum())} of {len(result.x)} "
                "sequences: neither the attack nor random noise of this size moves its output. "
                "This is not robustness; check its weights and the units of its input.",
            )
        )
    better = result.noise < result.after if result.targeted else result.noise > result.after
    if bool((better & ~unmoved).any()):
        notes.append(
            Note(
                "noise-wins",
                f"Random noise does better in {int((better & ~unmoved).sum())} of {len(result.x)} "
                "sequences: the attack fails there. Try more steps, or look for vanishing "
                "gradients.",
            )
        )
    return tuple(notes)
