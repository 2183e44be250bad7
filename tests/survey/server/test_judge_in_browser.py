"""Three judges, each in a browser of their own, through a whole study."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("sqlalchemy")
Pillow = pytest.importorskip("PIL.Image")
sync_api = pytest.importorskip("playwright.sync_api")
sync_api.expect.set_options(timeout=30_000)  # other tests run beside it

from io import BytesIO  # noqa: E402

from tests.survey.sitting import HOSTILE, Running, Sitting, hostile, running  # noqa: E402

from feint.survey.server import admin  # noqa: E402
from feint.survey.study.trial_order import trials_for  # noqa: E402

CHOICES: dict[str, dict[str, str | None]] = {
    "click": {
        "t-practice": "3", "t-o-1-0": "2", "t-o-2-0": "none", "t-catch": "none",
        "t-naming": "punching", "t-which": "left",
    },
    "key": {
        "t-practice": "1", "t-o-1-0": "2", "t-o-2-0": None, "t-catch": "none",
        "t-naming": "cannot-tell", "t-which": "right",
    },
    "phone": {
        "t-practice": None, "t-o-1-0": "4", "t-o-2-0": "3", "t-catch": "6",
        "t-naming": "hugging", "t-which": None,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("browser") / "study"
    study, stimuli = hostile()
    study.save(folder, stimuli)
    with running(folder) as one:
        yield one


@pytest.fixture
def sit(browser: Any, served: Running) -> Iterator[Any]:
    """A new judge's browser: `sit(viewport=...)`."""
    opened = []

    def one(width: int = 1280, **more: Any) -> Sitting:
        context = browser.new_context(viewport={"width": width, "height": 800}, **more)
        opened.append(context)
        return Sitting(served.base, context)

    yield one
    for context in opened:
        context.close()


@pytest.fixture(scope="module")
def judges(browser: Any, served: Running) -> Iterator[dict[str, Sitting]]:
    """The three, when they have finished."""
    sitting = {}
    contexts = []
    for how in CHOICES:
        more: dict[str, Any] = {"has_touch": True, "is_mobile": True} if how == "phone" else {}
        more["reduced_motion"] = "no-preference" if how == "click" else "reduce"
        width = 390 if how == "phone" else 1280
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}, **more))
        one = sitting[how] = Sitting(served.base, contexts[-1])
        one.begin()
        for i in range(len(served.study.trials)):
            if how == "phone" and i == 3:
                _cut_off(one, CHOICES[how])
                continue
            one.choose(CHOICES[how][one.trial], "key" if how == "key" else "click")
        one.tab.locator("code.judge").wait_for()
    yield sitting
    for context in contexts:
        context.close()


def _cut_off(one: Sitting, choices: dict[str, str | None]) -> None:
    """Answer while no answer arrives, and load the page again before one does."""
    one.failing = True
    one.tab.route("**/api/answers/**", lambda route: route.abort())
    cut = one.trial
    one.choose(choices[cut], "click")
    sync_api.expect(one.tab.locator("#status")).to_contain_text("1 answer waits on this device")
    following = one.trial
    one.tab.reload()
    assert one.trial == following
    sync_api.expect(one.tab.locator("#status")).to_contain_text("1 answer waits on this device")
    one.tab.unroute("**/api/answers/**")
    one.tab.evaluate("dispatchEvent(new Event('online'))")
    sync_api.expect(one.tab.locator("#status")).to_be_empty()
    assert one.trial == following
    one.failing = False
    assert one.tab.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


def test_every_row_is_what_the_judge_did(served: Running, judges: dict[str, Sitting]) -> None:
    rows = served.answers
    names = {one.judge for one in judges.values()}
    assert len(names) == 3
    assert set(rows["judge"]) >= names
    for how, one in judges.items():
        mine = rows.filter(judge=one.judge).sort("position")
        asked = trials_for(served.study, one.judge)
        assert mine["trial"].to_list() == [trial.name for trial in asked]
        assert mine["position"].to_list() == list(range(len(asked)))
        assert [given.trial for given in one.given] == [trial.name for trial in asked]
        for row, given, trial in zip(mine.to_dicts(), one.given, asked, strict=True):
            raw = json.loads(row["raw"])
            assert row["choice"] == CHOICES[how][trial.name] == given.choice == raw["response"]
            assert (row["kind"], row["objective"]) == (trial.kind, trial.objective)
            assert (row["practice"], row["catch"]) == (trial.practice, trial.catch)
            assert row["expected"] == trial.expected
            assert raw["trial_type"] == "feint-skeletons"
            assert raw["by"] == given.by
            assert raw["panels"] == [panel.stimulus for panel in trial.panels]
            assert raw["rt"] == row["rt_ms"] > 0
            assert raw["narrow"] == (how == "phone")
            assert raw["plays"] == (how == "click")
            assert not {"userAgent", "ip", "viewport"} & set(raw)


def test_the_tolerance_is_what_a_hand_computes(served: Running, judges: dict[str, Sitting]) -> None:
    """o-1 has 2, 2, 4: the second panel's distance, 52.  o-2 has none, nothing, 3: 44."""
    first, second = admin.progress(served.study, served.state.storage)["objectives"]
    assert (first["votes"], first["none"], first["missing"]) == ([0, 2, 0, 1, 0, 0], 0, 0)
    assert (second["votes"], second["none"], second["missing"]) == ([0, 0, 1, 0, 0, 0], 1, 1)
    estimate = pytest.importorskip("feint.survey.analysis.estimate")
    found = estimate.estimate(served.study, served.answers, rule=None)
    assert found.tolerance("paper", per_frame=False).values == {"punching": 52.0, "hugging": 44.0}
    assert found.missing == 2


def test_nothing_was_complained_of_and_nobody_else_asked(judges: dict[str, Sitting]) -> None:
    for one in judges.values():
        one.clean()
        assert HOSTILE in one.tab.locator("#judge").inner_text()
        assert HOSTILE in one.tab.title()


def test_a_finished_judge_comes_back_to_the_last_page(
    served: Running, judges: dict[str, Sitting]
) -> None:
    one, before = judges["click"], served.answers
    number = one.judge
    one.tab.reload()
    assert one.judge == number
    assert served.answers.equals(before)
    one.press("Let somebody else take part")
    one.tab.get_by_role("button", name="I agree").wait_for()
    assert one.tab.evaluate("localStorage.length") == 0


def test_nothing_is_stored_before_consent_or_without(served: Running, sit: Any) -> None:
    one, before = sit(), served.state.storage.count_judges(served.study.id)
    one.open()
    assert f"consent {HOSTILE}" in one.tab.locator("#judge").inner_text()
    one.press("I do not agree")
    sync_api.expect(one.tab.locator("h1")).to_have_text("Nothing was stored")
    assert one.tab.evaluate("localStorage.length + sessionStorage.length") == 0
    assert not [url for url in one.requests if "/api/judges" in url]
    assert served.state.storage.count_judges(served.study.id) == before
    one.clean()


def _colours(one: Sitting) -> tuple[np.ndarray, np.ndarray]:
    """Where the stage is blue, and where it is green."""
    with Pillow.open(BytesIO(one.tab.locator(".stage").screenshot())) as image:
        red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")).astype(int), -1, 0)
    return (blue - red > 90) & (blue - green > 30), (green - red > 90) & (green - blue > 20)


@pytest.mark.parametrize("flat", [False, True])
def test_every_panel_is_drawn_with_and_without_webgl(sit: Any, flat: bool) -> None:
    """And who wants no motion gets none before they ask for it."""
    one = sit(reduced_motion="reduce")
    if flat:
        one.context.add_init_script(
            "const get = HTMLCanvasElement.prototype.getContext;"
            "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
            "  return kind === '2d' ? get.call(this, kind, ...more) : null; }"
        )
    one.begin()
    assert one.trial == "t-practice"
    play, scrub = one.tab.locator(".play"), one.tab.get_by_label("Moment")
    sync_api.expect(play).to_have_text("Play")
    assert scrub.input_value() == "0"
    for colour in _colours(one):
        assert all(part.sum() > 100 for part in np.array_split(colour[:200], 6, axis=1))
    one.tab.keyboard.press("ArrowRight")
    sync_api.expect(scrub).to_have_value("1")
    for key in (" ", "ArrowLeft", "End", "+", "-"):
        one.tab.keyboard.press(key)
    sync_api.expect(scrub).to_have_value("3")
    one.tab.locator(".play").click()
    sync_api.expect(play).to_have_text("Pause")
    before = _colours(one)[0]
    one.tab.get_by_role("button", name="Above").click()
    sync_api.expect(one.tab.get_by_role("button", name="Above")).to_have_attribute(
        "aria-pressed", "true"
    )
    one.tab.wait_for_timeout(100)
    assert (before != _colours(one)[0]).sum() > 100
    one.clean()
    if not flat:
        # A phone takes the graphics back: it goes on in two dimensions.
        one.tab.evaluate(
            "document.querySelector('canvas').getContext('webgl2')"
            ".getExtension('WEBGL_lose_context').loseContext()"
        )
        one.tab.wait_for_function("document.querySelector('canvas').getContext('2d') !== null")
        one.tab.keyboard.press("Home")
        one.tab.wait_for_timeout(100)
        assert all(colour.sum() > 600 for colour in _colours(one))


def test_a_key_that_is_held_answers_once(sit: Any) -> None:
    one = sit()
    one.begin()
    assert one.trial == "t-practice"
    one.tab.keyboard.press("Enter")  # nothing is chosen yet
    one.tab.keyboard.down("4")
    one.tab.keyboard.down("Enter")
    for _ in range(3):
        one.tab.keyboard.down("Enter")  # repeats
    sync_api.expect(one.tab.locator(".question.feedback .news")).to_contain_text("clip 3")
    one.clean()


@pytest.mark.parametrize(
    ("path", "status", "headers", "said"),
    [
        ("**/api/study", 0, {}, "The study's server does not answer"),
        ("**/api/judges", 404, {}, "This study was changed"),
        ("**/api/judges", 409, {}, "As many as it wants."),
        ("**/api/judges", 429, {"Retry-After": "7"}, "As many as it wants. Try again in 7 s."),
    ],
)
def test_errors_say_what_to_do(
    sit: Any, path: str, status: int, headers: dict[str, str], said: str
) -> None:
    one = sit()
    one.failing = True
    body = json.dumps({"error": "As many as it wants."})
    one.tab.route(
        path,
        lambda route: (
            route.fulfill(status=status, headers=headers, body=body) if status else route.abort()
        ),
    )
    one.open()
    if status:
        one.press("I agree")
    sync_api.expect(one.tab.locator(".text-page")).to_contain_text(said)
    one.tab.unroute(path)
    one.tab.locator(".text-page button").click()
    one.tab.get_by_role("button", name="Start with" if status == 429 else "I agree").wait_for()
    one.clean()


def test_an_answer_that_is_refused_is_kept_and_said(sit: Any) -> None:
    """After the choice alone, without jsPsych's record, was refused as well."""
    one = sit(reduced_motion="reduce")
    one.begin()
    one.failing = True
    sent: list[Any] = []

    def refuse(route: Any) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(status=413, body=json.dumps({"error": "Too large."}))

    one.tab.route("**/api/answers/**", refuse)
    one.choose("5", "key")
    status = one.tab.locator("#status")
    sync_api.expect(status).to_contain_text("1 answer waits on this device")
    sync_api.expect(status).to_contain_text("Too large.")
    assert [body["choice"] for body in sent] == ["5", "5"]
    assert "panels" in sent[0]["raw"]
    assert "panels" not in sent[1]["raw"]
    kept = one.tab.evaluate("Object.values(localStorage).map(JSON.parse)")
    assert [k["body"]["choice"] for k in kept if "body" in k] == ["5"]
    one.clean()


def test_a_judge_whom_the_server_forgot_may_start_anew(served: Running, sit: Any) -> None:
    one = sit()
    one.begin()
    one.choose("1", "click")
    session = "JSON.parse(localStorage.getItem(Object.keys(localStorage)[0])).judge"
    served.state.storage.delete_judge(served.study.id, one.tab.evaluate(session))
    served.state.judge_of.clear()
    one.failing = True
    one.tab.reload()
    one.press("Start anew")
    one.tab.get_by_role("button", name="I agree").wait_for()
    one.clean()
