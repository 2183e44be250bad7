"""What the model checks share: the issue that they return, and the inputs that they try.

`CheckInputs` changes only the features that an attack may change, and keeps whole numbers whole, so
that a model with an embedding of hours or weekdays is never shown an hour that does not exist.
"""

import copy
import warnings
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from feint.errors import FeintError
from feint.models.external.wrappers import CastModel
from feint.models.inference import forward
from feint.sequences import Sequences

ROWS = 5
ROUNDINGS = 16
"""How many roundings of half precision an answer may be away from the one in double precision."""
MOST_ROWS = 256
"""Sequences whose gradient is looked at."""
WHOLE_VALUES = 400
"""A feature of whole numbers with more values than this is a count, not a label."""
LARGEST_LABEL = 1e6
"""Far larger numbers are whole because single precision has no others."""


@dataclass(frozen=True)
class ModelIssue:
    """Something that a reader must know about a model.

    Attributes:
        code: one of `sanity_checks.CHECKS`; stable.
        message: what is wrong and what to do; it follows the model's name.
        fatal: no attack on the model would mean anything.
    """

    code: str
    message: str
    fatal: bool = False


@dataclass(frozen=True, eq=False)
class CheckInputs:
    """Sequences to call a model on, and changes of them.

    Attributes:
        some: the shortest sequence, the longest, and some between.
        many: up to `MOST_ROWS` sequences, spread over the data.
        free: (features,), True where the input may be changed.
        whole: (features,), True where a change is a permutation of the feature's own values.
        spread: (features,), the size of a change: each feature's standard deviation.
    """

    some: Sequences
    many: Sequences
    free: Bool[Tensor, " features"]
    whole: Bool[Tensor, " features"]
    spread: Float[Tensor, " features"]

    @staticmethod
    def of(
        x: Sequences,
        free: Bool[Tensor, " features"] | None = None,
        integer: Bool[Tensor, " features"] | None = None,
    ) -> "CheckInputs":
        """Of some data; see `check_model`."""
        features = x.values.shape[-1]
        order = x.lengths.cpu().argsort(stable=True)
        some = x[order[torch.linspace(0, len(x) - 1, min(ROWS, len(x))).long()].tolist()]
        if len(x) == 1:  # beside another one, a model that mixes the rows of a batch shows
            some = Sequences.pad([some.unpad()[0], _another(some.unpad()[0])])
        many = torch.linspace(0, len(x) - 1, min(MOST_ROWS, len(x))).long()
        free = torch.ones(features, dtype=torch.bool) if free is None else free.cpu()
        if len(free) != features:
            raise FeintError(
                f"check_model got `free` for {len(free)} features and an input of {features}; "
                "expected the same number.",
                code="wrong-features",
            )
        own = x.values[x.mask].detach().cpu().double()
        whole = _labels(own) if integer is None else integer.cpu() | _labels(own)
        if bool((whole | ~free).all()) and integer is None:
            whole = torch.zeros_like(whole)  # counts, then: nothing else could be changed
        device = x.values.device
        spread = _spread(own).to(x.values)
        return CheckInputs(some, x[many.tolist()], free.to(device), whole.to(device), spread)

    @property
    def smooth(self) -> Bool[Tensor, " features"]:
        """Features along which a gradient is expected."""
        return self.free & ~self.whole

    @property
    def longest(self) -> "CheckInputs":
        """The longest sequence alone."""
        return replace(self, some=self.some[[int(self.some.lengths.argmax())]])

    def double(self) -> "CheckInputs":
        """The same in double precision."""
        some = self.some.with_values(self.some.values.double())
        return replace(self, some=some, spread=self.spread.double())

    def noise(self, seed: int) -> Float[Tensor, "batch time features"]:
        """Normal noise of each feature's spread, on own frames and smooth features."""
        x = self.some
        drawn = self._draw(seed) * self.spread * x.mask[..., None]
        return torch.where(self.smooth, drawn, torch.zeros_like(drawn))

    def changed(self, seed: int, only: Tensor | None = None) -> Sequences:
        """The sequences with noise added, and with labels permuted.

        Args:
            only: (features,), True where to change; all free features if not given.
        """
        x, mask = self.some, self.some.mask
        allowed = self.free if only is None else self.free & only
        values = torch.where(allowed, x.values + self.noise(seed), x.values)
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(int(mask.sum()), generator=generator).to(mask.device)
        permuted = values.clone()
        permuted[mask] = x.values[mask][order]
        return x.with_values(torch.where(allowed & self.whole, permuted, values))

    def padding_changed(self, seed: int) -> Sequences:
        """The sequences with other numbers behind their ends."""
        x = self.some
        own = x.values[x.mask]
        generator = torch.Generator().manual_seed(seed)
        some = torch.randint(len(own), x.values.shape[:2], generator=generator)
        noise = torch.where(self.whole, torch.zeros_like(x.values), 3 * self._draw(seed))
        other = own[some.to(own.device)] + noise * self.spread
        return x.with_values(torch.where(x.mask[..., None], x.values, other))

    def _draw(self, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(self.some.values.shape, generator=generator).to(self.some.values)


def in_double(
    model: nn.Module, inputs: CheckInputs, answer: Sequences
) -> tuple[nn.Module, CheckInputs] | None:
    """A copy of the model in double precision, if it can be copied and answers the same."""
    doubled = inputs.double()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # traced models warn when they are copied
            copied = copy.deepcopy(model).double()
            near = 1e-2
            if isinstance(copied, CastModel):  # the model inside, without the conversion
                near = max(near, ROUNDINGS * torch.finfo(copied.dtype).eps)
                copied = copied.model
            found = forward(copied, doubled.some).detach()
    except Exception:  # copying somebody else's model may raise anything
        return None
    own = answer.mask[..., None]
    apart = float(((found - answer.values).abs() * own).max())
    same = apart <= near * max(float((answer.values.abs() * own).max()), 1e-30)
    return (copied, doubled) if found.dtype == torch.float64 and same else None


def _another(row: Float[Tensor, "time features"]) -> Float[Tensor, "time features"]:
    """A sequence of one's own frames: the half of smaller values, backwards, twice."""
    first, second = row[: (len(row) + 1) // 2], row[len(row) // 2 :]
    half = min(first, second, key=lambda one: float(one.abs().max()))
    return torch.cat([half, half])[: len(row)].flip(0)


def _labels(own: Float[Tensor, "frames features"]) -> Bool[Tensor, " features"]:
    """Features that hold a few whole numbers alone, such as hours, weekdays or classes."""
    few = torch.tensor([len(one.unique()) <= WHOLE_VALUES for one in own.T])
    several = own.amax(dim=0) > own.amin(dim=0)
    small = own.abs().amax(dim=0) < LARGEST_LABEL
    return (own == own.round()).all(dim=0) & few & several & small


def _spread(own: Float[Tensor, "frames features"]) -> Float[Tensor, " features"]:
    """Each feature's standard deviation; a constant feature gets the median of the others'."""
    spread = own.std(dim=0, correction=0)
    varies = spread > 1e-6 * own.abs().amax(dim=0)
    usual = float(spread[varies].median()) if bool(varies.any()) else 1.0
    return torch.where(varies, spread, usual)
