"""Checks do not depend on offsets and units, and change only what the budget frees."""

import pytest
import torch
from tests.errors import refused
from tests.models.mine import IN, OUT, Changed, Net
from torch import Tensor, nn

from feint.models.check_inputs import CheckInputs
from feint.models.sanity_checks import check_model, raise_if_fatal
from feint.sequences import Sequences


@pytest.fixture
def x() -> Sequences:
    generator = torch.Generator().manual_seed(0)
    return Sequences.pad([torch.randn(n, IN, generator=generator) for n in (9, 4, 12, 6)])


class Elsewhere(nn.Module):
    """A model of which input and answer have an offset and a unit."""

    def __init__(self, model: nn.Module, offset: float, unit: float) -> None:
        super().__init__()
        self.model, self.offset, self.unit = model, offset, unit

    def forward(self, x: Tensor) -> Tensor:
        return self.model((x - self.offset) / self.unit) * self.unit + self.offset


def codes(model: nn.Module, x: Sequences, **more) -> set[str]:
    torch.manual_seed(0)
    return {one.code for one in check_model(model.eval(), x, **more)}


MODELS = {
    "good": (Net, set()),
    "ignores": (lambda: Changed("ignores its input"), {"ignores-input"}),
    "detached": (lambda: Changed("detached"), {"wrong-gradient"}),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("offset", "unit"), [(4e6, 20.0), (-7e5, 3.0), (0.0, 1e-7), (0.0, 1e9)])
def test_an_offset_or_a_unit_changes_nothing(
    name: str, offset: float, unit: float, x: Sequences
) -> None:
    make, expected = MODELS[name]
    torch.manual_seed(3)
    model = Elsewhere(make(), offset, unit)
    found = codes(model, x.with_values(x.values * unit + offset))
    assert found == expected


class Slow(nn.Module):
    """Moves its answer of 4 000 000 by as much as it is pushed."""

    def forward(self, x: Tensor) -> Tensor:
        return 4e6 + 20 + x[..., :OUT]


def test_answers_far_from_zero_react(x: Sequences) -> None:
    assert codes(Slow(), x) == set()


class OfBatch(nn.Module):
    """A fault of a thousandth of how much answers vary, far from zero."""

    def forward(self, x: Tensor) -> Tensor:
        return 1e4 + 100 * x[..., :OUT] + 3 * x.mean(dim=(0, 1))[:OUT]


def test_faults_are_seen_beside_an_offset(x: Sequences) -> None:
    assert codes(OfBatch(), x) & {"reads-padding", "batch-dependent"}


# -- what the budget frees ---------------------------------------------------------------------


class Hourly(nn.Module):
    """Columns 0 to 3 are measured; 4 is an hour and 5 a weekday, which are looked up."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.hour, self.weekday = nn.Embedding(24, 4), nn.Embedding(7, 4)
        self.head = nn.Linear(12, OUT)

    def forward(self, x: Tensor) -> Tensor:
        hour, weekday = x[..., 4], x[..., 5]
        assert torch.equal(hour, hour.round()), "an hour that does not exist"
        assert torch.equal(weekday, weekday.round()), "a weekday that does not exist"
        seen = [x[..., :4], self.hour(hour.long()), self.weekday(weekday.long())]
        return self.head(torch.cat(seen, dim=-1))


@pytest.fixture
def hourly(x: Sequences) -> Sequences:
    generator = torch.Generator().manual_seed(2)
    shape = x.values.shape[:2]
    hours = torch.randint(24, shape, generator=generator)
    weekdays = torch.randint(7, shape, generator=generator)
    values = torch.cat([x.values[..., :4], torch.stack([hours, weekdays], dim=-1)], dim=-1)
    return x.with_values(values * x.mask[..., None])


def test_labels_are_permuted_and_never_made_up(hourly: Sequences) -> None:
    assert codes(Hourly(), hourly) == set()
    changed = CheckInputs.of(hourly).changed(seed=1)
    assert set(changed.values[..., 5].flatten().tolist()) <= set(range(7))
    assert not torch.equal(changed.values[..., 5], CheckInputs.of(hourly).some.values[..., 5])


def test_only_free_features_are_changed(hourly: Sequences) -> None:
    free = torch.tensor([True, True, False, False, False, False])
    inputs = CheckInputs.of(hourly, free)
    for changed in (
        inputs.changed(1),
        inputs.some.with_values(inputs.some.values + inputs.noise(2)),
    ):
        moved = (changed.values != inputs.some.values).any(dim=(0, 1))
        assert moved.tolist() == free.tolist()

    class Blind(nn.Module):
        """Looks only at what the budget does not free."""

        def forward(self, x: Tensor) -> Tensor:
            return x[..., 2:5].cumsum(dim=1)

    assert "ignores-input" in codes(Blind(), hourly, free=free)
    assert codes(Blind(), hourly) == set()


def test_a_mask_of_another_width_is_refused(x: Sequences) -> None:
    with refused("wrong-features", names=(IN,)):
        raise_if_fatal(check_model(Net(), x, free=torch.ones(IN + 1, dtype=torch.bool)))


def test_declared_integers_are_whole_though_there_are_many(x: Sequences) -> None:
    class Counts(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            assert torch.equal(x[..., 0], x[..., 0].round())
            return x[..., :OUT] * 2

    counts = x.with_values(torch.cat([(1e4 * x.values[..., :1]).round(), x.values[..., 1:]], -1))
    integer = torch.arange(IN) == 0
    assert codes(Counts(), counts, integer=integer) == set()


class Single(nn.Module):
    """A model that only works in single precision, so no copy in double can be asked."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x.float()).float()


@pytest.mark.parametrize(("offset", "unit"), [(0.0, 1.0), (1e3, 1.0), (4e6, 20.0)])
@pytest.mark.parametrize(("how", "expected"), [("good", set()), ("detached", {"wrong-gradient"})])
def test_single_precision_is_enough(
    how: str, expected: set[str], offset: float, unit: float, x: Sequences
) -> None:
    torch.manual_seed(3)
    model = Single(Elsewhere(Changed(how), offset, unit))
    assert codes(model, x.with_values(x.values * unit + offset)) == expected
