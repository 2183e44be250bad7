"""The page in docs says what the committed results say."""

import inspect
import shutil
from pathlib import Path

import pytest

from feint.reproduction.page import figures, write

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_the_page_in_docs_is_that_of_the_committed_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in vars(figures).items():
        drawn = inspect.isfunction(value) and inspect.signature(value).return_annotation is bytes
        if drawn and value.__module__ == figures.__name__ and name != "png":
            monkeypatch.setattr(figures, name, lambda *_: b"")
    shutil.copytree(ROOT / "docs" / "images", tmp_path / "images")
    written = write.write(ROOT / "benchmarks" / "results", tmp_path)
    assert written.read_text() == (ROOT / "docs" / "reproduction.md").read_text()
