"""Checksummed files: what was written comes back, and anything else is refused."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.errors import refused
from tests.io.examples import TENSORS

from feint.errors import DamagedError
from feint.io import sealed as sealed_module
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


def test_json_comes_back(tmp_path: Path) -> None:
    value = {"a": [1, 2.5, None, "κ"], "b": {"c": True}}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value


def test_tensors_come_back_bit_for_bit_with_their_metadata(tmp_path: Path) -> None:
    about = {"schema": 1, "loss": [0.1, 1 / 3]}
    write_tensors(tmp_path / "a.safetensors", TENSORS, about)
    tensors, found = read_tensors(tmp_path / "a.safetensors")
    assert found == about
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


@pytest.mark.parametrize("value", [{"a": math.nan}, {"loss": [math.inf]}])
def test_json_has_no_nan(tmp_path: Path, value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", value)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_tensors(tmp_path / "a.safetensors", TENSORS, value)
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_tensor_file_is_an_error_wherever_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"schema": 1})
    whole = path.read_bytes()
    for end in [*range(0, 40), len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:end])
        with refused("damaged-file", ["a.safetensors"], DamagedError):
            read_tensors(path)
    path.write_bytes(whole)
    read_tensors(path)


@pytest.mark.parametrize(
    "damage",
    [b"\xff" * 200, b"{}", bytes(200), json.dumps({"schema": 1}).encode()],
    ids=["ones", "braces", "zeros", "json"],
)
def test_anything_but_a_tensor_file_is_an_error(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(damage)
    with refused("damaged-file", error=DamagedError):
        read_tensors(path)


@pytest.mark.parametrize("metadata", [None, {"other": "1"}, {"about": "{half"}])
def test_a_tensor_file_of_somebody_else_is_an_error(tmp_path: Path, metadata) -> None:
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(2)}, path, metadata=metadata)
    with refused("damaged-file"):
        read_tensors(path)


@pytest.mark.parametrize("text", [b"", b'{"a": 1', b"\xff\xfe\x00", b"nothing"])
def test_damaged_json_is_an_error(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with refused("damaged-file", ["a.json"]):
        read_json(path)


SEALED = add_checksum(b'{"checksum": "' + BLANK_CHECKSUM.encode() + b'", "a": 1}')


PACKED = pack(TENSORS, {"schema": 1})


def flipped(content: bytes, at: int, bits: int) -> bytes:
    return content[:at] + bytes([content[at] ^ bits]) + content[at + 1 :]


def test_a_checksum_is_the_sha256_of_the_file_with_zeros_in_its_place() -> None:
    blank = b"before " + BLANK_CHECKSUM.encode() + b" after"
    found = hashlib.sha256(blank).hexdigest()
    assert add_checksum(blank) == f"before {CHECKSUM_PREFIX}{found} after".encode()


@given(st.binary(), st.binary())
def test_content_has_the_checksum_that_was_added(before: bytes, after: bytes) -> None:
    sealed = add_checksum(before + BLANK_CHECKSUM.encode() + after)
    assert has_checksum(sealed)
    assert not has_checksum(sealed + b"x")
    assert not has_checksum(b"x" + sealed)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_a_changed_byte_breaks_the_checksum(at: int, bits: int) -> None:
    assert not has_checksum(flipped(SEALED, at, bits))


@pytest.mark.parametrize("content", [b"", b"nothing", 2 * BLANK_CHECKSUM.encode()])
def test_only_content_with_one_place_for_a_checksum_gets_one(content: bytes) -> None:
    assert not has_checksum(content)
    with pytest.raises(ValueError, match="once"):
        add_checksum(content)


def test_many_marks_are_not_all_looked_at() -> None:
    assert not has_checksum(BLANK_CHECKSUM.encode() * 10**5)


@given(st.integers(0, len(PACKED) - 1), st.integers(1, 255))
def test_a_changed_byte_of_tensors_is_damage(at: int, bits: int) -> None:
    with refused("damaged-file", ["it"], error=DamagedError):
        unpack(flipped(PACKED, at, bits), "it")


@given(st.integers(0, len(PACKED) - 1))
def test_tensors_cut_off_anywhere_are_damage(end: int) -> None:
    with refused("damaged-file", ["it"], error=DamagedError):
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
        with refused("damaged-file", ["changed.json"], error=DamagedError):
            read_json(path)


def test_json_by_hand_needs_no_checksum_where_none_is_required(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    assert read_json(path, sealed=False) == {"a": 1}
    with refused("damaged-file", error=DamagedError):
        read_json(path)
    path.write_text(f'{{"a": 1, "checksum": "{BLANK_CHECKSUM}"}}')  # but a wrong one is no good
    with refused("damaged-file", error=DamagedError):
        read_json(path, sealed=False)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_what_somebody_else_gave_a_checksum_is_read_or_refused(before: bytes, after: bytes) -> None:
    content = add_checksum(before + BLANK_CHECKSUM.encode() + after)
    with pytest.raises(DamagedError):
        unpack(content, "it")


PLACE = PACKED.index(CHECKSUM_PREFIX.encode())


@given(st.integers(0, len(PACKED) - 1), st.binary(min_size=1, max_size=4))
def test_what_was_altered_with_a_new_checksum_is_read_or_refused(at: int, other: bytes) -> None:
    blank = PACKED[:PLACE] + BLANK_CHECKSUM.encode() + PACKED[PLACE + len(BLANK_CHECKSUM) :]
    altered = blank[:at] + other + blank[at + len(other) :]
    if altered.count(BLANK_CHECKSUM.encode()) != 1:
        return
    try:
        tensors, _ = unpack(add_checksum(altered), "it")
    except DamagedError:
        return
    assert sum(t.nbytes for t in tensors.values()) <= len(PACKED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(JSON)
def test_what_json_says_comes_back(value: Any) -> None:
    assert parse(json.dumps(value)) == value


@given(st.text(alphabet='[]{}",:0123456789eE.-+aNInfity \\') | st.binary())
def test_anything_but_json_is_a_value_error(text: str | bytes) -> None:
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
def test_json_has_no_such_number(word: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        parse(word)


def test_metadata_is_read_without_the_tensors(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, {"said": "κ"})
    assert read_metadata(path) == header(path.read_bytes()) == {"said": "κ"}
    path.write_bytes(path.read_bytes()[:-20])  # its end is not looked at
    assert read_metadata(path) == {"said": "κ"}
    path.write_bytes(path.read_bytes()[:20])
    with refused("damaged-file", error=DamagedError):
        read_metadata(path)


def test_too_much_metadata_is_an_error_when_it_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_module, "HEADER_LIMIT", 400)
    assert unpack(pack({}, "a" * 100), "it")[1] == "a" * 100
    with refused("file-too-large", ["sequences_per_job"]):
        pack({}, "a" * 400)


def test_two_names_of_one_tensor_both_come_back() -> None:
    one = torch.arange(4.0)
    tensors, _ = unpack(pack({"a": one, "b": one, "c": one[1:]}, None), "it")
    assert {name: t.tolist() for name, t in tensors.items()} == {
        "a": [0, 1, 2, 3], "b": [0, 1, 2, 3], "c": [1, 2, 3],
    }  # fmt: skip
