"""A file is complete or absent; nothing is read or written outside its folder."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.errors import refused
from tests.io.examples import TENSORS

from feint.errors import DamagedError
from feint.io import atomic
from feint.io.atomic import atomic_write, read_bytes, safe_join, write_bytes, write_text
from feint.io.sealed import (
    read_json,
    read_metadata,
    read_tensors,
    write_tensors,
)


def content(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))  # noqa: PTH208 - hidden files too, as they are named


def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "a", []

    def fsync(handle: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(handle).st_mode), path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_bytes(path, b"content")
    assert synced == [(False, False), (True, True)]


def test_text_is_written_into_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    write_text(path, "Grüße\n")
    assert path.read_bytes() == "Grüße\n".encode()
    assert content(path.parent) == ["a.txt"]


def test_a_write_replaces_the_whole_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "a long old text")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert content(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError("bug"), KeyboardInterrupt()], ids=repr)
def test_a_write_that_fails_leaves_the_old_file_and_no_temporary(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text("half of the n")
            assert len(content(tmp_path)) == 2
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_text() == "old"
    assert content(tmp_path) == ["a.txt"]


def test_a_full_disk_is_an_error_that_leaves_the_old_tensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"epoch": 1})

    def full(name: Path, content: bytes) -> None:
        with name.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with refused("cannot-write", ["a.safetensors", "No space left"]):
        write_tensors(path, {"a": torch.zeros(3)}, {"epoch": 2})
    assert content(tmp_path) == ["a.safetensors"]
    assert read_tensors(path)[1] == {"epoch": 1}


def test_a_failed_rename_is_an_error_that_leaves_no_temporary(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with refused("cannot-write", ["folder"]):
        write_text(tmp_path / "folder", "text")
    assert content(tmp_path) == ["folder"]
    assert content(tmp_path / "folder") == []


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "text")
    with refused("cannot-write"):
        write_text(tmp_path / "file" / "a.txt", "text")
    assert (tmp_path / "file").read_text() == "text"


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with refused("unreadable-file"):
            read_json(path)
        with refused("unreadable-file"):
            read_tensors(path)


def test_a_file_larger_than_expected_is_refused_or_cut(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_bytes(path, b"12345")
    assert read_bytes(path, 5) == read_bytes(path) == b"12345"
    assert read_bytes(path, 4, cut=True) == b"1234"
    with refused("file-too-large", ["5 bytes", "at most 4"], error=DamagedError):
        read_bytes(path, 4)


def test_a_file_larger_than_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, None)
    monkeypatch.setattr(atomic, "free_memory", lambda: 100)
    with refused("file-too-large", error=DamagedError):
        read_tensors(path)


READERS: list[Callable[[Path], Any]] = [read_bytes, read_json, read_tensors, read_metadata]


@pytest.mark.parametrize("read", READERS)
def test_what_is_not_a_regular_file_is_refused_at_once(tmp_path: Path, read: Any) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/zero"), Path("/dev/null")):
        with refused("unreadable-file"):
            read(path)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc", "a/b", "a\\b", "a\0b"])
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    for names in ((name,), ("folder", name), (name, "file")):
        with refused("outside-folder"):
            safe_join(tmp_path, *names)


def test_links_inside_are_not_followed_and_a_link_to_the_folder_is(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "real")
    assert safe_join(tmp_path / "run", "a", "b.json") == tmp_path / "run" / "a" / "b.json"
    (tmp_path / "real" / "a").symlink_to("/")
    (tmp_path / "real" / "gone").symlink_to(tmp_path / "nothing")
    for names in (("a",), ("a", "etc"), ("gone",)):
        with refused("is-a-link"):
            safe_join(tmp_path / "run", *names)


def test_a_write_onto_a_link_replaces_the_link(tmp_path: Path) -> None:
    write_text(tmp_path / "kept", "kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "kept").read_text() == "kept"
    assert not (tmp_path / "link").is_symlink()
