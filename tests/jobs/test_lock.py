"""One process works on a run at a time, and a dead one holds nothing: with real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from feint.errors import FeintError
from feint.jobs.lock import LOOK, POLL, Lock, holder

Hold = Callable[[], subprocess.Popen[str]]

# Not feint.lock's whole import: torch would take seconds in every child.
CHILD = """
import sys, types
from pathlib import Path
feint = types.ModuleType("feint")
feint.__path__ = [sys.argv[1]]
sys.modules["feint"] = feint
atomic, sealed = types.ModuleType("feint.io.atomic"), types.ModuleType("feint.io.sealed")
atomic.safe_join, sealed.parse = (lambda folder, name: folder / name), None
sys.modules |= {"feint.io.atomic": atomic, "feint.io.sealed": sealed}
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


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path: Path, hold: Hold) -> None:
    child = hold()
    with pytest.raises(FeintError, match=rf"worked on by process {child.pid} on .*--wait.*--out"):
        Lock(tmp_path).__enter__()
    assert f"process {child.pid} " in (holder(tmp_path) or "")
    child.communicate("")
    with Lock(tmp_path):
        pass


def test_another_can_wait_for_it(
    tmp_path: Path, hold: Hold, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    child = hold()
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 4:
            child.communicate("")

    monkeypatch.setattr(time, "sleep", sleep)
    with Lock(tmp_path, wait=True):
        assert f"process {os.getpid()} " in (tmp_path / "lock").read_text().replace(
            '"process": ', "process "
        ).replace(",", " ")
    assert waited == [LOOK, POLL, POLL, POLL]
    told = capsys.readouterr().err
    assert told.count("Waiting for process") == 1
    assert str(child.pid) in told


def test_a_killed_process_holds_nothing(tmp_path: Path, hold: Hold) -> None:
    child = hold()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert str(child.pid) in (tmp_path / "lock").read_text()  # it could not tidy up
    assert holder(tmp_path) is None
    with Lock(tmp_path):
        assert str(child.pid) not in (tmp_path / "lock").read_text()


def test_it_can_be_taken_again_by_who_holds_it(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    for _ in range(2):
        with lock:
            with lock, lock:
                pass
            with pytest.raises(FeintError, match=f"process {os.getpid()} "):
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
    hold()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Lock(tmp_path, wait=True).__enter__()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_who_only_looks_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Lock(tmp_path)
    looking.__enter__()
    monkeypatch.setattr(time, "sleep", lambda _: looking.__exit__())
    with Lock(tmp_path):
        pass


def test_nobody_holds_what_is_not_there(tmp_path: Path) -> None:
    assert holder(tmp_path / "nothing") is None
    assert not (tmp_path / "nothing").exists()
    assert holder(tmp_path) is None


def test_the_folder_is_created(tmp_path: Path) -> None:
    with Lock(tmp_path / "new" / "run"):
        assert [p.name for p in (tmp_path / "new" / "run").iterdir()] == ["lock"]


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "run" / "lock").mkdir(parents=True)
    for folder in (tmp_path / "file", tmp_path / "file" / "run", tmp_path / "run"):
        with pytest.raises(FeintError, match=r"Could not write into .*--out"):
            Lock(folder).__enter__()

    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(FeintError, match=r"Could not write into .*Permission denied"):
        Lock(tmp_path / "new").__enter__()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(FeintError, match="Could not write into"):
            Lock(tmp_path).__enter__()
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    "text", ["", "nothing", "[]", '{"process": 1}', "[" * 4000, "\x00" * 9000], ids=range(6)
)
def test_a_strange_note_in_the_lock_is_nobodys_name(tmp_path: Path, text: str) -> None:
    with Lock(tmp_path):
        (tmp_path / "lock").write_text(text)
        with pytest.raises(FeintError, match="worked on by another process"):
            Lock(tmp_path).__enter__()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(FeintError, match="is a link"):
        Lock(tmp_path / "run").__enter__()
    with pytest.raises(FeintError, match="is a link"):
        holder(tmp_path / "run")
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_pipe_in_its_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock")
    with Lock(tmp_path):
        assert holder(tmp_path) == "another process"
