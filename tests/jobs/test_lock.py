"""One process works on a run at a time, and a dead one holds nothing: with real processes."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.errors import refused

from feint.errors import FeintError
from feint.jobs.lock import GRACE, Lock, holder

Hold = Callable[[], subprocess.Popen[str]]

# Not feint.lock's whole import: torch would take seconds in every child.
CHILD = """
import sys, types
from pathlib import Path
feint = types.ModuleType("feint")
feint.__path__ = [sys.argv[1]]
sys.modules["feint"] = feint
atomic = types.ModuleType("feint.io.atomic")
atomic.safe_join = lambda folder, name: folder / name
sys.modules["feint.io.atomic"] = atomic
from feint.jobs.lock import Lock
with Lock(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    """Another process that takes the lock, and holds it until its stdin is closed."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        import feint

        home = str(Path(feint.__file__).parent)
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, home, str(tmp_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def test_a_second_process_is_refused_and_the_holder_named(tmp_path: Path, hold: Hold) -> None:
    child = hold()
    with refused("run-in-use", names=(f"process {child.pid} on ", "--wait", "--out")):
        Lock(tmp_path).__enter__()
    assert f"process {child.pid} " in (holder(tmp_path) or "")
    child.communicate("")
    with Lock(tmp_path):
        pass


def test_another_can_wait_for_it(
    tmp_path: Path, hold: Hold, capsys: pytest.CaptureFixture[str]
) -> None:
    child = hold()
    done = threading.Timer(0.7, child.communicate, [""])  # longer than the grace, twice
    done.start()
    with Lock(tmp_path, wait=True):
        assert json.loads((tmp_path / "lock.json").read_text())["process"] == os.getpid()
    done.join()
    waiting = capsys.readouterr().err
    assert waiting.count(str(child.pid)) == 1


def test_a_killed_process_holds_nothing(tmp_path: Path, hold: Hold) -> None:
    child = hold()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert str(child.pid) in (tmp_path / "lock.json").read_text()  # it could not tidy up
    assert holder(tmp_path) is None
    with Lock(tmp_path):
        assert str(child.pid) not in (tmp_path / "lock.json").read_text()


def test_it_can_be_taken_again_by_who_holds_it(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    for _ in range(2):
        with lock:
            with lock, lock:
                pass
            with refused("run-in-use", names=(f"process {os.getpid()} ",)):
                Lock(tmp_path).__enter__()
        with Lock(tmp_path):
            pass


def test_an_error_inside_lets_go_of_it(tmp_path: Path) -> None:
    for error in (RuntimeError("bug"), KeyboardInterrupt()):
        with pytest.raises(type(error)), Lock(tmp_path):
            raise error
        assert holder(tmp_path) is None


def test_being_interrupted_while_waiting_leaves_nothing_held(
    tmp_path: Path, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = hold()
    waiting = Lock(tmp_path, wait=True)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("feint.jobs.lock.console.print", interrupted)
    with pytest.raises(KeyboardInterrupt):
        waiting.__enter__()
    child.communicate("")
    assert holder(tmp_path) is None


def test_holder_keeps_nobody_out(tmp_path: Path) -> None:
    """It holds the lock for a moment; a lock that is taken meanwhile tries again."""
    looking = Lock(tmp_path)
    looking.__enter__()
    threading.Timer(GRACE / 4, looking.__exit__).start()
    with Lock(tmp_path):
        pass


def test_nobody_holds_what_is_not_there(tmp_path: Path) -> None:
    assert holder(tmp_path / "nothing") is None
    assert not (tmp_path / "nothing").exists()
    assert holder(tmp_path) is None


def test_the_folder_is_created(tmp_path: Path) -> None:
    with Lock(tmp_path / "new" / "run"):
        assert {p.name for p in (tmp_path / "new" / "run").iterdir()} == {"lock", "lock.json"}
    assert [p.name for p in (tmp_path / "new" / "run").iterdir()] == ["lock"]


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "run" / "lock").mkdir(parents=True)
    for folder in (tmp_path / "file", tmp_path / "file" / "run", tmp_path / "run"):
        with refused("not-writable", names=(folder, "--out")):
            Lock(folder).__enter__()

    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with refused("not-writable", names=("Permission denied",)):
        Lock(tmp_path / "new").__enter__()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with refused("not-writable"):
            Lock(tmp_path).__enter__()
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    "text", ["", "nothing", "[]", '{"process": 1}', "[" * 4000, "\x00" * 9000], ids=range(6)
)
def test_a_strange_note_in_the_lock_is_nobodys_name(tmp_path: Path, text: str) -> None:
    with Lock(tmp_path):
        (tmp_path / "lock.json").write_text(text)
        with refused("run-in-use", names=("another process",)):
            Lock(tmp_path).__enter__()


@pytest.mark.parametrize("name", ["lock", "lock.json"])
def test_a_link_in_its_place_is_not_followed(tmp_path: Path, name: str) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).symlink_to(tmp_path / "precious")
    with pytest.raises(FeintError, match="is a link"):
        Lock(tmp_path / "run").__enter__()
    if name == "lock":
        with pytest.raises(FeintError, match="is a link"):
            holder(tmp_path / "run")
    assert (tmp_path / "precious").read_text() == "precious"


def test_pipes_in_their_place_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock")
    os.mkfifo(tmp_path / "lock.json")
    with Lock(tmp_path):
        assert holder(tmp_path) == "another process"
