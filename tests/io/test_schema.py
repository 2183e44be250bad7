"""One check of schemas, for every kind of file."""

import pytest
from tests.errors import refused

from feint.errors import DamagedError
from feint.io.schema import check_schema


@pytest.mark.parametrize(
    "found, known, by",
    [
        (1, 2, "an earlier feint"),
        (3, 2, "a later feint"),
        (1, (2, 3), "an earlier feint"),
        (None, 2, "another program"),
        (True, 1, "another program"),
        ("2", 2, "another program"),
    ],
)
def test_another_schema_is_refused(found, known, by):
    with refused("schema-mismatch", ["a.json", by, "Do this."]):
        check_schema(found, known, "a.json", "Do this.")
    with refused("schema-mismatch", error=DamagedError):
        check_schema(found, known, "a.json", "Do this.", DamagedError)


@pytest.mark.parametrize("known", [2, (1, 2)])
def test_a_known_schema_passes(known):
    check_schema(2, known, "a.json", "")
