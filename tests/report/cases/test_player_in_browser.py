"""The page in a real browser: no request, no error, no sideways scrolling, phone or desk."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
Pillow = pytest.importorskip("PIL.Image")
sync_api = pytest.importorskip("playwright.sync_api")

from feint.report import page  # noqa: E402
from feint.report.cases.selection import Selection, select  # noqa: E402
from feint.report.run_data import RunData  # noqa: E402


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


HOSTILE = "<img src=x onerror=alert(1)>"


class Watched:
    """A page with a player, and what it complained of or asked for."""

    def __init__(self, context: Any, url: str) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.tab = context.new_page()
        self.tab.set_default_timeout(10_000)
        self.tab.on("console", lambda one: self.complaints.append(f"{one.type}: {one.text}"))
        self.tab.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.tab.on("dialog", lambda one: self.complaints.append(f"error: {one.message}"))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.goto(url)

    def part(self, name: str) -> Any:
        return self.tab.locator(f'#player [data-part="{name}"]')

    def at(self, frame: int) -> None:
        sync_api.expect(self.part("clock")).to_contain_text(f"frame {frame} of ")

    def colours(self) -> np.ndarray:
        with Pillow.open(BytesIO(self.part("viewport").screenshot())) as image:
            return np.asarray(image.convert("RGB")).astype(int)

    @property
    def errors(self) -> list[str]:
        return [one for one in self.complaints if "GL Driver Message" not in one]


@pytest.fixture(scope="module")
def hostile(make_run: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page.write(
        make_run(
            tmp_path_factory.mktemp("hostile"), models=("tcn",), targets=("hugging", HOSTILE),
            eps=(6.0,),
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def watched(browser: Any, hostile: Path) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    yield Watched(context, hostile.as_uri())
    context.close()


def test_a_page_of_one_case_opens_alone(browser: Any, hostile: Path, tmp_path: Path) -> None:
    run_data = RunData.load(hostile.parents[1])
    case = select(run_data, Selection(target=HOSTILE))
    written = tmp_path / "case.html"
    written.write_bytes(page.player_page(run_data, case))
    for width in (1280, 390):
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
        one = Watched(context, written.as_uri())
        one.at(1)
        assert one.part("case").locator("option").count() == 1
        assert HOSTILE in one.part("summary").inner_text()
        assert HOSTILE in one.tab.locator("h1").inner_text()
        assert one.tab.evaluate("document.scrollingElement.scrollWidth <= innerWidth + 1")
        assert one.errors == []
        assert one.requests == [written.as_uri()]
        context.close()


def test_every_pane_is_drawn(watched: Watched) -> None:
    watched.at(1)
    red, green, blue = np.moveaxis(watched.colours(), -1, 0)
    clean, adversarial, target = np.array_split(np.arange(red.shape[1]), 3)
    reactor = (green - red > 90) & (green - blue > 20)
    recorded = (blue - red > 30) & (blue > 180)
    moved = red - blue > 90
    wanted = (red < 100) & (abs(red - blue) < 20)
    assert reactor[60:, clean].sum() > 200
    assert recorded[60:, adversarial].sum() > 200
    assert moved[60:, adversarial].sum() > 10
    assert not moved[60:, clean].any()
    assert wanted[60:, target].sum() > 200


def test_it_plays_when_told_to_and_not_before(watched: Watched) -> None:
    watched.at(1)
    play = watched.part("play")
    play.click()
    sync_api.expect(play).to_have_text("Pause")
    sync_api.expect(watched.part("clock")).not_to_contain_text("frame 1 of")
    play.click()
    sync_api.expect(play).to_have_text("Play")


def test_scrubber_strip_and_keys_move_through_time(watched: Watched) -> None:
    watched.part("scrub").fill("4")
    watched.at(5)
    last = int(watched.part("scrub").get_attribute("max")) + 1
    strip = watched.part("timeline")
    strip.click(position={"x": strip.bounding_box()["width"] - 12, "y": 40})
    watched.at(last)
    watched.part("viewport").focus()
    for key, frame in (("Home", 1), ("ArrowRight", 2), ("End", last), ("ArrowLeft", last - 1)):
        watched.tab.keyboard.press(key)
        watched.at(frame)
    watched.tab.keyboard.press(" ")
    sync_api.expect(watched.part("play")).to_have_text("Pause")
    watched.tab.keyboard.press(" ")
    sync_api.expect(watched.part("play")).to_have_text("Play")
    watched.tab.keyboard.press("Home")
    watched.part("case").focus()  # its arrows are its own
    watched.tab.keyboard.press("End")
    watched.at(1)


def test_a_case_has_a_link_and_its_name_is_text(watched: Watched, hostile: Path) -> None:
    options = watched.part("case").locator("option")
    named = [one for one in options.all() if HOSTILE in one.inner_text()]
    assert named
    identity = named[0].get_attribute("value")
    watched.part("case").select_option(identity)
    sync_api.expect(watched.part("summary")).to_contain_text(HOSTILE)
    assert watched.tab.url == f"{hostile.as_uri()}#case={identity}"
    first = options.first.get_attribute("value")
    for linked, shown in ((first, first), (identity, identity), ("gone", identity)):
        watched.tab.goto(f"{hostile.as_uri()}#case={linked}")
        sync_api.expect(watched.part("case")).to_have_value(shown)
        assert watched.part("missing").is_visible() == (linked == "gone")
    assert not watched.tab.locator("#player img").count()


def test_on_a_phone_the_panes_stand_below_each_other(watched: Watched) -> None:
    watched.tab.set_viewport_size({"width": 390, "height": 800})
    boxes = [one.bounding_box() for one in watched.tab.locator("#player .three").all()]
    assert len({round(box["x"]) for box in boxes}) == 1
    assert boxes[0]["y"] < boxes[1]["y"] < boxes[2]["y"]
    watched.tab.locator('[data-mode="overlay"]').click()
    sync_api.expect(watched.tab.locator("#player .one")).to_be_visible()
    assert watched.tab.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert not watched.errors
    assert all(url.startswith(("file:", "data:")) for url in watched.requests)


def test_without_webgl_it_says_so(browser: Any, hostile: Path) -> None:
    context = browser.new_context(offline=True)
    context.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    watched = Watched(context, f"{hostile.as_uri()}#case=0")
    sync_api.expect(watched.part("unavailable")).to_have_text(re.compile("no WebGL"))
    assert watched.part("unavailable").is_visible()
    assert not watched.part("viewport").is_visible()
    watched.part("scrub").fill("4")
    watched.at(5)
    assert not watched.errors
    context.close()
