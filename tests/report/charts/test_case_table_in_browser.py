"""The matrix and the table of every case in a real browser, by mouse and by keyboard."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
sync_api = pytest.importorskip("playwright.sync_api")

from feint.report import page  # noqa: E402
from feint.report.charts import case_table  # noqa: E402
from feint.report.charts.success_matrix import SuccessMatrix  # noqa: E402

HOSTILE = "<img src=x onerror=alert(1)>"
MANY = 10_000
SCRIPT = """
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
 style-src 'unsafe-inline'; script-src {{ browse.csp_hash }}"><link rel="icon" href="data:,">
{% include "browse.html.jinja" %}
<script type="application/json" id="browse-data">{{ browse.payload | safe }}</script>
<script>{{ browse.script | safe }}</script>
"""


class Looked:
    """A page with a table, and what it complained of or asked for."""

    def __init__(self, context: Any, url: str) -> None:
        self.url = url
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.tab = context.new_page()
        self.tab.set_default_timeout(10_000)
        self.tab.on("console", lambda one: self.complaints.append(one.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.goto(url)

    def part(self, name: str, of: str = "browse") -> Any:
        return self.tab.locator(f'#{of} [data-part="{name}"]')

    def column(self, name: str) -> list[str]:
        """The cells that are shown."""
        at = 1 + self.tab.evaluate(
            "name => [...document.querySelectorAll('#browse th')]"
            ".findIndex(one => one.dataset.column === name)",
            name,
        )
        told: list[str] = self.tab.locator(f"#browse tbody td:nth-child({at})").all_inner_texts()
        return told

    def filter(self, name: str, word: str) -> None:
        self.tab.locator(f'[data-filter="{name}"]').select_option(label=word)

    @property
    def errors(self) -> list[str]:
        return [one for one in self.complaints if "GL Driver Message" not in one]


@pytest.fixture(scope="module")
def looked(
    browser: Any, make_run: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Looked]:
    run = make_run(
        tmp_path_factory.mktemp("looked"), targets=("hugging", HOSTILE),
        labels=("handshaking", HOSTILE), eps=(0.5, 6.0),
    )  # fmt: skip
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    yield Looked(context, page.write(run).as_uri())
    context.close()


@pytest.fixture(autouse=True)
def _afresh(request: pytest.FixtureRequest) -> None:
    """No filter is left from the test before."""
    if "looked" in request.fixturenames:
        reset = request.getfixturevalue("looked").part("reset")
        if reset.is_enabled():
            reset.click()


def test_heads_sort_by_mouse_and_by_key(looked: Looked) -> None:
    head = looked.tab.locator('#browse th[data-column="error_cm"]')
    assert head.get_attribute("aria-sort") == "none"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    up = [float(one) for one in looked.column("error_cm")]
    assert up == sorted(up)
    assert up[0] < up[-1]
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    down = [float(one) for one in looked.column("error_cm")]
    assert down == sorted(down, reverse=True)
    looked.tab.locator('#browse th[data-column="player"] button').click()
    assert looked.column("player")[0] == "▶ watch"


def test_filters_narrow_and_are_cleared(looked: Looked) -> None:
    everything = looked.part("status").inner_text()
    looked.filter("victim", "gru")
    looked.filter("target", HOSTILE)
    assert set(looked.column("victim")) == {"gru"}
    assert set(looked.column("target")) == {HOSTILE}
    looked.filter("success", "no")
    assert set(looked.column("success")) == {"no"}
    looked.part("text").fill("HANDSHAKING /a")
    assert all(one.endswith("/A") for one in looked.column("sequence"))
    assert set(looked.column("true_class")) == {"handshaking"}
    looked.part("text").fill("nothing is called this")
    assert looked.part("status").inner_text().startswith("0 rows")
    assert looked.part("none").is_visible()
    looked.part("reset").click()
    assert looked.part("status").inner_text() == everything


def test_a_row_opens_its_case_by_mouse_and_by_key(looked: Looked) -> None:
    cases = looked.tab.locator("#browse tr[data-case]")
    assert cases.count() > 1
    for row, opens in ((cases.nth(1), "row"), (cases.nth(0), "key")):
        identity = row.get_attribute("data-case")
        if opens == "row":
            row.locator("td").nth(3).click()
        else:
            row.locator("a").press("Enter")
        sync_api.expect(looked.part("case", "player")).to_have_value(identity)
        assert looked.tab.url == f"{looked.url}#case={identity}"
        assert row.get_attribute("aria-current") == "true"
        sync_api.expect(looked.part("viewport", "player")).to_be_in_viewport()
    other = looked.tab.locator("#browse tbody tr:not([data-case])").first
    assert other.locator("td").first.inner_text() == "not in this page"
    assert not other.locator("a").count()


def test_a_row_that_is_not_in_the_page_says_what_plays_it(looked: Looked) -> None:
    looked.filter("surrogate", "tcn")
    looked.filter("victim", "gru")
    transferred = looked.tab.locator("#browse tbody tr").first
    transferred.locator("td").nth(3).click()
    assert looked.part("elsewhere").is_hidden()
    looked.filter("surrogate", "gru")
    looked.filter("target", HOSTILE)
    other = looked.tab.locator("#browse tbody tr:not([data-case])").first
    other.locator("td").nth(3).click()
    command = looked.part("command").inner_text()
    cells = dict(
        zip(
            ("victim", "target", "sequence", "eps"),
            (
                "gru",
                HOSTILE,
                other.locator("td").last.inner_text(),
                other.locator("td").nth(5).inner_text(),
            ),
            strict=True,
        )
    )
    told = shlex.split(command)
    assert told[:4] == ["feint", "animate", "run", "--format"]
    assert told[5:] == [f"--{name}={value}" for name, value in cells.items()]


def test_the_slider_changes_the_matrix(looked: Looked) -> None:
    def cells(where: str) -> list[str]:
        told: list[str] = looked.tab.locator(f"{where} tbody td").all_text_contents()
        return told

    live = '#matrix [data-part="matrix"]'
    largest = cells(live)
    still = "#matrix .still figure:first-child"
    assert largest == cells(still)
    titles = "all => all.map(one => one.title)"
    assert looked.tab.eval_on_selector_all(f"{live} td", titles) == (
        looked.tab.eval_on_selector_all(f"{still} td", titles)
    )
    assert "" in largest
    looked.part("eps", "matrix").press("ArrowLeft")
    assert looked.part("eps-text", "matrix").inner_text() == "0.5 cm"
    assert cells(live) != largest
    looked.part("pair", "matrix").select_option(label="gru, crafted on tcn")
    cell = looked.tab.locator(f"{live} td:not(.open) button").first
    told = cell.get_attribute("aria-label")
    cell.click()
    assert looked.part("from").inner_text() == f"At most 0.5 cm: {told}."
    assert set(looked.column("eps")) == {"0.5"}
    assert set(looked.column("victim")) == {"gru"}
    assert set(looked.column("surrogate")) == {"tcn"}
    n = int(told.rsplit("; ", 1)[1].split()[0])
    assert len(looked.column("eps")) == n


@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_asks_for_nothing_and_runs_no_name(looked: Looked, width: int) -> None:
    looked.tab.set_viewport_size({"width": width, "height": 800})
    assert looked.tab.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert not looked.tab.locator("#browse img, #matrix img").count()
    assert HOSTILE in looked.column("target")
    assert not looked.errors
    assert all(url.startswith(("file:", "data:")) for url in looked.requests)


def made_up() -> pl.DataFrame:
    """Many rows, as `RunData.judged` has them."""
    draw = np.random.default_rng(0)
    classes = ["approaching", "departing", "hugging", "kicking", "punching"]
    return pl.DataFrame(
        {
            "surrogate": ["tcn"] * MANY,
            "victim": ["tcn"] * MANY,
            "true_class": draw.choice(classes[:3], MANY),
            "target": draw.choice(classes[3:], MANY),
            "attack": ["attack"] * MANY,
            "eps": draw.choice([0.1, 0.2, 0.3], MANY),
            "sequence": [f"s{i:05}/01/001/A" for i in range(MANY)],
            "error_cm": draw.uniform(1, 90, MANY),
            "perturbation_max_cm": draw.uniform(0, 9, MANY),
            "bone_length_change": draw.uniform(0, 0.2, MANY),
            "success": draw.random(MANY) < 0.4,
            "clean_success": draw.random(MANY) < 0.1,
        }
    )


def test_ten_thousand_rows_stay_quick(browser: Any, tmp_path: Path) -> None:
    rows = made_up()
    matrix = SuccessMatrix((("tcn", "tcn"),), (0.1,), ("0.1",), (), (), ())
    found = case_table.packed(rows, (), matrix, ["tcn"], ("data units", ""))
    assert len(found.payload) < 1_000_000
    written = tmp_path / "many.html"
    html = page.templates().from_string(SCRIPT).render(browse=found)
    written.write_text(f'<!doctype html><meta charset="utf-8">{html}', encoding="utf-8")
    context = browser.new_context(offline=True)
    looked = Looked(context, written.as_uri())
    assert looked.part("status").inner_text() == "1–50 of 10,000 rows"
    assert looked.tab.locator("#browse tbody tr").count() <= 100
    times = looked.tab.evaluate(
        """async () => {
            const painted = await new Promise((done) => {
                const found = (list) => {
                    const [one] = list.getEntriesByName("first-contentful-paint");
                    if (one) done(one.startTime);
                };
                new PerformanceObserver(found).observe({ type: "paint", buffered: true });
            });
            const timed = (act) => {
                const start = performance.now();
                act();
                document.body.getBoundingClientRect();
                return performance.now() - start;
            };
            const text = document.querySelector('#browse [data-part="text"]');
            const head = document.querySelector('#browse th[data-column="error_cm"] button');
            return {
                filter: timed(() => {
                    text.value = "hug kick 7";
                    text.dispatchEvent(new Event("input"));
                }),
                sort: timed(() => head.click()),
                paint: painted,
            };
        }"""
    )
    print({name: f"{value:.0f} ms" for name, value in times.items()})  # noqa: T201
    expected = rows.filter(true_class="hugging", target="kicking").filter(
        pl.col("sequence").str.contains("7")
    )
    assert looked.part("status").inner_text() == f"1–50 of {len(expected)} rows (of 10,000)"
    assert times["filter"] < 1000
    assert times["sort"] < 1000
    assert times["paint"] < 3000
    looked.part("on").click()
    assert looked.part("status").inner_text().startswith("51–100 of ")
    assert not looked.errors
    context.close()
