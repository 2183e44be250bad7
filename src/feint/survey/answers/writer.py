"""Answers are written by one thread: those that wait go into one transaction.

A commit waits for the disk, and a disk can do few a second.  So whoever waits while one is made
shares the next, and everybody is told only after theirs.
"""

import asyncio
import contextlib
import enum
import queue
import threading
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from feint.errors import FeintError
from feint.survey.answers.database import Storage, answers, judges

BATCH = 500
"""Answers a transaction."""
WAITING = 5000
"""Answers that may wait; more are refused, not piled up."""

Row = dict[str, Any]


class Outcome(enum.Enum):
    """What became of a row."""

    STORED = "it was stored"
    SAME = "the same choice was stored before; nothing was changed"
    OTHER = "another choice was stored before; nothing was changed"
    NOBODY = "there is no such judge"
    FULL = "the study has as many judges as it may"


class NotStoredError(FeintError):
    """The database could not store something; nothing of it was kept, or it is not known."""


class _Work:
    """A row that waits, and who waits for it.  `most` judges; None of an answer."""

    __slots__ = ("future", "loop", "most", "row")

    def __init__(self, row: Row, most: int | None) -> None:
        self.row, self.most = row, most
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Outcome] = self.loop.create_future()


class Writer:
    """The one thread that writes to a database."""

    def __init__(self, storage: Storage) -> None:
        self._engine = storage.engine
        self._queue: queue.Queue[_Work | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="feint-writer", daemon=True)
        self._thread.start()

    async def answer(self, row: Row) -> Outcome:
        """Store an answer, the columns of `answers`; returns when it is committed.

        Raises:
            NotStoredError: it could not be stored.
        """
        return await self._put(_Work(row, None))

    async def judge(self, row: Row, most: int) -> Outcome:
        """Store a judge, the columns of `judges`, unless their study has `most` of them."""
        return await self._put(_Work(row, most))

    def close(self) -> None:
        """Write what waits, and end."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    async def _put(self, work: _Work) -> Outcome:
        try:
            self._queue.put_nowait(work)
        except queue.Full:
            raise NotStoredError("Too many answers wait for the database.") from None
        return await work.future

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            batch, last = [work], False
            while len(batch) < BATCH and not last:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                else:
                    batch.append(more)
            self._settle(batch)
            if last:
                return

    def _settle(self, batch: list[_Work]) -> None:
        told: list[Outcome | NotStoredError]
        try:
            told = list(self._write(batch))
        except Exception as error:  # of any kind, or who waits would wait for ever
            if len(batch) > 1 and not isinstance(error, OperationalError):
                for one in batch:  # one of them is refused, and the others need not be
                    self._settle([one])
                return
            gone = isinstance(error, IntegrityError) and batch[0].most is None
            told = [Outcome.NOBODY if gone else _not_stored(error)] * len(batch)
        loops = {id(work.loop): work.loop for work in batch}
        for key, loop in loops.items():
            theirs = [x for x in zip(batch, told, strict=True) if id(x[0].loop) == key]
            with contextlib.suppress(RuntimeError):  # it was closed: nobody waits any more
                loop.call_soon_threadsafe(_tell, theirs)

    def _write(self, batch: list[_Work]) -> Sequence[Outcome]:
        """All of a batch in one transaction, committed; once more if the connection was lost."""
        try:
            return self._once(batch)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return self._once(batch)  # what was committed before is found to be the same

    def _once(self, batch: list[_Work]) -> Sequence[Outcome]:
        with self._engine.begin() as connection:
            given = [work.row for work in batch if work.most is None]
            stored = iter(insert(connection, given) if given else ())
            return [
                next(stored) if work.most is None else _judge(connection, work.row, work.most)
                for work in batch
            ]


def insert(connection: sa.Connection, rows: list[Row]) -> list[Outcome]:
    """Store answers, and tell what became of each; of two to one trial the first is stored."""
    kind = postgresql if connection.dialect.name == "postgresql" else sqlite
    key = (answers.c.study, answers.c.judge, answers.c.trial)
    once = kind.insert(answers).on_conflict_do_nothing(index_elements=key).returning(*key)
    new = {tuple(row) for row in connection.execute(once, rows)}
    keys = [(row["study"], row["judge"], row["trial"]) for row in rows]
    before: dict[tuple[str, ...], str | None] = {}
    if len(new) < len(rows):
        asked = sa.select(*key, answers.c.choice).where(sa.tuple_(*key).in_(sorted(set(keys))))
        before = {tuple(row[:3]): row[3] for row in connection.execute(asked)}
    told = []
    for one, row in zip(keys, rows, strict=True):
        if one in new:
            new.remove(one)
            told.append(Outcome.STORED)
        else:
            told.append(Outcome.SAME if before[one] == row["choice"] else Outcome.OTHER)
    return told


def _judge(connection: sa.Connection, row: Row, most: int) -> Outcome:
    there = sa.select(sa.func.count()).select_from(judges).where(judges.c.study == row["study"])
    values = [sa.literal(row[column.name], column.type) for column in judges.columns]
    chosen = sa.select(*values).where(there.scalar_subquery() < most)
    insert = sa.insert(judges).from_select(list(judges.columns), chosen)
    return Outcome.STORED if connection.execute(insert).rowcount else Outcome.FULL


def _not_stored(error: BaseException) -> NotStoredError:
    told = NotStoredError("The database could not store it.")
    told.__cause__ = error
    return told


def _tell(results: list[tuple[_Work, Outcome | NotStoredError]]) -> None:
    for work, told in results:
        if work.future.done():
            continue
        if isinstance(told, Outcome):
            work.future.set_result(told)
        else:
            work.future.set_exception(told)
