"""Names, sets and folds of SBU Kinect Interaction."""

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
"""Ours, not the dataset's: the category (and its label when read) of any other label written."""


FOLDS = (
    ("s01s02", "s03s04", "s05s02", "s06s04"),
    ("s02s03", "s02s07", "s03s05", "s05s03"),
    ("s01s03", "s01s07", "s07s01", "s07s03"),
    ("s02s01", "s02s06", "s03s02", "s03s06"),
    ("s04s02", "s04s03", "s04s06", "s06s02", "s06s03"),
)
"""The test sets of the dataset's five folds.  They are not disjoint in people."""


PAPER_TEST_SETS = FOLDS[0]


SETS = tuple(sorted(chain(*FOLDS)))


def _label(category: str) -> str:
    return OTHER[1] if category == OTHER[0] else ACTIONS[category]
