"""A study that was exported as files: no server of ours; answers are handed over at the end."""

import functools
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("sqlalchemy")
sync_api = pytest.importorskip("playwright.sync_api")

from tests.survey.sitting import Sitting, hostile  # noqa: E402

from feint.survey.answers.database import Storage, default_url  # noqa: E402
from feint.survey.answers.import_files import import_answers  # noqa: E402
from feint.survey.server import static_export  # noqa: E402

PIPE = "https://pipe.example/api/data/"
JATOS = """
globalThis.jatos = {
  sent: [], ended: [],
  onLoad(call) { setTimeout(call, 20); },
  async submitResultData(data) { this.sent.push(data); },
  async endStudyWithoutRedirect(data) { this.ended.push(data); },
};
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A plain web space with the study at /file/, /pipe/ and /publix/1/, and the study's folder."""
    root = tmp_path_factory.mktemp("alone")
    study, stimuli = hostile()
    study.save(root / "study", stimuli)
    static_export.write(study, root / "study", root / "www" / "file", None, None)
    static_export.write(study, root / "study", root / "www" / "pipe", PIPE, "abc")
    static_export.write(study, root / "study", root / "www" / "publix" / "1", None, None)
    (root / "www" / "publix" / "1" / "jatos.js").write_text(JATOS)
    handler = functools.partial(_Quiet, directory=str(root / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", root / "study"
        server.shutdown()
        thread.join()


def _through(one: Sitting, path: str) -> None:
    """First options throughout, one skipped, and a reload on the way."""
    one.open(path)
    one.press("I agree")
    one.press("Start with practice")
    for i in range(6):
        choices = {"t-naming": "punching", "t-which": "right", "t-o-2-0": None}
        one.choose(choices.get(one.trial, "1"), "click")
        if i == 2:
            following = one.trial
            one.tab.reload()
            assert one.trial == following
    one.tab.locator("code.judge").wait_for()


def _stored(folder: Path, file: Path, one: Sitting) -> None:
    """What was handed over is what was given, and can be collected, twice without harm."""
    study = hostile()[0]
    storage = Storage(default_url(folder))
    try:
        assert import_answers(study, storage, [file]).stored == 6
        assert import_answers(study, storage, [file]).unchanged == 6
        rows = storage.answers(study.id).filter(judge=one.judge).sort("position")
    finally:
        storage.close()
    assert list(zip(rows["trial"], rows["choice"], strict=True)) == [
        (given.trial, given.choice) for given in one.given
    ]


def test_answers_as_a_file(browser: Any, web: tuple[str, Path], tmp_path: Path) -> None:
    base, folder = web
    context = browser.new_context(reduced_motion="reduce")
    one = Sitting(base, context)
    _through(one, "/file/")
    with one.tab.expect_download() as coming:
        one.tab.get_by_role("link", name="Save my answers").click()
    assert coming.value.suggested_filename == f"{one.judge}.json"
    coming.value.save_as(tmp_path / "answers.json")
    _stored(folder, tmp_path / "answers.json", one)
    one.clean()
    context.close()


def test_answers_to_an_address_that_is_away_at_first(
    browser: Any, web: tuple[str, Path], tmp_path: Path
) -> None:
    base, folder = web
    context = browser.new_context(reduced_motion="reduce")
    one = Sitting(base, context, failing=True)
    sent: list[dict[str, Any]] = []

    def pipe(route: Any) -> None:
        if not sent:
            sent.append({})
            route.abort()
            return
        sent.append(route.request.post_data_json)
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(status=201, headers=headers, body='{"message": "Success"}')

    one.tab.route(PIPE, pipe)
    _through(one, "/pipe/")
    one.tab.reload()
    one.tab.locator("code.judge").wait_for()
    [body] = sent[1:]  # once, whatever is reloaded
    assert (body["experimentID"], body["filename"]) == ("abc", f"{one.judge}.json")
    (tmp_path / "answers.json").write_text(body["data"])
    _stored(folder, tmp_path / "answers.json", one)
    assert one.complaints == []
    context.close()


def test_answers_to_jatos(browser: Any, web: tuple[str, Path], tmp_path: Path) -> None:
    base, folder = web
    context = browser.new_context(reduced_motion="reduce")
    one = Sitting(base, context)
    _through(one, "/publix/1/")
    assert [len(json.loads(s)["answers"]) for s in one.tab.evaluate("jatos.sent")] == [4, 5, 6]
    [data] = one.tab.evaluate("jatos.ended")
    (tmp_path / "answers.txt").write_text(data)
    _stored(folder, tmp_path / "answers.txt", one)
    one.clean()
    context.close()
