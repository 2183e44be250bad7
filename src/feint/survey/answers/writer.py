"""The thread that writes answers: all answers that wait go into one transaction.

A commit waits for the disk, and a disk does few commits a second.  Requests that arrive during a
commit share the next one, and each gets its reply after its own commit.
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

MAX_BATCH = 500
"""Answers in one transaction, at most."""
MAX_QUEUE = 5000
"""Answers that may wait; further ones are rejected."""

Row = dict[str, Any]


class Outcome(enum.Enum):
    """The result of storing a row."""

    STORED = "the row was stored"
    UNCHANGED = "the same choice was stored before; nothing was changed"
    CONFLICT = "another choice was stored before; nothing was changed"
    UNKNOWN_JUDGE = "there is no such judge"
    STUDY_FULL = "the study has its maximum number of judges"


class NotStoredError(FeintError):
    """The database did not confirm that it stored a row."""

    def __init__(self, message: str, code: str = "not-stored") -> None:
        super().__init__(message, code)


class _Pending:
    """A row in the queue and its future.  `max_judges` is None for an answer."""

    __slots__ = ("future", "loop", "max_judges", "row")

    def __init__(self, row: Row, max_judges: int | None) -> None:
        self.row, self.max_judges = row, max_judges
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Outcome] = self.loop.create_future()


class Writer:
    """The only thread that writes to a database."""

    def __init__(self, storage: Storage) -> None:
        self._engine = storage.engine
        self._queue: queue.Queue[_Pending | None] = queue.Queue(MAX_QUEUE)
        self._thread = threading.Thread(target=self._run, name="feint-writer", daemon=True)
        self._thread.start()

    async def store_answer(self, row: Row) -> Outcome:
        """Store a row of the table `answers`; returns after the commit.

        Raises:
            NotStoredError: the row could not be stored.
        """
        return await self._put(_Pending(row, None))

    async def store_judge(self, row: Row, max_judges: int) -> Outcome:
        """Store a row of the table `judges`, unless the study already has `max_judges`."""
        return await self._put(_Pending(row, max_judges))

    def close(self) -> None:
        """Write the rows that wait, and end the thread."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    async def _put(self, work: _Pending) -> Outcome:
        try:
            self._queue.put_nowait(work)
        except queue.Full:
            raise NotStoredError("Too many answers wait for the database. Try again.") from None
        return await work.future

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            batch, last = [work], False
            while len(batch) < MAX_BATCH and not last:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                else:
                    batch.append(more)
            self._store(batch)
            if last:
                return

    def _store(self, batch: list[_Pending]) -> None:
        results: list[Outcome | NotStoredError]
        try:
            results = list(self._write(batch))
        except Exception as error:  # any error must reach the futures, or they never resolve
            if len(batch) > 1 and not isinstance(error, OperationalError):
                for one in batch:  # one row is at fault: store the others without it
                    self._store([one])
                return
            deleted = isinstance(error, IntegrityError) and batch[0].max_judges is None
            results = [Outcome.UNKNOWN_JUDGE if deleted else _not_stored(error)] * len(batch)
        loops = {id(work.loop): work.loop for work in batch}
        for key, loop in loops.items():
            theirs = [x for x in zip(batch, results, strict=True) if id(x[0].loop) == key]
            with contextlib.suppress(RuntimeError):  # the loop was closed: no request waits
                loop.call_soon_threadsafe(_resolve, theirs)

    def _write(self, batch: list[_Pending]) -> Sequence[Outcome]:
        """Commit a batch in one transaction; try once more if the connection was lost."""
        try:
            return self._commit(batch)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return self._commit(batch)  # rows that were committed before are UNCHANGED now

    def _commit(self, batch: list[_Pending]) -> Sequence[Outcome]:
        with self._engine.begin() as connection:
            rows = [work.row for work in batch if work.max_judges is None]
            stored = iter(insert_answers(connection, rows) if rows else ())
            return [
                next(stored)
                if work.max_judges is None
                else _insert_judge(connection, work.row, work.max_judges)
                for work in batch
            ]


def insert_answers(connection: sa.Connection, rows: list[Row]) -> list[Outcome]:
    """Store answers.  Of two answers of a judge to the same trial, the first is kept."""
    kind = postgresql if connection.dialect.name == "postgresql" else sqlite
    key = (answers.c.study, answers.c.judge, answers.c.trial)
    once = kind.insert(answers).on_conflict_do_nothing(index_elements=key).returning(*key)
    new = {tuple(row) for row in connection.execute(once, rows)}
    keys = [(row["study"], row["judge"], row["trial"]) for row in rows]
    before: dict[tuple[str, ...], str | None] = {}
    if len(new) < len(rows):
        asked = sa.select(*key, answers.c.choice).where(sa.tuple_(*key).in_(sorted(set(keys))))
        before = {tuple(row[:3]): row[3] for row in connection.execute(asked)}
    outcomes = []
    for one, row in zip(keys, rows, strict=True):
        if one in new:
            new.remove(one)
            outcomes.append(Outcome.STORED)
        else:
            same = before[one] == row["choice"]
            outcomes.append(Outcome.UNCHANGED if same else Outcome.CONFLICT)
    return outcomes


def _insert_judge(connection: sa.Connection, row: Row, max_judges: int) -> Outcome:
    there = sa.select(sa.func.count()).select_from(judges).where(judges.c.study == row["study"])
    values = [sa.literal(row[column.name], column.type) for column in judges.columns]
    chosen = sa.select(*values).where(there.scalar_subquery() < max_judges)
    insert = sa.insert(judges).from_select(list(judges.columns), chosen)
    return Outcome.STORED if connection.execute(insert).rowcount else Outcome.STUDY_FULL


def _not_stored(error: BaseException) -> NotStoredError:
    raised = NotStoredError("The database could not store the row.")
    raised.__cause__ = error
    return raised


def _resolve(results: list[tuple[_Pending, Outcome | NotStoredError]]) -> None:
    for work, result in results:
        if work.future.done():
            continue
        if isinstance(result, Outcome):
            work.future.set_result(result)
        else:
            work.future.set_exception(result)
