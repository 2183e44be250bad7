"""The charts in a real browser: they draw and describe what is chosen, and fetch nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
sync_api = pytest.importorskip("playwright.sync_api")

from feint.data.sbu import constants  # noqa: E402
from feint.report import page  # noqa: E402

HOSTILE = "<img src=x onerror=alert(1)>"
KINDS = ("success", "transfer", "minimal-eps", "distances", "displacement", "smoothness")
PIXELS = "name => document.querySelector(`#${name} canvas`).toDataURL()"


@pytest.fixture(scope="module")
def written(make_run: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = make_run(
        tmp_path_factory.mktemp("drawn"), targets=("punching", HOSTILE), eps=(0.02, 0.45),
        unit="data", axes=("z",), labels=tuple(constants.ACTIONS.values()),
    )  # fmt: skip
    return page.write(run)


@pytest.fixture(scope="module")
def tab(browser: Any, written: Path) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    complaints: list[str] = []
    tab = context.new_page()
    tab.set_default_timeout(10_000)
    tab.on("console", lambda one: complaints.append(one.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: complaints.append(request.url))
    tab.goto(written.as_uri())
    yield tab
    told = [one for one in complaints if "GL Driver Message" not in one]
    assert [one for one in told if not one.startswith("data:")] == [written.as_uri()]
    context.close()


def payload(tab: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tab.locator("#charts-data").text_content())
    return found


def changes(tab: Any, what: str, name: str, before: Any) -> None:
    """Wait until it does: a chart is drawn anew a moment after it was told to."""
    for _ in range(100):
        if tab.evaluate(what, name) != before:
            return
        tab.wait_for_timeout(20)
    raise AssertionError(f"{name} stays {before}")


def test_every_chart_is_drawn_and_its_pictures_hidden(tab: Any) -> None:
    for name in KINDS:
        assert not tab.locator(f"#{name} .still").is_visible()
        if name != "transfer":
            sync_api.expect(tab.locator(f"#{name} canvas")).to_be_visible()
            assert tab.locator(f"#{name} .summary").inner_text()
    assert not tab.locator("main img[src='x']").count()
    assert HOSTILE in tab.locator('#success [data-part="target"]').inner_text()


def test_a_criterion_changes_what_is_drawn_and_said(tab: Any) -> None:
    select = tab.locator('#success [data-part="criterion"]')
    said = tab.locator("#success .summary")
    names = select.locator("option").all_inner_texts()
    assert len(names) == 6
    seen = set()
    tab.locator("#success details summary").click()
    for i, criterion in enumerate(payload(tab)["rates"]["criteria"]):
        select.select_option(str(i))
        (last,) = [one for one in criterion["rates"] if one[:3] == [0, 0, 1]]
        asked, hits = last[3:5]
        if not asked:
            sync_api.expect(tab.locator("#success .empty")).to_contain_text("Choose")
            continue
        share = f"{hits / asked:.0%}"
        sync_api.expect(said).to_contain_text(f"is {share} ")
        assert tab.locator("#success tbody tr:last-child td").nth(1).inner_text() == share
        seen.add((tab.evaluate(PIXELS, "success"), said.inner_text()))
    assert len(seen) > 2
    select.select_option("0")


def test_sliders_change_what_is_drawn(tab: Any) -> None:
    for name in ("distances", "displacement", "smoothness"):
        before = tab.evaluate(PIXELS, name)
        tab.locator(f'#{name} [data-part="eps"]').press("Home")
        sync_api.expect(tab.locator(f"#{name} output")).to_contain_text("0.02 data units")
        changes(tab, PIXELS, name, before)
    cells = tab.locator("#transfer td")
    before = cells.all_inner_texts()
    tab.locator('#transfer [data-part="eps"]').press("Home")
    after = cells.all_inner_texts()
    assert len(after) == 4
    assert after != before
    assert all("no attack" in one and "noise" in one for one in after if "none failed" not in one)


def test_keys_read_values_and_the_legend_hides_lines(tab: Any) -> None:
    plot, tip = tab.locator("#success .plot"), tab.locator("#success .tip")
    plot.press("Home")
    sync_api.expect(tip).to_contain_text("eps 0")
    plot.press("End")
    sync_api.expect(tip).to_contain_text("at most 0.45 data units")
    sync_api.expect(tip).to_contain_text("random noise:")
    before = tab.evaluate(PIXELS, "success")
    tab.get_by_role("button", name="random noise").first.press("Enter")
    changes(tab, PIXELS, "success", before)
    plot.press("Home")
    sync_api.expect(tip).not_to_contain_text("random noise")


def test_it_fits_a_phone(tab: Any) -> None:
    width = "name => document.querySelector(`#${name} canvas`).offsetWidth"
    wide = tab.evaluate(width, "success")
    tab.set_viewport_size({"width": 390, "height": 800})
    changes(tab, width, "success", wide)
    assert tab.evaluate(width, "success") < 390
    assert tab.evaluate("document.scrollingElement.scrollWidth <= innerWidth + 1")
    tab.set_viewport_size({"width": 1280, "height": 900})


def test_on_paper_and_without_javascript_there_are_pictures(browser: Any, written: Path) -> None:
    for knobs, media in (({"java_script_enabled": False}, "screen"), ({}, "print")):
        context = browser.new_context(offline=True, **knobs)
        tab = context.new_page()
        tab.emulate_media(media=media)
        tab.goto(written.as_uri())
        for name in KINDS:
            sync_api.expect(tab.locator(f"#{name} .still img").first).to_be_visible()
            assert not tab.locator(f"#{name} [data-chart]").is_visible()
        context.close()
