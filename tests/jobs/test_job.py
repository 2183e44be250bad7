"""A key covers everything a result depends on, and nothing else."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feint.experiments import tasks
from feint.io.hashing import KEY_LENGTH, digest
from feint.jobs import job as job_module
from feint.jobs.job import VERSIONS, Common, Job

VALUES = st.none() | st.booleans() | st.integers() | st.floats(-10, 10) | st.text(max_size=5)
SETTINGS = st.dictionaries(st.text("abc", min_size=1, max_size=2), VALUES, max_size=4)
NEEDS = st.dictionaries(st.sampled_from(["model", "targets"]), st.text("0f", max_size=3))


def job(
    kind: str = "attack", common: Any = None, own: Any = None, needs: Any = None, **rest: Any
) -> Job:
    return Job(kind, Common(**(common or {})), own or {}, needs or {}, **rest)


@given(SETTINGS, SETTINGS, NEEDS)
def test_the_order_of_settings_does_not_matter(common: Any, own: Any, needs: Any) -> None:
    def turned(table: dict[str, Any]) -> dict[str, Any]:
        return dict(reversed(table.items()))

    one = job(common=common, own=own, needs=needs)
    other = job(common=turned(common), own=turned(own), needs=turned(needs))
    assert one.key == other.key


@given(st.tuples(SETTINGS, SETTINGS, NEEDS), st.tuples(SETTINGS, SETTINGS, NEEDS))
def test_other_settings_have_another_key(one: Any, other: Any) -> None:
    told = [json.dumps(settings, sort_keys=True) for settings in (one, other)]
    keys = [job("attack", *settings).key for settings in (one, other)]
    assert (told[0] == told[1]) == (keys[0] == keys[1])


def test_every_part_of_a_job_is_in_its_key() -> None:
    jobs_ = [
        job(),
        job("noise"),
        job(common={"a": 1}),
        job(own={"a": 1}),
        job(needs={"a": "1"}),
        job(own={"a": 1.5}),
        job(own={"a": "1"}),
        job(own={"a": [1]}),
        job(own={"a": None}),
        job(own={"b": 1}),
    ]
    assert len({one.key for one in jobs_}) == len(jobs_)


def test_hints_and_names_are_not() -> None:
    one = job(own={"a": 1})
    assert replace(one, group="g", name="n", hints={"checkpoint_every": 3}).key == one.key


def test_a_new_version_of_a_kind_has_new_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    before = job("attack").key, job("noise").key
    monkeypatch.setitem(VERSIONS, "attack", VERSIONS["attack"] + 1)
    assert job("attack").key != before[0]
    assert job("noise").key == before[1]


def test_a_key_is_the_same_in_every_process() -> None:
    """The format of keys, pinned on purpose: the first 32 hexadecimal digits of the SHA-256 of

        [kind, version, digest of the shared settings, own settings, needs]

    as canonical JSON (`feint.io.hashing`: sorted keys, no spaces, ASCII, shortest floats).  Another
    format makes every run that exists start again.  To redo one kind, raise its VERSIONS instead.
    """
    one = job("mine", {"b": 0.1, "a": ["ü"]}, {"rows": (0, 2)}, {"model": "f" * 32})
    assert one.key == "f90067c68031e7e46adce600a3da2ef2"
    assert digest({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad808"
    assert re.fullmatch(f"[0-9a-f]{{{KEY_LENGTH}}}", one.key)


def test_a_tuple_is_a_list() -> None:
    assert job(own={"rows": (0, 2)}).key == job(own={"rows": [0, 2]}).key


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_json_cannot_say_has_no_key(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        job(own={"a": value}).key  # noqa: B018


def test_shared_settings_are_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    common, told = Common(a=list(range(5))), []
    monkeypatch.setattr(job_module, "digest", lambda value: told.append(value) or "d")
    assert len({Job("attack", common, {"i": i}).key for i in range(5)}) == 5
    assert told == [common.settings]


def test_a_job_says_what_it_is() -> None:
    one = job("attack", {"a": 1, "b": 2}, {"b": 3}, {"model": "k"}, group="g", name="n")
    assert one.describe() == {
        "kind": "attack",
        "key": one.key,
        "settings": {"a": 1, "b": 3},
        "needs": {"model": "k"},
        "group": "g",
        "name": "n",
    }


def test_every_kind_has_a_version_and_somebody_to_do_it() -> None:
    assert VERSIONS.keys() == tasks.TASKS.keys()
