"""The database of answers: SQLite beside the study, or PostgreSQL.

    judges    a judge of a study: a random id, the SHA-256 of a token, the time of consent
    answers   one row for each judge and trial, with the trial's ground truth

Nothing else about a judge is stored.  `migrations/` creates the tables: to change a column, change
it here and add a revision there.
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

BUSY_SECONDS = 10.0
"""Seconds that a write waits for another process that writes to the same SQLite file."""


class UtcDateTime(sa.TypeDecorator[datetime.datetime]):
    """A time in UTC; SQLite stores no time zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: sa.Dialect) -> Any:
        """Convert to UTC."""
        return None if value is None else value.astimezone(datetime.UTC)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime.datetime | None:
        """Add the time zone, UTC."""
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
    sa.Column("consented", UtcDateTime, nullable=False),
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
    sa.Column("received", UtcDateTime, nullable=False),
    sa.Column("raw", sa.Text(), nullable=False),
    sa.UniqueConstraint("study", "judge", "trial", name="one_answer_per_judge_and_trial"),
    sa.ForeignKeyConstraint(
        ["study", "judge"],
        ["judges.study", "judges.id"],
        name="answer_judge",
        ondelete="CASCADE",
    ),
)


def default_url(folder: Path) -> str:
    """The URL of `answers.sqlite` in the study's folder."""
    path = str(safe_join(folder, "answers.sqlite"))
    return sa.URL.create("sqlite", database=path).render_as_string()


class Storage:
    """A database of answers.  Opening it creates its tables or migrates them to this version.

    Args:
        url: `sqlite:///path`, or `postgresql://user:password@host/database`.
        create: whether to create a SQLite file that does not exist.

    Raises:
        FeintError: the database cannot be opened, or a newer feint made it.
    """

    def __init__(self, url: str, create: bool = True) -> None:
        self.engine = _engine(url, create)
        self.display_url = self.engine.url.render_as_string(hide_password=True)
        try:
            with self.engine.begin() as connection:
                _migrate(connection, self.display_url)
        except (SQLAlchemyError, ImportError) as error:
            self.close()
            raise FeintError(
                f"The database {self.display_url} cannot be opened: {_driver_message(error)}. "
                "Expected a SQLite file made by feint, or a PostgreSQL database in which this user "
                "may create tables.",
                code="no-database",
            ) from error
        except FeintError:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def judge_of_token(self, study: str, token: str) -> str | None:
        """The id of the judge whose token has this SHA-256; None if there is none."""
        asked = sa.select(judges.c.id).where(judges.c.study == study, judges.c.token == token)
        with self.engine.connect() as connection:
            return connection.execute(asked).scalar_one_or_none()

    def answered_trials(self, study: str, judge: str) -> list[str] | None:
        """The trials a judge has answered, in that order; None if there is no such judge."""
        known = sa.select(judges.c.id).where(judges.c.study == study, judges.c.id == judge)
        asked = sa.select(answers.c.trial).where(answers.c.study == study, answers.c.judge == judge)
        with self.engine.connect() as connection:
            if connection.execute(known).first() is None:
                return None
            return list(connection.execute(asked.order_by(answers.c.id)).scalars())

    def count_judges(self, study: str) -> int:
        """The number of judges who agreed to take part."""
        asked = sa.select(sa.func.count()).where(judges.c.study == study)
        with self.engine.connect() as connection:
            return connection.execute(asked).scalar_one()

    def choice_counts(self, study: str) -> pl.DataFrame:
        """The number of answers by trial and choice: columns trial, choice, answers."""
        asked = (
            sa.select(answers.c.trial, answers.c.choice, sa.func.count())
            .where(answers.c.study == study)
            .group_by(answers.c.trial, answers.c.choice)
        )
        with self.engine.connect() as connection:
            found = connection.execute(asked).all()
        schema = {"trial": pl.String, "choice": pl.String, "answers": pl.Int64}
        return pl.DataFrame([tuple(row) for row in found], schema=schema, orient="row")

    def count_finished(self, study: str, trials: int) -> int:
        """The number of judges with at least `trials` answers."""
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
        """Every answer to a study, in order of arrival; columns as in `ANSWERS`."""
        columns = [answers.c[name] for name in ANSWERS]
        asked = sa.select(*columns).where(answers.c.study == study).order_by(answers.c.id)
        with self.engine.connect() as connection:
            found = connection.execute(asked).all()
        return pl.DataFrame([tuple(row) for row in found], schema=ANSWERS, orient="row")

    def delete_judge(self, study: str, judge: str) -> int | None:
        """Delete a judge and their answers.  Returns the number of answers, None if no judge."""
        theirs = sa.delete(answers).where(answers.c.study == study, answers.c.judge == judge)
        them = sa.delete(judges).where(judges.c.study == study, judges.c.id == judge)
        with self.engine.begin() as connection:
            gone = connection.execute(theirs).rowcount
            return gone if connection.execute(them).rowcount else None


@contextmanager
def open_answers(folder: Path, url: str | None = None) -> Iterator[Storage]:
    """Open a study's existing database; it is closed at the end.

    Raises:
        FeintError: there is no such database.
    """
    if url is None and not safe_join(folder, "answers.sqlite").exists():
        raise FeintError(
            f"{folder} has no answers yet: it contains no answers.sqlite. Run `feint survey serve "
            f"{folder}` first, or name another database with --database.",
            code="no-answers",
        )
    with closing(Storage(url or default_url(folder), create=False)) as storage:
        yield storage


def _engine(given: str, create: bool) -> sa.Engine:
    try:
        url = make_url(given)
        kind = url.get_backend_name()
        if kind in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
            return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)
        if kind != "sqlite" or not url.database or url.database == ":memory:" or url.query:
            raise FeintError(
                f"The database {url.render_as_string()} is not supported; expected sqlite:///PATH "
                "or postgresql://USER:PASSWORD@HOST/DATABASE.",
                code="bad-database-url",
            )
    except (ArgumentError, NoSuchModuleError) as error:  # do not repeat it: it may hold a password
        raise FeintError(
            "The database's URL cannot be read; expected sqlite:///PATH or "
            "postgresql://USER:PASSWORD@HOST/DATABASE.",
            code="bad-database-url",
        ) from error
    except ImportError as error:
        raise FeintError(
            "PostgreSQL needs psycopg, which is not installed. Expected: pip install "
            "'feint[postgresql]'",
            code="missing-package",
        ) from error
    path = Path(url.database)
    try:
        os.close(os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600))
    except OSError as error:
        raise FeintError(
            f"The database {path} cannot be opened: {error}. Expected a SQLite file made by feint, "
            "in a folder that can be written.",
            code="no-database",
        ) from error
    engine = sa.create_engine(url.set(drivername="sqlite+pysqlite"), hide_parameters=True)
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _prepare(connection: Any, _: object) -> None:
    """Set up a SQLite connection: a commit returns only after its data are on the disk."""
    connection.isolation_level = None  # SQLAlchemy begins the transactions
    for pragma in (
        f"busy_timeout = {int(1000 * BUSY_SECONDS)}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


_migrating = threading.Lock()
"""Alembic keeps its state in module globals, so two threads must not migrate at once."""


def _migrate(connection: sa.Connection, display_url: str) -> None:
    """Create or migrate the tables, in the connection's transaction."""
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
            f"The database {display_url} has schema {', '.join(sorted(newer))}, and this feint "
            f"knows {', '.join(sorted(known))}. A newer feint made it: use that version.",
            code="schema-mismatch",
        )
    with _migrating:
        command.upgrade(config, "head")


def _driver_message(error: BaseException) -> str:
    """The database driver's message, without the text that SQLAlchemy adds."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def hash_token(token: str) -> str:
    """SHA-256 of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
