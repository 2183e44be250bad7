"""What judges read: consent, instructions, questions, and the classes in plain words."""

from feint.survey.study import CANNOT_TELL, LEFT, NONE, RIGHT, Option

CONSENT = """\
You are asked to watch short clips of stick figures and to answer simple questions about them. It \
takes about {minutes} minutes.

What is stored: your answers, how long each took, and a random number that stands for you. Nothing \
else: no name, no address, nothing about your device. Nobody can tell from it who you are.

Taking part is voluntary. You may stop at any time, without a reason, by closing this page; you \
may leave any question unanswered.

If you agree, press the button below."""

INSTRUCTIONS = (
    "You will see stick figures of people, recorded or computed. They move for a second or two, "
    "again and again. Watch as often as you like.",
    "Where two people are shown, the blue one acts and the green one reacts. Judge only what you "
    "are asked about, and go by your first impression.",
    "The first questions are for practice: you are told what would have been right. After them "
    "you are not told any more.",
)

THANKS = "Thank you. All your answers are stored. You may close this page."

WORDS: dict[str, tuple[str, str]] = {
    "approaching": ("walks up to the blue one", "walking up to someone"),
    "departing": ("walks away", "walking away"),
    "kicking": ("kicks", "kicking"),
    "pushing": ("pushes", "pushing"),
    "handshaking": ("shakes hands", "shaking hands"),
    "hugging": ("hugs", "hugging"),
    "exchanging": ("hands something over", "handing something over"),
    "punching": ("punches", "punching"),
    "remaining": ("stays in place", "staying in place"),
}
"""SBU's classes and *remaining*: what a person does, and what a person is doing."""


def does(label: str) -> str:
    """What someone does who performs a class, as "shakes hands"."""
    return WORDS[label][0] if label in WORDS else f"does this: {_spelled(label)}"


def doing(label: str) -> str:
    """What someone is doing, as "shaking hands"."""
    return WORDS[label][1] if label in WORDS else _spelled(label)


def leftmost(reaction: str, panels: int) -> str:
    """The paper's question."""
    return (
        f"Here are {panels} clips. Look at the green person. Which is the leftmost clip in which "
        f"the green person {does(reaction)}?"
    )


NAMING = "What is this person doing?"
WHICH = "One of these two clips was changed by a computer. Which one?"


def panels(count: int) -> tuple[Option, ...]:
    """A panel's number from the left, or none of them."""
    numbers = [Option(value=str(i), label=str(i)) for i in range(1, count + 1)]
    return (*numbers, Option(value=NONE, label="None of them"))


def names(classes: tuple[str, ...]) -> tuple[Option, ...]:
    """The classes, or "can't tell"."""
    told = [Option(value=one, label=doing(one)) for one in classes]
    return (*told, Option(value=CANNOT_TELL, label="I can't tell"))


SIDES = (Option(value=LEFT, label="The left one"), Option(value=RIGHT, label="The right one"))


def _spelled(label: str) -> str:
    return label.replace("_", " ").replace("-", " ")
