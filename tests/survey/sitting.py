"""A served study, and judges who sit at a real browser."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import uvicorn
from tests.survey import studies

from feint.survey.server import app
from feint.survey.server.middleware import ServerLimits
from feint.survey.study.schema import Study

TOKEN = "of-the-administrator-0123456789"
HOSTILE = "<img src=x onerror=alert(1)></textarea><script>alert(2)</script>"


def hostile() -> tuple[Study, dict[str, bytes]]:
    """The small study, with markup in whatever a judge reads."""
    study, stimuli = studies.small()
    reply = study.model_dump(mode="json")
    for name in ("name", "consent", "thanks"):
        reply[name] = f"{name} {HOSTILE}"
    reply["instructions"] = [f"instructions {HOSTILE}", "${alert(3)}"]
    for one in reply["objectives"]:
        one["action"] += HOSTILE
    for trial in reply["trials"]:
        trial["prompt"] = f"{trial['name']} {HOSTILE}"
        for option in trial["options"]:
            option["label"] += HOSTILE
    return Study.model_validate(reply), stimuli


@dataclass
class Running:
    """A server in a thread of this process."""

    base: str
    study: Study
    state: app.ServerState

    @property
    def answers(self) -> pl.DataFrame:
        return self.state.storage.answers(self.study.id)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Running]:
    """Serve a study's folder on a free port."""
    limits = ServerLimits(joins_per_minute=1000.0, requests_per_second=100.0, burst=400.0)
    made = app.create_app(folder, admin_token=TOKEN, limits=limits)
    config = uvicorn.Config(made, port=0, log_level="error", ws="none")
    one = uvicorn.Server(config)
    thread = threading.Thread(target=one.run, daemon=True)
    thread.start()
    while not one.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = one.servers[0].sockets[0].getsockname()[1]
    state: app.ServerState = made.state.server
    yield Running(f"http://127.0.0.1:{port}", state.study, state)
    one.should_exit = True
    thread.join(10)


@dataclass
class Given:
    """What a judge did at one question."""

    trial: str
    choice: str | None
    by: str


KEYS = {"none": "n", "cannot-tell": "n", "left": "1", "right": "2", None: "s"}


@dataclass
class Sitting:
    """A judge, and what their browser complained of or asked for."""

    base: str
    context: Any
    tab: Any = None
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    failing: bool = False
    """Whether the browser may tell of requests that failed."""

    def __post_init__(self) -> None:
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(30_000)  # other tests run beside it
        self.tab.on("console", lambda one: self._complained(f"{one.type}: {one.text}"))
        self.tab.on("pageerror", lambda error: self._complained(f"error: {error}"))
        self.tab.on("dialog", lambda one: self._complained(f"dialog: {one.message}"))
        self.tab.on("request", lambda request: self.requests.append(request.url))

    def _complained(self, text: str) -> None:
        # Software WebGL complains about its own slowness.
        known = "GL Driver Message" in text or (self.failing and "Failed to load resource" in text)
        if not known:
            self.complaints.append(text)

    def open(self, path: str = "/") -> None:
        self.tab.goto(self.base + path)

    def press(self, label: str) -> None:
        self.tab.get_by_role("button", name=label).click()

    def begin(self) -> None:
        self.open()
        self.press("I agree")
        self.press("Start with practice")

    @property
    def trial(self) -> str:
        """The question that is open."""
        self.tab.locator(".question .option:enabled").first.wait_for()
        return str(self.tab.locator(".question").get_attribute("data-trial"))

    def choose(self, choice: str | None, by: str) -> None:
        """By "click" or "key", confirmed; the practice's feedback is read."""
        trial = self.trial
        if by == "click":
            self.tab.locator(f'.option[data-choice="{choice or ""}"]').click()
            self.tab.locator(".confirm").click()
        else:
            key = KEYS.get(choice, choice)
            if trial == "t-naming" and choice not in KEYS:
                key = str(1 + ["kicking", "punching", "hugging"].index(str(choice)))
            self.tab.keyboard.press(key)
            self.tab.keyboard.press("Enter")
        self.given.append(Given(trial, choice, by))
        self.tab.wait_for_function(
            "old => !document.querySelector('.question:not(.feedback)') || "
            "document.querySelector('.question').dataset.trial !== old",
            arg=trial,
        )
        feedback = self.tab.locator(".question.feedback")
        if feedback.count():
            feedback.locator(".confirm:enabled").wait_for()
            if by == "click":
                feedback.locator(".confirm").click()
            else:
                self.tab.keyboard.press("Enter")

    @property
    def judge(self) -> str:
        """Their number, from the last page."""
        return str(self.tab.locator("code.judge").inner_text())

    def clean(self) -> None:
        """No complaint, and nothing was asked of anybody else."""
        assert self.complaints == [], self.complaints
        own = urlsplit(self.base).netloc
        assert {urlsplit(url).netloc for url in self.requests if url[:5] != "blob:"} == {own}
        assert not self.tab.locator("#judge img, #judge script").count()
