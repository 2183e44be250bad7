"""The recogniser names what is done, wherever and whichever way it is done."""

from pathlib import Path

import pytest
import torch
from tests.errors import refused

from feint.data.facing import rotate_about_vertical
from feint.data.pairs import pair
from feint.data.sbu import dataset
from feint.evaluation.recogniser import Recogniser, RecogniserConfig, restore, train_recogniser
from feint.sequences import Sequences
from feint.skeleton import SBU_15

SMALL = RecogniserConfig(widths=(16, 12, 8), hidden=16, epochs=12, members=2, learning_rate=1e-2)


def doing(what: str, seed: int, frames: int = 10) -> torch.Tensor:
    """Somebody raises a hand, or a foot, somewhere, facing anywhere."""
    generator = torch.Generator().manual_seed(seed)
    still = torch.zeros(15, 3)
    places = {"left shoulder": (0.4, -0.2), "right shoulder": (0.4, 0.2), "left hip": (-0.1, -0.1),
              "right hip": (-0.1, 0.1)}  # fmt: skip
    for name, (y, z) in places.items():
        still[SBU_15.joint(name), 1:] = torch.tensor([y, z])
    positions = still.expand(frames, 15, 3).clone()
    limb = "right hand" if what == "hand" else "right foot"
    positions[:, SBU_15.joint(limb), 0] = torch.linspace(0, 0.6, frames)
    positions += 0.01 * torch.randn(frames, 15, 3, generator=generator)
    angle, where = torch.rand(2, generator=generator) * 6
    return SBU_15.from_metres(rotate_about_vertical(positions, angle) + where)


def several(count: int, begin: int = 0) -> tuple[Sequences, list[str]]:
    labels = [("hand", "foot")[i % 2] for i in range(count)]
    each = [doing(what, begin + i, 8 + i % 4) for i, what in enumerate(labels)]
    return Sequences.pad(each), labels


@pytest.fixture(scope="module")
def trained() -> Recogniser:
    return train_recogniser(*several(64), SBU_15, SMALL)


def test_it_names_what_it_has_not_seen(trained):
    reactions, labels = several(40, 1000)
    assert trained.labels == ("foot", "hand")
    assert trained.accuracy(reactions, labels) > 0.9
    chances = trained.probabilities(reactions)
    torch.testing.assert_close(chances.sum(dim=1), torch.ones(40))


def test_alone_and_in_a_batch_are_alike(trained):
    reactions, _ = several(6, 2000)
    together = trained.probabilities(reactions)
    for i in range(6):
        alone = trained.probabilities(reactions[[i]])
        torch.testing.assert_close(alone[0], together[i], atol=1e-5, rtol=0)


def test_it_comes_back_as_it_was(trained):
    reactions, _ = several(6, 3000)
    again = restore(*trained.state())
    assert torch.equal(again.probabilities(reactions), trained.probabilities(reactions))
    assert again.labels == trained.labels


def test_the_same_seed_gives_the_same_and_leaves_the_callers_state():
    some = several(8)
    few = RecogniserConfig(widths=(4, 4, 4), hidden=4, epochs=1, members=1)
    state = torch.get_rng_state()
    one, two = (train_recogniser(*some, SBU_15, few) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one.probabilities(some[0]), two.probabilities(some[0]))


def test_what_cannot_be_told_apart_is_refused():
    reactions, labels = several(4)
    with refused("wrong-shape", names=(4, 3)):
        train_recogniser(reactions, labels[:3], SBU_15, SMALL)
    with refused("wrong-shape", names=("1 kinds",)):
        train_recogniser(reactions, ["hand"] * 4, SBU_15, SMALL)
    with refused("bad-setting"):
        RecogniserConfig(members=0)


@pytest.mark.slow
def test_it_names_real_reactions(sbu_root: Path):
    parts = dataset.split(dataset.read(sbu_root))
    train, test = (pair(part, SBU_15) for part in parts)
    settings = RecogniserConfig(widths=(48, 32, 24), hidden=32, epochs=25, members=1)
    one = train_recogniser(train.reactor, train.labels, SBU_15, settings)
    assert one.accuracy(test.reactor, test.labels) > 0.4  # chance is 0.125
