"""A file is whole or not there; a damaged one is an error that says so."""

import json
import math
import os
from pathlib import Path

import pytest
import safetensors.torch
import torch

from feint.errors import FeintError
from feint.files import read_json, read_tensors, replacing, write_json, write_tensors, write_text

TENSORS = {
    "a": torch.arange(6.0).reshape(2, 3),
    "step": torch.tensor(7),
    "mask": torch.tensor([True, False]),
    "none": torch.zeros(0, 4),
    "double": torch.tensor([math.nan, math.inf, 1e-300], dtype=torch.float64),
}


def content(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))  # noqa: PTH208 - hidden files too, as they are named


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
        with replacing(path) as temporary:
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
