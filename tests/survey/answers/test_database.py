"""The database: its schema's age, what it refuses by itself, and when it is full."""

import asyncio
import datetime
import sqlite3

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from tests.errors import refused
from tests.survey.server.test_app import join, put, stored

from feint.survey.answers import database as module
from feint.survey.answers.database import Storage, answers, default_url, metadata, open_answers
from feint.survey.answers.schema import Answer, answer_row
from feint.survey.answers.writer import NotStoredError, Outcome, Writer

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)


@pytest.fixture
def opened(url, folder):
    one = Storage(url or default_url(folder))
    yield one
    one.close()


def a_judge(study, number: int) -> dict[str, object]:
    return {"study": study.id, "id": f"{number:032x}", "token": f"{number:064x}", "consented": NOW}


def an_answer(study, number: int, choice: str | None = "1", trial: str = "t-o-1-0"):
    reply = Answer(choice=choice, rt_ms=1.5, position=0, raw={})
    return {**answer_row(study, f"{number:032x}", trial, reply), "received": NOW}


def test_the_migrations_make_the_tables_that_are_read(opened):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with opened.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    assert found == []


def test_opened_again_it_is_the_same(opened, url, folder, small_study):
    with opened.engine.begin() as connection:
        connection.execute(sa.insert(module.judges), a_judge(small_study, 1))
        connection.execute(sa.insert(answers), an_answer(small_study, 1))
    again = Storage(url or default_url(folder))
    table = again.answers(small_study.id)
    again.close()
    assert table["received"].to_list() == [NOW]
    assert table["choice"].to_list() == ["1"]


def test_a_newer_schema_is_refused(opened, url, folder):
    with opened.engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    with refused("schema-mismatch", names=["9999"]):
        Storage(url or default_url(folder))
    with opened.engine.connect() as connection:
        there = connection.execute(sa.text("select version_num from alembic_version")).scalar()
    assert there == "9999"


def test_sqlite_is_on_the_disk_before_it_is_acknowledged(folder):
    one = Storage(default_url(folder))
    with one.engine.connect() as connection:
        reply = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    one.close()
    assert reply == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert (folder / "answers.sqlite").stat().st_mode & 0o777 == 0o600


def test_the_database_itself_keeps_one_answer_a_judge_and_trial(opened, small_study):
    with opened.engine.begin() as connection:
        connection.execute(sa.insert(module.judges), [a_judge(small_study, i) for i in (1, 2)])
        connection.execute(sa.insert(answers), an_answer(small_study, 1))
    for wrong in (an_answer(small_study, 1, "2"), an_answer(small_study, 3)):
        with pytest.raises(IntegrityError), opened.engine.begin() as connection:
            connection.execute(sa.insert(answers), wrong)


def test_one_batch_holds_all_kinds(opened, small_study):
    """Answers that wait share a commit, and each gets its own outcome."""
    with opened.engine.begin() as connection:
        connection.execute(sa.insert(module.judges), [a_judge(small_study, i) for i in range(50)])
        connection.execute(sa.insert(answers), an_answer(small_study, 0))
    commits = []
    sa.event.listen(opened.engine, "commit", commits.append)

    async def all_at_once():
        held = opened.engine.connect()  # so that the writer waits, and everything after it
        held.execute(sa.insert(answers), an_answer(small_study, 1, trial="t-o-2-0"))
        writer = Writer(opened)
        rows = [an_answer(small_study, i) for i in range(50)]
        rows += [an_answer(small_study, 2, "2"), an_answer(small_study, 3)]
        work = [asyncio.ensure_future(writer.store_answer(one)) for one in rows]
        await asyncio.sleep(0.05)
        held.rollback()
        held.close()
        reply = await asyncio.gather(*work)
        gone = await writer.store_answer(an_answer(small_study, 99))
        mixed = await asyncio.gather(
            *(
                writer.store_answer(an_answer(small_study, i, trial="t-naming", choice=None))
                for i in (98, 4)
            )
        )
        writer.close()
        return reply, gone, mixed

    reply, gone, mixed = asyncio.run(all_at_once())
    assert reply[0] is Outcome.UNCHANGED
    assert reply[1:50] == [Outcome.STORED] * 49
    assert reply[50:] == [Outcome.CONFLICT, Outcome.UNCHANGED]
    assert gone is Outcome.UNKNOWN_JUDGE
    assert mixed == [Outcome.UNKNOWN_JUDGE, Outcome.STORED]
    assert len(commits) <= 6, "50 answers do not take 50 commits"
    assert len(opened.answers(small_study.id)) == 51


def test_a_full_disk_acknowledges_nothing(serve, folder, small_study):
    client = serve()
    me = join(client, small_study)
    assert put(client, me, "t-o-1-0", "1").status_code == 201
    engine = client.app.state.server.storage.engine
    engine.dispose()

    def full(connection: sqlite3.Connection, _: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}").close()

    sa.event.listen(engine, "connect", full)
    raw = {"x": "x" * 15_000}
    reply = [put(client, me, name, "1", raw=raw) for name in ("t-o-2-0", "t-catch")]
    for one in reply:
        assert one.status_code == 503
        assert one.headers["retry-after"]
        assert one.json()["error"].startswith("The database is not available and nothing was")
    sa.event.remove(engine, "connect", full)
    engine.dispose()
    assert stored(client)["trial"].to_list() == ["t-o-1-0"]
    assert put(client, me, "t-o-2-0", "1", raw=raw).status_code == 201


def test_a_database_that_is_gone_is_503(serve, cluster, small_study):
    name = "gone"
    client = serve(cluster.database(name))
    me = join(client, small_study)
    ended = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
    cluster.sql(ended, "postgres")
    assert put(client, me, "t-o-1-0", "1").status_code == 201, "connections are made again"
    cluster.sql(f"alter database {name} with allow_connections false", "postgres")
    cluster.sql(ended, "postgres")
    assert put(client, me, "t-o-2-0", "1").status_code == 503
    assert client.get("/api/judges/me", headers={}).status_code == 401
    cluster.sql(f"alter database {name} with allow_connections true", "postgres")
    assert put(client, me, "t-o-2-0", "1").status_code == 201
    assert len(stored(client)) == 2


def test_a_writer_that_is_swamped_refuses(opened, small_study, monkeypatch):
    from feint.survey.answers import writer as writer_module

    monkeypatch.setattr(writer_module, "MAX_QUEUE", 1)

    async def swamped():
        with opened.engine.begin() as connection:
            connection.execute(sa.insert(module.judges), a_judge(small_study, 1))
        writer = Writer(opened)
        work = [writer.store_answer(an_answer(small_study, 1)) for _ in range(50)]
        reply = await asyncio.gather(*work, return_exceptions=True)
        writer.close()
        return reply

    reply = asyncio.run(swamped())
    assert any(isinstance(one, NotStoredError) for one in reply)
    assert Outcome.STORED in reply


@pytest.mark.parametrize(
    "url, code",
    [
        ("nonsense", "bad-database-url"),
        ("mysql://u:secret@h/d", "bad-database-url"),
        ("sqlite://", "bad-database-url"),
        ("sqlite:////nowhere/at/all.sqlite", "no-database"),
        ("postgresql://u:secret@127.0.0.1:1/d", "no-database"),
    ],
)
def test_databases_that_cannot_be_used(url, code):
    with refused(code) as caught:
        Storage(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database(folder):
    (folder / "answers.sqlite").write_bytes(b"nothing of the kind" * 100)
    with refused("no-database", names=["file is not a database"]):
        Storage(default_url(folder))


def test_no_answers_yet(folder):
    with refused("no-answers", names=[folder]), open_answers(folder):
        pass
    assert not (folder / "answers.sqlite").exists()
