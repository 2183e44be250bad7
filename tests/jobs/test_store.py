"""Results are found under their keys, whole, or set aside."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.errors import refused

from feint.errors import DamagedError, FeintError
from feint.io.atomic import write_bytes
from feint.io.sealed import pack, read_json
from feint.jobs import store
from feint.jobs.job import Common, Job
from feint.jobs.store import SCHEMA, Store, result

ONE, OTHER = (Job("mine", Common(), {"i": i}, name=f"job {i}") for i in range(2))
TENSORS = {"a": torch.arange(3.0)}


@pytest.fixture
def kept(tmp_path: Path) -> Store:
    """A store with one result."""
    made = Store(tmp_path)
    made.put(ONE.key, result(ONE, TENSORS, {"told": 1}))
    return made


def said(job: Job, **other: Any) -> bytes:
    """A result that says something else of itself."""
    return pack(TENSORS, {"schema": SCHEMA, **job.describe(), **other})


def test_what_is_put_is_there_and_comes_back(kept: Store) -> None:
    assert kept.has(ONE.key)
    assert list(kept) == [ONE.key]
    tensors, about = kept.read(ONE.key)
    assert tensors["a"].tolist() == [0, 1, 2]
    assert about == kept.about(ONE.key) == {"schema": SCHEMA, **ONE.describe(), "told": 1}
    assert kept.get(ONE.key) == kept.path(ONE.key).read_bytes()


def test_it_lies_under_two_digits_of_its_key(kept: Store, tmp_path: Path) -> None:
    path = tmp_path / "jobs" / ONE.key[:2] / f"{ONE.key}.safetensors"
    assert kept.path(ONE.key) == path
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]


def test_what_was_not_put_is_not_there(kept: Store) -> None:
    assert not kept.has(OTHER.key)
    for ask in (kept.get, kept.read):
        with refused("not-finished", names=("feint run",)):
            ask(OTHER.key)
    assert kept.n_quarantined == 0


def test_a_store_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    empty = Store(tmp_path / "run")
    assert (list(empty), empty.has(ONE.key), empty.check()) == ([], False, True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "key", ["../x", "", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "../" + "a" * 29, "a" * 32 + "\n"]
)
def test_a_key_that_is_none_is_refused(kept: Store, key: str) -> None:
    for ask in (kept.path, kept.get, kept.read, kept.about):
        with refused("bad-job-key", names=("32 hexadecimal digits",)):
            ask(key)
    with refused("bad-job-key"):
        kept.put(key, said(ONE))


BAD: dict[str, tuple[bytes, str, object]] = {
    "another job's": (said(OTHER), "damaged-file", OTHER.key),
    "of an older schema": (said(ONE, schema=0), "schema-mismatch", "schema 0"),
    "of a newer schema": (said(ONE, schema=2), "schema-mismatch", "schema 2"),
    "without a schema": (pack(TENSORS, ONE.describe()), "damaged-file", ""),
    "a model's": (pack(TENSORS, {"schema": True, "model": "TCN"}), "schema-mismatch", "True"),
    "a list": (pack(TENSORS, [1]), "damaged-file", ""),
    "of no kind": (said(ONE, kind=None), "damaged-file", "kind"),
    "with needs that are none": (said(ONE, needs={"model": 3}), "damaged-file", "needs"),
    "with settings that are none": (said(ONE, settings=[]), "damaged-file", "settings"),
    "cut off": (said(ONE)[:-1], "damaged-file", ""),
    "empty": (b"", "damaged-file", ""),
}


@pytest.mark.parametrize("content, code, fact", BAD.values(), ids=BAD)
def test_a_result_that_is_not_its_own_is_quarantined(
    kept: Store, capsys: pytest.CaptureFixture[str], content: bytes, code: str, fact: object
) -> None:
    for times in (1, 2, 3):
        write_bytes(kept.path(ONE.key), content)
        with refused(code, names=(fact, ONE.key), error=DamagedError):
            kept.read(ONE.key)
        assert not kept.has(ONE.key)
        assert kept.n_quarantined == times
    assert "Damaged" in capsys.readouterr().err
    name = f"{ONE.key}.safetensors"
    aside = kept.folder / "damaged"
    every = [name, f"{name}.1", f"{name}.2"]
    assert {p.name for p in aside.iterdir()} == {*every, *(f"{one}.json" for one in every)}
    for one in every:
        assert (aside / one).read_bytes() == content
        assert ONE.key in read_json(aside / f"{one}.json")["why"]
    with refused("not-finished"):
        kept.get(ONE.key)
    kept.put(ONE.key, said(ONE))
    kept.get(ONE.key)


def test_what_cannot_be_quarantined_is_an_error(kept: Store) -> None:
    (kept.folder / "damaged").write_text("in the way")
    kept.path(ONE.key).write_bytes(b"damage")
    with refused("not-writable"):
        kept.get(ONE.key)


@pytest.mark.parametrize("which", ["jobs", "jobs/xx", "jobs/xx/key.safetensors", "damaged"])
def test_links_are_not_followed(kept: Store, tmp_path_factory: Any, which: str) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    path = kept.path(ONE.key)
    place = kept.folder / which.replace("xx", ONE.key[:2]).replace("key", ONE.key)
    if which == "damaged":
        path.write_bytes(b"damage")
    else:
        shutil.move(place, elsewhere / "real")
    place.symlink_to(elsewhere / ("real" if which != "damaged" else ""))
    before = sorted(elsewhere.rglob("*"))
    for ask in (kept.get, kept.read):
        with pytest.raises(FeintError, match="is a link"):
            ask(ONE.key)
    if which != "damaged":
        with pytest.raises(FeintError, match="is a link"):
            kept.put(ONE.key, said(ONE))
        with pytest.raises(FeintError, match="is a link"):
            kept.about(ONE.key)
    assert sorted(elsewhere.rglob("*")) == before


def test_a_pipe_in_its_place_does_not_hang(kept: Store) -> None:
    kept.path(ONE.key).unlink()
    os.mkfifo(kept.path(ONE.key))
    with pytest.raises(FeintError, match="not a regular file"):
        kept.get(ONE.key)
    assert list(kept) == []
    assert kept.check()


# -- looking at all -------------------------------------------------------------------------


def test_a_check_sets_aside_what_is_damaged_and_nothing_else(kept: Store) -> None:
    kept.put(OTHER.key, result(OTHER, TENSORS, {}))
    path = kept.path(OTHER.key)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"?")
    assert kept.check()
    assert (list(kept), kept.n_quarantined) == ([ONE.key], 1)


def test_a_check_sweeps_up_what_was_half_written(kept: Store) -> None:
    left = kept.path(ONE.key).with_name(f".{ONE.key}.safetensors.x1.part")
    left.write_bytes(b"half")
    assert list(kept) == [ONE.key]
    assert kept.check()
    assert not left.exists()
    assert kept.n_quarantined == 0


def test_a_check_stops_at_its_limit(kept: Store) -> None:
    kept.put(OTHER.key, result(OTHER, TENSORS, {}))
    size = kept.path(ONE.key).stat().st_size
    for key in kept:
        kept.path(key).write_bytes(b"x" * size)
    assert not kept.check(size)
    assert (len(list(kept)), kept.n_quarantined) == (1, 1)
    assert kept.check(None)
    assert list(kept) == []


@pytest.mark.parametrize(
    "name",
    [
        "xx/note.txt",
        "xx/key.json",
        "xx/key.safetensors.1",
        "zz/key.safetensors",
        "xx/" + "0" * 32 + ".safetensors",
    ],
)
def test_strange_names_are_no_results(kept: Store, name: str) -> None:
    strange = name.replace("xx", ONE.key[:2]).replace("key", ONE.key)
    path = kept.folder / "jobs" / strange
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"strange")
    (kept.folder / "jobs" / "note.txt").write_text("of nobody's")
    (kept.folder / "jobs" / ONE.key[:2] / "folder").mkdir()
    assert list(kept) == [ONE.key]
    assert kept.check()
    assert not path.exists()
    assert (kept.n_quarantined, kept.has(ONE.key)) == (1, True)


# -- failures -------------------------------------------------------------------------------


def test_a_failure_is_kept_until_the_job_is_done(kept: Store) -> None:
    assert kept.failure(OTHER.key) is None
    kept.fail(OTHER, "first reason", "where")
    kept.fail(OTHER, "second reason", "there")
    assert kept.failure(OTHER.key) == "second reason"
    told = read_json(kept.folder / "failed" / f"{OTHER.key}.json")
    assert (told["name"], told["detail"]) == ("job 1", "there")
    assert not kept.has(OTHER.key)
    kept.put(OTHER.key, result(OTHER, TENSORS, {}))
    assert kept.failure(OTHER.key) is None
    assert list((kept.folder / "failed").iterdir()) == []


@pytest.mark.parametrize("key", ["../x", "/etc/passwd"])
def test_a_failure_of_no_job_is_refused(kept: Store, key: str) -> None:
    with pytest.raises(FeintError):
        kept.failure(key)


def test_the_schema_is_what_this_file_says() -> None:
    """Results of another schema are done again: raise it only if they cannot be read."""
    assert store.SCHEMA == 1
