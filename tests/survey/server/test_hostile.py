"""Whoever asks may be anybody: 4xx, nothing stored, nothing leaked."""

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.survey.server.test_app import bearer, body, join, put, stored

LEAKS = re.compile(
    r"Traceback|File \"|/tmp/|\.py\b|sqlalchemy|psycopg|sqlite|SELECT |INSERT |answers\.sqlite|"
    r"site-packages|<script",
    re.IGNORECASE,
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
    ignored_auth,
]
SCRIPT = '"><script>alert(1)</script>'
SQL = "x'; DROP TABLE answers; --"
TRAVERSALS = (
    "../study.json",
    "..%2fstudy.json",
    "%2e%2e/%2e%2e/etc/passwd",
    "..%5c..%5cstudy",
    "%2fetc%2fpasswd",
    "....//study.json",
    "judge.js%00",
    "answers.sqlite",
    "../server.py",
    "..",
    ".",
)


def refused(reply: Any, *statuses: int) -> None:
    assert reply.status_code in (statuses or range(400, 500)), (reply.status_code, reply.text)
    assert list(reply.json()) == ["error"]
    assert not LEAKS.search(reply.text), reply.text
    assert "set-cookie" not in reply.headers


@pytest.fixture
def client(serve, url):
    return serve(
        url,
        joins_per_minute=10_000,
        max_judges=10_000,
        requests_per_second=10_000,
        burst=10_000,
    )


@pytest.fixture
def me(client, small_study):
    return join(client, small_study)


@pytest.mark.parametrize("who", ["a judge", "the researcher", "nobody"])
def test_the_schema_against_made_up_requests(serve, small_study, who):
    """Every operation, valid and invalid requests: never a 5xx, never what the schema lacks."""
    from tests.survey.judging import ADMIN

    client = serve(joins_per_minute=1e6, max_judges=10**6, requests_per_second=1e6, burst=1e6)
    headers = {"a judge": bearer(join(client, small_study)), "the researcher": ADMIN, "nobody": {}}
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    for operation in schema.get_all_operations():
        one = operation.ok()
        for mode in GenerationMode:
            if mode is GenerationMode.NEGATIVE and not one.body:
                continue  # there is nothing to get wrong

            @given(one.as_strategy(generation_mode=mode))
            @settings(max_examples=10, deadline=None, suppress_health_check=[*HealthCheck])
            def check(case):
                reply = case.call(headers=headers[who])
                assert reply.status_code == 200 or not LEAKS.search(reply.text)
                case.validate_response(reply, checks=CHECKS, headers=headers[who])

            check()
    assert stored(client).is_empty() or who == "a judge"


@pytest.mark.parametrize("text", [SCRIPT, SQL])
def test_script_and_sql_in_every_field(client, me, small_study, text):
    for wrong in (
        body(text),
        body("2", rt_ms=text),
        body("2", position=text),
        body("2", raw=text),
        body("2", raw=[text]),
        {**body("2"), text: 1},
    ):
        refused(client.put("/api/answers/t-o-1-0", json=wrong, headers=bearer(me)), 422)
    refused(client.put(f"/api/answers/{text}", json=body("2"), headers=bearer(me)))
    for wrong in ({"study": text, "consent": True}, {"study": small_study.id, "consent": text}):
        refused(client.post("/api/judges", json=wrong), 422)
    wrong = {"study": small_study.id, "consent": True, "judge": text, text: text}
    refused(client.post("/api/judges", json=wrong), 422)
    refused(client.get(f"/api/stimuli/{text}"), 404)
    refused(client.get(f"/static/{text}"), 404)
    refused(client.get("/api/judges/me", headers={"Authorization": f"Bearer {text}"}), 401)
    assert stored(client).is_empty()


def test_what_jspsych_recorded_is_kept_as_it_is_and_never_told_a_judge(client, me):
    raw = {SCRIPT: SCRIPT, "sql": SQL, "formula": "=1+1", "deep": [[[{}]]], "number": 10**400}
    assert put(client, me, "t-o-1-0", "2", raw=raw).status_code == 201
    import json

    assert json.loads(stored(client)["raw"][0]) == raw
    assert "alert" not in client.get("/api/judges/me", headers=bearer(me)).text


def test_forged_judges(client, me, small_study):
    put(client, me, "t-o-1-0", "2")
    forged = (
        "",
        me["judge"],
        me["token"][:-1],
        me["token"][:-1] + ("A" if me["token"][-1] != "A" else "B"),
        me["token"].swapcase(),
        f"{me['token']}{me['token']}",
        "A" * 43,
        "A" * 8000,
        "é" * 43,
    )
    for token in forged:
        headers = {"Authorization": f"Bearer {token}".encode()}
        refused(client.get("/api/judges/me", headers=headers), 401)
        refused(client.put("/api/answers/t-o-2-0", json=body("1"), headers=headers), 401)
        refused(client.get("/api/admin/progress", headers=headers), 401)
    refused(client.put("/api/answers/t-o-2-0", json=body("1")), 401)
    as_other = {**body("1"), "judge": "0" * 32}
    refused(client.put("/api/answers/t-o-2-0", json=as_other, headers=bearer(me)), 422)
    assert len(stored(client)) == 1


def test_replays_change_nothing(client, me):
    put(client, me, "t-o-1-0", "2")
    before = stored(client)
    for _ in range(5):
        assert put(client, me, "t-o-1-0", "2", raw={"another": 1}).status_code == 200
        refused(put(client, me, "t-o-1-0", "3"), 409)
    assert stored(client).equals(before)


def test_answers_that_are_none(client, me):
    for wrong in (
        body("7"),
        body("left"),
        body(""),
        body("1" * 101),
        body(1),
        body("2", rt_ms=-1),
        body("2", rt_ms=1e300),
        body("2", rt_ms=True),
        body("2", rt_ms=10**400),
        body("2", position=-1),
        body("2", position=6),
        body("2", position=2**63),
        body("2", position=10**400),
        body("2", position=0.5),
        body("2", raw=None),
        {"choice": "2"},
        [],
        "2",
    ):
        refused(client.put("/api/answers/t-o-1-0", json=wrong, headers=bearer(me)), 422)
    refused(put(client, me, "t-o-1-0", "2", raw={"a": "x" * 16_400}), 413)
    refused(put(client, me, "t-o-1-0", "2", raw={"a": "x" * 100_000}), 413)
    refused(put(client, me, "t-o-1-0", "2", raw={"a": "\0"}), 400)
    refused(put(client, me, "t-nothing", "2"), 404)
    assert stored(client).is_empty()
    assert put(client, me, "t-o-1-0", "2", raw={"a": "x" * 16_000}).status_code == 201


def test_no_consent_no_judge(client, small_study):
    for wrong in (
        {"study": small_study.id},
        {"study": small_study.id, "consent": False},
        {"study": small_study.id, "consent": 1},
        {"consent": True},
        {"study": "0" * 63, "consent": True},
    ):
        refused(client.post("/api/judges", json=wrong), 422)
    refused(client.post("/api/judges", json={"study": "0" * 64, "consent": True}), 404)
    assert client.app.state.server.storage.count_judges(small_study.id) == 0


def test_nothing_else_of_the_disk_is_served(serve, folder):
    client = serve()
    (folder / "stimuli" / "other.json").write_text("{}")
    for name in (*TRAVERSALS, "other", "other.json"):
        for place in ("/api/stimuli", "/static", "/api/answers", ""):
            reply = client.get(f"{place}/{name}")
            if not (place in ("", "/static") and name in (".", "..")):  # which lead to "/"
                refused(reply, 404, 405)
