"""Jobs are done once, after what they need, whatever the engine does and whatever fails."""

import random
import weakref
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.errors import refused

from feint.errors import FeintError
from feint.jobs.engines import Engine, Outcome, Session
from feint.jobs.engines.local import LocalEngine, attempt
from feint.jobs.job import Common, Fetch, Job, Work
from feint.jobs.scheduler import LOOKAHEAD, MAX_FAILURES, JobCounts, complete
from feint.jobs.store import Store, result

COMMON = Common()


def job(number: int, *needs: Job, **own: Any) -> Job:
    wanted = {f"need {i}": one.key for i, one in enumerate(needs)}
    return Job("mine", COMMON, {"number": number, **own}, wanted, name=f"job {number}")


def work(one: Job, fetch: Fetch) -> bytes:
    """Reads all it needs; fails if that is asked for."""
    for key in one.needs.values():
        fetch(key)
    if one.own.get("fails"):
        raise FeintError(f"{one.name} was told to fail.", "told-to-fail")
    return result(one, {}, {"number": one.own["number"]})


class Memory(Store):
    """A store that writes nothing."""

    def __init__(self, full: bool = False) -> None:
        super().__init__(Path("nowhere"))
        self.kept: dict[str, bytes] = {}
        self.failed: dict[str, str] = {}
        self.full = full

    def has(self, key: str) -> bool:
        return self.full or key in self.kept

    def put(self, key: str, content: bytes) -> None:
        assert key not in self.kept, "done twice"
        self.kept[key] = content

    def get(self, key: str) -> bytes:
        if key not in self.kept:
            raise FeintError(f"{key} is not there.", "missing")
        return self.kept[key]

    def fail(self, job: Job, failure: str, detail: str) -> None:
        assert "Traceback" in detail
        self.failed[job.name] = failure


@dataclass
class Shuffled:
    """An engine that takes several jobs and ends them in any order."""

    store: Store
    slots: int = 4
    seed: int = 0
    started: list[str] = field(default_factory=list)
    closed: int = 0
    breaks: dict[int, BaseException] = field(default_factory=dict)
    ended: int = 0

    def begin(self, work: Work, fetch: Fetch) -> "Shuffled":
        self.work, self.fetch, self.under = work, fetch, []
        self.chance = random.Random(self.seed)
        return self

    def start(self, job: Job) -> None:
        assert len(self.under) < self.slots
        missing = [k for k in job.needs.values() if not self.store.has(k)]
        assert not missing or job.own.get("orphan"), "started before what it needs was there"
        self.started.append(job.name)
        self.under.append(job)

    def next(self) -> Outcome:
        self.ended += 1
        if self.ended in self.breaks:
            raise self.breaks[self.ended]
        one = self.under.pop(self.chance.randrange(len(self.under)))
        return attempt(self.work, one, self.fetch)

    def close(self) -> None:
        self.closed += 1


def run(jobs: Any, store: Store, engine: Any = None, shown: Any = None) -> JobCounts:
    return complete(jobs, store, engine or Shuffled(store), work, store.get, shown)


def test_an_engine_is_one() -> None:
    engine = Shuffled(Memory())
    assert isinstance(engine, Engine)
    assert isinstance(engine, Session)
    assert isinstance(LocalEngine().begin(work, Memory().get), Session)


@st.composite
def graphs(draw: st.DrawFn) -> list[Job]:
    """Jobs in an order in which each comes after what it needs, some of them twice."""
    jobs: list[Job] = []
    for number in range(draw(st.integers(1, 25))):
        needs = draw(st.lists(st.integers(0, number - 1), max_size=3)) if number else []
        jobs.append(job(number, *(jobs[i] for i in needs)))
    again = draw(st.lists(st.integers(0, len(jobs) - 1), max_size=5))
    return [*jobs, *(jobs[i] for i in again)]


@given(graphs(), st.integers(1, 6), st.integers(0, 99))
def test_every_job_is_done_once_after_what_it_needs(jobs: list[Job], slots: int, seed: int) -> None:
    store = Memory()
    engine = Shuffled(store, slots, seed)
    counts = run(jobs, store, engine)
    keys = {one.key for one in jobs}
    assert store.kept.keys() == keys
    assert (counts.done, counts.failed, counts.blocked) == (len(keys), 0, 0)
    assert sorted(engine.started) == sorted({one.name for one in jobs})
    assert engine.closed == 1
    counts.check()


@given(graphs(), st.integers(0, 99))
def test_the_order_in_which_they_end_changes_nothing(jobs: list[Job], seed: int) -> None:
    one, other = Memory(), Memory()
    run(jobs, one, LocalEngine())
    run(jobs, other, Shuffled(other, 5, seed))
    assert one.kept.keys() == other.kept.keys()


@given(graphs(), st.sets(st.integers(0, 24)), st.integers(0, 99))
def test_what_fails_stops_what_depends_on_it_and_nothing_else(
    jobs: list[Job], failing: set[int], seed: int
) -> None:
    store, lost, keys = Memory(), set(), {}
    for one in jobs:
        if keys.setdefault(one.key, one) is one and one.own["number"] in failing:
            one.own["fails"] = True  # after its key is known
        if one.own.get("fails") or any(need in lost for need in one.needs.values()):
            lost.add(one.key)
    failed = [k for k in lost if not any(n in lost for n in keys[k].needs.values())]
    if len(failed) >= MAX_FAILURES:
        return
    counts = run(jobs, store, Shuffled(store, 3, seed))
    assert store.kept.keys() == keys.keys() - lost
    assert store.failed.keys() == {keys[k].name for k in failed}
    assert (counts.failed, counts.blocked) == (len(failed), len(lost) - len(failed))
    assert counts.done == len(keys) - len(lost)


def test_what_failed_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    bad = job(1, fails=True)
    jobs = [job(0), bad, job(2, bad), job(3)]
    counts = run(jobs, store, LocalEngine())
    assert (counts.done, counts.failed, counts.blocked) == (2, 1, 1)
    assert counts.failures == [("job 1", "job 1 was told to fail.")]
    assert store.failure(bad.key) == "job 1 was told to fail."
    with refused("jobs-failed", names=("1 of 3", "job 1 was told to fail.")):
        counts.check()


def test_a_second_time_only_what_is_missing_is_done(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = [job(i) for i in range(3)]
    run(first, store)
    engine = Shuffled(store)
    counts = run([*first, job(3, *first)], store, engine)
    assert (counts.already_done, counts.done) == (3, 1)
    assert engine.started == ["job 3"]
    assert [store.read(one.key)[1]["number"] for one in first] == [0, 1, 2]


def test_an_error_of_any_kind_is_a_failure_with_its_name() -> None:
    def bug(one: Job, fetch: Fetch) -> bytes:
        raise ZeroDivisionError("by zero")

    store = Memory()
    counts = complete([job(0)], store, LocalEngine(), bug, store.get)
    assert counts.failures == [("job 0", "ZeroDivisionError: by zero")]


def test_after_enough_failures_no_more_is_started() -> None:
    store = Memory()
    engine = Shuffled(store, slots=4)
    asked = []

    def jobs() -> Iterator[Job]:
        for i in range(10**4):
            asked.append(i)
            yield job(i, fails=True)

    counts = run(jobs(), store, engine)
    assert counts.failed == MAX_FAILURES
    assert len(engine.started) <= MAX_FAILURES + engine.slots
    assert len(asked) <= LOOKAHEAD + MAX_FAILURES + engine.slots
    assert (engine.closed, len(counts.failures)) == (1, MAX_FAILURES)


def test_a_need_that_is_nowhere_fails_its_job_alone() -> None:
    store = Memory()
    nowhere = job(9)
    counts = run([job(0, nowhere, orphan=True), job(1)], store)
    assert (counts.done, counts.failed) == (1, 1)
    assert "is not there" in counts.failures[0][1]


def test_a_damaged_need_fails_its_job_alone_and_is_set_aside(tmp_path: Path) -> None:
    store = Store(tmp_path)
    need, other = job(0), job(1)
    run([need, other], store)
    store.path(need.key).write_bytes(b"damaged")
    jobs = [need, other, job(2, need), job(3, other), job(4)]
    counts = run(jobs, store, LocalEngine())
    assert (counts.already_done, counts.done, counts.failed) == (2, 2, 1)
    assert store.n_quarantined == 1
    assert not store.has(need.key)
    counts = run(jobs, store, LocalEngine())  # now it is done again
    assert (counts.already_done, counts.done, counts.failed) == (3, 2, 0)
    assert store.failure(jobs[2].key) is None


# -- interrupted ----------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("an engine's")], ids=repr)
def test_what_was_finished_before_an_interruption_is_kept(error: BaseException) -> None:
    store = Memory()
    engine = Shuffled(store, slots=2, breaks={4: error})
    with pytest.raises(type(error)):
        run([job(i) for i in range(10)], store, engine)
    assert len(store.kept) == 3
    assert engine.closed == 1


def test_a_full_disk_ends_it_and_closes_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Memory()

    def full(key: str, content: bytes) -> None:
        raise FeintError("Could not write: no space left.", "not-writable")

    monkeypatch.setattr(store, "put", full)
    engine = Shuffled(store)
    with pytest.raises(FeintError, match="no space left"):
        run([job(0)], store, engine)
    assert engine.closed == 1


def test_a_plan_that_breaks_off_closes_the_engine() -> None:
    store = Memory()
    engine = Shuffled(store)

    def jobs() -> Iterator[Job]:
        yield from (job(i) for i in range(LOOKAHEAD + 50))
        raise FeintError("no more", "stopped")

    with pytest.raises(FeintError, match="no more"):
        run(jobs(), store, engine)
    assert engine.closed == 1
    assert len(store.kept) > 0


# -- size -----------------------------------------------------------------------------------


class Watched:
    """Jobs made on the way, and how many of them were held at once."""

    def __init__(self, count: int) -> None:
        self.count, self.most, self.given = count, 0, 0
        self.alive: weakref.WeakSet[Job] = weakref.WeakSet()

    def __iter__(self) -> Iterator[Job]:
        for i in range(self.count):
            one = job(i)
            self.alive.add(one)
            if i % 50 == 0:
                self.most = max(self.most, len(self.alive))
            self.given += 1
            yield one


def test_a_hundred_thousand_jobs_that_are_there_take_no_memory_and_no_engine() -> None:
    jobs, store = Watched(10**5), Memory(full=True)
    engine = Shuffled(store)
    shown = nullcontext()  # entering it would break: it gives None
    counts = run(jobs, store, engine, shown)
    assert (counts.already_done, counts.done) == (10**5, 0)
    assert jobs.most <= 4
    assert (engine.started, engine.closed) == ([], 0)


def test_only_a_window_of_the_jobs_is_held() -> None:
    jobs, store = Watched(2000), Memory()
    engine = Shuffled(store, slots=8)
    assert run(jobs, store, engine).done == 2000
    assert LOOKAHEAD < jobs.most <= LOOKAHEAD + 2 * engine.slots


# -- progress -------------------------------------------------------------------------------


class Shown:
    """A progress bar that counts."""

    def __init__(self) -> None:
        self.open, self.steps, self.told = 0, 0, []

    def __enter__(self) -> "Shown":
        self.open += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.open -= 1

    def advance(self, steps: int = 1) -> None:
        assert self.open == 1
        self.steps += steps

    def show(self, words: str) -> None:
        self.told.append(words)


def test_progress_counts_every_job_that_was_named() -> None:
    store, shown = Memory(), Shown()
    there = [job(i) for i in range(300)]
    run(there, store)
    bad = job(1000, fails=True)
    jobs = [*there, job(301), bad, job(302, bad), job(301), *there]
    run(jobs, store, shown=shown)
    assert (shown.steps, shown.open) == (len(jobs), 0)
    assert sorted(shown.told) == ["job 1000", "job 301"]
