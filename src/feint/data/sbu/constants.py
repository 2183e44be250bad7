"""The names, sets and folds of SBU Kinect Interaction, as its authors give them."""

from itertools import chain

ACTIONS = {
    "01": "approaching",
    "02": "departing",
    "03": "kicking",
    "04": "pushing",
    "05": "handshaking",
    "06": "hugging",
    "07": "exchanging",
    "08": "punching",
}
"""Category -> label, as the dataset numbers them."""


OTHER = ("09", "remaining")
"""Not in the dataset: the category of any other label that is written, and its label when read."""


FOLDS = (
    ("s01s02", "s03s04", "s05s02", "s06s04"),
    ("s02s03", "s02s07", "s03s05", "s05s03"),
    ("s01s03", "s01s07", "s07s01", "s07s03"),
    ("s02s01", "s02s06", "s03s02", "s03s06"),
    ("s04s02", "s04s03", "s04s06", "s06s02", "s06s03"),
)
"""The test sets of the dataset's five folds; people occur in more than one."""


PAPER_TEST_SETS = FOLDS[0]


SETS = tuple(sorted(chain(*FOLDS)))


def label_of(category: str) -> str:
    """The label of a category, "05" -> "handshaking"."""
    return OTHER[1] if category == OTHER[0] else ACTIONS[category]
