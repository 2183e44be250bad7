import pickle

import pytest
from tests.errors import refused

from feint.errors import DamagedError, FeintError


@pytest.mark.parametrize(
    "error", [FeintError("No such joint.", "unknown-joint"), DamagedError("Cut off.")]
)
def test_an_error_keeps_its_code_between_processes(error: FeintError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again), again.code) == (type(error), str(error), error.code)


def test_refused_sees_another_code_and_a_missing_fact() -> None:
    error = FeintError("No joint Nose.", "unknown-joint")
    with refused("unknown-joint", ["Nose"]):
        raise error
    for code, names in (("bad-eps", ["Nose"]), ("unknown-joint", ["Ear"])):
        with pytest.raises(AssertionError), refused(code, names):
            raise error
