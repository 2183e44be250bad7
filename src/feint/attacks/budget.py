"""`Budget`: the threat model: what the attacker may change, and the projection onto it.

The perturbation is bounded in the L-infinity norm, coordinate by coordinate (the projection of
equation 6), on the coordinates that the attacker can change, inside the range of valid values.
`verify` checks from outside an attack that its result keeps the budget.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from feint.errors import FeintError
from feint.sequences import Sequences, check_alike


@dataclass(frozen=True, eq=False)
class Budget:
    """A threat model: an L-infinity box around the input.

    Attributes:
        eps: the largest change of any coordinate, in data units (or in `unit`s); one number, or
            one a row (batch,).
        coords: (features,), True where the attacker may change the input; None: everywhere.
            `SBU_15.axis("z")` is the paper's depth only.
        low, high: the range a changed value may take, in data units: a number, or one a feature
            (features,); None: no limit.
        unit: (features,), how many data units one eps is, feature by feature; None: 1.
            `SBU_15.centimetres()` makes eps a number of centimetres on every axis.
        integer: (features,), True where a changed value must stay an integer; None means
            nowhere.

    Raises:
        FeintError: eps not finite and positive, no coordinate to change, an empty range.
    """

    eps: float | Float[Tensor, " batch"]
    coords: Bool[Tensor, " features"] | None = None
    low: float | Float[Tensor, " features"] | None = None
    high: float | Float[Tensor, " features"] | None = None
    unit: Float[Tensor, " features"] | None = None
    integer: Bool[Tensor, " features"] | None = None

    def __post_init__(self) -> None:
        eps = torch.as_tensor(self.eps)
        if eps.ndim > 1 or eps.numel() == 0 or not bool(((eps > 0) & eps.isfinite()).all()):
            raise FeintError(
                f"Budget got eps={self.eps}; expected a finite number above 0 in the data's units, "
                "or a (batch,) tensor of such numbers. For the baseline without an attack, use the "
                "clean input itself.",
                code="bad-eps",
            )
        if self.coords is not None and (
            self.coords.dtype != torch.bool or self.coords.ndim != 1 or not bool(self.coords.any())
        ):
            raise FeintError(
                f"Budget got coords of dtype {self.coords.dtype}, "
                f"shape {tuple(self.coords.shape)}, {int(self.coords.sum())} of them set; "
                "expected a bool tensor (features,) with at least one True.",
                code="bad-coords",
            )
        if self.unit is not None and not bool(((self.unit > 0) & self.unit.isfinite()).all()):
            raise FeintError(
                f"Budget got a unit from {float(self.unit.min())} to {float(self.unit.max())}; "
                "expected finite numbers above 0, one a feature.",
                code="bad-number",
            )
        integer = self.integer
        if integer is not None and (integer.dtype != torch.bool or integer.ndim != 1):
            raise FeintError(
                f"Budget got `integer` of dtype {integer.dtype}, shape {tuple(integer.shape)}; "
                "expected a bool tensor (features,).",
                code="wrong-shape",
            )
        low, high = self._range(torch.zeros(()))
        if not bool((low < high).all()):
            raise FeintError(
                f"Budget got low={self.low}, high={self.high}; expected low < high everywhere.",
                code="bad-range",
            )

    def _range(self, like: Tensor) -> tuple[Tensor, Tensor]:
        low = _like(-torch.inf if self.low is None else self.low, like)
        high = _like(torch.inf if self.high is None else self.high, like)
        for name, limit in (("low", low), ("high", high)):
            if limit.ndim and like.ndim and len(limit) != like.shape[-1]:
                raise FeintError(
                    f"Budget got {name} for {len(limit)} features and an input of "
                    f"{like.shape[-1]}; expected the same number, or one for all.",
                    code="wrong-shape",
                )
        return low, high

    def __getitem__(self, rows: Tensor) -> "Budget":
        """The budget of some rows, where eps is one a row."""
        if isinstance(self.eps, Tensor) and self.eps.ndim:
            return replace(self, eps=self.eps[rows])
        return self

    def radius(self, x: Sequences) -> Float[Tensor, "batch 1 _"]:
        """The largest change in data units: (batch, 1, 1), or (batch, 1, features) with `unit`.

        Raises:
            FeintError: eps or unit is for another number of rows or features than x has.
        """
        eps = _like(self.eps, x.values)
        if eps.ndim == 1 and len(eps) != len(x):
            raise FeintError(
                f"Budget got {len(eps)} eps for {len(x)} sequences; expected one number, "
                "or one a row.",
                code="wrong-shape",
            )
        eps = eps.reshape(-1, 1, 1).expand(len(x), 1, 1)
        if self.unit is None:
            return eps
        if len(self.unit) != x.values.shape[-1]:
            raise FeintError(
                f"Budget got a unit for {len(self.unit)} features and an input of "
                f"{x.values.shape[-1]}; expected the same number.",
                code="wrong-shape",
            )
        return eps * self.unit.to(x.values)

    def mask(self, x: Sequences) -> Bool[Tensor, "batch time features"]:
        """True where x may be changed: on the budget's coordinates, in a sequence's own frames.

        Raises:
            FeintError: coords is for another number of features than x has.
        """
        features = x.values.shape[-1]
        if self.coords is None:
            coords = torch.ones(features, dtype=torch.bool, device=x.values.device)
        else:
            coords = self.coords.to(x.values.device)
        if len(coords) != features:
            raise FeintError(
                f"Budget got coords for {len(coords)} features and an input of {features}; "
                "expected the same number. Extra input features need a False each.",
                code="wrong-shape",
            )
        return x.mask[..., None] & coords

    def bounds(
        self, x: Sequences
    ) -> tuple[Float[Tensor, "batch time features"], Float[Tensor, "batch time features"]]:
        """The lowest and the highest value of each coordinate around x.

        Outside the budget's coordinates and in the padding both are x itself.

        Raises:
            FeintError: x lies outside the valid range, so no value inside it may be within eps;
                an integer feature has a fraction.
        """
        free, eps = self.mask(x), self.radius(x)
        low, high = self._range(x.values)
        outside = free & ((x.values < low) | (x.values > high))
        if bool(outside.any()):
            row, time, feature = (int(i) for i in outside.nonzero()[0])
            raise FeintError(
                f"Budget got a valid range low={self.low}, high={self.high} that the clean input "
                f"itself leaves ({x.values[row, time, feature].item():.6g} in sequence {row}, "
                f"frame {time}, feature {feature}); expected a range that holds the data. "
                "Widen it: SBU's coordinates, for one, do leave [0, 1].",
                code="outside-range",
            )
        lower, upper = (x.values - eps).clamp_min(low), (x.values + eps).clamp_max(high)
        integer = self._integer(x)
        if integer is not None:
            bad = free & integer & (x.values != x.values.round())
            if bool(bad.any()):
                row, time, feature = (int(i) for i in bad.nonzero()[0])
                raise FeintError(
                    f"Budget got {x.values[row, time, feature].item():.6g} in sequence {row}, "
                    f"frame {time}, feature {feature}, an integer feature; expected an integer. "
                    "Take the feature out of `integer`, or round the data.",
                    code="not-integer",
                )
            lower = torch.where(integer, lower.ceil(), lower)
            upper = torch.where(integer, upper.floor(), upper)
        return torch.where(free, lower, x.values), torch.where(free, upper, x.values)

    def round_integers(
        self, values: Float[Tensor, "batch time features"]
    ) -> Float[Tensor, "batch time features"]:
        """The same values, with integer features rounded."""
        if self.integer is None:
            return values
        return torch.where(self.integer.to(values.device), values.round(), values)

    def _integer(self, x: Sequences) -> Bool[Tensor, " features"] | None:
        if self.integer is not None and self.integer.shape != x.values.shape[-1:]:
            raise FeintError(
                f"Budget got `integer` for {len(self.integer)} features and an input of "
                f"{x.values.shape[-1]}; expected the same number.",
                code="wrong-shape",
            )
        return None if self.integer is None else self.integer.to(x.values.device)

    def project(self, values: Sequences, x: Sequences) -> Sequences:
        """The nearest batch to `values` inside the budget around x (equation 6's projection)."""
        check_alike(values, x, "Budget.project")
        lower, upper = self.bounds(x)
        return x.with_values(self.round_integers(values.values).clamp(lower, upper))

    def violation(self, x_adv: Sequences, x: Sequences) -> Float[Tensor, " batch"]:
        """By how much each row of x_adv leaves the budget around x, in data units: (batch,).

        0 (up to rounding) for a row inside the budget; infinite where the padding or a coordinate
        outside the budget was changed, and where an integer feature is not an integer.
        """
        check_alike(x_adv, x, "Budget.violation")
        free = self.mask(x)
        low, high = self._range(x.values)
        change = (x_adv.values - x.values).abs() - self.radius(x)
        over = torch.maximum(change, torch.maximum(low - x_adv.values, x_adv.values - high))
        touched = torch.where(x_adv.values == x.values, 0.0, torch.inf)
        integer = self._integer(x)
        if integer is not None:
            over = torch.where(integer & (x_adv.values != x_adv.values.round()), torch.inf, over)
        return torch.where(free, over, touched).clamp_min(0).amax(dim=(1, 2))


def _like(number: float | Tensor, like: Tensor) -> Tensor:
    """A number as a tensor; not by way of float32, which would round 0.3 up in float64 data."""
    return torch.as_tensor(number, dtype=like.dtype, device=like.device)


def verify(name: str, x_adv: Sequences, x: Sequences, budget: Budget) -> None:
    """Raise FeintError unless x_adv is inside the budget around x, up to rounding."""
    violation = budget.violation(x_adv, x)
    largest = x.values.abs().amax(dim=(1, 2)) + budget.radius(x).amax(dim=(1, 2))
    beyond = violation - 2 * torch.finfo(x.values.dtype).eps * largest
    if bool((beyond > 0).any()):
        row = int(beyond.argmax())
        raise FeintError(
            f"The attack {name} left its budget: row {row} by {float(violation[row]):.3g} data "
            "units (inf: it changed the padding or a coordinate outside the budget). This is an "
            "error in the attack; its result is not used.",
            code="budget-left",
        )
