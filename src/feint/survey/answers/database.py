"""Where answers are kept: SQLite beside the study, or PostgreSQL.

    judges    a judge of a study: a random id, the SHA-256 of a token, when they agreed
    answers   a row a trial and judge, and what was true of the trial

Nothing else is known of a judge.  `migrations/` makes the tables.
"""

import datetime
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from feint.errors import FeintError
from feint.io.atomic import safe_join
from feint.survey.answers.schema import ANSWERS

WAIT = 10.0
"""Seconds a write waits for another process that writes to the same SQLite file."""


class Moment(sa.TypeDecorator[datetime.datetime]):
    """A moment with its zone, UTC; SQLite keeps no zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: sa.Dialect) -> Any:
        """To UTC."""
        return None if value is None else value.astimezone(datetime.UTC)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime.datetime | None:
        """From UTC."""
        if value is None or value.tzinfo is not None:
            return value if value is None else value.astimezone(datetime.UTC)
        return value.replace(tzinfo=datetime.UTC)


metadata = sa.MetaData()
judges = sa.Table(
    "judges",
    metadata,
    sa.Column("study", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("token", sa.String(64), nullable=False, unique=True),
    sa.Column("consented", Moment, nullable=False),
)
answers = sa.Table(
    "answers",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("study", sa.String(64), nullable=False),
    sa.Column("judge", sa.String(32), nullable=False),
    sa.Column("trial", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("objective", sa.String(64)),
    sa.Column("practice", sa.Boolean(), nullable=False),
    sa.Column("catch", sa.String(20), nullable=False),
    sa.Column("expected", sa.String(100)),
    sa.Column("choice", sa.String(100)),
    sa.Column("rt_ms", sa.Double()),
    sa.Column("position", sa.Integer(), nullable=False),
    sa.Column("received", Moment, nullable=False),
    sa.Column("raw", sa.Text(), nullable=False),
    sa.UniqueConstraint("study", "judge", "trial", name="once_a_judge_and_trial"),
    sa.ForeignKeyConstraint(
        ["study", "judge"],
        ["judges.study", "judges.id"],
        name="of_a_judge",
        ondelete="CASCADE",
    ),
)


def beside(folder: Path) -> str:
    """The database of a study that names no other."""
    path = str(safe_join(folder, "answers.sqlite"))
    return sa.URL.create("sqlite", database=path).render_as_string()


class Storage:
    """A database of answers; its tables are made, or brought up to this feint's, when it is opened.

    Args:
        url: `sqlite:///path`, or `postgresql://user:password@host/database`.
        make: whether a SQLite file that is not there is made.

    Raises:
        FeintError: it cannot be opened, or a newer feint made it.
    """

    def __init__(self, url: str, make: bool = True) -> None:
        self.engine = _engine(url, make)
        self.where = self.engine.url.render_as_string(hide_password=True)
        try:
            with self.engine.begin() as connection:
                _migrate(connection, self.where)
        except (SQLAlchemyError, ImportError) as error:
            self.close()
            raise FeintError(
                f"The database {self.where} cannot be opened: {_first(error)}. Expected a SQLite "
                "file made by feint, or a PostgreSQL database that this user may make tables in."
            ) from error
        except FeintError:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def judge(self, study: str, token: str) -> str | None:
        """The judge whose token has this SHA-256."""
        asked = sa.select(judges.c.id).where(judges.c.study == study, judges.c.token == token)
        with self.engine.connect() as connection:
            return connection.execute(asked).scalar_one_or_none()

    def answered(self, study: str, judge: str) -> list[str] | None:
        """The trials a judge has answered, in that order; None if there is no such judge."""
        known = sa.select(judges.c.id).where(judges.c.study == study, judges.c.id == judge)
        asked = sa.select(answers.c.trial).where(answers.c.study == study, answers.c.judge == judge)
        with self.engine.connect() as connection:
            if connection.execute(known).first() is None:
                return None
            return list(connection.execute(asked.order_by(answers.c.id)).scalars())

    def judges(self, study: str) -> int:
        """How many agreed to take part."""
        asked = sa.select(sa.func.count()).where(judges.c.study == study)
        with self.engine.connect() as connection:
            return connection.execute(asked).scalar_one()

    def counts(self, study: str) -> pl.DataFrame:
        """Answers by trial and choice, and how many: trial, choice, answers."""
        asked = (
            sa.select(answers.c.trial, answers.c.choice, sa.func.count())
            .where(answers.c.study == study)
            .group_by(answers.c.trial, answers.c.choice)
        )
        with self.engine.connect() as connection:
            found = connection.execute(asked).all()
        schema = {"trial": pl.String, "choice": pl.String, "answers": pl.Int64}
        return pl.DataFrame([tuple(row) for row in found], schema=schema, orient="row")

    def finished(self, study: str, trials: int) -> int:
        """How many judges have answered so many trials."""
        whole = (
            sa.select(answers.c.judge)
            .where(answers.c.study == study)
            .group_by(answers.c.judge)
            .having(sa.func.count() >= trials)
        )
        with self.engine.connect() as connection:
            asked = sa.select(sa.func.count()).select_from(whole.subquery())
            return connection.execute(asked).scalar_one()

    def answers(self, study: str) -> pl.DataFrame:
        """Every answer to a study, in the order they came; the columns of `ANSWERS`."""
        columns = [answers.c[name] for name in ANSWERS]
        asked = sa.select(*columns).where(answers.c.study == study).order_by(answers.c.id)
        with self.engine.connect() as connection:
            found = connection.execute(asked).all()
        return pl.DataFrame([tuple(row) for row in found], schema=ANSWERS, orient="row")

    def forget(self, study: str, judge: str) -> int | None:
        """Delete a judge and all their answers; how many those were, None if there is no such."""
        theirs = sa.delete(answers).where(answers.c.study == study, answers.c.judge == judge)
        them = sa.delete(judges).where(judges.c.study == study, judges.c.id == judge)
        with self.engine.begin() as connection:
            gone = connection.execute(theirs).rowcount
            return gone if connection.execute(them).rowcount else None


@contextmanager
def answers_of(folder: Path, url: str | None = None) -> Iterator[Storage]:
    """The answers that a study already has.

    Raises:
        FeintError: there is no such database.
    """
    if url is None and not safe_join(folder, "answers.sqlite").exists():
        raise FeintError(
            f"{folder} has no answers yet: there is no answers.sqlite. Run `feint survey serve "
            f"{folder}` first, or name the database they are in with --database."
        )
    with closing(Storage(url or beside(folder), make=False)) as storage:
        yield storage


def _engine(told: str, make: bool) -> sa.Engine:
    try:
        url = make_url(told)
        kind = url.get_backend_name()
        if kind in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
            return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)
        if kind != "sqlite" or not url.database or url.database == ":memory:" or url.query:
            raise FeintError(
                f"The database {url.render_as_string()} cannot be used; expected sqlite:///PATH "
                "or postgresql://USER:PASSWORD@HOST/DATABASE."
            )
    except (ArgumentError, NoSuchModuleError) as error:  # and say no password
        raise FeintError(
            "The database's URL cannot be read; expected sqlite:///PATH or "
            "postgresql://USER:PASSWORD@HOST/DATABASE."
        ) from error
    except ImportError as error:
        raise FeintError(
            "PostgreSQL needs psycopg, which is not installed. Expected: pip install "
            "'feint[postgresql]'"
        ) from error
    path = Path(url.database)
    try:
        os.close(os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o600))
    except OSError as error:
        raise FeintError(
            f"The database {path} cannot be opened: {error}. Expected a file of feint's in a "
            "folder that can be written."
        ) from error
    engine = sa.create_engine(url.set(drivername="sqlite+pysqlite"), hide_parameters=True)
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _prepare(connection: Any, _: object) -> None:
    """Of a SQLite connection: whole transactions, on the disk before they are acknowledged."""
    connection.isolation_level = None  # SQLAlchemy begins them
    for pragma in (
        f"busy_timeout = {int(1000 * WAIT)}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


_migrating = threading.Lock()
"""Alembic keeps what it works on in a module."""


def _migrate(connection: sa.Connection, where: str) -> None:
    """Make the tables, or bring them up to this feint's; the connection's transaction is used."""
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    folder = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config = Config()
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if connection.dialect.name == "postgresql":  # one server at a time
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(0x6665696E74)))
    script = ScriptDirectory.from_config(config)
    known = {one.revision for one in script.walk_revisions()}
    newer = set(MigrationContext.configure(connection).get_current_heads()) - known
    if newer:
        raise FeintError(
            f"The database {where} has the schema {', '.join(sorted(newer))}, and this feint knows "
            f"{', '.join(sorted(known))}. A newer feint made it: use that one."
        )
    with _migrating:
        command.upgrade(config, "head")


def _first(error: BaseException) -> str:
    """What a driver says, without SQLAlchemy's words around it."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def hashed(token: str) -> str:
    """SHA-256 of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
