"""What a plan must know of an experiment's data: fingerprints, numbers of rows, the feature spec.

run.json stores them, so that `feint status` makes the same plan without reading the data.
"""

from dataclasses import dataclass

from feint.columns import FeatureSpec
from feint.io.hashing import digest
from feint.skeleton import SBU_15

Rows = tuple[int, int]
"""Test rows of a job, as from and to (not included)."""

UNKNOWN = "?"
"""In place of the weights of a model that is not trained yet: no job has such a key."""


@dataclass(frozen=True)
class Facts:
    """What a plan must know of the data.

    Attributes:
        train, test: fingerprints of the pairs.
        rows: how many test rows are attacked.
        feature_spec: what their features are.
    """

    train: str
    test: str
    rows: int
    feature_spec: FeatureSpec = SBU_15

    @property
    def train_key(self) -> str:
        """The key of the training pairs."""
        return digest(self.train)

    @property
    def test_key(self) -> str:
        """The key of the test pairs."""
        return digest(self.test)
