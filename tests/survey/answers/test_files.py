"""A study as files, what its page hands over, and the commands around them."""

import json
from pathlib import Path

import polars as pl
import pytest
from tests.errors import refused
from tests.survey.server.test_app import RAW, join, put, stored
from typer.testing import CliRunner

from feint.cli.main import app
from feint.survey.answers.schema import ANSWERS
from feint.survey.server import run, static_export, static_files

JUDGE = "0123456789abcdef" * 2


def feint(*words: object) -> str:
    reply = CliRunner().invoke(app, ["survey", *map(str, words)], catch_exceptions=False)
    assert reply.exit_code == 0, reply.output
    return reply.output


def handed(study, *answers: tuple[str, str | None], judge: str = JUDGE) -> str:
    """What the page makes of a judge's answers."""
    reply = [
        {"trial": trial, "choice": choice, "rt_ms": 812.5, "position": i, "raw": RAW}
        for i, (trial, choice) in enumerate(answers)
    ]
    return json.dumps({"schema": 1, "study": study.id, "judge": judge, "answers": reply})


@pytest.fixture
def page(monkeypatch):
    """The judge's page, or what stands for it where it is not built."""
    html = b'<!doctype html><script src="static/judge.js"></script><main data-from="server">'
    monkeypatch.setattr(static_files, "page", lambda name: html)
    monkeypatch.setattr(
        static_files, "scripts", lambda: {"judge.js": b"//", "researcher.js": b"//"}
    )


def test_a_study_as_files_tells_no_truth(folder, tmp_path, small_study, page):
    out = tmp_path / "site"
    submit = ("--submit-url", "https://pipe.example/api/data/", "--experiment", "Abc123")
    feint("export", folder, "--static-dir", out, *submit)
    files = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    stimuli = {f"stimuli/{name}.json" for name in small_study.stimuli}
    assert files == {"index.html", "static/judge.js", "study.json", *stimuli}
    assert b'data-from="files"' in (out / "index.html").read_bytes()
    reply = json.loads((out / "study.json").read_text())
    assert reply["submit"] == {"url": "https://pipe.example/api/data/", "experiment": "Abc123"}
    names = {trial.name for trial in small_study.trials}
    assert set(reply["trials"]) == names
    assert len(reply["orders"]) == static_export.ORDERS
    assert {frozenset(order) for order in reply["orders"]} == {frozenset(names)}
    assert len({tuple(order) for order in reply["orders"]}) > 1
    text = json.dumps([reply["trials"], reply["name"]])
    for secret in ("eps", "distance", "catch", '"expected": "left"', '"expected": "none"'):
        assert secret not in text.replace("t-catch", "")
    with refused("folder-not-empty", names=[out]):
        static_export.write(small_study, folder, out, None, None)


@pytest.mark.parametrize(
    "url, experiment, code",
    [("javascript:alert(1)", None, "bad-url"), (None, "x", "missing-option")],
)
def test_where_answers_cannot_be_sent(folder, tmp_path, small_study, page, url, experiment, code):
    with refused(code):
        static_export.write(small_study, folder, tmp_path / "site", url, experiment)


def test_what_pages_handed_over_is_collected_once(folder, tmp_path, small_study):
    one, many = tmp_path / "one.json", tmp_path / "jatos.txt"
    one.write_text(handed(small_study, ("t-practice", "1"), ("t-o-1-0", None)))
    other = handed(small_study, ("t-o-1-0", "3"), judge="f" * 32)
    both = handed(small_study, ("t-practice", "1"), ("t-o-1-0", "2"), ("t-o-2-0", "4"))
    many.write_text(f"{other}\n\n{both}\n")
    first = feint("import-answers", folder, one)
    assert "2 answers stored, 1 new judges; 0 answers were stored before." in first
    reply = feint("import-answers", folder, many, one)
    assert "2 answers stored, 1 new judges; 3 answers were stored before." in reply
    assert "1 answers differ" in reply
    feint("export", folder, "--out", tmp_path / "answers.parquet")
    table = pl.read_parquet(tmp_path / "answers.parquet")
    assert table.schema == ANSWERS
    assert sorted(table.select("judge", "trial", "choice").rows(), key=str) == [
        (JUDGE, "t-o-1-0", None),
        (JUDGE, "t-o-2-0", "4"),
        (JUDGE, "t-practice", "1"),
        ("f" * 32, "t-o-1-0", "3"),
    ]
    feint("export", folder, "--out", tmp_path / "answers.csv")
    assert len(pl.read_csv(tmp_path / "answers.csv")) == 4


def test_answers_that_a_served_page_could_not_send(folder, tmp_path, serve, small_study):
    client = serve()
    me = join(client, small_study)
    put(client, me, "t-o-1-0", "2")
    body = {"choice": "5", "rt_ms": 1.0, "position": 2, "raw": {}}
    reply = {"study": small_study.id, "judge": me["judge"]}
    reply["answers"] = [{"trial": "t-o-2-0", "body": body}]
    (tmp_path / "saved.json").write_text(json.dumps(reply))
    said = feint("import-answers", folder, tmp_path / "saved.json")
    assert "1 answers stored, 0 new judges" in said
    assert stored(client)["choice"].to_list() == ["2", "5"]


def wrong(study) -> dict[str, str]:
    return {
        "no JSON": "nothing",
        "another study": handed(study, ("t-o-1-0", "1")).replace(f'"{study.id}"', '"0"'),
        "another trial": handed(study, ("t-nothing", "1")),
        "no option": handed(study, ("t-o-1-0", "9")),
        "no id": handed(study, ("t-o-1-0", "1"), judge="'; drop table answers; --"),
        "a NUL": handed(study, ("t-o-1-0", "1")).replace("feint-skeletons", "\\u0000"),
        "half a pair": handed(study, ("t-o-1-0", "1")).replace("feint-skeletons", "\\ud800"),
        "too large": handed(study, ("t-o-1-0", "1")).replace("feint-skeletons", "x" * 20_000),
        "no object": "[1]",
        "no answers": json.dumps({"study": study.id, "judge": JUDGE, "answers": [None]}),
    }


@pytest.mark.parametrize("what", [*wrong(type("", (), {"id": ""}))])
def test_files_that_hold_no_answers(folder, tmp_path, small_study, what):
    path = tmp_path / "given.json"
    path.write_text(handed(small_study, ("t-o-2-0", "1"), judge="e" * 32) + "\n")
    path.write_text(path.read_text() + wrong(small_study)[what])
    with refused("bad-answers", names=["given.json"]):
        feint("import-answers", folder, path)
    feint("export", folder, "--out", tmp_path / "answers.csv")
    assert pl.read_csv(tmp_path / "answers.csv").is_empty()


def test_who_withdraws_is_deleted(folder, tmp_path, small_study):
    path = tmp_path / "given.json"
    path.write_text(handed(small_study, ("t-o-1-0", "1"), ("t-o-2-0", "1")))
    feint("import-answers", folder, path)
    assert f"Deleted the judge {JUDGE} and 2 answers" in feint("delete-judge", folder, JUDGE)
    with refused("unknown-judge", names=[JUDGE]):
        feint("delete-judge", folder, JUDGE)


def test_nothing_to_export(folder, tmp_path):
    url = ("--submit-url", "https://x.example")
    for words, code in (
        ((), "missing-option"),
        (("--out", tmp_path / "a.csv"), "no-answers"),
        (url, "missing-option"),
        (("--out", tmp_path / "a.csv", *url), "missing-option"),
    ):
        with refused(code):
            feint("export", folder, *words)


def test_the_token_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv(run.TOKEN_VARIABLE, raising=False)
    assert run.read_admin_token(None) is None
    monkeypatch.setenv(run.TOKEN_VARIABLE, "from-the-environment")
    assert run.read_admin_token(None) == "from-the-environment"
    path: Path = tmp_path / "token"
    path.write_text("from-a-file\n")
    assert run.read_admin_token(path) == "from-a-file"
    for content in (b"", b"two words", b"\xff\xfe"):
        path.write_bytes(content)
        with refused("bad-token", names=[path]):
            run.read_admin_token(path)


def test_a_port_that_is_taken(folder):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with refused("port-in-use", names=[f"127.0.0.1:{port}"]):
            feint("serve", folder, "--port", port)
