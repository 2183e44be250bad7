"""What is built from frontend/ and committed: licences, and nothing that the policy forbids."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

VENDOR = Path(str(files("feint.survey.server") / "vendor"))
PAGES = Path(str(files("feint.survey.server") / "pages"))


def test_what_is_bundled_has_its_licence_beside_it() -> None:
    content = (VENDOR / "LICENSES.txt").read_text(encoding="utf-8")
    for name, holder in (
        ("jspsych 8", "2014-2022 Joshua R. de Leeuw"),
        ("three 0", "three.js authors"),
        ("auto-bind", "Sindre Sorhus"),
        ("random-words", "Apostrophe Technologies"),
        ("seedrandom", "David Bau"),
    ):
        assert re.search(rf"^{name}\S* ?\d*", content, re.MULTILINE)
        assert holder in content
    assert content.count("THE SOFTWARE IS PROVIDED") == 5
    for name in ("judge.js", "researcher.js"):
        assert "LICENSES.txt" in (VENDOR / name).read_text(encoding="utf-8")[:200]


@pytest.mark.parametrize("name", ["judge", "researcher"])
def test_a_page_works_under_its_policy(name: str) -> None:
    """script-src 'self', and nothing from elsewhere: no eval, no script or handler in the page."""
    page = (PAGES / f"{name}.html").read_text(encoding="utf-8")
    assert re.findall(r"<script\b[^>]*>", page) == [f'<script src="static/{name}.js" defer>']
    assert not re.search(r"\son\w+=|https?:|//", page)
    code = (VENDOR / f"{name}.js").read_text(encoding="utf-8")
    assert not re.search(r"\beval\(|new Function\b", code)
    assert "http" not in (VENDOR / f"{name}.css").read_text(encoding="utf-8")
    assert len(code) < 700_000
