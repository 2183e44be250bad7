"""What a model is asked before it is attacked: does it answer, alike, in time, and with a gradient?

Each finding is one sentence that says what to do, and has a paragraph in docs/checks.md.  Nothing
of the model changes.
"""

import copy
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from feint.errors import FeintError
from feint.models.inference import forward, predict
from feint.sequences import Sequences

CHECKS = {
    "no-answer": "answers sequences of any number and length, in the data's shape, finite",
    "random-answers": "answers the same input alike",
    "reads-padding": "answers a sequence alike whatever stands behind its end",
    "batch-dependent": "answers a sequence alike alone and among others",
    "not-causal": "answers a frame from the frames up to it",
    "ignores-input": "answers another input otherwise",
    "no-gradient": "lets a gradient reach its input",
    "wrong-gradient": "has the gradient that its answers have, by finite differences",
}
"""What each finding is the lack of."""
ROWS = 5
DIRECTIONS = 6
NEAR = 1e-4
"""Relative difference of two answers that rounding explains."""


@dataclass(frozen=True)
class ModelIssue:
    """Something that a reader must know about a model.

    Attributes:
        code: one of `CHECKS`; stable.
        message: what is wrong and what to do; it follows the model's name.
        fatal: no attack on the model would mean anything.
    """

    code: str
    message: str
    fatal: bool = False


def check_model(
    model: nn.Module, x: Sequences, y: Sequences | None = None
) -> tuple[ModelIssue, ...]:
    """Ask a model, on a few rows of the data, what an attack takes for granted.

    Args:
        model: in the mode in which it will be attacked.
        x: what it sees.
        y: what it shall answer, if that is known: only its width is looked at.

    Returns:
        what was found, in the order of `CHECKS`; empty if all is well.
    """
    some = x[_few(x)]
    try:
        return tuple(_findings(model, some, y))
    except FeintError as error:
        told = f"does not answer: {error} It was shown {x.values.shape[-1]} features a frame."
        return (ModelIssue("no-answer", told, fatal=True),)


def raise_if_fatal(issues: Iterable[ModelIssue], name: str = "The model") -> None:
    """Raise FeintError, with the code of the first fatal issue, if there is one."""
    fatal = [one for one in issues if one.fatal]
    if fatal:
        raise FeintError(" ".join(f"{name} {one.message}" for one in fatal), code=fatal[0].code)


def _few(x: Sequences) -> list[int]:
    """The shortest row, the longest, and some between."""
    order = x.lengths.cpu().argsort(stable=True).tolist()
    at = torch.linspace(0, len(order) - 1, min(ROWS, len(order))).long().tolist()
    return [order[i] for i in at]


def _findings(model: nn.Module, x: Sequences, y: Sequences | None) -> Iterator[ModelIssue]:
    answer = predict(model, x)
    size = float(answer.values.abs().max().clamp_min(1e-12))
    if y is not None and answer.values.shape[-1] != y.values.shape[-1]:
        yield ModelIssue(
            "no-answer",
            f"answers {answer.values.shape[-1]} features a frame, and the data has "
            f"{y.values.shape[-1]}. Build it for these (the experiment's `arguments`), or wrap it "
            "in a module that picks them.",
            fatal=True,
        )
        return

    def apart(other: Tensor) -> float:
        """How far answers are from the first ones, on own frames, as a share of their size."""
        return float(((other - answer.values).abs() * x.mask[..., None]).max()) / size

    if (off := apart(predict(model, x).values)) > NEAR:
        yield ModelIssue(
            "random-answers",
            f"answers the same input differently, by {off:.1%}: it keeps something from one call "
            "to the next, or draws numbers that torch does not know of. Reset its state in "
            "forward; draw with torch and set `samples`.",
            fatal=True,
        )
        return
    yield from _alone(model, x, answer, apart)
    yield from _causal(model, x, size)
    moved = _noise(x, 1) * _spread(x)
    if apart(predict(model, x.with_values(x.values + moved)).values) < 1e-7:
        yield ModelIssue(
            "ignores-input",
            "does not react to its input: another one is answered the same. Look for saturated "
            "or constant layers, and for weights that were never loaded.",
        )
    yield from _gradient(model, x)


def _alone(
    model: nn.Module, x: Sequences, answer: Sequences, apart: object
) -> Iterator[ModelIssue]:
    assert callable(apart)
    behind = torch.where(x.mask[..., None], x.values, x.values + 3 * _noise(x, 2, all_=True))
    if (off := apart(predict(model, x.with_values(behind)).values)) > NEAR:
        yield ModelIssue(
            "reads-padding",
            f"reads the padding behind a sequence's end: other numbers there move its answer by "
            f"{off:.1%}. Give its forward an argument `lengths` and mask or pack by it, or attack "
            "sequences of one length.",
        )
        return
    alone = torch.zeros_like(answer.values)
    for row in range(len(x)):
        one = predict(model, x[[row]]).values
        alone[row, : one.shape[1]] = one[0]
    if (off := apart(alone)) > NEAR:
        yield ModelIssue(
            "batch-dependent",
            f"answers a sequence otherwise when others stand beside it, by {off:.1%} (batch "
            "statistics, or a mean over the batch). Its results hold for these batches alone: use "
            "running statistics, track_running_stats=True, and model.eval().",
        )


def _causal(model: nn.Module, x: Sequences, size: float) -> Iterator[ModelIssue]:
    row = x[[int(x.lengths.argmax())]]
    time = row.values.shape[1]
    before = predict(model, row).values
    for t in sorted({time // 4, time // 2, 3 * time // 4, time - 1} - {0}):
        later = row.values.clone()
        later[:, t:] += _noise(row, 3)[:, t:] * _spread(x)
        after = predict(model, row.with_values(later)).values
        if (off := float((after - before)[:, :t].abs().max()) / size) > 1e-5:
            yield ModelIssue(
                "not-causal",
                f"is not causal: frames from {t} on move its answers before {t} by {off:.1%}. It "
                "can be attacked; the attacker then needs the whole sequence before the model "
                "answers, which the paper's attacker does not.",
            )
            return


def _gradient(model: nn.Module, x: Sequences) -> Iterator[ModelIssue]:
    double = _doubled(model, x)
    if double is not None:
        model, x, step, near = double, x.with_values(x.values.double()), 1e-6, 1e-2
    else:
        step, near = 1e-2, 1e-1
    leaf = x.values.detach().clone().requires_grad_()
    weights = _noise(x, 4)[..., :1]
    try:
        with torch.enable_grad():
            output = forward(model, x.with_values(leaf))
            total = (output * weights).sum()
        slope = torch.autograd.grad(total, leaf, allow_unused=True)[0] if total.grad_fn else None
    except RuntimeError as error:
        yield ModelIssue(
            "no-gradient",
            f"has no backward pass: {' '.join(str(error).split())[:300]}. Write what it names "
            "without in-place operations, or use feint.Noise, which needs no gradient.",
        )
        return
    if slope is None:
        yield ModelIssue(
            "no-gradient",
            "lets no gradient reach its input: it is cut off on the way (detach, no_grad, NumPy, "
            "rounding, an argument that is not used). Gradient attacks cannot be crafted on it; "
            "it can answer others' (evaluation.craft_on names those attacks are crafted on).",
        )
        return
    told, true = [], []
    for direction in range(DIRECTIONS):
        along = _noise(x, 10 + direction) * _spread(x)
        with torch.no_grad():
            up, down = (
                (forward(model, x.with_values(x.values + way * step * along)) * weights).sum()
                for way in (1, -1)
            )
        told.append(float((slope * along).sum()))
        true.append(float(up - down) / (2 * step))
    size = max(map(abs, [*told, *true]))
    if not size > 0:
        return  # it ignores its input, which is said already
    off = max(abs(a - b) for a, b in zip(told, true, strict=True)) / size
    if not off < near:
        yield ModelIssue(
            "wrong-gradient",
            f"has another gradient than its answers: off by {off:.0%} of finite differences in "
            f"{DIRECTIONS} directions. A part of it is cut off (detach, NumPy, rounding, a "
            "backward of its own), or jumps; attacks see only the rest, and may fail for that.",
        )


def _doubled(model: nn.Module, x: Sequences) -> nn.Module | None:
    """A copy in double precision, if the model can be copied and asked in it."""
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of traced models, which were not made for it
            double = copy.deepcopy(model).double()
            same = forward(double, x.with_values(x.values.double()))
        return double if same.dtype == torch.float64 else None
    except (FeintError, RuntimeError, TypeError, ValueError, AttributeError):
        return None


def _noise(x: Sequences, seed: int, all_: bool = False) -> Float[Tensor, "batch time features"]:
    """Normal noise on own frames, the same every time; on all frames if asked for."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(x.values.shape, generator=generator).to(x.values)
    return drawn if all_ else drawn * x.mask[..., None]


def _spread(x: Sequences) -> Float[Tensor, " features"]:
    """Each feature's deviation over own frames, or 1 where there is none."""
    own = x.values[x.mask]
    spread = own.std(dim=0, correction=0)
    return torch.where(spread > 1e-6, spread, 1.0)
