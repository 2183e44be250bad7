"""The page in a real browser: no request, no error, no sideways scrolling, phone or desk."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
sync_api = pytest.importorskip("playwright.sync_api")

from feint.report import page  # noqa: E402

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium; apt-get install chromium")
    with sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_alone_and_fits(browser: Any, finished: Path, width: int, scheme: str) -> None:
    written = page.write(finished)
    errors: list[str] = []
    requests: list[str] = []
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
    )
    tab = context.new_page()
    tab.on("console", lambda message: errors.append(message.text))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(written.as_uri())
    tab.wait_for_load_state("load")
    tab.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    # Software WebGL tells of its own slowness.
    assert not [one for one in errors if "GL Driver Message" not in one]
    assert requests[0] == written.as_uri()
    assert all(url.startswith(("file:", "data:")) for url in requests)
    assert tab.evaluate("document.scrollingElement.scrollWidth <= innerWidth + 1")
    images = "Array.from(document.images)"
    assert tab.evaluate(f"{images}.length") > 10
    assert tab.evaluate(f"{images}.every(one => one.complete && one.naturalWidth > 50 && one.alt)")
    assert tab.locator("h1").inner_text().endswith("fake")
    context.close()


def test_who_wants_no_motion_sees_a_still(browser: Any, finished: Path) -> None:
    written = page.write(finished)
    context = browser.new_context(reduced_motion="reduce", offline=True)
    tab = context.new_page()
    tab.goto(written.as_uri())
    shown = tab.evaluate("document.querySelector('picture img').currentSrc")
    assert shown.startswith("data:image/png")
    context.close()
