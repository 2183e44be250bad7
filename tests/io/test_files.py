"""A file is whole or not there; a damaged one is an error that says so."""

import hashlib
import json
import math
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from feint.errors import DamagedError, FeintError
from feint.io import atomic
from feint.io import sealed as sealed_module
from feint.io.atomic import atomic_write, read_bytes, safe_join, write_bytes, write_text
from feint.io.memory import free_memory
from feint.io.sealed import (
    BLANK_CHECKSUM,
    CHECKSUM_PREFIX,
    DEPTH,
    add_checksum,
    has_checksum,
    header,
    pack,
    parse,
    read_json,
    read_metadata,
    read_tensors,
    unpack,
    write_json,
    write_tensors,
)

TENSORS = {
    "a": torch.arange(6.0).reshape(2, 3),
    "step": torch.tensor(7),
    "mask": torch.tensor([True, False]),
    "none": torch.zeros(0, 4),
    "double": torch.tensor([math.nan, math.inf, 1e-300], dtype=torch.float64),
}


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


def test_json_comes_back(tmp_path: Path) -> None:
    value = {"a": [1, 2.5, None, "κ"], "b": {"c": True}}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value


def test_tensors_come_back_bit_for_bit_with_what_is_said_about_them(tmp_path: Path) -> None:
    about = {"schema": 1, "loss": [0.1, 1 / 3]}
    write_tensors(tmp_path / "a.safetensors", TENSORS, about)
    tensors, told = read_tensors(tmp_path / "a.safetensors")
    assert told == about
    assert sorted(tensors) == sorted(TENSORS)
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert tensors[name].shape == tensor.shape
        assert tensors[name].numpy().tobytes() == tensor.numpy().tobytes()


def test_what_is_written_need_not_be_a_leaf_or_contiguous(tmp_path: Path) -> None:
    tensor = torch.arange(6.0).reshape(2, 3).requires_grad_().T * 2
    write_tensors(tmp_path / "a", {"t": tensor}, None)
    tensors, about = read_tensors(tmp_path / "a")
    assert about is None
    assert tensors["t"].tolist() == [[0, 6], [2, 8], [4, 10]]


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


def test_a_full_disk_is_told_and_leaves_the_old_tensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"epoch": 1})

    def full(name: Path, content: bytes) -> None:
        with name.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FeintError, match=r"Could not write .*a\.safetensors.*No space left"):
        write_tensors(path, {"a": torch.zeros(3)}, {"epoch": 2})
    assert content(tmp_path) == ["a.safetensors"]
    assert read_tensors(path)[1] == {"epoch": 1}


def test_a_failed_rename_is_told_and_leaves_no_temporary(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(FeintError, match=r"Could not write .*folder"):
        write_text(tmp_path / "folder", "text")
    assert content(tmp_path) == ["folder"]
    assert content(tmp_path / "folder") == []


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "text")
    with pytest.raises(FeintError, match="Could not write"):
        write_text(tmp_path / "file" / "a.txt", "text")
    assert (tmp_path / "file").read_text() == "text"


@pytest.mark.parametrize("value", [{"a": math.nan}, {"loss": [math.inf]}])
def test_json_has_no_nan(tmp_path: Path, value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", value)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_tensors(tmp_path / "a.safetensors", TENSORS, value)
    assert content(tmp_path) == []


def test_a_truncated_tensor_file_is_an_error_wherever_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"schema": 1})
    whole = path.read_bytes()
    for end in [*range(0, 40), len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:end])
        with pytest.raises(FeintError, match=r"Could not read .*a\.safetensors"):
            read_tensors(path)
    path.write_bytes(whole)
    read_tensors(path)


@pytest.mark.parametrize(
    "damage",
    [b"\xff" * 200, b"{}", bytes(200), json.dumps({"schema": 1}).encode()],
    ids=["ones", "braces", "zeros", "json"],
)
def test_what_is_no_tensor_file_is_an_error(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(damage)
    with pytest.raises(FeintError, match="Could not read"):
        read_tensors(path)


@pytest.mark.parametrize("metadata", [None, {"other": "1"}, {"about": "{half"}])
def test_a_tensor_file_of_somebody_else_is_an_error(tmp_path: Path, metadata) -> None:
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(FeintError, match="Expected a safetensors file written by feint"):
        read_tensors(path)


@pytest.mark.parametrize("text", [b"", b'{"a": 1', b"\xff\xfe\x00", b"nothing"])
def test_damaged_json_is_an_error(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(FeintError, match=r"Could not read .*a\.json"):
        read_json(path)


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(FeintError, match="Could not read"):
            read_json(path)
        with pytest.raises(FeintError, match="Could not read"):
            read_tensors(path)


# -- seals ----------------------------------------------------------------------------------

SEALED = add_checksum(b'{"checksum": "' + BLANK_CHECKSUM.encode() + b'", "a": 1}')
PACKED = pack(TENSORS, {"schema": 1})


def flipped(content: bytes, at: int, bits: int) -> bytes:
    return content[:at] + bytes([content[at] ^ bits]) + content[at + 1 :]


def test_a_seal_is_the_sha256_of_the_file_with_zeros_in_its_place() -> None:
    blank = b"before " + BLANK_CHECKSUM.encode() + b" after"
    told = hashlib.sha256(blank).hexdigest()
    assert add_checksum(blank) == f"before {CHECKSUM_PREFIX}{told} after".encode()


@given(st.binary(), st.binary())
def test_what_is_sealed_is_sealed(before: bytes, after: bytes) -> None:
    sealed = add_checksum(before + BLANK_CHECKSUM.encode() + after)
    assert has_checksum(sealed)
    assert not has_checksum(sealed + b"x")
    assert not has_checksum(b"x" + sealed)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_a_changed_byte_breaks_the_seal(at: int, bits: int) -> None:
    assert not has_checksum(flipped(SEALED, at, bits))


@pytest.mark.parametrize("content", [b"", b"nothing", 2 * BLANK_CHECKSUM.encode()])
def test_only_what_holds_one_place_for_a_seal_can_be_sealed(content: bytes) -> None:
    assert not has_checksum(content)
    with pytest.raises(ValueError, match="once"):
        add_checksum(content)


def test_many_marks_are_not_all_looked_at() -> None:
    assert not has_checksum(BLANK_CHECKSUM.encode() * 10**5)


@given(st.integers(0, len(PACKED) - 1), st.integers(1, 255))
def test_a_changed_byte_of_tensors_is_damage(at: int, bits: int) -> None:
    with pytest.raises(DamagedError, match="Could not read it"):
        unpack(flipped(PACKED, at, bits), "it")


@given(st.integers(0, len(PACKED) - 1))
def test_tensors_cut_off_anywhere_are_damage(end: int) -> None:
    with pytest.raises(DamagedError, match="Could not read it"):
        unpack(PACKED[:end], "it")


@given(st.data())
def test_a_changed_or_missing_byte_of_json_is_damage(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.json"
    write_json(path, {"a": [1, 2.5, None, "κ"], "b": {"c": True}})
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    for content in (flipped(whole, at, data.draw(st.integers(1, 255))), whole[:at]):
        path.write_bytes(content)
        with pytest.raises(DamagedError, match=r"Could not read .*changed\.json"):
            read_json(path)


def test_json_by_hand_needs_no_seal_where_none_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    assert read_json(path, sealed=False) == {"a": 1}
    with pytest.raises(DamagedError, match="checksum"):
        read_json(path)
    path.write_text(f'{{"a": 1, "checksum": "{BLANK_CHECKSUM}"}}')  # but a wrong one is no good
    with pytest.raises(DamagedError, match="checksum"):
        read_json(path, sealed=False)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_what_somebody_else_sealed_is_read_or_refused(before: bytes, after: bytes) -> None:
    content = add_checksum(before + BLANK_CHECKSUM.encode() + after)
    with pytest.raises(DamagedError):
        unpack(content, "it")


PLACE = PACKED.index(CHECKSUM_PREFIX.encode())


@given(st.integers(0, len(PACKED) - 1), st.binary(min_size=1, max_size=4))
def test_what_was_altered_and_sealed_again_is_read_or_refused(at: int, other: bytes) -> None:
    blank = PACKED[:PLACE] + BLANK_CHECKSUM.encode() + PACKED[PLACE + len(BLANK_CHECKSUM) :]
    altered = blank[:at] + other + blank[at + len(other) :]
    if altered.count(BLANK_CHECKSUM.encode()) != 1:
        return
    try:
        tensors, _ = unpack(add_checksum(altered), "it")
    except DamagedError:
        return
    assert sum(t.nbytes for t in tensors.values()) <= len(PACKED)


# -- what is told ---------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(JSON)
def test_what_json_says_comes_back(value: Any) -> None:
    assert parse(json.dumps(value)) == value


@given(st.text(alphabet='[]{}",:0123456789eE.-+aNInfity \\') | st.binary())
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    try:
        value = parse(text)
    except ValueError:
        return
    assert json.loads(text) == value


def test_json_is_nested_so_deep_and_no_deeper() -> None:
    parse("[" * DEPTH + "]" * DEPTH)
    for deep in (DEPTH + 1, 900, 10**5):
        with pytest.raises(ValueError, match="nested"):
            parse("[" * (deep + 1) + "]" * (deep + 1))


@pytest.mark.parametrize("word", ["NaN", "Infinity", "[-Infinity]"])
def test_json_knows_no_such_number(word: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        parse(word)


def test_what_is_told_is_read_without_the_tensors(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"told": "κ"})
    assert read_metadata(path) == header(path.read_bytes()) == {"told": "κ"}
    path.write_bytes(path.read_bytes()[:-20])  # its end is not looked at
    assert read_metadata(path) == {"told": "κ"}
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(DamagedError, match="Could not read"):
        read_metadata(path)


def test_too_much_to_tell_is_an_error_when_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_module, "HEADER_LIMIT", 400)
    assert unpack(pack({}, "a" * 100), "it")[1] == "a" * 100
    with pytest.raises(FeintError, match=r"tells .* bytes .*sequences_per_job"):
        pack({}, "a" * 400)


def test_two_names_of_one_tensor_both_come_back() -> None:
    one = torch.arange(4.0)
    tensors, _ = unpack(pack({"a": one, "b": one, "c": one[1:]}, None), "it")
    assert {name: t.tolist() for name, t in tensors.items()} == {
        "a": [0, 1, 2, 3], "b": [0, 1, 2, 3], "c": [1, 2, 3],
    }  # fmt: skip


# -- which files ----------------------------------------------------------------------------


def test_a_file_larger_than_expected_is_refused_or_cut(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_bytes(path, b"12345")
    assert read_bytes(path, 5) == read_bytes(path) == b"12345"
    assert read_bytes(path, 4, cut=True) == b"1234"
    with pytest.raises(DamagedError, match="has 5 bytes, expected at most 4"):
        read_bytes(path, 4)


def test_a_file_larger_than_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, None)
    monkeypatch.setattr(atomic, "free_memory", lambda: 100)
    with pytest.raises(DamagedError, match="too little memory"):
        read_tensors(path)


def test_free_memory_is_less_than_there_is() -> None:
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 2**20 < free_memory() <= there


READERS: list[Callable[[Path], Any]] = [read_bytes, read_json, read_tensors, read_metadata]


@pytest.mark.parametrize("read", READERS)
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, read: Any) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(FeintError, match="Could not read"):
            read(path)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc", "a/b", "a\\b", "a\0b"])
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    for names in ((name,), ("folder", name), (name, "file")):
        with pytest.raises(FeintError, match="outside of it"):
            safe_join(tmp_path, *names)


def test_links_inside_are_not_followed_and_a_link_to_the_folder_is(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "real")
    assert safe_join(tmp_path / "run", "a", "b.json") == tmp_path / "run" / "a" / "b.json"
    (tmp_path / "real" / "a").symlink_to("/")
    (tmp_path / "real" / "gone").symlink_to(tmp_path / "nothing")
    for names in (("a",), ("a", "etc"), ("gone",)):
        with pytest.raises(FeintError, match="is a link"):
            safe_join(tmp_path / "run", *names)


def test_a_write_onto_a_link_replaces_the_link(tmp_path: Path) -> None:
    write_text(tmp_path / "kept", "kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "kept").read_text() == "kept"
    assert not (tmp_path / "link").is_symlink()
