"""A full disk, a folder that cannot be written, a byte that flipped."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.conftest import POINTS


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of our own, to be filled."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs Linux and root")
    place = tmp_path / "disk"
    place.mkdir()
    done = mount("tmpfs", place, "size=16m", "-t", "tmpfs")
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.decode()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def mount(what: str, place: Path, options: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = ["mount", *words, "-o", options, what, str(place)]
    return subprocess.run(command, capture_output=True, check=False)


def remount(place: Path, options: str) -> None:
    done = mount("tmpfs", place, f"remount,{options}")
    assert done.returncode == 0, done.stderr


def empty(folder: Path) -> None:
    subprocess.run(["rm", "-rf", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(nursery, whole, disk):
    needed = sum(p.stat().st_blocks * 512 for p in whole.folder.rglob("*") if p.is_file())
    draw = random.Random(0)
    for _ in range(POINTS):
        folder = disk / "run"
        size = draw.randint(16_384, int(needed * 0.9)) // 4096 * 4096
        remount(disk, f"size={size}")
        told = nursery(folder)
        assert told["status"] == 0
        assert "No space left on device" in told["error"], (size, told)
        assert "Traceback" not in told["error"]
        assert list(folder.rglob("*.part")) == []
        remount(disk, "size=16m")
        told = nursery(folder)
        assert (told["status"], told["error"]) == (0, None), (size, told)
        assert told["n_quarantined"] == 0  # nothing half-written was there to be found
        whole.check(folder)
        empty(folder)


@pytest.mark.slow
def test_a_read_only_folder_is_told_and_the_run_goes_on_when_it_is_not(nursery, whole, disk):
    draw = random.Random(1)
    for _ in range(POINTS):
        folder = disk / "run"
        phase = draw.choice(("train", "attack", "score"))
        at = draw.randint(1, whole.counts[f"{phase}.file"])
        told = nursery(folder, die={"phase": phase, "stream": "file", "at": at})
        assert told["status"] == signal.SIGKILL
        remount(disk, "ro")
        told = nursery(folder)
        assert told["status"] == 0
        assert "Read-only file system" in told["error"]
        remount(disk, "rw")
        told = nursery(folder)
        assert (told["status"], told["error"]) == (0, None)
        whole.check(folder)
        empty(folder)


def flip(path: Path, draw: random.Random) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    place = draw.randrange(len(content))
    content[place] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def files_of_every_kind(whole, folder: Path, draw: random.Random) -> list[Path]:
    """One file of each kind that a run writes, results by kind of job."""
    kinds: dict[str, list[str]] = {}
    for key, (_, about) in whole.results.items():
        kinds.setdefault(about["kind"], []).append(key)
    jobs = [draw.choice(sorted(keys)) for _, keys in sorted(kinds.items())]
    found = [folder / "jobs" / key[:2] / f"{key}.safetensors" for key in jobs]
    model = draw.choice(("tcn", "other"))
    others = ("run.json", "tolerance.json", "rows.parquet")
    beside = (folder / "models" / f"{model}.json", folder / "models" / f"{model}.safetensors")
    return [*found, *(folder / name for name in others), *beside]


@pytest.mark.slow
def test_a_flipped_bit_in_every_kind_of_file_is_found_and_mended(nursery, whole, tmp_path):
    draw = random.Random(2)
    for i in range(POINTS):
        folder = whole.copy(tmp_path / str(i))
        damaged = files_of_every_kind(whole, folder, draw)
        for path in damaged:
            flip(path, draw)
        told = nursery(folder)
        assert (told["status"], told["error"]) == (0, None), told
        # Results, run.json and the rows are set aside; what is only a copy is written anew.
        assert told["n_quarantined"] == len(damaged) - 3
        assert len(list((folder / "damaged").glob("*"))) == 2 * (len(damaged) - 3)
        whole.check(folder)
        for path in damaged:
            assert path.exists()
        empty(folder)


@pytest.mark.slow
def test_a_flipped_bit_in_a_checkpoint_starts_that_training_anew(nursery, whole, tmp_path):
    draw = random.Random(3)
    for i in range(POINTS):
        folder = tmp_path / str(i)
        steps = whole.counts["train.step"]
        die = {"phase": "train", "stream": "step", "at": draw.randint(steps // 3, steps // 2)}
        assert nursery(folder, die=die)["status"] == signal.SIGKILL
        (checkpoint,) = (folder / "checkpoints").glob("*.safetensors")
        flip(checkpoint, draw)
        told = nursery(folder)
        assert (told["status"], told["error"]) == (0, None), told
        assert [p.name for p in (folder / "damaged").glob("*.safetensors")] == [checkpoint.name]
        whole.check(folder)
        empty(folder)
