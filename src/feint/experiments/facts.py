"""What is known of an experiment before its jobs run: sizes, rows, versions."""

from dataclasses import dataclass

from feint.columns import FeatureSpec
from feint.io.hashing import digest
from feint.skeleton import SBU_15

Rows = tuple[int, int]


UNKNOWN = "?"
"""Stands for the weights of a reactor that is not trained yet: no job is found under it."""


@dataclass(frozen=True)
class Facts:
    """What a plan must know of the data: two fingerprints, how many rows are tested, their form."""

    train: str
    test: str
    rows: int
    feature_spec: FeatureSpec = SBU_15

    @property
    def train_key(self) -> str:
        """Of the training pairs."""
        return digest(self.train)

    @property
    def test_key(self) -> str:
        """Of the test pairs."""
        return digest(self.test)
