import os
from pathlib import Path

import pytest
from hypothesis import settings

# The first call of a checked function costs more than hypothesis's 200 ms.
settings.register_profile("feint", deadline=None)
settings.load_profile("feint")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def sbu_root() -> Path:
    """The real SBU skeletons: $FEINT_DATA/sbu, else ../shared/data/sbu; skips without them."""
    root = Path(os.environ.get("FEINT_DATA", ROOT.parent / "shared" / "data")) / "sbu"
    if not root.is_dir():
        pytest.skip(f"no SBU data at {root}; set FEINT_DATA to a folder that holds sbu/")
    return root
