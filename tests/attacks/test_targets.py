"""Targets brought to a length and a place by hand, and chosen for their class and side."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.errors import refused
from torch import Tensor

from feint.attacks.targets import Targets, between, fit_length, mirror, to_one
from feint.data.pairs import Pairs
from feint.sequences import Sequences, frame_distance
from feint.skeleton import SBU_15, Skeleton

DOLL = Skeleton(
    name="doll",
    joints=("torso", "left hand", "right hand"),
    bones=(("torso", "left hand"), ("torso", "right hand")),
    root="torso",
    axes=("x", "y"),
    scale=(-2.0, 1.0),
    offset=(1.0, 0.0),
    fps=10.0,
)


def doll(*frames: tuple[float, float, float]) -> Tensor:
    """Frames of (where the torso is, how far left and right hand are from it), along x; y is 1."""
    return torch.tensor(
        [[place, 1.0, place + left, 1.0, place + right, 1.0] for place, left, right in frames]
    )


def pairs(*rows: tuple[str, str, str, Tensor]) -> Pairs:
    """Pairs of (label, side, role, reaction); nobody reads the actor."""
    labels, sides, roles, reactions = zip(*rows, strict=True)
    reactor = Sequences.pad(reactions)
    return Pairs(
        actor=reactor,
        reactor=reactor,
        keys=tuple(f"set/{i}/AB" for i in range(len(rows))),
        labels=labels,
        sets=("set",) * len(rows),
        sides=sides,
        roles=roles,
        feature_spec=DOLL,
    )


RAMP = torch.tensor([[0.0, 10.0], [1.0, 20.0], [2.0, 30.0], [3.0, 40.0]])


@pytest.mark.parametrize(
    "time, frames, first",
    [
        ("resample", 7, [0, 0.5, 1, 1.5, 2, 2.5, 3]),
        ("resample", 4, [0, 1, 2, 3]),
        ("resample", 3, [0, 1.5, 3]),
        ("resample", 2, [0, 3]),
        ("resample", 1, [0]),
        ("hold", 6, [0, 1, 2, 3, 3, 3]),
        ("hold", 4, [0, 1, 2, 3]),
        ("hold", 2, [0, 1]),
        ("crop", 6, [0, 1, 2, 3, 3, 3]),
        ("crop", 4, [0, 1, 2, 3]),
        ("crop", 2, [2, 3]),
    ],
)
def test_a_length_is_fitted_as_said(time: str, frames: int, first: list[float]) -> None:
    got = fit_length(RAMP, frames, time)
    torch.testing.assert_close(got[:, 0], torch.tensor(first, dtype=torch.float32))
    torch.testing.assert_close(got[:, 1], 10 + 10 * got[:, 0])


@pytest.mark.parametrize("time", ["resample", "hold", "crop"])
def test_one_frame_is_held(time: str) -> None:
    assert fit_length(RAMP[2:3], 3, time).tolist() == [[2, 30]] * 3


@settings(deadline=None)
@given(have=st.integers(1, 60), frames=st.integers(1, 60))
def test_resampling_a_straight_line_gives_the_line(have: int, frames: int) -> None:
    line = torch.linspace(-1, 4, have, dtype=torch.float64)[:, None]
    got = fit_length(line, frames, "resample")
    assert got.dtype == torch.float64
    want = torch.linspace(-1, 4 if have > 1 else -1, frames, dtype=torch.float64)[:, None]
    torch.testing.assert_close(got, want)


@pytest.mark.parametrize("time", ["resample", "hold", "crop"])
@settings(deadline=None)
@given(frames=st.integers(1, 50), seed=st.integers(0, 100))
def test_its_own_length_changes_nothing(time: str, frames: int, seed: int) -> None:
    values = torch.randn(frames, 3, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(fit_length(values, frames, time), values, rtol=0, atol=1e-6)


def test_mirror_by_hand() -> None:
    # The torso walks from x = 2 to 3; mirrored about 2 it walks to 1, and hands change names.
    person = doll((2.0, -0.5, 0.25), (3.0, -1.0, 0.0))
    assert mirror(person, DOLL).tolist() == doll((2.0, -0.25, 0.5), (1.0, 0.0, 1.0)).tolist()


@settings(deadline=None, max_examples=30)
@given(frames=st.integers(1, 5), seed=st.integers(0, 1000))
def test_mirror_undoes_itself_and_keeps_bones(frames: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    person = torch.rand(frames, 45, generator=generator, dtype=torch.float64)
    kept = person.clone()
    twin = mirror(person, SBU_15)
    assert torch.equal(person, kept)
    torch.testing.assert_close(mirror(twin, SBU_15), person)
    root = slice(3 * SBU_15.joint("torso"), 3 * SBU_15.joint("torso") + 3)
    torch.testing.assert_close(twin[0, root], person[0, root])
    swapped = {"left": "right", "right": "left"}
    twins = [
        tuple(" ".join(swapped.get(word, word) for word in joint.split()) for joint in bone)
        for bone in SBU_15.bones
    ]
    order = [SBU_15.bones.index(bone) for bone in twins]
    torch.testing.assert_close(SBU_15.bone_lengths(twin), SBU_15.bone_lengths(person)[:, order])


def test_to_one_by_hand() -> None:
    one = doll((5.0, 0.0, 1.0), (6.0, 0.0, 1.0))
    still = doll((0.0, 3.0, 1.0), (0.0, 3.0, 1.0))
    # reactor: first roots meet, so frame 0 is off by 3 in one hand, frame 1 by (-1, 2, -1).
    got = to_one([still, one], one, DOLL)
    assert got.tolist() == pytest.approx([(3 + 6**0.5) / 2, 0])
    # root: roots meet in every frame.
    assert to_one([still], one, DOLL, anchor="root").tolist() == pytest.approx([3])
    # raw: off by (-5, -2, -5), then by (-6, -3, -6).
    assert to_one([still], one, DOLL, anchor="raw").tolist() == pytest.approx([(54**0.5 + 9) / 2])
    # The time is fitted before: one frame held is the same standing still.
    assert to_one([still[:1]], one, DOLL).tolist() == pytest.approx([(3 + 6**0.5) / 2])


def test_between_is_every_reaction_to_every_other() -> None:
    reactions = Sequences.pad(
        [doll((0, 0, 0), (0, 0, 0), (0, 2, 0)), doll((7, 0, 0)), doll((1, 0, 0), (1, 0, 1))]
    )
    got = between(reactions, DOLL)
    for row, one in enumerate(reactions.unpad()):
        for column, reaction in enumerate(reactions.unpad()):
            fitted = fit_length(reaction, len(one), "resample")
            moved = fitted + (one[0, :2] - fitted[0, :2]).repeat(3)
            want = frame_distance((moved - one)[None]).mean().item()
            assert got[row, column].item() == pytest.approx(want, abs=1e-6)
    assert got[1].tolist() == [0, 0, 0]  # in its only frame nobody moves
    assert got[0, 1].item() == pytest.approx(2 / 3)


LEFT = doll((0.0, 0.0, 1.0), (0.0, 0.0, 1.0))
NEAR_LEFT = doll((3.0, 0.25, 1.0), (3.0, 0.25, 1.0))
FAR_LEFT = doll((0.0, 9.0, 1.0), (0.0, 9.0, 1.0))
RIGHT = doll((5.0, -1.0, 2.0), (5.0, -1.0, 2.0))

TRAIN = pairs(
    ("kick", "left", "responder", FAR_LEFT),
    ("kick", "left", "initiator", LEFT),
    ("hug", "left", "responder", LEFT + 1),
    ("kick", "left", "responder", NEAR_LEFT),
    ("kick", "right", "responder", RIGHT),
    ("bow", "right", "initiator", RIGHT + 1),
    ("bow", "right", "initiator", doll((5.0, -3.0, 2.0), (5.0, -3.0, 2.0))),
)
TEST = pairs(
    ("hug", "right", "responder", doll((1.0, 0.0, 0.0))),
    ("hug", "left", "responder", doll((2.0, 8.0, 0.5), (2.0, 8.0, 0.5), (2.0, 8.0, 0.5))),
    ("hug", "left", "responder", doll((3.0, -1.0, 1.0))),
)


def test_the_medoid_is_of_the_class_and_side() -> None:
    # Left kicks, hands off by 9, 0 and 0.25 from each other: the middle one is NEAR_LEFT (8.75 +
    # 0.25 = 9 against 9 + 0.25 and 9 + 8.75).
    keys, targets = Targets().choose("kick", TRAIN, TEST)
    assert keys == ["set/4/AB", "set/3/AB", "set/3/AB"]
    assert torch.equal(targets[0], RIGHT)
    assert torch.equal(targets[1], NEAR_LEFT)


def test_the_nearest_is_nearest_to_each_true_reaction() -> None:
    keys, targets = Targets(exemplar="nearest").choose("kick", TRAIN, TEST)
    assert keys == ["set/4/AB", "set/0/AB", "set/1/AB"]
    assert torch.equal(targets[1], FAR_LEFT)


def test_a_role_can_be_asked_for() -> None:
    keys, _ = Targets(role="initiator").choose("kick", TRAIN, TEST)
    assert keys == ["set/1/AB"] * 3


def test_any_is_drawn_from_the_class_and_side_and_repeats() -> None:
    drawn = {
        seed: Targets(exemplar="any", seed=seed).choose("kick", TRAIN, TEST)[0]
        for seed in range(20)
    }
    assert {keys[0] for keys in drawn.values()} == {"set/4/AB"}
    assert {keys[1] for keys in drawn.values()} == {"set/0/AB", "set/1/AB", "set/3/AB"}
    assert all(keys[1] == keys[2] for keys in drawn.values())
    state = torch.get_rng_state()
    assert drawn[7] == Targets(exemplar="any", seed=7).choose("kick", TRAIN, TEST)[0]
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("exemplar", ["medoid", "any", "nearest"])
def test_a_side_without_any_takes_the_other_sides_mirrored(exemplar: str) -> None:
    keys, targets = Targets(exemplar=exemplar).choose("hug", TRAIN, TEST)
    assert keys == ["set/2/AB"] * 3
    assert torch.equal(targets[1], LEFT + 1)
    assert torch.equal(targets[0], mirror(LEFT + 1, DOLL))
    assert targets[0].tolist() == (doll((0, -1, 0), (0, -1, 0)) + 1).tolist()


def test_the_nearest_of_the_other_side_is_compared_as_it_will_be_asked() -> None:
    # Bows exist on the right only, with hands at (-1, 2) and (-3, 2): mirrored (-2, 1), (-2, 3).
    # Somebody on the left with hands at (-2, 2.75) is nearest to the second of them, mirrored;
    # unmirrored it would be the first (1.25 against 1.95).
    test = pairs(("hug", "left", "responder", doll((0.0, -2.0, 2.75))))
    keys, targets = Targets(exemplar="nearest").choose("bow", TRAIN, test)
    assert keys == ["set/6/AB"]
    assert targets[0].tolist() == doll((5.0, -2.0, 3.0), (5.0, -2.0, 3.0)).tolist()


@pytest.mark.parametrize(
    "targets, label", [(Targets(), "wave"), (Targets(role="initiator"), "hug")]
)
def test_a_class_that_is_not_there_is_told(targets: Targets, label: str) -> None:
    with refused("unknown-label", names=[label, "bow, hug, kick"]):
        targets.choose(label, TRAIN, TEST)


@pytest.mark.parametrize(
    "field, value",
    [("role", "bystander"), ("anchor", "moon"), ("length_mode", "warp"), ("exemplar", "x")],
)
def test_settings_that_are_no_choice_are_refused(field: str, value: str) -> None:
    targets = Targets()
    object.__setattr__(targets, field, value)  # under pytest the constructor's types speak first
    with refused("unknown-choice", names=[f"{field}='{value}'"]):
        targets.__post_init__()


REACTOR = Sequences.pad([doll((4.0, 0.0, 0.0), (5.0, 1.0, 1.0), (7.0, 1.0, 1.0)), doll((8, 0, 0))])
PREDICTION = REACTOR.with_values(
    Sequences.pad([doll((1.0, 2.0, 2.0), (1.5, 1.0, 1.0), (2.5, 1.0, 1.0)), doll((6, 3, 3))]).values
)
ASKED = [doll((0.0, -1.0, 1.0), (1.0, -2.0, 2.0)), doll((3.0, 0.0, 5.0), (3.0, 0.0, 6.0))]


@pytest.mark.parametrize(
    "anchor, torsos, second",
    [
        ("reactor", [4.0, 4.5, 5.0], 8.0),
        ("prediction", [1.0, 1.5, 2.0], 6.0),
        ("root", [1.0, 1.5, 2.5], 6.0),
        ("raw", [0.0, 0.5, 1.0], 3.0),
    ],
)
def test_aligned_targets_stand_where_they_are_asked(
    anchor: str, torsos: list[float], second: float
) -> None:
    got = Targets(anchor=anchor).align(ASKED, REACTOR, PREDICTION, DOLL)
    assert got.lengths.tolist() == [3, 1]
    a, b = torsos[0], torsos[1]
    want = doll((a, -1.0, 1.0), (b, -1.5, 1.5), (torsos[2], -2.0, 2.0))
    torch.testing.assert_close(got.unpad()[0], want)
    torch.testing.assert_close(got.unpad()[1], doll((second, 0.0, 5.0)))
    assert not got.values[1, 1:].any()


def test_the_first_root_is_the_reactors_in_every_axis() -> None:
    generator = torch.Generator().manual_seed(0)
    asked = [torch.rand(n, 45, generator=generator) for n in (7, 3, 5)]
    reactor = Sequences.pad([torch.rand(n, 45, generator=generator) for n in (4, 6, 5)])
    got = Targets().align(asked, reactor, reactor, SBU_15)
    root = slice(6, 9)
    torch.testing.assert_close(got.values[:, 0, root], reactor.values[:, 0, root])
    for target, aligned in zip(asked, got.unpad(), strict=True):
        fitted = fit_length(target, len(aligned), "resample")
        torch.testing.assert_close(
            aligned - aligned[:1, root].repeat(1, 15), fitted - fitted[:1, root].repeat(1, 15)
        )


@pytest.mark.parametrize("anchor", ["reactor", "prediction", "root", "raw"])
def test_more_padding_than_the_longest_needs_is_kept(anchor: str) -> None:
    def longer(x: Sequences) -> Sequences:
        return Sequences(torch.nn.functional.pad(x.values, (0, 0, 0, 2)), x.lengths)

    plain = Targets(anchor=anchor).align(ASKED, REACTOR, PREDICTION, DOLL)
    got = Targets(anchor=anchor).align(ASKED, longer(REACTOR), longer(PREDICTION), DOLL)
    assert torch.equal(got.values, longer(plain).values)
