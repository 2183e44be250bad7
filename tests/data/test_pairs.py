"""Pairs in both directions: who acts, who answers, on which side and in which role."""

from dataclasses import replace

import pytest
import torch
from tests.errors import refused
from torch import Tensor

from feint.data.pairs import Interaction, Pairs, guess_initiator, pair, reactor_side
from feint.sequences import Sequences
from feint.skeleton import SBU_15

HAND = 3 * SBU_15.joint("left hand")


def person(x: float, waves: float = 0.0, frames: int = 4) -> Tensor:
    """Somebody at raw x, whose hand goes up and down by `waves` in every frame."""
    values = torch.full((frames, 45), 0.5)
    values[:, 0::3] = x
    values[1::2, HAND + 1] += waves
    return values


HANDSHAKE = Interaction(
    "s01s02/05/001", "s01s02", "handshaking", person(0.2, 0.1), person(0.8, 0.3)
)
KICK = Interaction(
    "s03s04/03/002", "s03s04", "kicking", person(0.9, frames=2), person(0.1, frames=2), "first"
)
TWO = [HANDSHAKE, KICK]


def test_both_directions_use_everybody_as_the_actor_once() -> None:
    pairs = pair(TWO)
    assert len(pairs) == 4
    assert pairs.keys == (
        "s01s02/05/001/AB", "s01s02/05/001/BA", "s03s04/03/002/AB", "s03s04/03/002/BA",
    )  # fmt: skip
    assert pairs.interactions == ("s01s02/05/001",) * 2 + ("s03s04/03/002",) * 2
    assert pairs.labels == ("handshaking",) * 2 + ("kicking",) * 2
    assert pairs.sets == ("s01s02",) * 2 + ("s03s04",) * 2
    assert pairs.actor.lengths.tolist() == pairs.reactor.lengths.tolist() == [4, 4, 2, 2]
    first, second = TWO[0].first, TWO[0].second
    assert torch.equal(pairs.actor.unpad()[0], first)
    assert torch.equal(pairs.reactor.unpad()[0], second)
    assert torch.equal(pairs.actor.unpad()[1], second)
    assert torch.equal(pairs.reactor.unpad()[1], first)
    assert torch.equal(pairs.actor.unpad()[3], TWO[1].second)


def test_the_reactors_side_is_where_the_camera_sees_them() -> None:
    # In AB the reactor is the second person: at 0.8 against 0.2, then at 0.1 against 0.9.
    assert pair(TWO).sides == ("right", "left", "left", "right")
    assert reactor_side(person(0.5), person(0.4)) == "left"
    assert reactor_side(person(0.4), person(0.5)) == "right"


def test_the_side_is_read_from_the_root_alone() -> None:
    actor, reactor = person(0.5), person(0.6)
    reactor[:, HAND] = -9.0
    assert reactor_side(actor, reactor) == "right"


def test_the_one_who_begins_initiates() -> None:
    # The second person waves more in the first interaction; the source knows in the second.
    assert pair(TWO).roles == ("initiator", "responder", "responder", "initiator")
    turned = [TWO[0], replace(TWO[1], initiator="second")]
    assert pair(turned).roles == ("initiator", "responder", "initiator", "responder")


def test_only_those_who_respond() -> None:
    pairs = pair(TWO, reactor_role="responder")
    assert pairs.keys == ("s01s02/05/001/BA", "s03s04/03/002/AB")
    assert set(pairs.roles) == {"responder"}


def test_who_moves_more_is_told_in_metres_about_the_root() -> None:
    assert guess_initiator(person(0.2, 0.1), person(0.8, 0.3)) == "second"
    assert guess_initiator(person(0.2, 0.3), person(0.8, 0.1)) == "first"
    assert guess_initiator(person(0.2), person(0.8)) == "first"  # a tie
    walks = person(0.2) + torch.arange(4.0)[:, None]  # all joints together: nobody waves
    assert guess_initiator(walks, person(0.8, 0.1)) == "second"
    # 0.1 of raw x is 0.256 m, 0.12 of raw y only 0.230 m.
    sideways = person(0.2)
    sideways[1::2, HAND] += 0.1
    assert guess_initiator(person(0.8, 0.12), sideways) == "second"


def test_rows_in_the_order_asked_for() -> None:
    some = pair(TWO)[[3, 0]]
    assert some.keys == ("s03s04/03/002/BA", "s01s02/05/001/AB")
    assert some.labels == ("kicking", "handshaking")
    assert some.sets == ("s03s04", "s01s02")
    assert some.sides == ("right", "right")
    assert some.roles == ("initiator", "initiator")
    assert torch.equal(some.actor.unpad()[0], TWO[1].second)
    assert torch.equal(some.reactor.unpad()[1], TWO[0].second)
    assert some.skeleton is SBU_15


def test_where_keeps_what_a_predicate_keeps() -> None:
    pairs = pair(TWO)
    kicks = pairs.where(lambda i: pairs.labels[i] == "kicking", "kicks")
    assert kicks.keys == pairs.keys[2:]
    assert kicks.actor.values.shape == (2, 2, 45)  # trimmed to the kicks
    with refused("empty-split", ["4", "hugs"]):
        pairs.where(lambda i: pairs.labels[i] == "hugging", "hugs")


def test_no_interaction_is_refused() -> None:
    with refused("empty-split"):
        pair([])


def test_the_fingerprint_is_of_the_data() -> None:
    pairs = pair(TWO)
    assert pair(TWO).fingerprint() == pairs.fingerprint()
    assert len(pairs.fingerprint()) == 64
    padded = replace(pairs, actor=Sequences(pairs.actor.values.clone(), pairs.actor.lengths))
    padded.actor.values[2, 3] = 7.0  # padding
    assert padded.fingerprint() == pairs.fingerprint()


def nudged(x: Sequences) -> Sequences:
    values = x.values.clone()
    values[1, 3, 44] += 1e-6
    return x.with_values(values)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: replace(p, actor=nudged(p.actor)),
        lambda p: replace(p, reactor=nudged(p.reactor)),
        lambda p: replace(p, labels=("hugging", *p.labels[1:])),
        lambda p: replace(p, keys=("s01s02/05/003/AB", *p.keys[1:])),
        lambda p: replace(p, actor=p.reactor, reactor=p.actor),
        lambda p: p[[1, 0, 2, 3]],
        lambda p: p[[0, 1, 2]],
    ],
    ids=["actor", "reactor", "label", "key", "roles", "order", "rows"],
)
def test_the_fingerprint_changes_with_the_data(change) -> None:
    pairs = pair(TWO)
    assert change(pairs).fingerprint() != pairs.fingerprint()


def test_the_fingerprint_knows_where_a_sequence_ends() -> None:
    frames = torch.rand(5, 45)

    def cut(at: int) -> Pairs:
        x = Sequences.pad([frames[:at], frames[at:]])
        return replace(pair(TWO)[[0, 1]], actor=x, reactor=x)

    assert cut(2).fingerprint() != cut(3).fingerprint()
