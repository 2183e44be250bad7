"""Model checks: does a model meet the assumptions of an attack?

`check_model` calls the model on a few sequences and returns a `ModelIssue` for each assumption that
it does not meet.  The checks of gradients are in `gradient_checks.py`.  Every check has a code in
`CHECKS`, one sentence in the output, and a paragraph in docs/checks.md.  The model is not changed.

Differences between answers are judged relative to how much the answers vary, never to their size:
an offset of the data must not change what is found.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from feint.errors import FeintError
from feint.models.check_inputs import CheckInputs, in_double
from feint.models.check_inputs import ModelIssue as ModelIssue
from feint.models.gradient_checks import gradient_issues
from feint.models.inference import predict
from feint.models.layers.weight_cache import cached_weights
from feint.sequences import Sequences

CHECKS = {
    "no-answer": "answers sequences of any number and length, in the data's shape, finite",
    "random-answers": "gives the same answer to the same input",
    "reads-padding": "answers a sequence alike whatever the padding behind it contains",
    "batch-dependent": "answers a sequence alike alone and among others",
    "not-causal": "answers each frame from the frames up to it",
    "ignores-input": "reacts to its input",
    "no-gradient": "has a path for the gradient to its input",
    "nan-gradient": "has a finite gradient at every sequence",
    "zero-gradient": "has a gradient in every feature that it reacts to",
    "wrong-gradient": "has a gradient that agrees with finite differences",
    "jumps": "answers without jumps, which a gradient does not see",
}
"""The assumption behind each code."""
LEFT_OUT = {
    "reads-padding": ("batch-dependent",),
    "batch-dependent": ("jumps",),
    "no-gradient": ("nan-gradient", "zero-gradient", "wrong-gradient", "jumps"),
    "zero-gradient": ("jumps",),
    "wrong-gradient": ("jumps",),
}
"""The checks that say nothing once there is an issue, and are not made."""
NEAR = 1e-4
"""Difference of two answers, relative to how much answers vary, that rounding explains."""


def check_model(
    model: nn.Module,
    x: Sequences,
    y: Sequences | None = None,
    free: Bool[Tensor, " features"] | None = None,
    integer: Bool[Tensor, " features"] | None = None,
) -> tuple[ModelIssue, ...]:
    """Check, on a few sequences of the data, that a model meets an attack's assumptions.

    Args:
        model: in the mode in which it will be attacked.
        x: its input.
        y: the true output, if it is known: its width is compared, and how much it varies.
        free: (features,), True where an attack may change the input (`Budget.coords`).  Only
            these features are changed; all of them if not given.
        integer: (features,), True where a value must stay whole (`Budget.integer`).  Features
            that hold whole numbers alone are treated alike: their own values are permuted.

    Returns:
        the issues found, in the order of `CHECKS`; empty if there are none.
    """
    inputs = CheckInputs.of(x, free, integer)
    try:
        with cached_weights():
            return tuple(_Checks(model, inputs, y).issues())
    except FeintError as error:
        message = f"does not answer: {error} The data has {x.values.shape[-1]} features a frame."
        return (ModelIssue("no-answer", message, fatal=True),)


def raise_if_fatal(issues: Iterable[ModelIssue], name: str = "The model") -> None:
    """Raise FeintError, with the code of the first fatal issue, if there is one."""
    fatal = [one for one in issues if one.fatal]
    if fatal:
        raise FeintError(" ".join(f"{name} {one.message}" for one in fatal), code=fatal[0].code)


@dataclass(frozen=True)
class _Checks:
    """The checks of one model."""

    model: nn.Module
    inputs: CheckInputs
    y: Sequences | None

    def issues(self) -> Iterator[ModelIssue]:
        x, y = self.inputs.some, self.y
        answer = predict(self.model, x)
        if y is not None and answer.values.shape[-1] != y.values.shape[-1]:
            yield ModelIssue(
                "no-answer",
                f"answers {answer.values.shape[-1]} features a frame, and the data has "
                f"{y.values.shape[-1]}. Build it for these (the experiment's `arguments`), or wrap "
                "it in a module that picks them.",
                fatal=True,
            )
            return
        judge = _Judge(answer, y)
        if (off := judge.difference(predict(self.model, x).values)) > NEAR:
            yield ModelIssue(
                "random-answers",
                f"answers the same input differently, by {off:.1%} of how much its answers vary: "
                "it keeps a state from one call to the next, or draws numbers that torch does not "
                "know of. Reset its state in forward; draw with torch and set `samples`.",
                fatal=True,
            )
            return
        model, inputs = in_double(self.model, self.inputs, answer) or (self.model, self.inputs)
        judge = _Judge(predict(model, inputs.some), y)
        mixing = list(_alone(model, inputs, judge))
        yield from mixing
        yield from _causal(model, inputs, judge)
        changed = predict(model, inputs.changed(seed=1)).values
        if judge.difference(changed, rounding=False) < 1e-7:
            yield ModelIssue(
                "ignores-input",
                "does not react to its input: another input gets the same answer. Look for "
                "saturated or constant layers, and for weights that were never loaded.",
            )
        mixes_rows = any(one.code == "batch-dependent" for one in mixing)
        yield from gradient_issues(model, inputs, self.model, self.inputs.many, mixes_rows)


@dataclass(frozen=True)
class _Judge:
    """Compares answers with the first ones, relative to how much answers vary."""

    answer: Sequences
    y: Sequences | None

    @cached_property
    def scale(self) -> float:
        """The largest deviation of an own frame from the mean frame, of answers or truth."""
        found = 0.0
        for one in (self.answer, self.y):
            if one is not None:
                own = one.values[one.mask].double()
                found = max(found, float((own - own.mean(dim=0)).abs().max()))
        return found or max(self.size, 1e-30)

    @property
    def size(self) -> float:
        return float(self.answer.values.abs().max())

    def difference(self, other: Tensor, rounding: bool = True) -> float:
        """The largest difference from the answers on own frames, as a share of `scale`.

        Args:
            rounding: leave out what rounding of numbers of this size explains.
        """
        apart = float(((other - self.answer.values).abs() * self.answer.mask[..., None]).max())
        floor = 4 * torch.finfo(other.dtype).eps * self.size if rounding else 0.0
        return max(apart - floor, 0.0) / self.scale


def _alone(model: nn.Module, inputs: CheckInputs, judge: _Judge) -> Iterator[ModelIssue]:
    x = inputs.some
    behind = predict(model, inputs.padding_changed(seed=2)).values
    if (off := judge.difference(behind)) > NEAR:
        yield ModelIssue(
            "reads-padding",
            f"reads the padding behind a sequence's end: other numbers there change its answer by "
            f"{off:.1%} of how much answers vary. Give its forward an argument `lengths` and mask "
            "or pack by it, or attack sequences of one length. If it expects (time, batch, "
            "features), transpose in forward.",
        )
        return
    alone = torch.zeros_like(judge.answer.values)
    for row in range(len(x)):
        one = predict(model, x[[row]]).values
        alone[row, : one.shape[1]] = one[0]
    if (off := judge.difference(alone)) > NEAR:
        yield ModelIssue(
            "batch-dependent",
            f"answers a sequence differently when others are in the batch, by {off:.1%} of how "
            "much answers vary (batch statistics, a mean over the batch, or an input of (time, "
            "batch, features)). Its results hold for these batches alone: use running statistics, "
            "track_running_stats=True, and model.eval(); or transpose in forward.",
        )


def _causal(model: nn.Module, inputs: CheckInputs, judge: _Judge) -> Iterator[ModelIssue]:
    row = inputs.longest
    time = row.some.values.shape[1]
    before = predict(model, row.some).values
    for t in sorted({time // 4, time // 2, 3 * time // 4, time - 1} - {0}):
        later = row.changed(seed=3).values
        later = torch.cat([row.some.values[:, :t], later[:, t:]], dim=1)
        after = predict(model, row.some.with_values(later)).values
        apart = float((after - before)[:, :t].abs().max())
        off = max(apart - 4 * torch.finfo(after.dtype).eps * judge.size, 0.0) / judge.scale
        if off > 1e-5:
            yield ModelIssue(
                "not-causal",
                f"is not causal: frames from {t} on change its answers before {t} by {off:.1%} of "
                "how much answers vary. It can be attacked; the attacker then needs the whole "
                "sequence before the model answers, which the paper's attacker does not.",
            )
            return
