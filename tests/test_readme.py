"""What the README shows works as it stands."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_python_examples_run_one_after_the_other():
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names: dict[str, object] = {}
    for code in shown:
        exec(compile(code, "README.md", "exec"), names)
    assert (names["after"] < names["before"]).all()
    assert names["found"].eps.shape == names["before"].shape


def test_every_link_leads_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_tree_names_real_files():
    tree = (ROOT / "README.md").read_text().split("src/feint/\n")[1].split("```")[0]
    for name in re.findall(r"\b([a-z_]+\.py)\b", tree):
        assert list((ROOT / "src" / "feint").rglob(name)), name
