"""The page's numbers are the numbers of the results, and docs/ has the page that the command makes.

No image is drawn here; `tests/reproduction/test_runner.py` draws them all.
"""

import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from feint.io.text import percent
from feint.reproduction.metrics import CRITERIA
from feint.reproduction.page.markdown import Images, environment, table, wrap
from feint.reproduction.page.write import SECTIONS, write
from feint.reproduction.results import Results

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "benchmarks" / "results"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A few rows of Figure 5, without anything else."""
    folder = tmp_path / "results"
    folder.mkdir()
    for name in ("about.json", "tolerance-natural.json", "models.parquet"):
        shutil.copy(RESULTS / name, folder)
    rows = pl.read_parquet(RESULTS / "fig5.parquet").filter(
        pl.col("preset") == "strong", pl.col("eps").is_in([0.0, 0.075, 0.45])
    )
    some = rows["sequence"].unique(maintain_order=True)[:12]
    rows.filter(pl.col("sequence").is_in(some.to_list())).write_parquet(folder / "fig5.parquet")
    return folder


def page(results: Path) -> str:
    return write(results, results.parent / "page", draw=False).read_text(encoding="utf-8")


def flat(text: str) -> str:
    """Without line breaks: sentences are wrapped."""
    return " ".join(text.split())


def change(results: Path, name: str, where: pl.Expr, **values: pl.Expr) -> None:
    """Replace values of the rows that match."""
    path = results / f"{name}.parquet"
    rows = pl.read_parquet(path)
    columns = {k: pl.when(where).then(v).otherwise(pl.col(k)) for k, v in values.items()}
    rows.with_columns(**columns).write_parquet(path)


def tcn_sentence(text: str) -> str:
    (sentence,) = re.findall(r" \* \*\*TCN\*\*: .*? \* \*\*DeepGRU\*\*", flat(text))
    return sentence


def test_the_first_sentence_has_the_rates_of_the_rows(results: Path):
    rates = Results(results).fig5_rates.filter(
        pl.col("surrogate") == "tcn", pl.col("victim") == "tcn", pl.col("eps") == 0.45
    )
    sentence = tcn_sentence(page(results))
    for criterion in ("recognised", "table1_frame", "table1_joint"):
        (one,) = rates.filter(pl.col("criterion") == criterion).to_dicts()
        for name in ("success_rate", "clean_success_rate"):
            assert percent(one[name]) in sentence, (criterion, name)
    (one,) = rates.filter(pl.col("criterion") == "recognised").to_dicts()
    assert f"from {one['clean_cm']:.0f} to {one['error_cm']:.0f} cm" in sentence


def test_a_changed_row_changes_the_sentence_and_the_table(results: Path):
    before = page(results)
    attacked = (pl.col("attack") == "attack") & (pl.col("eps") == 0.45)
    mine = attacked & (pl.col("surrogate") == "tcn") & (pl.col("victim") == "tcn")
    change(results, "fig5", mine, recognised_as=pl.col("target"))
    after = page(results)
    assert "attack success rate is 100% (" in tcn_sentence(after)
    assert "attack success rate is 100% (" not in tcn_sentence(before)
    tables = [[one for one in text.splitlines() if one.startswith("|")] for text in (before, after)]
    changed = [b for a, b in zip(*tables, strict=True) if a != b]
    rows = [one for one in changed if one.startswith("| strong | TCN | 0.45 |")]
    assert len(rows) == 1
    assert "| 100% (" in rows[0]
    assert not [one for one in changed if one.startswith("| strong | DeepGRU |")]


def test_a_changed_case_changes_its_sentence(results: Path):
    shutil.copy(RESULTS / "cases.parquet", results)
    assert "The attacked output is 77 cm" not in flat(page(results))
    change(results, "cases", pl.col("kind") == "failure", error_cm=pl.lit(77.0))
    failures = pl.read_parquet(results / "cases.parquet").filter(pl.col("kind") == "failure")
    assert flat(page(results)).count("The attacked output is 77 cm") == len(failures) > 0


def test_a_missing_table_is_named_in_its_section(results: Path):
    text = page(results)
    for section in SECTIONS:
        assert text.count(f"\n## {section.title}\n") == 1
    assert "(the results lack transfer, early_stops, gradient_alignment)." in flat(text)
    assert "nan" not in text


def test_every_criterion_is_counted(results: Path):
    found = Results(results).fig5_rates["criterion"].unique(maintain_order=True)
    assert set(found) == set(CRITERIA)


def test_long_paragraphs_are_wrapped_and_nothing_else():
    words = " ".join(["word"] * 40)
    text = f"# {words}\n\n* {words}\n\n| {words} |\n\n```\n{words}\n```\n"
    lines = wrap(text).split("\n")
    assert [line for line in lines if line.startswith("  word")]
    assert f"# {words}" in lines
    assert f"| {words} |" in lines
    assert words in lines
    assert " ".join(wrap(text).split()) == " ".join(text.split())


def test_a_table_is_markdown_and_a_missing_value_in_a_template_is_an_error(tmp_path: Path):
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"
    templates = environment(Images(tmp_path, enabled=False))
    assert templates.from_string("{{ 0.125 | percent }}").render() == "12%"
    assert templates.from_string('{{ image("none", "x") }}').render() == ""
    with pytest.raises(Exception, match="missing"):
        templates.from_string("{{ missing }}").render()


@pytest.mark.slow
def test_the_page_in_docs_is_that_of_the_committed_results(tmp_path: Path):
    shutil.copytree(ROOT / "docs" / "images", tmp_path / "images")
    written = write(RESULTS, tmp_path, draw=False)
    assert written.read_text() == (ROOT / "docs" / "reproduction.md").read_text()
