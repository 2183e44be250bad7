"""Crafting over a grid, distrusting attacks, and scoring: by hand on small cases."""

import math
from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest
import torch
from tests.errors import refused
from torch import Tensor, nn

from feint.attacks import AIA, Noise
from feint.attacks.budget import Budget, verify
from feint.evaluation.attack_task import AttackTask, Crafted, clean
from feint.evaluation.crafting import craft
from feint.evaluation.scoring import score
from feint.models.inference import predict
from feint.sequences import Sequences, distance
from feint.skeleton import SBU_15

LENGTHS = (3, 5, 1, 4)


def task(features: int = 45, lengths: tuple[int, ...] = LENGTHS, far: float = 0.1) -> AttackTask:
    """A standing person, each wanted `far` deeper."""
    generator = torch.Generator().manual_seed(0)
    standing = torch.rand(features, generator=generator)
    x = Sequences.pad([standing + 0.01 * i + torch.zeros(n, 1) for i, n in enumerate(lengths)])
    depth = torch.arange(features) % 3 == 2
    return AttackTask(
        target="kicking",
        x=x,
        targets=x.with_values(x.values + far * depth * x.mask[..., None]),
        keys=tuple(f"row {i}" for i in range(len(lengths))),
        labels=tuple(f"label {i}" for i in range(len(lengths))),
        sides=tuple("left" if i % 2 else "right" for i in range(len(lengths))),
        exemplars=tuple(f"exemplar {i}" for i in range(len(lengths))),
    )


class Recorder:
    """Moves every own frame by the whole eps and notes whom it was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, float, int]] = []

    def __call__(
        self, model: nn.Module, x: Sequences, target: Sequences, budget: Budget
    ) -> Sequences:
        assert torch.equal(x.lengths, target.lengths)
        eps = torch.as_tensor(budget.eps).tolist()
        self.asked += zip(eps, x.values[:, 0, 0].tolist(), x.lengths.tolist(), strict=True)
        return budget.project(x.with_values(x.values + 1e9), x)


# Crafting.


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_every_sequence_is_asked_once_at_every_eps_and_rows_stay_in_order(batch_size: int) -> None:
    asked, epsilons = task(), [0.2, 0.1, 0.4]
    recorder = Recorder()
    crafted = craft(
        "push", recorder, nn.Identity(), asked, Budget(9.0), epsilons, batch_size=batch_size
    )
    rows = [(eps, i) for eps in epsilons for i in range(len(LENGTHS))]
    assert crafted.attack == "push"
    assert crafted.sequence.tolist() == [i for _, i in rows]
    assert crafted.eps.tolist() == pytest.approx([eps for eps, _ in rows])
    first = asked.x.values[:, 0, 0].tolist()
    expected = sorted((eps, first[i], LENGTHS[i]) for eps, i in rows)
    for got, wanted in zip(sorted(recorder.asked), expected, strict=True):
        assert got == pytest.approx(wanted)
    by_hand = torch.zeros(len(rows), max(LENGTHS), 45)
    for row, (eps, i) in enumerate(rows):
        by_hand[row, : LENGTHS[i]] = asked.x.values[i, : LENGTHS[i]] + eps
    torch.testing.assert_close(crafted.x_adv.values, by_hand)
    assert crafted.x_adv.lengths.tolist() == [LENGTHS[i] for _, i in rows]


@pytest.mark.parametrize("attack", [AIA(steps=10, restarts=2), Noise()], ids=["AIA", "Noise"])
def test_crafting_does_not_depend_on_the_batches(attack: AIA | Noise) -> None:
    asked, budget = task(), Budget(1.0, coords=SBU_15.axis("z"))
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(45, 45), nn.Tanh())
    one, all_at_once = (
        craft("a", attack, model, asked, budget, [0.1, 0.2], batch_size=size).x_adv
        for size in (1, 64)
    )
    torch.testing.assert_close(one.values, all_at_once.values, rtol=0, atol=1e-4)
    assert (one.values != asked.x[[*range(4), *range(4)]].values).any()


def test_no_eps_is_refused() -> None:
    with refused("bad-eps"):
        craft("a", Noise(), nn.Identity(), task(), Budget(0.1), [])


# Distrust.


def honest(x: Sequences, budget: Budget) -> Tensor:
    return budget.project(x.with_values(x.values + 1e9), x).values.clone()


def leaves_eps(x: Sequences, budget: Budget) -> Tensor:
    values = honest(x, budget)
    values[1, 0, 2] += 0.01
    return values


def touches_padding(x: Sequences, budget: Budget) -> Tensor:
    values = honest(x, budget)
    values[-1, -1, 2] += 1e-6
    return values


def touches_another_coordinate(x: Sequences, budget: Budget) -> Tensor:
    values = honest(x, budget)
    values[0, 0, 0] += 1e-6
    return values


def leaves_the_range(x: Sequences, budget: Budget) -> Tensor:
    values = honest(x, budget)
    values[0, 0, 2] = 1.6
    return values


def moves_its_input_as_well(x: Sequences, budget: Budget) -> Tensor:
    x.values[..., 2] += 5 * x.mask
    return x.values


def within_limits() -> Budget:
    return Budget(0.3, coords=SBU_15.axis("z"), high=1.5)


@pytest.mark.parametrize(
    ("cheat", "message"),
    [
        (leaves_eps, "row 1 by 0.01 data units"),
        (leaves_the_range, "row 0 by"),
        (touches_padding, "row 1 by inf"),
        (touches_another_coordinate, "row 0 by inf"),
        (moves_its_input_as_well, "row"),
    ],
)
def test_an_attack_that_cheats_is_caught(
    cheat: Callable[[Sequences, Budget], Tensor], message: str
) -> None:
    def attack(model: nn.Module, x: Sequences, target: Sequences, budget: Budget) -> Sequences:
        return x.with_values(cheat(x, budget))

    asked = task(lengths=(3, 5))
    before = asked.x.values.clone()
    with refused("budget-left", names=("cheat", message)):
        craft("cheat", attack, nn.Identity(), asked, within_limits(), [0.3])
    assert torch.equal(asked.x.values, before)


def test_an_attack_that_returns_another_shape_is_caught() -> None:
    def attack(model: nn.Module, x: Sequences, target: Sequences, budget: Budget) -> Sequences:
        return x[[0]]

    with refused("shape-mismatch"):
        craft("short", attack, nn.Identity(), task(), within_limits(), [0.3])


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
def test_rounding_is_no_cheating(size: float) -> None:
    generator = torch.Generator().manual_seed(0)
    x = Sequences(size * torch.randn(3, 50, 45, generator=generator), torch.tensor([50, 20, 3]))
    for eps in (0.1, 0.3, 0.7):
        budget = Budget(eps * size, coords=SBU_15.axis("z"))
        verify("honest", x.with_values(honest(x, budget)), x, budget)
        with refused("budget-left"):
            verify(
                "greedy",
                x.with_values(x.values + (honest(x, budget) - x.values) * 1.001),
                x,
                budget,
            )


# Scoring.


class Plus(nn.Module):
    """Answers its input, shifted in depth."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        return x + self.by * (torch.arange(x.shape[-1]) % 3 == 2)


def test_the_baseline_changes_nothing() -> None:
    asked = task()
    rows, answers = score(
        Plus(0.0), asked, clean(asked), SBU_15, surrogate_name="none", victim_name="Plus"
    )
    assert rows["attack"].to_list() == ["none"] * 4
    for name in ("eps", "linf", "perturbation_cm", "perturbation_max_cm", "bone_length_change"):
        assert rows[name].to_list() == [0.0] * 4
    assert torch.equal(answers.values, asked.x.values)


def test_distances_and_centimetres_by_hand() -> None:
    asked = task(far=0.1)
    # The victim answers 0.04 deeper than it sees; the attack moves the head 0.05 to the side.
    values = asked.x.values.clone()
    values[..., 0] += 0.05 * asked.x.mask
    crafted = Crafted("shove", torch.full((4,), 0.05), torch.arange(4), asked.x.with_values(values))
    rows, answers = score(
        Plus(0.04), asked, crafted, SBU_15, surrogate_name="TCN", victim_name="Plus", batch_size=3
    )
    # Each joint misses 0.06 in depth; the head, joint 0, 0.05 in x besides.
    frame = math.sqrt(15 * 0.06**2 + 0.05**2)
    joint = 14 * 0.06 + math.hypot(0.06, 0.05)
    centimetres = (14 * 0.06 * 128 + math.hypot(0.06 * 128, 0.05 * 256)) / 15
    for i, frames in enumerate(LENGTHS):
        row = rows.row(i, named=True)
        assert row["frames"] == frames
        assert row["distance_frame"] == pytest.approx(frames * frame, rel=1e-4)
        assert row["distance_joint"] == pytest.approx(frames * joint, rel=1e-4)
        assert row["error_cm"] == pytest.approx(centimetres, rel=1e-4)
        assert row["linf"] == pytest.approx(0.05, rel=1e-4)
        assert row["perturbation_cm"] == pytest.approx(0.05 * 256 / 15, rel=1e-4)
        assert row["perturbation_max_cm"] == pytest.approx(0.05 * 256, rel=1e-4)
        assert row["bone_length_change"] == 0  # one of fourteen: the median bone keeps its length
        assert row["eps"] == 0.05
        names = (
            "surrogate",
            "victim",
            "attack",
            "target",
            "sequence",
            "true_class",
            "reactor_side",
            "exemplar",
        )
        assert [row[name] for name in names] == [
            "TCN",
            "Plus",
            "shove",
            "kicking",
            f"row {i}",
            f"label {i}",
            "left" if i % 2 else "right",
            f"exemplar {i}",
        ]
    assert (answers.values[~asked.x.mask] == 0).all()


def test_bones_are_told_by_the_median_change() -> None:
    asked = task(lengths=(2,))
    metres = SBU_15.to_metres(asked.x.values)
    stretched = SBU_15.from_metres(metres * torch.tensor([[[[1.1]], [[1.3]]]]))  # 10 %, then 30 %
    crafted = Crafted("stretch", torch.ones(1), torch.arange(1), asked.x.with_values(stretched))
    rows, _ = score(nn.Identity(), asked, crafted, SBU_15, surrogate_name="a", victim_name="b")
    assert rows["bone_length_change"].item() == pytest.approx(0.2, rel=1e-3)


def test_distances_are_feints_own_and_rows_find_their_sequence() -> None:
    asked = task()
    torch.manual_seed(0)
    victim = nn.Linear(45, 45)
    order = torch.tensor([3, 0, 0, 2, 1])
    x_adv = Noise()(victim, asked.x[order], asked.targets[order], Budget(0.2))
    crafted = Crafted("noise", torch.full((5,), 0.2), order, x_adv)
    rows, answers = score(
        victim, asked, crafted, None, surrogate_name="a", victim_name="b", batch_size=2
    )
    wanted = asked.targets[order]
    answered = predict(victim, x_adv)
    torch.testing.assert_close(
        torch.tensor(rows["distance_frame"].to_list()), distance(answered, wanted)
    )
    torch.testing.assert_close(
        torch.tensor(rows["distance_joint"].to_list()), distance(answered, wanted, "joint")
    )
    own = wanted.mask
    torch.testing.assert_close(answers.values[own], answered.values[own])
    assert rows["sequence"].to_list() == [f"row {i}" for i in order.tolist()]
    assert "error_cm" not in rows.columns


def test_transfer_is_scoring_another_victim() -> None:
    asked = task()
    crafted = craft("push", Recorder(), Plus(0.0), asked, Budget(1.0), [0.1, 0.2])
    at_home, _ = score(Plus(0.0), asked, crafted, SBU_15, surrogate_name="0", victim_name="0")
    away, _ = score(Plus(0.5), asked, crafted, SBU_15, surrogate_name="0", victim_name="5")
    same = [
        "surrogate",
        "attack",
        "target",
        "eps",
        "sequence",
        "linf",
        "perturbation_cm",
        "bone_length_change",
    ]
    assert at_home.select(same).equals(away.select(same))
    assert away["victim"].unique().to_list() == ["5"]
    # 0.1 deeper is wanted; the push moves every coordinate by eps, Plus the depth by 0.5 more.
    for rows, by in ((at_home, 0.0), (away, 0.5)):
        for row in rows.iter_rows(named=True):
            per_frame = math.sqrt(30 * row["eps"] ** 2 + 15 * (row["eps"] + by - 0.1) ** 2)
            assert row["distance_frame"] == pytest.approx(row["frames"] * per_frame, rel=1e-3)


def test_a_model_without_joints_has_no_joint_distance() -> None:
    asked = task(features=4)
    rows, _ = score(nn.Identity(), asked, clean(asked), None, surrogate_name="a", victim_name="b")
    assert isinstance(rows, pl.DataFrame)
    assert "distance_joint" not in rows.columns
    torch.testing.assert_close(
        torch.tensor(rows["distance_frame"].to_list()), distance(asked.x, asked.targets)
    )


def test_a_victim_of_another_width_is_refused() -> None:
    asked = task()
    with refused("shape-mismatch", names=("score",)):
        score(nn.Linear(45, 1), asked, clean(asked), None, surrogate_name="a", victim_name="b")


# Climbing from eps to eps.


def bent(features: int = 45) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(features, features), nn.Tanh(), nn.Linear(features, features))


def test_with_a_larger_eps_no_row_does_worse() -> None:
    asked, budget = task(), Budget(1.0, coords=SBU_15.axis("z"))
    model, epsilons = bent(), [0.4, 0.05, 0.1, 0.2]
    crafted = craft("a", AIA(steps=4, step_size=0.5), model, asked, budget, epsilons)
    d = distance(predict(model, crafted.x_adv), asked.targets[crafted.sequence])
    for row in range(len(LENGTHS)):
        mine = crafted.sequence == row
        by_eps = d[mine][crafted.eps[mine].argsort()]
        assert (by_eps.diff() <= 1e-6).all()
    # The paper's independent runs are what the attack gives alone, bit by bit.
    alone = craft("a", AIA(steps=4), model, asked, budget, epsilons, warm_start=False)
    for eps in epsilons:
        mine = (alone.eps - eps).abs() < 1e-6
        wanted = AIA(steps=4)(model, asked.x, asked.targets, replace(budget, eps=eps))
        torch.testing.assert_close(alone.x_adv.values[mine], wanted.values, rtol=0, atol=1e-6)


def test_an_attack_that_keeps_its_last_iterate_never_climbs() -> None:
    asked, budget = task(), Budget(1.0, coords=SBU_15.axis("z"))
    attack = AIA.preset("paper-eq6", steps=4, eta=0.1)
    plain, separate = (
        craft("a", attack, bent(), asked, budget, [0.2, 0.1], warm_start=w) for w in (True, False)
    )
    assert torch.equal(plain.x_adv.values, separate.x_adv.values)


def test_a_row_stops_at_the_first_eps_that_gets_there() -> None:
    asked, budget = task(), Budget(1.0, coords=SBU_15.axis("z"))
    model, epsilons, attack = bent(), [0.05, 0.1, 0.4], AIA(steps=20)
    full = craft("a", attack, model, asked, budget, epsilons)
    d = distance(predict(model, full.x_adv), asked.targets[full.sequence]).view(3, -1)
    goal = d[1] * 1.001  # what the middle eps just reaches
    crafted = craft("a", attack, model, asked, budget, epsilons, goal=goal)
    reached = distance(predict(model, crafted.x_adv), asked.targets[crafted.sequence]).view(3, -1)
    assert (reached[0] >= goal).all()
    assert (reached[1:] < goal).all()
    low, middle, high = crafted.x_adv.values.view(3, len(LENGTHS), *crafted.x_adv.values.shape[1:])
    assert torch.equal(middle, high)
    assert not torch.equal(low, middle)


@pytest.mark.parametrize("attack", [Noise(), AIA(keep="last")])
def test_a_goal_needs_a_warm_start(attack: AIA | Noise) -> None:
    with refused("no-warm-start"):
        craft("a", attack, bent(), task(), Budget(1.0), [0.1], goal=torch.ones(4))
