"""The script of each interaction: keyframes for the initiator and for the responder.

`Keyframes` say, per channel, when (share of the interaction's time) which value is reached.
Between two keys the body moves with minimum jerk.  Hands and feet are in the person's own axes
(forward, up, outward) and in limb lengths, see `body.Motion`.  Signs of turn, twist and aside are
for a right-handed person and mirrored for a left-handed one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Point = tuple[float, float, float]
Keys = tuple[tuple[float, float], ...]
Places = tuple[tuple[float, Point], ...]

# Hands, from their shoulder, in arm lengths.
REST: Point = (0.06, -0.975, 0.10)
GUARD: Point = (0.46, 0.10, -0.10)
COVER: Point = (0.40, 0.10, -0.20)
DRAWN: Point = (0.18, -0.16, 0.14)
CHEST: Point = (0.28, -0.15, 0.05)
PUNCH: Point = (0.93, 0.20, -0.22)
PUSH: Point = (0.95, 0.02, -0.06)
FLUNG: Point = (0.50, 0.12, 0.70)
BELLY: Point = (0.44, -0.72, -0.14)
OPEN: Point = (0.55, -0.12, 0.62)
OVER: Point = (0.68, 0.04, -0.20)
UNDER: Point = (0.60, -0.42, -0.14)
CARRY: Point = (0.38, -0.50, -0.16)
TAKE: Point = (0.62, -0.45, -0.08)
OFFER: Point = (0.60, -0.55, -0.05)
WAVE: Point = (0.28, 0.42, 0.45)
AKIMBO: Point = (0.04, -0.60, 0.06)

# The free foot, from its hip, in leg lengths.
CHAMBER: Point = (0.42, -0.50, 0.0)
KICK: Point = (0.93, -0.08, -0.08)


@dataclass(frozen=True)
class Keyframes:
    """One person's keyframes, channel by channel; a channel left out stays at rest.

    Attributes:
        strong, weak: the hands.
        close: which share of the gap (distance at the start less `Scene.contact`) is walked.
        back: metres gone backwards, besides.
        turn, twist, lean, aside, nod: angles, radians.
        crouch: metres.
        foot, kick: the strong side's foot, and how far it leaves the floor for it.
        reach, both_reach: how far the strong hand, or both, go to the meeting point.
        swing: how much the arms swing in walking.
        wave: how far the raised strong hand goes to and fro, arm lengths.
    """

    strong: Places = ()
    weak: Places = ()
    close: Keys = ()
    back: Keys = ()
    turn: Keys = ()
    twist: Keys = ()
    lean: Keys = ()
    aside: Keys = ()
    nod: Keys = ()
    crouch: Keys = ()
    foot: Places = ()
    kick: Keys = ()
    reach: Keys = ()
    both_reach: Keys = ()
    swing: float = 0.0
    wave: float = 0.0


@dataclass(frozen=True)
class Scene:
    """One interaction.

    Attributes:
        category: its number in SBU's folders (9 is ours).
        frames: its usual length at 15 frames a second.
        apart: the range of the distance at the start, metres.
        contact: the distance `Part.close` closes to, metres.
        initiator, responder: the keyframes of the two people.
        meet: the height of the meeting point, as a share of the shoulders' height.
        right: whether the right hand is used by left-handed people too.
        beat: how far the meeting point goes up and down, metres.
    """

    category: int
    frames: int
    apart: tuple[float, float]
    contact: float
    initiator: Keyframes
    responder: Keyframes
    meet: float = 0.75
    right: bool = False
    beat: float = 0.0


SCENES: Mapping[str, Scene] = {
    "approaching": Scene(
        1, 25, (1.20, 1.60), 0.62,
        initiator=Keyframes(
            close=((0.0, 0.0), (0.92, 1.0)), lean=((0.15, 0.08), (0.9, 0.0)), swing=1.0
        ),
        responder=Keyframes(
            strong=((0.30, AKIMBO),), weak=((0.34, AKIMBO),),
            lean=((0.3, -0.06), (0.9, -0.10)), aside=((0.4, 0.05), (0.8, -0.05)),
            back=((0.45, 0.0), (0.95, 0.10)),
        ),
    ),
    "departing": Scene(
        2, 25, (0.70, 1.10), 0.62,
        initiator=Keyframes(
            turn=((0.0, 0.0), (0.50, 2.8)), twist=((0.18, 0.45), (0.5, 0.0)),
            back=((0.12, 0.0), (1.0, 0.85)), lean=((0.3, 0.06),), swing=1.0,
        ),
        responder=Keyframes(
            strong=((0.28, WAVE), (0.85, WAVE), (1.1, REST)), twist=((0.3, 0.08),),
            aside=((0.3, 0.04),), wave=0.13,
        ),
    ),
    "kicking": Scene(
        3, 24, (0.90, 1.30), 0.92,
        initiator=Keyframes(
            strong=((0.25, GUARD), (0.5, (0.1, -0.55, 0.5)), (0.95, REST)),
            weak=((0.22, GUARD), (0.75, GUARD), (1.0, REST)),
            close=((0.0, 0.0), (0.30, 1.0)), lean=((0.25, 0.05), (0.5, -0.30), (0.9, 0.0)),
            twist=((0.25, -0.2), (0.5, 0.35), (0.9, 0.0)),
            foot=((0.22, CHAMBER), (0.36, CHAMBER), (0.5, KICK), (0.68, CHAMBER)),
            kick=((0.2, 0.0), (0.36, 1.0), (0.66, 1.0), (0.9, 0.0)),
        ),
        responder=Keyframes(
            strong=((0.34, BELLY), (0.75, BELLY), (1.05, REST)),
            weak=((0.30, BELLY), (0.75, BELLY), (1.05, REST)),
            back=((0.20, 0.0), (0.58, 0.34)), lean=((0.25, 0.10), (0.52, 0.42), (0.95, 0.10)),
            nod=((0.5, 0.2), (0.9, 0.0)), crouch=((0.25, 0.02), (0.52, 0.09), (0.95, 0.0)),
        ),
    ),
    "pushing": Scene(
        4, 26, (0.90, 1.30), 0.64,
        initiator=Keyframes(
            strong=((0.24, CHEST), (0.34, CHEST), (0.52, PUSH), (0.62, PUSH), (0.95, REST)),
            weak=((0.24, CHEST), (0.34, CHEST), (0.52, PUSH), (0.62, PUSH), (0.95, REST)),
            close=((0.0, 0.0), (0.46, 1.0), (0.66, 1.0), (1.0, 0.6)),
            lean=((0.30, -0.06), (0.52, 0.26), (0.9, 0.0)),
        ),
        responder=Keyframes(
            strong=((0.30, CHEST), (0.42, CHEST), (0.62, FLUNG), (0.95, REST)),
            weak=((0.30, CHEST), (0.42, CHEST), (0.62, FLUNG), (0.95, REST)),
            back=((0.40, 0.0), (0.85, 0.45)), lean=((0.40, 0.04), (0.62, -0.32), (0.95, 0.0)),
            nod=((0.5, 0.0), (0.62, 0.15), (0.9, 0.0)),
        ),
    ),
    "handshaking": Scene(
        5, 30, (0.90, 1.30), 0.98,
        initiator=Keyframes(
            strong=((0.25, OFFER), (0.8, OFFER), (1.0, REST)),
            close=((0.0, 0.0), (0.32, 0.5)), twist=((0.3, 0.22), (0.78, 0.22), (1.0, 0.0)),
            lean=((0.3, 0.10), (0.8, 0.10), (1.0, 0.0)),
            reach=((0.15, 0.0), (0.38, 1.0), (0.80, 1.0), (0.95, 0.0)),
        ),
        responder=Keyframes(
            strong=((0.25, OFFER), (0.8, OFFER), (1.0, REST)),
            close=((0.0, 0.0), (0.32, 0.5)), twist=((0.3, 0.22), (0.78, 0.22), (1.0, 0.0)),
            lean=((0.3, 0.10), (0.8, 0.10), (1.0, 0.0)), nod=((0.3, 0.15), (0.6, 0.0)),
            reach=((0.12, 0.0), (0.36, 1.0), (0.72, 1.0), (0.88, 0.0)),
        ),
        meet=0.78, right=True, beat=0.045,
    ),
    "hugging": Scene(
        6, 29, (0.90, 1.30), 0.34,
        initiator=Keyframes(
            strong=((0.25, OPEN), (0.36, OPEN), (0.58, OVER), (0.80, OVER), (1.05, REST)),
            weak=((0.25, OPEN), (0.36, OPEN), (0.58, OVER), (0.80, OVER), (1.05, REST)),
            close=((0.0, 0.0), (0.55, 0.6)), lean=((0.3, 0.05), (0.6, 0.16), (0.9, 0.05)),
            aside=((0.35, 0.0), (0.6, 0.12), (0.95, 0.0)),
        ),
        responder=Keyframes(
            strong=((0.25, OPEN), (0.36, OPEN), (0.58, UNDER), (0.78, UNDER), (1.0, REST)),
            weak=((0.25, OPEN), (0.36, OPEN), (0.58, UNDER), (0.78, UNDER), (1.0, REST)),
            close=((0.0, 0.0), (0.50, 0.4)), lean=((0.3, 0.04), (0.6, 0.14), (0.9, 0.04)),
            aside=((0.35, 0.0), (0.6, 0.12), (0.95, 0.0)),
        ),
    ),
    "exchanging": Scene(
        7, 27, (0.90, 1.30), 1.08,
        initiator=Keyframes(
            strong=((0.18, CARRY), (0.42, TAKE), (0.60, TAKE), (0.95, REST)),
            weak=((0.18, CARRY), (0.42, TAKE), (0.60, TAKE), (0.95, REST)),
            close=((0.0, 0.0), (0.40, 0.6)), lean=((0.2, -0.03), (0.45, 0.18), (0.85, 0.0)),
            nod=((0.3, 0.25), (0.8, 0.0)),
            both_reach=((0.2, 0.0), (0.46, 0.9), (0.58, 0.9), (0.80, 0.0)),
        ),
        responder=Keyframes(
            strong=((0.30, TAKE), (0.60, TAKE), (0.85, CARRY)),
            weak=((0.30, TAKE), (0.60, TAKE), (0.85, CARRY)),
            close=((0.0, 0.0), (0.36, 0.4)), lean=((0.4, 0.16), (0.8, -0.03)),
            nod=((0.3, 0.25), (0.9, 0.15)),
            both_reach=((0.2, 0.0), (0.42, 0.9), (0.52, 0.9), (0.80, 0.0)),
        ),
        meet=0.80,
    ),
    "punching": Scene(
        8, 24, (0.90, 1.30), 0.74,
        initiator=Keyframes(
            strong=((0.29, DRAWN), (0.53, PUNCH), (0.60, PUNCH), (0.92, REST)),
            weak=((0.22, GUARD), (0.65, GUARD), (0.98, REST)),
            close=((0.0, 0.0), (0.38, 1.0)), lean=((0.53, 0.14), (0.9, 0.0)),
            twist=((0.26, -0.36), (0.32, -0.36), (0.54, 0.36), (0.9, 0.0)),
            crouch=((0.3, 0.03), (0.9, 0.0)),
        ),
        responder=Keyframes(
            strong=((0.30, GUARD), (0.55, COVER), (0.75, COVER), (1.05, REST)),
            weak=((0.26, GUARD), (0.55, COVER), (0.75, COVER), (1.05, REST)),
            lean=((0.35, -0.05), (0.56, -0.38), (0.95, -0.03)),
            twist=((0.35, -0.1), (0.56, -0.60), (0.95, 0.0)),
            aside=((0.40, 0.0), (0.56, 0.16), (0.95, 0.0)),
            nod=((0.45, 0.0), (0.56, -0.30), (0.9, 0.0)),
            back=((0.40, 0.0), (0.80, 0.22)),
        ),
    ),
    "remaining": Scene(
        9, 26, (0.90, 1.30), 1.0,
        initiator=Keyframes(aside=((0.3, 0.04), (0.8, -0.04))),
        responder=Keyframes(aside=((0.3, -0.04), (0.8, 0.04))),
    ),
}  # fmt: skip
"""SBU's eight interactions, and *remaining*: two people who stay as they are."""
