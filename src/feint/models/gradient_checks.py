"""Model checks of the gradient: does it exist, is it finite, and does it describe the answers?

Four questions, in this order: does a gradient reach the input; is it finite at the data; is it zero
although the answer changes; does it agree with the answers, at a point (finite differences) and
along a path (its integral)?  The last one sees rounding and thresholds, whose gradient is zero or
replaced, and which finite differences at one point miss.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from feint.errors import FeintError
from feint.models.check_inputs import CheckInputs, ModelIssue
from feint.models.inference import forward, one_line
from feint.models.layer_search import inconsistent_layers
from feint.sequences import Sequences

DIRECTIONS = 6
BATCH = 32
MOST_FEATURES = 64
"""Features whose gradient is zero that are tried one by one."""


def gradient_issues(
    model: nn.Module,
    inputs: CheckInputs,
    attacked: nn.Module,
    many: Sequences,
    mixes_rows: bool = False,
) -> Iterator[ModelIssue]:
    """Everything that is wrong with a model's gradient.

    Args:
        model: a copy in double precision, if there is one.
        attacked: the model itself.
        many: sequences at which its gradient must be finite.
        mixes_rows: the answer to a sequence depends on others, so that no change along a path is
            its own.
    """
    weights = torch.randn(
        inputs.some.values.shape[:2], generator=torch.Generator().manual_seed(4)
    ).to(inputs.some.values)[..., None]
    try:
        slope = _slope(model, inputs.some, weights)
    except (FeintError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a backward of the user's own may raise anything
        yield ModelIssue(
            "no-gradient",
            f"has no backward pass: {one_line(error)}. Write what it names "
            "without in-place operations, or use an attack that needs no gradient.",
        )
        return
    if slope is None:
        yield ModelIssue(
            "no-gradient",
            "has no path for the gradient to its input: it is cut (detach, no_grad, NumPy, "
            "rounding, an argument that is not used). Gradient attacks cannot be crafted on it; "
            "it can be the victim of attacks on other models (evaluation.craft_on).",
        )
        return
    not_finite = list(_not_finite(attacked, many, inputs.free))
    yield from not_finite
    if any(one.fatal for one in not_finite):
        return
    zero = list(_zero(model, inputs, slope))
    yield from zero
    if any(one.fatal for one in zero):
        return
    wrong = list(_wrong(model, inputs, weights, slope))
    yield from wrong
    if not wrong and not zero and not mixes_rows:
        yield from _jumps(model, inputs, weights)


def _slope(model: nn.Module, x: Sequences, weights: Tensor) -> Tensor | None:
    """The gradient of the weighted sum of the answers, 0 in the padding; None if there is none."""
    leaf = x.values.detach().clone().requires_grad_()
    with torch.enable_grad():
        output = forward(model, x.with_values(leaf))
        total = (output * weights * x.mask[..., None]).sum()
    if total.grad_fn is None:
        return None
    slope: Tensor | None = torch.autograd.grad(total, leaf, allow_unused=True)[0]
    # In the padding 0 * infinity may stand, which means nothing.
    return None if slope is None else torch.where(x.mask[..., None], slope, torch.zeros_like(slope))


def _not_finite(model: nn.Module, x: Sequences, free: Tensor) -> Iterator[ModelIssue]:
    bad = []
    for rows in torch.arange(len(x)).split(BATCH):
        some = x[rows]
        slope = _slope(model, some, torch.ones_like(some.values[..., :1]))
        if slope is None:
            return
        matters = some.mask[..., None] & free
        at = (~slope.isfinite() & matters).nonzero()
        bad += [(int(rows[row]), int(time), int(feature)) for row, time, feature in at.tolist()]
    if not bad:
        return
    count, (row, time, feature) = len({row for row, _, _ in bad}), bad[0]
    value = float(x.values[row, time, feature])
    yield ModelIssue(
        "nan-gradient",
        f"has a gradient that is not finite in {count} of {len(x)} sequences, first in sequence "
        f"{row}, frame {time}, feature {feature}, where the input is {value:.6g}. Look for sqrt or "
        "norms at 0, log at 0, and divisions by a variance of 0; add a small number inside them. "
        "Attacks leave such sequences as they are.",
        fatal=count == len(x),
    )


def _zero(model: nn.Module, inputs: CheckInputs, slope: Tensor) -> Iterator[ModelIssue]:
    """A gradient of exactly 0 where the answer changes: rounding, comparison, saturation."""
    x = inputs.some
    with torch.no_grad():
        clean = forward(model, x)
        other = forward(model, inputs.changed(seed=5, only=inputs.smooth))
    own = x.mask[..., None] & inputs.smooth
    still = (slope.abs() * own).amax(dim=(1, 2)) == 0
    reacts = ((other - clean).abs() * x.mask[..., None]).amax(dim=(1, 2)) > 0
    if count := int((still & reacts).sum()):
        yield ModelIssue(
            "zero-gradient",
            f"has a gradient of exactly 0 at {count} of {len(x)} sequences, although its answers "
            "change with its input: it rounds, compares, looks up or saturates. Gradient attacks "
            "do not move there, and their failure says nothing; use RandomSearch, or attack the "
            "model without that step.",
            fatal=False,
        )
        return
    without = ((slope.abs() * own).amax(dim=(0, 1)) == 0) & inputs.smooth
    named = []
    for feature in without.nonzero()[:MOST_FEATURES, 0].tolist():
        only = torch.zeros_like(without)
        only[feature] = True
        with torch.no_grad():
            other = forward(model, inputs.changed(seed=6, only=only))
        if float(((other - clean).abs() * x.mask[..., None]).max()) > 0:
            named.append(str(feature))
    if named:
        yield ModelIssue(
            "zero-gradient",
            f"has a gradient of exactly 0 in feature {', '.join(named)}, although its answers "
            "change with it: the feature is rounded, compared or looked up. Gradient attacks do "
            "not change it; use RandomSearch, or leave it out of the budget.",
        )


def _wrong(
    model: nn.Module, inputs: CheckInputs, weights: Tensor, slope: Tensor
) -> Iterator[ModelIssue]:
    """The gradient at the data against central differences."""
    x, own = inputs.some, inputs.some.mask[..., None]
    eps = torch.finfo(x.values.dtype).eps
    step, near = (1e-6, 1e-2) if x.values.dtype == torch.float64 else (1e-2, 1e-1)
    # A step of less than some of the input's last digits would be no step.
    step = max(step, 4 * eps * float((x.values.abs() / inputs.spread * own).max()))
    by_gradient, by_difference, rounding = [], [], 0.0
    for direction in range(DIRECTIONS):
        along = inputs.noise(10 + direction)
        above, below = x.values + step * along, x.values - step * along
        with torch.no_grad():
            up, down = (forward(model, x.with_values(values)) for values in (above, below))
        # By the difference of the rounded inputs, not by the step that was meant.
        by_gradient.append(float((slope * (above - below) * own).sum()) / (2 * step))
        by_difference.append(float(((up - down) * weights * own).sum()) / (2 * step))
        spread = (weights.abs() * own * up.abs()).square().sum().sqrt()
        rounding = max(rounding, 8 * eps * float(spread) / (2 * step))
    size = max(map(abs, [*by_gradient, *by_difference]))
    if not size > 0:
        return  # it ignores its input, which is an issue of its own
    pairs = zip(by_gradient, by_difference, strict=True)
    off = max(max(abs(a - b) - rounding, 0.0) for a, b in pairs) / size
    if off < near:
        return
    layers = inconsistent_layers(model, x)
    yield ModelIssue(
        "wrong-gradient",
        f"has a gradient that differs from finite differences by {off:.0%} in {DIRECTIONS} "
        f"directions. The gradient is cut or replaced in {layers}: a detach (RevIN and NLinear "
        "detach their statistics), NumPy, rounding, or a backward of its own. Attacks follow the "
        "rest of the gradient, and may fail for that.",
    )


def _jumps(model: nn.Module, inputs: CheckInputs, weights: Tensor) -> Iterator[ModelIssue]:
    """The integral of the gradient along a path against the change of the answer."""
    # More points help where a function bends, not where it jumps.
    for points, directions, near in ((8, 1, 0.1), (16, 2, 0.25), (256, 2, 0.25)):
        off = _path_error(model, inputs, weights, points, directions)
        if off < near:
            return
    yield ModelIssue(
        "jumps",
        f"has answers that jump: along a change of one standard deviation its gradient accounts "
        f"for {max(1 - off, 0):.0%} of how the answers change. A part of it rounds, compares or "
        "looks up. Gradient attacks miss that part; compare them with RandomSearch.",
    )


def _path_error(
    model: nn.Module, inputs: CheckInputs, weights: Tensor, points: int, directions: int
) -> float:
    x, own = inputs.some, inputs.some.mask[..., None]
    apart = total = 0.0
    for direction in range(directions):
        end = x.values + inputs.noise(20 + direction)
        along = end - x.values  # as rounded
        with torch.no_grad():
            ends = [forward(model, x.with_values(values)) for values in (x.values, end)]
        true = ((ends[1] - ends[0]) * weights * own).sum(dim=(1, 2))
        integral = torch.zeros_like(true)
        for point in range(points):
            at = x.with_values(x.values + (point + 0.5) / points * along)
            slope = _slope(model, at, weights)
            if slope is None or not bool(slope[x.mask].isfinite().all()):
                return 0.0
            integral += (slope * along * own).sum(dim=(1, 2)) / points
        apart += float((integral - true).abs().sum())
        total += float(torch.maximum(integral.abs(), true.abs()).sum())
    return apart / total if total else 0.0
