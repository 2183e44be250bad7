"""The researcher's page, beside answers that were given over HTTP."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")
sync_api = pytest.importorskip("playwright.sync_api")
sync_api.expect.set_options(timeout=30_000)  # other tests run beside it

from tests.survey.sitting import HOSTILE, TOKEN, Running, Sitting, hostile, running  # noqa: E402


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("researcher") / "study"
    study, stimuli = hostile()
    study.save(folder, stimuli)
    with running(folder) as one:
        yield one


def _answer(served: Running, choice: str | None) -> None:
    with httpx.Client(base_url=served.base, trust_env=False) as client:
        asked = {"study": served.study.id, "consent": True}
        token = client.post("/api/judges", json=asked).json()["token"]
        body = {"choice": choice, "rt_ms": 900.0, "position": 1, "raw": {}}
        reply = client.put(
            "/api/answers/t-o-1-0", json=body, headers={"Authorization": f"Bearer {token}"}
        )
        assert reply.status_code == 201


@pytest.mark.parametrize("width", [1280, 390])
def test_it_shows_votes_and_hands_out_files(
    browser: Any, served: Running, tmp_path: Path, width: int
) -> None:
    for choice in ("2", "2", "5", "none", None):
        _answer(served, choice)
    many = len(served.answers.filter(choice="5"))
    twice = len(served.answers.filter(choice="2"))
    context = browser.new_context(viewport={"width": width, "height": 800})
    one = Sitting(served.base, context, failing=True)
    one.tab.clock.install()
    one.open("/researcher")
    one.tab.get_by_label("Admin token").fill("something else")
    one.press("Open")
    sync_api.expect(one.tab.get_by_role("alert")).to_have_text("This is not the admin token.")
    one.tab.get_by_label("Admin token").fill(TOKEN)
    one.press("Open")
    first = one.tab.locator(".charts svg").first
    said = str(first.get_attribute("aria-label"))
    assert f"{twice} at eps 1 (distance 52)" in said
    assert f"{many} at eps 8 (distance 28)" in said
    assert f"{many} none of them, {many} missing" in said
    counts = [twice if i == 1 else many if i in (4, 6, 7) else 0 for i in range(8)]
    assert first.locator(".count").all_text_contents() == [str(n) for n in counts]
    line = one.tab.locator("tr", has=one.tab.locator("svg.line")).first
    line.wait_for()
    _, kappa, interval, _, voted, minimum, _ = line.locator("td").all_text_contents()
    assert voted == minimum == "52"  # the second panel's distance
    # Few judges, whose ids are random and with them the resamples: a lower end below 0, or none.
    reply = re.fullmatch(r"(?:(-?[\d.]+)|up) to ([\d.]+)", interval)
    assert reply, interval
    assert float(reply[1] or "-inf") <= float(kappa) <= float(reply[2])
    assert HOSTILE in one.tab.locator("figcaption").first.inner_text()
    one.tab.get_by_text("Every trial").click()
    row = one.tab.locator("tr", has_text="t-o-1-0")
    assert row.locator("td").all_inner_texts()[3:] == [str(twice + 2 * many), str(many)]
    for name, button in (("answers.csv", "CSV"), ("answers.parquet", "Parquet")):
        with one.tab.expect_download() as coming:
            one.press(button)
        assert coming.value.suggested_filename == name
        coming.value.save_as(tmp_path / name)
    assert pl.read_parquet(tmp_path / "answers.parquet").equals(served.answers)
    assert pl.read_csv(tmp_path / "answers.csv")["judge"].to_list() == list(served.answers["judge"])
    assert one.tab.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert one.tab.evaluate("localStorage.length") == 0
    more = [_answer(served, "2") for _ in range(5)]
    one.tab.clock.run_for(10_100)
    expected = str(twice + len(more))
    sync_api.expect(first.locator(".count").nth(1)).to_have_text(expected)
    one.press("Close")
    assert one.tab.evaluate("sessionStorage.length") == 0
    one.clean()
    context.close()
