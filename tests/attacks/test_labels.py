"""An attack shows a model no hour or weekday that the budget does not let it change."""

import pytest
import torch
from torch import Tensor, nn

import feint
from feint.attacks import AIA, FramewiseMinimal, MinimalPerturbation, Noise, Untargeted
from feint.attacks.random_search import RandomSearch
from feint.sequences import Sequences


class Hourly(nn.Module):
    """Three measured columns; an hour and a weekday, which are looked up."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.hour, self.weekday = nn.Embedding(24, 3), nn.Embedding(7, 3)

    def forward(self, x: Tensor) -> Tensor:
        assert torch.equal(x[..., 3:], self.known[: len(x), : x.shape[1]]), "a label has changed"
        labels = x[..., 3:].long()
        return x[..., :3].tanh() + self.hour(labels[..., 0]) + self.weekday(labels[..., 1])


def problem() -> tuple[Hourly, Sequences, Sequences, feint.Budget]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.stack([torch.arange(48) % 24, torch.arange(48) // 24 % 7], dim=-1)
    values = torch.cat([torch.randn(2, 48, 3, generator=generator), labels.expand(2, 48, 2)], -1)
    x = Sequences(values, torch.tensor([48, 48]))
    model = Hourly()
    model.known = x.values[..., 3:]
    coords = torch.tensor([True, True, True, False, False])
    return model, x, x.with_values(torch.zeros(2, 48, 3)), feint.Budget(0.5, coords)


ATTACKS = {
    "aia": AIA(steps=5, restarts=3),
    "aia, sign": AIA(steps=5, optimizer="sign", restarts=2, smoothness=0.5),
    "untargeted": Untargeted(steps=3, restarts=2),
    "noise": Noise("offset", tries=3),
    "random search": RandomSearch(queries=20),
    "minimal": lambda *a: MinimalPerturbation(AIA(steps=3), precision=0.5)(*a, 1.0).x_adv,
    "framewise": lambda m, x, y, b: FramewiseMinimal(steps=3)(m, x, y, b, 1e9, x),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_label_is_ever_changed(name: str) -> None:
    model, x, target, budget = problem()
    found = ATTACKS[name](model, x, target, budget)
    assert torch.equal(found.values[..., 3:], x.values[..., 3:])
    if name != "framewise":
        assert not torch.equal(found.values, x.values)
