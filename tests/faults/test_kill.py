"""SIGKILL at seeded points of every phase; what is resumed equals an undisturbed run."""

import random
import shutil
import signal

import pytest
from tests.faults.conftest import POINTS


def points(counts: dict[str, int], phase: str, streams: tuple[str, ...]) -> list[dict[str, object]]:
    """Seeded moments, spread over the streams."""
    draw = random.Random(f"{phase} {streams}")
    found = []
    for i in range(POINTS):
        stream = streams[i % len(streams)]
        at = draw.randint(1, counts[f"{phase}.{stream}"])
        found.append({"phase": phase, "stream": stream, "at": at})
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "phase, streams",
    [
        ("train", ("step", "file")),
        ("attack", ("step", "file")),
        ("train", ("write",)),
        ("attack", ("write",)),
        ("score", ("write", "file")),
        ("collect", ("file", "write")),
    ],
)
def test_a_killed_run_goes_on_and_ends_the_same(nursery, whole, tmp_path, phase, streams):
    for i, die in enumerate(points(whole.counts, phase, streams)):
        folder = tmp_path / str(i)
        if phase in ("score", "collect"):  # what comes before is not what is tested
            whole.copy(folder)
            for table in ("rows.parquet", "nulls.parquet"):
                (folder / table).unlink()
            if phase == "score":
                for key, (_, about) in whole.results.items():
                    if about["kind"] in ("score", "nulls"):
                        (folder / "jobs" / key[:2] / f"{key}.safetensors").unlink()
        told = nursery(folder, die=die)
        assert told["status"] == signal.SIGKILL, (die, told)
        if phase in ("train", "attack", "score"):
            assert not (folder / "rows.parquet").exists()
        told = nursery(folder)
        assert (told["status"], told["error"]) == (0, None), (die, told)
        whole.check(folder)
        shutil.rmtree(folder)


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_gets_there(nursery, whole, tmp_path):
    """Every time it is killed a little later; nothing finished is ever done again."""
    draw, kills, done = random.Random(7), 0, -1
    for _ in range(200):
        phase = draw.choice(("train", "attack", "score", "collect"))
        stream = draw.choice(("step", "file", "write"))
        die = {"phase": phase, "stream": stream, "at": draw.randint(1, 12)}
        told = nursery(tmp_path, die=die)
        finished = len(list((tmp_path / "jobs").rglob("*.safetensors")))
        assert finished >= done
        done = finished
        if told["status"] == 0:
            assert told["error"] is None
            if (tmp_path / "rows.parquet").exists() and kills >= POINTS:
                break
        else:
            assert told["status"] == signal.SIGKILL
            kills += 1
    told = nursery(tmp_path)
    assert told["error"] is None
    whole.check(tmp_path)
