"""The texts that judges read: consent, instructions, questions and class names in plain words.

Change a text here; a study that was made before keeps the texts in its plan.
"""

from feint.survey.study.schema import CANNOT_TELL, LEFT, NONE, RIGHT, Option

CONSENT = """\
You are asked to watch short clips of stick figures and to answer simple questions about them. It \
takes about {minutes} minutes.

What is stored: your answers, when they came and how long each took, and a random number that \
stands for you. Nothing else is: no name, no address, nothing about you or your device.

Taking part is voluntary. You may stop at any time and without a reason by closing this page, and \
you may leave any question unanswered.

If you agree to this, go on."""
"""`{minutes}` is filled in when a study is made."""

INSTRUCTIONS = (
    "You will see stick figures of people. Some moved like this in front of a camera, some were "
    "computed. Each clip lasts a second or two and can be watched as often as you like.",
    "Where two people are shown, the blue person acts and the green person reacts to it. Judge "
    "only what the question is about, and go by your first impression. Some questions look alike.",
    "The first few questions are for practice: you will see the right answer. After that you "
    "will not see it any more.",
)
THANKS = "Thank you. Your answers are stored, and you may close this page."

NAMING = "What is this person doing?"
WHICH = "Both clips show the same person. In one of them a computer changed the motion. Which one?"
SIDES = (Option(value=LEFT, label="The left one"), Option(value=RIGHT, label="The right one"))

CLASSES: dict[str, tuple[str, str]] = {
    "approaching": ("walks up to the blue person", "walking up to someone"),
    "departing": ("walks away", "walking away"),
    "kicking": ("kicks", "kicking"),
    "pushing": ("pushes", "pushing"),
    "handshaking": ("shakes hands", "shaking hands"),
    "hugging": ("hugs", "hugging"),
    "exchanging": ("hands something over", "handing something over"),
    "punching": ("punches", "punching"),
    "remaining": ("stays in place", "staying in place"),
}
"""Two forms of each class name ("the green person kicks"; "kicking"): SBU's and *remaining*."""


def leftmost_prompt(reaction: str, count: int) -> str:
    """The paper's question about `count` panels."""
    does = CLASSES[reaction][0] if reaction in CLASSES else f"does this: {_readable(reaction)}"
    return (
        f"Look at the green person in these {count} clips. Which is the leftmost clip (the one "
        f"with the lowest number) in which the green person {does}?"
    )


def panel_options(count: int) -> tuple[Option, ...]:
    """A panel's number from the left, or none of them."""
    numbers = (Option(value=str(i), label=str(i)) for i in range(1, count + 1))
    return (*numbers, Option(value=NONE, label="None of them"))


def class_options(classes: tuple[str, ...]) -> tuple[Option, ...]:
    """The classes, or "can't tell"."""
    named = (Option(value=one, label=_doing(one)) for one in classes)
    return (*named, Option(value=CANNOT_TELL, label="I can't tell"))


def _doing(label: str) -> str:
    return CLASSES[label][1] if label in CLASSES else _readable(label)


def _readable(label: str) -> str:
    return label.replace("_", " ").replace("-", " ")
