"""Where results come from."""

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
import torch

import feint
from feint.experiments import provenance
from feint.experiments.provenance import commit, processor, session, versions
from feint.io.sealed import read_json


def test_versions_are_those_of_the_libraries() -> None:
    told = versions()
    assert told["feint"] == feint.__version__
    assert told["torch"] == torch.__version__
    assert told["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"numpy", "polars", "safetensors"} < told.keys()


def test_a_library_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(provenance, "version", gone)
    assert versions()["polars"] == "not installed"


def test_a_session_says_when_where_and_with_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/feint", "run", "x.toml"])
    told = session("LocalEngine()", "train")
    assert (told["engine"], told["stage"]) == ("LocalEngine()", "train")
    assert told["command"] == ["feint", "run", "x.toml"]  # not where it is installed
    assert told["began"].endswith("Z")
    assert told["threads"] == torch.get_num_threads()
    assert told["versions"] == versions()
    json.dumps(told, allow_nan=False)


def test_the_processor_has_a_name_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processor()

    def gone(*_: Any) -> str:
        raise OSError

    monkeypatch.setattr(Path, "read_text", gone)
    assert processor()


def git(folder: Path, *words: str) -> str:
    me = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
    done = subprocess.run(
        ["git", "-C", str(folder), *me, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own, where feint seems to lie."""
    home = tmp_path / "src" / "feint"
    home.mkdir(parents=True)
    (home / "__init__.py").write_text("")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "all")
    monkeypatch.setattr(feint, "__file__", str(home / "__init__.py"))
    return home


def test_the_commit_is_that_of_feints_own_checkout(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    assert commit() == head
    (checkout.parent.parent / "elsewhere").write_text("of no matter")
    assert commit() == head
    (checkout / "new.py").write_text("")
    assert commit() == f"{head}+"


def test_a_feint_that_is_installed_has_no_commit_though_a_checkout_is_around_it(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = checkout.parent.parent / ".venv" / "feint"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    monkeypatch.setattr(feint, "__file__", str(installed / "__init__.py"))
    assert commit() is None


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert commit() is None


def test_a_run_remembers_every_session(tiny: Any, tmp_path: Path) -> None:
    folder = tiny.copy(tmp_path)
    before = read_json(folder / "run.json")["sessions"]
    tiny.run(folder).train()
    tiny.run(folder).attack()
    told = read_json(folder / "run.json")
    assert told["sessions"][: len(before)] == before
    assert [one["stage"] for one in told["sessions"][len(before) :]] == ["train", "attack"]
    assert {one["engine"] for one in told["sessions"]} == {"LocalEngine()"}
    assert told["versions"] == versions()
