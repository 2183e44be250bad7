"""A judge through a study, a researcher beside it, on both databases."""

import hashlib
import io
import json
from typing import Any

import polars as pl
import pytest
from tests.errors import refused
from tests.survey.inprocess import Client
from tests.survey.judging import ADMIN, TOKEN

from feint.survey.answers.export import COLUMNS
from feint.survey.answers.schema import ANSWERS
from feint.survey.study.schema import Study
from feint.survey.study.trial_order import trials_for

RAW = {"trial_type": "feint-skeletons", "trial_index": 3, "time_elapsed": 5123.5, "rt": 812.5}


def join(client: Client, study: Study) -> dict[str, Any]:
    reply = client.post("/api/judges", json={"study": study.id, "consent": True})
    assert reply.status_code == 201, reply.text
    return reply.json()


def bearer(judge: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {judge['token']}"}


def body(choice: str | None, **more: object) -> dict[str, object]:
    return {"choice": choice, "rt_ms": 812.5, "position": 0, "raw": RAW, **more}


def put(client: Client, judge: dict[str, Any], trial: str, choice: str | None, **more: object):
    return client.put(f"/api/answers/{trial}", json=body(choice, **more), headers=bearer(judge))


def stored(client: Client) -> pl.DataFrame:
    reply = client.get("/api/admin/answers.parquet", headers=ADMIN)
    assert reply.status_code == 200
    return pl.read_parquet(io.BytesIO(reply.content))


def test_a_judge_through_a_study(serve, url, small_study):
    client = serve(url)
    about = client.get("/api/study").json()
    assert (about["id"], about["trials"]) == (small_study.id, len(small_study.trials))
    assert len(about["skeleton"]["joints"]) == 15
    me = join(client, small_study)
    assert len(me["judge"]) == 32
    assert len(me["token"]) == 43
    assert me["answered"] == []
    order = trials_for(small_study, me["judge"])
    assert me["trials"] == [json.loads(json.dumps(trial.judge_view())) for trial in order]
    for name in small_study.stimuli:
        reply = client.get(f"/api/stimuli/{name}")
        assert hashlib.sha256(reply.content).hexdigest() == small_study.stimuli[name]
        assert "immutable" in reply.headers["cache-control"]
    for i, trial in enumerate(order):
        choice = None if i == 3 else trial.options[i % len(trial.options)].value
        assert put(client, me, trial.name, choice, position=i).status_code == 201
        again = client.get("/api/judges/me", headers=bearer(me)).json()
        assert again["answered"] == [one.name for one in order[: i + 1]]
        assert again["trials"] == me["trials"]
        assert "token" not in again
    table = stored(client)
    assert table.schema == ANSWERS
    for i, (trial, row) in enumerate(zip(order, table.iter_rows(named=True), strict=True)):
        expected = {
            "study": small_study.id,
            "judge": me["judge"],
            "trial": trial.name,
            "kind": trial.kind,
            "objective": trial.objective,
            "practice": trial.practice,
            "catch": trial.catch,
            "expected": trial.expected,
            "choice": None if i == 3 else trial.options[i % len(trial.options)].value,
            "rt_ms": 812.5,
            "position": i,
        }
        assert {name: row[name] for name in expected} == expected
        assert json.loads(row["raw"]) == RAW
    progress = client.get("/api/admin/progress", headers=ADMIN).json()
    assert progress["judges"] == {"consented": 1, "finished": 1}
    assert progress["answers"] == len(order)
    assert sum(one["missing"] for one in progress["trials"]) == 1


def test_the_first_answer_stays(serve, url, small_study):
    client = serve(url)
    me = join(client, small_study)
    assert put(client, me, "t-o-1-0", "2").status_code == 201
    before = stored(client)
    again = put(client, me, "t-o-1-0", "2", rt_ms=1.0, raw={})
    assert (again.status_code, again.json()) == (200, {"stored": True})
    assert put(client, me, "t-o-1-0", None).status_code == 409
    assert put(client, me, "t-o-1-0", "3").status_code == 409
    assert stored(client).equals(before)


def test_judges_are_apart_and_tokens_are_not_kept(serve, url, small_study, folder):
    client = serve(url)
    one, two = join(client, small_study), join(client, small_study)
    put(client, one, "t-o-1-0", "2")
    assert client.get("/api/judges/me", headers=bearer(two)).json()["answered"] == []
    assert put(client, two, "t-o-1-0", "5").status_code == 201
    assert stored(client)["choice"].to_list() == ["2", "5"]
    if url is None:
        kept = b"".join(path.read_bytes() for path in folder.glob("answers.sqlite*"))
        assert one["token"].encode() not in kept
        assert hashlib.sha256(one["token"].encode()).hexdigest().encode() in kept
        assert b"192.0.2.1" not in kept
        assert b"testclient" not in kept


def test_votes_by_objective(serve, small_study):
    client = serve()
    for choice in ("1", "3", "3", "none", None):
        put(client, join(client, small_study), "t-o-1-0", choice)
    put(client, join(client, small_study), "t-catch", "1")
    first, second = client.get("/api/admin/progress", headers=ADMIN).json()["objectives"]
    assert first == {
        "name": "o-1",
        "action": "kicking",
        "reaction": "punching",
        "model": "tcn",
        "eps": [0.0, 1.0, 2.0, 4.0, 8.0, 12.0],
        "distances": [60.0, 52.0, 44.0, 36.0, 28.0, 20.0],
        "votes": [1, 0, 2, 0, 0, 0],
        "none": 1,
        "missing": 1,
    }
    assert second["votes"] == [0] * 6


def test_csv_has_jspsychs_names_and_no_formulas(serve, small_study):
    client = serve()
    me = join(client, small_study)
    put(client, me, "t-o-1-0", "2")
    put(client, me, "t-o-2-0", None, rt_ms=None, raw={"trial_type": '=cmd|"/c calc"!A1'})
    reply = client.get("/api/admin/answers.csv", headers=ADMIN)
    assert reply.headers["content-type"].startswith("text/csv")
    table = pl.read_csv(io.BytesIO(reply.content), infer_schema=False)
    assert tuple(table.columns) == COLUMNS
    first, second = table.select(
        "trial_type", "trial_index", "time_elapsed", "rt", "response"
    ).rows()
    assert first == ("feint-skeletons", "3", "5123.5", "812.5", "2")
    assert second == (None,) * 5


def test_the_researcher_needs_the_token(serve, small_study):
    client = serve()
    me = join(client, small_study)
    for path in ("progress", "thresholds", "answers.csv", "answers.parquet"):
        for headers in ({}, bearer(me), {"Authorization": f"Basic {TOKEN}"}):
            reply = client.get(f"/api/admin/{path}", headers=headers)
            assert reply.status_code == 401
            assert reply.headers["www-authenticate"] == "Bearer"
    assert client.get("/api/judges/me", headers=ADMIN).status_code == 401


def test_thresholds_are_what_the_estimator_returns(serve, small_study, monkeypatch):
    from feint.errors import FeintError
    from feint.survey.server import admin

    client, asked = serve(), []

    def estimated(study: Study, answers: pl.DataFrame) -> dict[str, Any]:
        asked.append(answers)
        if answers.is_empty():
            raise FeintError("No judge has answered yet.", code="no-answers")
        return {"judges": answers["judge"].n_unique()}

    monkeypatch.setattr(admin, "estimate_thresholds", estimated)
    reply = client.get("/api/admin/thresholds", headers=ADMIN)
    assert (reply.status_code, reply.json()) == (409, {"error": "No judge has answered yet."})
    put(client, join(client, small_study), "t-o-1-0", "2")
    for _ in range(2):
        assert client.get("/api/admin/thresholds", headers=ADMIN).json() == {"judges": 1}
    assert len(asked) == 2, "it is not estimated again while nothing is new"
    assert asked[1].schema == ANSWERS


def test_every_response_has_its_headers(serve):
    client = serve()
    for method, path in (("GET", "/api/study"), ("GET", "/nothing"), ("PUT", "/api/judges")):
        reply = client.request(method, path)
        assert reply.headers["content-security-policy"].startswith("default-src 'none'; script-src")
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cache-control"] == "no-store"
        assert not [name for name in reply.headers if name.startswith("access-control")]


def test_methods(serve):
    client = serve()
    reply, head = client.get("/api/study"), client.head("/api/study")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == reply.headers["content-length"]
    for method, path in (
        ("DELETE", "/api/judges/me"),
        ("OPTIONS", "/api/judges"),
        ("PATCH", "/api/answers/t-naming"),
        ("TRACE", "/api/study"),
    ):
        reply = client.request(method, path, headers={"Origin": "https://elsewhere.example"})
        assert reply.status_code == 405, (method, path)
        assert list(reply.json()) == ["error"]


def test_a_stimulus_is_packed_and_not_sent_twice(serve, small_study):
    client = serve()
    path = f"/api/stimuli/{next(iter(small_study.stimuli))}"
    first = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    assert first.json()["schema"] == 1
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_limits_of_rate_and_number(serve, small_study):
    client = serve(joins_per_minute=3, max_judges=2, burst=4, requests_per_second=0.5)
    ask = {"study": small_study.id, "consent": True}
    me = join(client, small_study)
    join(client, small_study)
    full = client.post("/api/judges", json=ask)
    assert full.status_code == 409
    often = client.post("/api/judges", json=ask)
    assert often.status_code == 429
    assert 1 <= int(often.headers["retry-after"]) <= 20
    assert [put(client, me, "t-o-1-0", "1").status_code for _ in range(6)] == [
        201,
        *[200] * 3,
        *[429] * 2,
    ]
    assert len(stored(client)) == 1


def test_a_study_that_was_changed_takes_no_new_judges(serve, small_study, folder):
    client = serve()
    me = join(client, small_study)
    plan = folder / "study.json"
    whole = plan.read_bytes()
    plan.write_bytes(whole.replace(b"You agree.", b"You agreed"))
    for stimulus in (folder / "stimuli").iterdir():
        stimulus.write_bytes(b"{}")
    reply = client.post("/api/judges", json={"study": small_study.id, "consent": True})
    assert reply.status_code == 503
    name = next(iter(small_study.stimuli))
    content = client.get(f"/api/stimuli/{name}").content
    assert hashlib.sha256(content).hexdigest() == small_study.stimuli[name]
    assert put(client, me, "t-o-1-0", "1").status_code == 201, "who is at it can finish"
    plan.write_bytes(whole)
    join(client, small_study)


def test_who_is_forgotten_is_gone_at_once(serve, url, small_study):
    client = serve(url)
    me, other = join(client, small_study), join(client, small_study)
    put(client, me, "t-o-1-0", "1")
    put(client, other, "t-o-1-0", "2")
    storage = client.app.state.server.storage
    assert storage.delete_judge(small_study.id, me["judge"]) == 1
    assert storage.delete_judge(small_study.id, me["judge"]) is None
    assert put(client, me, "t-o-2-0", "1").status_code == 401
    assert client.get("/api/judges/me", headers=bearer(me)).status_code == 401
    assert stored(client)["choice"].to_list() == ["2"]


def test_the_schema_is_told_and_no_page_that_loads_from_elsewhere(serve):
    client = serve()
    assert client.get("/openapi.json").json()["info"]["title"] == "feint survey"
    for path in ("/docs", "/redoc"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("token", ["", "short"])
def test_a_weak_admin_token_is_refused(folder, token):
    from feint.survey.server.app import create_app

    with refused("bad-token", names=[len(token)]):
        create_app(folder, admin_token=token)
    assert not (folder / "answers.sqlite").exists()
