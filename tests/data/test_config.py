"""[data] of tables: every key has a line in docs/data.md."""

from pathlib import Path

import pytest

from feint.data.config import TableData

DOCS = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
NOT_HERE = {"source", "root", "seed"}


@pytest.mark.parametrize("name", sorted({*TableData.model_fields} - NOT_HERE))
def test_every_key_is_documented(name):
    assert f"`{name}`" in DOCS
