"""What docs/peers.md shows is so, block by block, with the pinned peers."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "peers.md"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(
    not all(find_spec(name) for name in ("art", "captum", "foolbox")), reason="no peers: make peers"
)
def test_every_block_runs() -> None:
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) > 5
    for code in blocks:
        exec(compile(code, "docs/peers.md", "exec"), names)
